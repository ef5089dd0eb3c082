//! A script in which power cuts are decided when something reads what they did, as one in which each says at once what
//! it did.

use super::lives::{Cut, Nothing};
use super::replay::{Runs, with_fates};
use super::subject::Subject;
use crate::counterexample::Code;
use models::disk::Disk;
use models::disk::image::{Fates, Lost};
use models::profile::Profile;
use std::sync::Arc;

/// LIMIT: ways in which what nobody asked about is tried, for a script of many power cuts.
const WAYS: usize = 64;

/// The same breach, decided at once. Where that cannot be told, the script as it is.
pub(super) fn of<S: Subject>(runs: &Runs<'_, S>, profile: &Arc<Profile>, lazily: Code) -> Code {
    let ran = runs.of(profile, &lazily).run(&mut Nothing);
    // What nobody asked about is lost; what it held may be what a later life reads in lost space, so else it is kept.
    let ways = 1 << ran.cuts.len().min(WAYS.ilog2() as usize);
    for way in 0..ways {
        let undecided = |number: usize| way >> number & 1 == 1;
        let cuts = ran.cuts.iter().enumerate();
        let fates: Vec<Fates> = cuts
            .map(|(number, cut)| kept(cut, undecided(number)))
            .collect();
        let mut code = with_fates(&lazily, &fates);
        code.lazily = false;
        for life in &mut code.lives {
            life.asked.clear();
        }
        let tried = runs
            .of(profile, &code)
            .guided_by(&ran.cuts)
            .run(&mut Nothing);
        if tried.breach.is_some() {
            let fates: Vec<Fates> = tried.cuts.into_iter().map(|cut| cut.did).collect();
            return with_fates(&code, &fates);
        }
    }
    lazily
}

fn kept(cut: &Cut, undecided: bool) -> Fates {
    let fates = cut.fates.iter().enumerate();
    let kept = fates.filter_map(|(i, fate)| fate.unwrap_or(undecided).then_some(i));
    Fates {
        kept: kept.collect(),
        fills: Vec::new(),
    }
}

/// What a power cut does that keeps these: in lost space is what a life saw there, unless that was zeros.
pub(super) fn seen(disk: &Disk<u8>, kept: &[usize], profile: &Profile, like: &Cut) -> Fates {
    let mut fills = Vec::new();
    let kept = disk.kept_with(kept, profile);
    disk.crash_by(&kept, profile, |lost: &Lost<'_, u8>| {
        let path = lost.path();
        let seen = like.seen.iter().filter_map(|disk| {
            let file = disk.base().file(path.as_deref()?)?;
            file.get(lost.cells.clone())
        });
        let seen: Vec<&[u8]> = seen.collect();
        let fill = (1..lost.options.len()).find(|&fill| seen.contains(&lost.options[fill]));
        fills.push(fill.unwrap_or(0));
        fill.unwrap_or(0)
    });
    Fates { kept, fills }
}

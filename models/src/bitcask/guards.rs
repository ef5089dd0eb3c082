//! The inner invariants of Bitcask, each judged on the disk on which the step that it guards is about to be
//! taken. Those of the data files are the log's.

use super::Bitcask;
use super::memory::Memory;
use crate::cells::{Token, whole_table};
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Step, StepOf};
use crate::wal::STORE;
use crate::wal::segments::guards as of_files;

/// The inner invariants that guard this step, by number, and whether each holds.
pub(super) fn guards(
    bitcask: &Bitcask,
    step: &StepOf<Bitcask>,
    memory: &Memory,
    disk: &Disk<Token>,
    profile: &Profile,
) -> Vec<(u8, bool)> {
    let in_every_image = |holds: &dyn Fn(&Tree<Token>) -> bool| {
        let images = disk.crash_images(profile);
        images.iter().all(|(_, image)| holds(image.view()))
    };
    let recovered = |tree: &Tree<Token>| bitcask.recover(tree).ok().map(|plan| plan.memory);
    let Step::Call { call, site } = step else {
        let acknowledges = matches!(step, Step::Return { durable: true, .. });
        let serves = |tree: &Tree<Token>| {
            recovered(tree).is_some_and(|found| found.view().values == memory.view().values)
        };
        return match acknowledges {
            true => vec![(1, in_every_image(&serves))],
            false => Vec::new(),
        };
    };
    let inner = Step::call(site, call.clone());
    let mut all = of_files::guards(&bitcask.files, &inner, &memory.files, disk, profile);
    match *site {
        "merge: directory barrier" => all.push((6, in_every_image(&all_whole))),
        "truncate: write" => {
            let hi = memory.files.segments.last().map_or(0, |active| active - 1);
            let holds = |tree: &Tree<Token>| recovered(tree).is_some_and(|it| it.floor() >= hi);
            let hinted = |tree: &Tree<Token>| recovered(tree).is_some_and(|it| it.hint.is_some());
            all.push((7, in_every_image(&holds)));
            // Where a crash came between the two, it may have taken the hint.
            if memory.hint.is_some() {
                all.push((8, in_every_image(&hinted)));
            }
        }
        _ => {}
    }
    all
}

/// Whether each merged file that has its final name is whole.
fn all_whole(tree: &Tree<Token>) -> bool {
    let names = tree.list(STORE).unwrap_or_default();
    let merged = names.iter().filter(|name| name.ends_with(".merged"));
    merged
        .filter_map(|name| tree.file(&format!("{STORE}/{name}")))
        .all(|cells| whole_table(cells).is_some())
}

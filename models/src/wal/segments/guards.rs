//! The inner invariants of the log in segments, each judged on the disk on which the step that it guards
//! is about to be taken.

use super::Segments;
use super::memory::Memory;
use super::recovery::read;
use crate::cells::Token;
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Step, StepOf};
use crate::wal::STORE;

/// The inner invariants that guard this step, by number, and whether each holds.
pub(crate) fn guards(
    segments: &Segments,
    step: &StepOf<Segments>,
    memory: &Memory,
    disk: &Disk<Token>,
    profile: &Profile,
) -> Vec<(u8, bool)> {
    let in_every_image = |holds: &dyn Fn(&Memory) -> bool| {
        let recovered = |tree: &Tree<Token>| Some(read(segments, tree).ok()?.memory);
        let images = disk.crash_images(profile);
        let mut images = images.iter();
        images.all(|(_, image)| recovered(image.view()).is_some_and(|found| holds(&found)))
    };
    let newest = memory.log.index;
    let Step::Call { site, .. } = step else {
        let acknowledges = matches!(step, Step::Return { durable: true, .. });
        let serves = |found: &Memory| found.view().values == memory.view().values;
        return match acknowledges {
            true => vec![(1, in_every_image(&serves))],
            false => Vec::new(),
        };
    };
    match *site {
        "init: directory barrier" | "rotate: directory barrier" => {
            let images = disk.crash_images(profile);
            let mut images = images.iter();
            // What was truncated and comes back is not read.
            let oldest = memory.segments.first().copied().unwrap_or(1);
            let holds = images.all(|(_, image)| all_have_headers(image.view(), oldest));
            vec![(2, holds)]
        }
        "append: write" | "truncate: write" if !memory.log.first => {
            let generation = memory.log.generation;
            let begun = |found: &Memory| found.log.generation > generation;
            vec![(3, in_every_image(&begun))]
        }
        "rotate: rename" => vec![(4, in_every_image(&|found| found.log.index >= newest))],
        "truncate: remove" => {
            let point = memory.point();
            vec![(5, in_every_image(&|found| found.point() >= point))]
        }
        _ => Vec::new(),
    }
}

fn all_have_headers(tree: &Tree<Token>, oldest: u64) -> bool {
    let names = tree.list(STORE).unwrap_or_default();
    let counts = |name: &str| {
        let first = name
            .strip_suffix(".log")
            .and_then(|first| first.parse().ok());
        first.is_some_and(|first: u64| first >= oldest)
    };
    let segments = names.iter().filter(|name| counts(name));
    segments
        .filter_map(|name| tree.file(&format!("{STORE}/{name}")))
        .all(|cells| cells.first() == Some(&Token::Header))
}

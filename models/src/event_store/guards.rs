//! The inner invariants of the event store, each judged on the disk on which the step that it guards is about
//! to be taken.

use super::memory::Memory;
use super::{EventStore, SNAPSHOT};
use crate::cells::{Token, whole_table};
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Step, StepOf};
use crate::wal::LOG;
use crate::wal::record::parse;

/// The inner invariants that guard this step, by number, and whether each holds.
pub(super) fn guards(
    store: &EventStore,
    step: &StepOf<EventStore>,
    memory: &Memory,
    disk: &Disk<Token>,
    profile: &Profile,
) -> Vec<(u8, bool)> {
    let in_every_image = |holds: &dyn Fn(&Tree<Token>) -> bool| {
        let images = disk.crash_images(profile);
        images.iter().all(|(_, image)| holds(image.view()))
    };
    let recovered = |tree: &Tree<Token>| store.recover(tree).ok().map(|plan| plan.memory);
    let saved = |tree: &Tree<Token>| {
        let place = |memory: &Memory| memory.snapshot.as_ref().map_or(0, |it| it.hi);
        recovered(tree).is_some_and(|found| place(&found) >= place(memory))
    };
    let shown = |tree: &Tree<Token>| {
        let shown = memory.log.records.iter();
        let mut shown = shown.filter(|record| record.index <= store.shown(memory));
        recovered(tree).is_some_and(|found| shown.all(|it| found.log.records.contains(it)))
    };
    match step {
        Step::Return { durable: true, .. } => {
            let serves = |tree: &Tree<Token>| {
                recovered(tree).is_some_and(|found| found.view().values == memory.view().values)
            };
            let (serves, saved) = (in_every_image(&serves), in_every_image(&saved));
            vec![(1, serves), (5, saved), (6, in_every_image(&shown))]
        }
        Step::Return { durable: false, .. } | Step::Serve => vec![(6, in_every_image(&shown))],
        Step::Call { site, .. } => match *site {
            "init: directory barrier" => {
                let has_header = |tree: &Tree<Token>| {
                    tree.file(LOG).is_none_or(|cells| cells == [Token::Header])
                };
                vec![(2, in_every_image(&has_header))]
            }
            "append: write" if !memory.log.first => {
                let generation = memory.log.generation;
                let begun = |tree: &Tree<Token>| {
                    let cells = tree.file(LOG).unwrap_or_default();
                    let parsed = parse(cells, store.log.variant, None);
                    let mut records = parsed.records.iter();
                    records.any(|record| record.generation == generation)
                };
                vec![(3, in_every_image(&begun))]
            }
            // The one before it is there until this one is.
            "snapshot: barrier" => vec![(5, in_every_image(&saved))],
            "snapshot: directory barrier" => {
                let is_whole = |tree: &Tree<Token>| {
                    tree.file(SNAPSHOT)
                        .is_none_or(|cells| whole_table(cells).is_some())
                };
                vec![(4, in_every_image(&is_whole)), (5, in_every_image(&saved))]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

//! The inner invariants of the LSM tree, each judged on the disk on which the step that it guards is
//! about to be taken.

use super::Lsm;
use super::memory::Memory;
use super::recovery::live_tables;
use crate::cells::{Token, whole_table};
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Step, StepOf};
use crate::wal::record::parse;

/// The inner invariants that guard this step, by number, and whether each holds.
pub(super) fn guards(
    lsm: &Lsm,
    step: &StepOf<Lsm>,
    memory: &Memory,
    disk: &Disk<Token>,
    profile: &Profile,
) -> Vec<(u8, bool)> {
    let in_every_image = |holds: &dyn Fn(&Tree<Token>) -> bool| {
        let images = disk.crash_images(profile);
        images.iter().all(|(_, image)| holds(image.view()))
    };
    let recovered = |tree: &Tree<Token>| lsm.recover(tree).ok().map(|plan| plan.memory);
    let holds_up_to = |tree: &Tree<Token>, index: u64| {
        recovered(tree).is_some_and(|found| found.floor().index >= index)
    };
    let Step::Call { site, .. } = step else {
        let acknowledges = matches!(step, Step::Return { durable: true, .. });
        let serves = |tree: &Tree<Token>| {
            recovered(tree).is_some_and(|found| found.view().values == memory.view().values)
        };
        return match acknowledges {
            true => vec![(3, in_every_image(&serves))],
            false => Vec::new(),
        };
    };
    match *site {
        "flush: rename" => {
            let in_the_log = |tree: &Tree<Token>| {
                let cells = tree.file(memory.other()).unwrap_or_default();
                let parsed = parse(cells, lsm.log.variant, Some(memory.floor()));
                parsed.records.len() >= memory.due.len()
            };
            vec![(1, in_every_image(&in_the_log))]
        }
        // The head of a log: what it held came before what is due.
        "append: write" if memory.log.tail == 1 => {
            let held = match memory.due.first() {
                Some(due) => due.index - 1,
                None => memory.floor().index,
            };
            match held {
                0 => Vec::new(),
                held => vec![(2, in_every_image(&|tree| holds_up_to(tree, held)))],
            }
        }
        "flush: log cleared" => {
            let held = memory.due.last().map_or(0, |last| last.index);
            vec![(2, in_every_image(&|tree| holds_up_to(tree, held)))]
        }
        "compaction: remove" => vec![(4, in_every_image(&|tree| all_there(tree, memory)))],
        "flush: directory barrier" | "compaction: directory barrier" => {
            vec![(5, in_every_image(&|tree| all_whole(lsm, tree)))]
        }
        _ => Vec::new(),
    }
}

/// Whether each table that memory knows, the output of a merge among them, has its name and is whole.
fn all_there(tree: &Tree<Token>, memory: &Memory) -> bool {
    memory.tables.iter().all(|table| {
        let path = super::path_of(table.lo, table.hi);
        tree.file(&path).and_then(whole_table).is_some()
    })
}

/// Whether each table that has its final name, and counts, is whole.
fn all_whole(lsm: &Lsm, tree: &Tree<Token>) -> bool {
    let live = live_tables(lsm, tree).into_iter();
    let mut cells = live.filter_map(|(lo, hi)| tree.file(&super::path_of(lo, hi)));
    cells.all(|cells| whole_table(cells).is_some())
}

//! The inner invariants of the LSM tree, each judged on the disk on which the step that it guards is
//! about to be taken.

use super::Lsm;
use super::memory::Memory;
use crate::cells::{Token, whole_table};
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Step, StepOf};
use crate::wal::record::parse;
use crate::wal::{LOG, STORE};

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
    let holds_tables = |tree: &Tree<Token>| {
        recovered(tree).is_some_and(|found| found.floor().index >= memory.floor().index)
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
                let cells = tree.file(LOG).unwrap_or_default();
                let parsed = parse(cells, lsm.log.variant, Some(memory.floor()));
                parsed.records.len() >= memory.log.records.len()
            };
            vec![(1, in_every_image(&in_the_log))]
        }
        // The head of a log that is recycled.
        "append: write" if memory.log.tail == 1 && !memory.tables.is_empty() => {
            vec![(2, in_every_image(&holds_tables))]
        }
        "flush: log cleared" => {
            let next = memory.floor().index + memory.log.records.len() as u64;
            let holds = |tree: &Tree<Token>| {
                recovered(tree).is_some_and(|found| found.floor().index >= next)
            };
            vec![(2, in_every_image(&holds))]
        }
        "compaction: remove" => vec![(4, in_every_image(&|tree| all_there(tree, memory)))],
        "flush: directory barrier" | "compaction: directory barrier" => {
            vec![(5, in_every_image(&all_whole))]
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

/// Whether each table that has its final name is whole.
fn all_whole(tree: &Tree<Token>) -> bool {
    let names = tree.list(STORE).unwrap_or_default();
    let tables = names.iter().filter(|name| name.ends_with(".sst"));
    tables
        .filter_map(|name| tree.file(&format!("{STORE}/{name}")))
        .all(|cells| whole_table(cells).is_some())
}

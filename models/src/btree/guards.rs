//! The inner invariants of the B-tree, each judged on the disk on which the step that it guards is about to be taken.

use super::memory::Memory;
use super::recovery::{tells_of, whole};
use super::{Btree, HEADER, PAGES};
use crate::cells::Token;
use crate::disk::{Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Step, StepOf};
use crate::wal::LOG;
use crate::wal::record::parse;

/// The inner invariants that guard this step, by number, and whether each holds.
pub(super) fn guards(
    btree: &Btree,
    step: &StepOf<Btree>,
    memory: &Memory,
    disk: &Disk<Token>,
    profile: &Profile,
) -> Vec<(u8, bool)> {
    let in_every_image = |holds: &dyn Fn(&Tree<Token>) -> bool| {
        let images = disk.crash_images(profile);
        images.iter().all(|(_, image)| holds(image.view()))
    };
    let recovered = |tree: &Tree<Token>| btree.recover(tree).ok().map(|plan| plan.memory);
    let in_the_log = |tree: &Tree<Token>| {
        let cells = tree.file(LOG).unwrap_or_default();
        parse(cells, btree.log.variant, Some(memory.floor)).records
    };
    let Step::Call { site, call } = step else {
        let acknowledges = matches!(step, Step::Return { durable: true, .. });
        let serves = |tree: &Tree<Token>| {
            recovered(tree).is_some_and(|found| btree.view(&found) == btree.view(memory))
        };
        return match acknowledges {
            true => vec![(1, in_every_image(&serves))],
            false => Vec::new(),
        };
    };
    match *site {
        "init: directory barrier" => {
            let has_begun = |tree: &Tree<Token>| {
                let log = tree.file(LOG);
                let pages = tree.file(PAGES);
                log.is_none_or(|cells| cells == [Token::Header])
                    && pages.is_none_or(|cells| whole(btree, cells, HEADER).is_some())
            };
            vec![(2, in_every_image(&has_begun))]
        }
        "append: write" => {
            let mut all = Vec::new();
            if !memory.log.first {
                let generation = memory.log.generation;
                let begun = |tree: &Tree<Token>| {
                    let is_floor = memory.floor.generation == generation;
                    let records = in_the_log(tree);
                    is_floor || records.iter().any(|record| record.generation == generation)
                };
                all.push((3, in_every_image(&begun)));
            }
            // The head of a log that is recycled.
            if memory.log.tail == 1 && memory.floor.index > 0 {
                let told = |tree: &Tree<Token>| tells_of(btree, tree, memory.floor);
                all.push((6, in_every_image(&told)));
            }
            all
        }
        "checkpoint: page" | "write: page" => {
            let crate::disk::Call::Write { cells, .. } = call else {
                return Vec::new();
            };
            let page = match cells.first() {
                Some(Token::Page { page, .. }) => page.clone(),
                _ => return Vec::new(),
            };
            let logged = |tree: &Tree<Token>| {
                in_the_log(tree)
                    .iter()
                    .any(|record| record.pages.contains(&page))
            };
            vec![(4, in_every_image(&logged))]
        }
        "checkpoint: slot" => {
            let dirty = memory.dirty();
            let in_place = |tree: &Tree<Token>| {
                let cells = tree.file(PAGES).unwrap_or_default();
                let is_there = |(number, page)| whole(btree, cells, number) == Some(page);
                dirty.clone().into_iter().all(is_there)
            };
            vec![(5, in_every_image(&in_place))]
        }
        _ => Vec::new(),
    }
}

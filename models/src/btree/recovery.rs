//! Recovery: which slot counts, which pages are in place, what the log holds over them.

use super::memory::Memory;
use super::{Btree, HEADER, PAGES, PAGES_IN_THE_MAKING, Pages, Variant, is_of, log_steps};
use crate::cells::{Content, Page, Token, cells_of_page};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Refused, Step, StepOf};
use crate::wal::record::{Floor, parse};
use crate::wal::{self, LOG, STORE, TEMPORARY, name_barriers};
use std::sync::Arc;

/// What recovery does with what it finds.
pub(super) fn recover(btree: &Btree, tree: &Tree<Token>) -> Result<PlanOf<Btree>, Refused> {
    let mut steps = Vec::new();
    if tree.lookup(STORE).is_none() {
        let make = Call::CreateDirectory(STORE.into());
        steps.push(Step::call("init: store directory", make));
    }
    if tree.lookup(PAGES_IN_THE_MAKING).is_some() {
        let remove = Call::Remove(PAGES_IN_THE_MAKING.into());
        steps.push(Step::call("recovery: leftover", remove));
    }
    let (floor, slot, base) = match tree.file(PAGES) {
        Some(cells) => {
            let (floor, number) = slot_of(btree, cells)?;
            let slot = btree.slot(number, floor);
            if btree.variant != Variant::SlotTrusted {
                let barrier = || Call::Barrier(PAGES.into());
                steps.extend([
                    btree.in_place("recovery: slot", &slot),
                    Step::call("recovery: slot barrier", barrier()),
                    btree.void("recovery: other slot", 1 - number),
                    Step::call("recovery: other slot barrier", barrier()),
                ]);
            }
            (floor, number, pages_of(btree, cells))
        }
        None => {
            let has_records = tree.file(LOG).is_some_and(|cells| {
                let parsed = parse(cells, btree.log.variant, None);
                !parsed.records.is_empty()
            });
            if has_records {
                return Err(Refused(format!("{PAGES} is missing, and there is a log")));
            }
            steps.extend(make(btree));
            let first = btree.shape().empty();
            let first = first.into_iter().map(|page| (page.number, Arc::new(page)));
            (Floor::default(), 0, first.collect())
        }
    };
    if tree.lookup(TEMPORARY).is_some() {
        let remove = Call::Remove(TEMPORARY.into());
        steps.push(Step::call("recovery: leftover", remove));
    }
    let memory = |log| Memory {
        log,
        base,
        floor,
        slot,
    };
    let Some(cells) = tree.file(LOG) else {
        if floor.index > 0 {
            return Err(Refused(format!("{LOG} is missing")));
        }
        steps.extend(log_steps(btree.log.initialise(LOG)));
        let memory = memory(wal::memory::Memory::empty(LOG));
        return plan(btree, memory, steps, false);
    };
    if cells.first() != Some(&Token::Header) {
        return Err(Refused(format!(
            "{LOG} has no valid header: foreign or damaged"
        )));
    }
    let parsed = parse(cells, btree.log.variant, Some(floor));
    if parsed.hole {
        return Err(Refused(format!(
            "records are missing between the pages and {LOG}"
        )));
    }
    steps.extend(log_steps(btree.log.repair(LOG, &parsed)));
    let names = name_barriers(
        "recovery: directory barrier",
        "recovery: parent directory barrier",
    );
    steps.extend(log_steps(names.into()));
    let memory = memory(wal::memory::Memory::recovered(LOG, &parsed));
    plan(btree, memory, steps, parsed.odd)
}

/// A plan, where all pages of the tree are there.
fn plan(
    btree: &Btree,
    memory: Memory,
    steps: Vec<StepOf<Btree>>,
    odd: bool,
) -> Result<PlanOf<Btree>, Refused> {
    match btree.shape().values(&memory.pages()) {
        Some(_) => Ok(Plan { memory, steps, odd }),
        None => Err(Refused(format!("a page of {PAGES} is damaged"))),
    }
}

/// Makes the data file of an empty tree. Its name is cached.
fn make(btree: &Btree) -> Vec<StepOf<Btree>> {
    let made = PAGES_IN_THE_MAKING;
    let mut pages = vec![btree.slot(0, Floor::default())];
    pages.extend(btree.shape().empty().into_iter().map(Arc::new));
    let mut steps = vec![Step::call("init: pages create", Call::Create(made.into()))];
    for page in pages {
        let at = usize::try_from(page.number).unwrap_or(usize::MAX) * btree.tree.page();
        let (file, cells) = (made.into(), cells_of_page(&page));
        steps.push(Step::call("init: page", Call::Write { file, at, cells }));
    }
    let (from, to) = (made.into(), PAGES.into());
    steps.push(Step::call(
        "init: pages barrier",
        Call::Barrier(made.into()),
    ));
    steps.push(Step::call("init: pages rename", Call::Rename { from, to }));
    steps
}

/// What the newest slot that is whole says, and which it is.
fn slot_of(btree: &Btree, cells: &[Token]) -> Result<(Floor, u64), Refused> {
    let slots = (0..HEADER).filter_map(|number| {
        let page = whole(btree, cells, number)?;
        match page.content {
            Content::Slot { generation, index } => Some((Floor { generation, index }, number)),
            _ => None,
        }
    });
    let newest = slots.max_by_key(|(floor, _)| (floor.generation, floor.index));
    newest.ok_or_else(|| Refused(format!("{PAGES} has no slot that is whole")))
}

/// The pages that are whole where they belong.
fn pages_of(btree: &Btree, cells: &[Token]) -> Pages {
    let numbers = HEADER..(cells.len() / btree.tree.page()) as u64 + 1;
    let pages = numbers.filter_map(|number| whole(btree, cells, number));
    pages.map(|page| (page.number, page)).collect()
}

/// The page that stands there, if it is whole, and belongs there.
pub(super) fn whole(btree: &Btree, cells: &[Token], number: u64) -> Option<Arc<Page>> {
    let at = usize::try_from(number).ok()? * btree.tree.page();
    let Some(Token::Page { page, part: 0 }) = cells.get(at) else {
        return None;
    };
    let is_whole = cells.get(at..at + page.cells) == Some(&cells_of_page(page)[..]);
    (is_whole && page.number == number).then(|| page.clone())
}

/// Whether the slot that counts in a data file tells of that record.
pub(super) fn tells_of(btree: &Btree, tree: &Tree<Token>, floor: Floor) -> bool {
    let cells = tree.file(PAGES).unwrap_or_default();
    let found = slot_of(btree, cells);
    found.is_ok_and(|(found, number)| is_of(&btree.slot(number, found), floor))
}

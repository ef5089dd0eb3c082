//! What the process that runs a B-tree knows.

use super::Pages;
use crate::wal::memory::{self as log, Change as LogChange};
use crate::wal::record::Floor;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The log: the pages that are not in place for sure.
    pub log: log::Memory,
    /// The pages that are in place.
    pub base: Pages,
    /// Up to which record they hold everything.
    pub floor: Floor,
    /// The slot that says so.
    pub slot: u64,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The log's part changes.
    Log(LogChange),
    /// The pages are in place up to this record, as this slot says.
    Checkpoint(u64, Floor),
}

impl Memory {
    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => self.log.apply(change),
            Change::Checkpoint(slot, floor) => {
                self.base = self.pages();
                (self.slot, self.floor) = (*slot, *floor);
            }
        }
    }

    /// The pages as they are: those of the log over those in place.
    pub fn pages(&self) -> Pages {
        let mut pages = self.base.clone();
        pages.extend(self.dirty());
        pages
    }

    /// The pages that the log holds, the newest of each.
    pub fn dirty(&self) -> Pages {
        let records = self.log.records.iter();
        let pages = records.flat_map(|record| &record.pages);
        pages.map(|page| (page.number, page.clone())).collect()
    }

    /// Whether the log holds a page.
    pub fn is_in_the_log(&self, number: u64) -> bool {
        let mut records = self.log.records.iter();
        records.any(|record| record.pages.iter().any(|page| page.number == number))
    }
}

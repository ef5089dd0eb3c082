//! What the process that runs a log in segments knows.

use crate::cells::Record;
use crate::contract::View;
use crate::wal::memory::{self as log, Change as LogChange};
use std::sync::Arc;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The last segment, as a log.
    pub log: log::Memory,
    /// The index of the first record of each segment that counts, oldest first.
    pub segments: Vec<u64>,
    /// The records above the truncation point in segments before the last.
    pub earlier: Vec<Arc<Record>>,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The last segment's part changes.
    Log(LogChange),
    /// The next record is the first of a segment of its own: its index.
    Rotated(u64),
    /// The newest checkpoint is durable, and segments below it are gone.
    Truncated,
}

impl Memory {
    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => self.log.apply(change),
            Change::Rotated(first) => {
                self.earlier.append(&mut self.log.records);
                self.segments.push(*first);
                let file = super::path_of(*first).into();
                self.log.apply(&LogChange::Moved { file });
            }
            Change::Truncated => {
                self.give_up();
                self.segments.drain(..self.segments.len() - 1);
            }
        }
    }

    /// Forgets the records up to the truncation point.
    pub fn give_up(&mut self) {
        let point = self.point();
        self.earlier.retain(|record| record.index > point);
        self.log.records.retain(|record| record.index > point);
    }

    /// All records that count, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        self.earlier.iter().chain(&self.log.records)
    }

    /// Up to which record the client holds all elsewhere, as the newest checkpoint says; 0 where there is
    /// none.
    pub fn point(&self) -> u64 {
        let newest = self.records().rev().find_map(|it| it.checkpoint.as_ref());
        newest.map_or(0, |checkpoint| checkpoint.up_to)
    }

    /// What the client knows: what it holds elsewhere, and the records above.
    pub fn view(&self) -> View {
        let mut view = View::default();
        for record in self.records() {
            match &record.checkpoint {
                Some(checkpoint) => view.values.clone_from(&checkpoint.elsewhere),
                None => view.apply(record.op, &record.writes),
            }
            if record.generation > 0 {
                view.identities.push((record.identity(), record.op));
            }
        }
        view
    }
}

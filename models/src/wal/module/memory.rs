//! What the process that runs it knows.

use crate::contract::{Identity, OpId, View, Write};

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The numbers of the segments, oldest first.
    pub segments: Vec<u64>,
    /// Where the next record goes, in the last of them.
    pub tail: usize,
    /// Records in the last of them.
    pub records: u64,
    /// The number of the next record.
    pub next: Identity,
    /// Records since the last barrier.
    pub since: u32,
    /// What a client can read.
    pub view: View,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A record of so many cells was written.
    Appended(usize),
    /// All records of an operation were written.
    Applied {
        /// The operation.
        op: OpId,
        /// What it wrote.
        writes: Vec<Write>,
        /// The numbers of its records.
        identities: Vec<(Identity, OpId)>,
    },
    /// A barrier completed.
    Covered,
    /// The next record goes to a segment of this number.
    Rotated(u64),
    /// One segment is left, with so many cells, of one record where there are any.
    Truncated(usize),
}

impl Memory {
    /// The number of the last segment.
    pub fn segment(&self) -> u64 {
        self.segments.last().copied().unwrap_or(1)
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Appended(cells) => {
                self.tail += cells;
                self.records += 1;
                self.next += 1;
                self.since += 1;
            }
            Change::Applied {
                op,
                writes,
                identities,
            } => {
                self.view.apply(*op, writes);
                self.view.identities.extend(identities);
            }
            Change::Covered => self.since = 0,
            Change::Rotated(number) => {
                self.segments.push(*number);
                (self.tail, self.records) = (0, 0);
            }
            Change::Truncated(cells) => {
                self.segments.drain(..self.segments.len() - 1);
                self.tail = *cells;
                self.records = u64::from(*cells > 0);
                self.next += self.records;
                self.since = 0;
                self.view.identities.clear();
            }
        }
    }
}

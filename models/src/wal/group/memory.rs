//! What the process knows that runs a log for several writers: the log, what is to be written, who waits.

use crate::cells::Record;
use crate::contract::{Identity, OpId};
use crate::wal::memory::{self as log, Change as LogChange};
use std::sync::Arc;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The log: what was written.
    pub log: log::Memory,
    /// Records that are yet to be written, oldest first.
    pub buffer: Vec<Arc<Record>>,
    /// Operations that have no answer yet, oldest first.
    pub waiting: Vec<Waiting>,
    /// The index up to which writers may return.
    pub released: u64,
}

/// An operation that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// Which.
    pub op: OpId,
    /// The record that it waits for; of a sync the last one that was there when it was invoked.
    pub index: u64,
    /// The identity of its own record; a sync has none.
    pub identity: Option<Identity>,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The log's part changes.
    Log(LogChange),
    /// An operation waits, with its record where it is a write.
    Joined(Waiting, Option<Arc<Record>>),
    /// The leader has written that many records of the buffer.
    Written(usize),
    /// The batch is written, and no barrier is due.
    Released,
    /// The mistake of [`super::Variant::CoveredByRunning`]: a barrier completed, and is taken to cover the buffer too.
    CoveredWithBuffer,
    /// An operation has its answer.
    Told(OpId),
    /// A barrier or a write failed: what is in the buffer is given up.
    Poisoned,
}

impl Memory {
    /// After recovery: nobody waits.
    pub fn recovered(log: log::Memory) -> Self {
        Self {
            released: log.mark,
            log,
            buffer: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// The index of the last record that was encoded.
    pub fn last(&self) -> u64 {
        self.buffer
            .last()
            .map_or(self.log.index, |record| record.index)
    }

    /// Whether a leader is at work: it has written a batch, and is not done with it.
    pub fn is_led(&self) -> bool {
        self.log.index > self.released
    }

    /// Whether an operation may return, and if so whether what it waits for is durable.
    pub fn may_return(&self, waiting: &Waiting) -> Option<bool> {
        let is_durable = waiting.index <= self.log.mark;
        let is_released = waiting.identity.is_some() && waiting.index <= self.released;
        (is_durable || is_released).then_some(is_durable)
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => {
                self.log.apply(change);
                self.released = self.released.max(self.log.mark);
            }
            Change::Joined(waiting, record) => {
                self.waiting.push(waiting.clone());
                self.buffer.extend(record.clone());
            }
            Change::Written(count) => {
                for record in self.buffer.drain(..count) {
                    self.log.apply(&LogChange::Appended(record));
                }
            }
            Change::Released => self.released = self.log.index,
            Change::CoveredWithBuffer => {
                self.log.apply(&LogChange::Covered);
                self.log.mark = self.last();
                self.released = self.log.mark;
            }
            Change::Told(op) => self.waiting.retain(|waiting| waiting.op != *op),
            Change::Poisoned => {
                self.log.apply(&LogChange::Poisoned);
                self.buffer.clear();
            }
        }
    }
}

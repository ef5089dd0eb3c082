//! What the lock of a durable store is for: two logs, who works on what, and what ended it all.
//!
//! ```text
//!   active log --> memtable                              writers
//!   other log  --> memtable before it --flush--> table   beside them
//! ```
//!
//! The *active* log takes the writes. Once it is full the two change places: the next record goes to the head of
//! the other one, behind nothing, and a table is made of what the full one holds. Until that table is durable, name
//! and all, the full one is not written to.

use super::error::Error;
use super::memtable::Memtable;
use super::table::{Meta, Table};
use super::version::{Current, Version};
use crate::engine::wal::file::LogFile;
use crate::engine::wal::group::Ledger;
use crate::storage::Storage;
use std::sync::Arc;

/// What one writer at a time changes.
#[derive(Debug)]
pub(super) struct Book<S: Storage> {
    pub(super) current: Arc<Current<S>>,
    pub(super) active: LogFile<S::File>,
    pub(super) other: LogFile<S::File>,
    /// The records of the other log that no table holds yet.
    pub(super) due: Option<Due>,
    pub(super) flush_at: u64,
    /// Somebody makes a table of the other log.
    pub(super) flushing: bool,
    /// Somebody merges tables.
    pub(super) merging: bool,
    pub(super) flushes: u64,
    pub(super) merges: u64,
    /// No more work is begun.
    pub(super) closing: bool,
    pub(super) poison: Option<Arc<Error>>,
}

/// Records that become a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) lo: u64,
    pub(super) hi: u64,
    pub(super) generation: u32,
}

/// Something to do beside the writers.
#[derive(Debug)]
pub(super) enum Job<F> {
    /// Make a table of these records.
    Flush(Due, Arc<Memtable>),
    /// Merge these tables, newest first, into one of that level.
    Merge(Vec<Arc<Table<F>>>, u32),
}

impl<S: Storage> Ledger for Book<S> {
    type File = S::File;

    fn log(&mut self) -> &mut LogFile<S::File> {
        &mut self.active
    }

    fn has_room(&mut self) -> bool {
        let bytes = self.active.live_bytes();
        bytes == 0 || bytes < self.flush_at
    }

    fn returned(&mut self) {
        self.current
            .show(self.active.last().map_or(0, |lsn| lsn.index));
    }
}

impl<S: Storage> Book<S> {
    /// The two logs change places, where the active one holds anything. All of it is durable, and the other one is
    /// in tables.
    pub(super) fn switch(&mut self) {
        debug_assert!(self.due.is_none());
        let Some(last) = self.active.last().filter(|_| self.active.live_bytes() > 0) else {
            return;
        };
        self.due = Some(Due {
            lo: self.active.floor() + 1,
            hi: last.index,
            generation: last.generation,
        });
        std::mem::swap(&mut self.active, &mut self.other);
        self.active.take_over(&self.other);
        let version = self.current.version();
        self.current.replace(Version {
            memtable: Arc::new(Memtable::new()),
            flushing: Some(version.memtable.clone()),
            tables: version.tables.clone(),
        });
    }

    /// A table holds what was due.
    pub(super) fn flushed(&mut self, table: Arc<Table<S::File>>) {
        let version = self.current.version();
        self.due = None;
        self.flushes += 1;
        self.current.replace(Version {
            memtable: version.memtable.clone(),
            flushing: None,
            tables: [&[table][..], &version.tables].concat(),
        });
    }

    /// A table takes the place of these. Newer ones may have come meanwhile.
    pub(super) fn merged(&mut self, inputs: &[Arc<Table<S::File>>], output: Arc<Table<S::File>>) {
        let version = self.current.version();
        let is_newest = |table: &Arc<Table<S::File>>| Arc::ptr_eq(table, &inputs[0]);
        let newer = version
            .tables
            .iter()
            .take_while(|it| !is_newest(it))
            .count();
        let (newer, rest) = version.tables.split_at(newer);
        self.merges += 1;
        self.current.replace(Version {
            memtable: version.memtable.clone(),
            flushing: version.flushing.clone(),
            tables: [newer, &[output], &rest[inputs.len()..]].concat(),
        });
    }

    /// The index up to which tables hold everything.
    pub(super) fn floor(&self) -> u64 {
        self.due
            .map_or_else(|| self.active.floor(), |due| due.lo - 1)
    }

    /// The next thing to do, which is begun with that. A flush comes first: writers may wait for it.
    pub(super) fn begin_work(&mut self, fanout: usize) -> Option<Job<S::File>> {
        if self.closing || self.check_poison().is_err() {
            return None;
        }
        let version = self.current.version();
        if let (Some(due), Some(memtable), false) = (self.due, &version.flushing, self.flushing) {
            self.flushing = true;
            return Some(Job::Flush(due, memtable.clone()));
        }
        if self.merging {
            return None;
        }
        let inputs = version.tables.get(..fanout.max(2))?;
        let level = inputs[0].meta().level;
        if inputs.iter().any(|table| table.meta().level != level) {
            return None;
        }
        self.merging = true;
        Some(Job::Merge(inputs.to_vec(), level.saturating_add(1)))
    }

    /// Whether [`Book::begin_work`] would find anything.
    pub(super) fn has_work(&mut self, fanout: usize) -> bool {
        match self.begin_work(fanout) {
            None => false,
            Some(Job::Flush(..)) => {
                self.flushing = false;
                true
            }
            Some(Job::Merge(..)) => {
                self.merging = false;
                true
            }
        }
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(self.active.check_poison()?),
        }
    }

    /// A failed barrier is final, and so is any other change that failed: some of it may have
    /// happened.
    pub(super) fn poisoned(&mut self, error: Error) -> Error {
        let because = match error {
            Error::Poisoned { because } => because,
            error => Arc::new(error),
        };
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }
}

impl Due {
    /// What the table says of itself.
    pub(super) fn meta(self) -> Meta {
        Meta {
            lo: self.lo,
            hi: self.hi,
            generation: self.generation,
            level: 0,
            entries: 0,
        }
    }
}

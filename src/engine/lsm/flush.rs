//! A flush: the memtable becomes a table, and the log begins at its head again.
//!
//! ```text
//! data barrier of the log, where it is not covered      what a table holds was acknowledged, or could be
//! create LO-HI.sst.tmp | write | barrier
//! rename to LO-HI.sst | directory barrier               the table is durable, name and all: only now
//! the next record is written at the head of the log     over records that the table holds
//! ```
//!
//! CRASH: before the directory barrier completes, the log still has every record, and the table, if
//! its name is there, holds the same. After it, the log may keep its old records: the table says that
//! they are covered.
//!
//! INVARIANT: the log is written over only after what it protects is durable elsewhere.

use super::durable::Durable;
use super::error::{Error, OrFail};
use super::memtable::Memtable;
use super::names::Interval;
use super::recovery::open_table;
use super::table::{self, Entry, Meta, Table};
use super::version::{Current, Version};
use crate::storage::{File, Storage};
use std::sync::Arc;

impl<S: Storage> Durable<S> {
    /// Flushes, where the log has live records, and does the merges that are due then.
    pub(super) fn flush(&mut self, current: &Current<S>) -> Result<(), Error> {
        self.check_poison()?;
        if !self.flush_alone(current)? {
            return Ok(());
        }
        self.merge_due(current)
    }

    /// The steps of a flush; `false`: there was nothing to flush.
    pub(super) fn flush_alone(&mut self, current: &Current<S>) -> Result<bool, Error> {
        let Some(last) = self.log.last().filter(|_| self.log.live_bytes() > 0) else {
            return Ok(false);
        };
        self.sync()?;
        let Version { memtable, tables } = &*current.version();
        debug_assert!(!memtable.is_empty());
        let meta = Meta {
            lo: self.log.floor() + 1,
            hi: last.index,
            generation: last.generation,
            level: 0,
            entries: 0,
        };
        let made = self.make_table(meta, memtable.newest().map(Ok));
        let table = made.map_err(|error| self.poisoned(error))?;
        self.log.recycle();
        self.flushes += 1;
        current.replace(Version {
            memtable: Arc::new(Memtable::new()),
            tables: [&[table][..], tables].concat(),
        });
        Ok(true)
    }

    /// Makes a table durable, with its name. Until this returns, nothing depends on it.
    pub(super) fn make_table(
        &self,
        meta: Meta,
        entries: impl Iterator<Item = Result<Entry, Error>>,
    ) -> Result<Arc<Table<S::File>>, Error> {
        let interval = Interval {
            lo: meta.lo,
            hi: meta.hi,
        };
        let in_the_making = self.dir.join(interval.table_in_the_making());
        let path = self.dir.join(interval.table());
        let file = self.storage.create(&in_the_making);
        let file = file.or_fail("make a table")?;
        table::build(&file, meta, entries)?;
        file.barrier().or_fail("sync a table")?;
        let renamed = self.storage.rename(&in_the_making, &path);
        renamed.or_fail("give a table its name")?;
        let synced = self.storage.directory_barrier(&self.dir);
        synced.or_fail("sync the name of a table")?;
        open_table(&self.storage, &self.dir, interval).map(Arc::new)
    }
}

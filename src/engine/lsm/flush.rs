//! A flush: a memtable becomes a table, and the log that holds the same may be written over.
//!
//! ```text
//! data barrier of the log, where it is not covered      what a table holds was acknowledged, or could be
//! the next record goes to the head of the other log     over records that tables hold
//! create LO-HI.sst.tmp | write | barrier                beside the writers, from here on
//! rename to LO-HI.sst | directory barrier               the table is durable, name and all: only now
//!                                                       the full log may be the other one
//! ```
//!
//! CRASH: before the directory barrier completes, the full log still has every record, and the table, if
//! its name is there, holds the same. After it, the log may keep its old records: the table says that
//! they are covered.
//!
//! INVARIANT: a log is written over only after what it protects is durable elsewhere.

use super::book::Due;
use super::durable::Durable;
use super::error::{Error, OrFail};
use super::memtable::Memtable;
use super::names::Interval;
use super::recovery::open_table;
use super::table::{self, Entry, Meta, Table};
use crate::storage::{File, Storage};
use crate::sync::{Race, planted};
use std::sync::Arc;

impl<S: Storage> Durable<S> {
    /// Makes a table of what is due, and gives its log away.
    pub(super) fn make_flushed(&self, due: Due, memtable: &Memtable) -> Result<(), Error> {
        let table = self.make_table(due.meta(), memtable.newest().map(Ok))?;
        self.group.change(|book| book.flushed(table));
        self.late()
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
        if !planted(Race::SwappedTooEarly) {
            self.sync_name()?;
        }
        open_table(&self.storage, &self.dir, interval).map(Arc::new)
    }

    fn sync_name(&self) -> Result<(), Error> {
        let synced = self.storage.directory_barrier(&self.dir);
        synced.or_fail("sync the name of a table")
    }

    /// The race that a test plants: the barrier of a name comes after all that depends on it.
    pub(super) fn late(&self) -> Result<(), Error> {
        match planted(Race::SwappedTooEarly) {
            true => self.sync_name(),
            false => Ok(()),
        }
    }
}

//! Merges: adjacent tables become one, and the newest version of each key stays.
//!
//! ```text
//! create LO-HI.sst.tmp | write | barrier | rename to LO-HI.sst | directory barrier | remove the inputs, oldest first
//! ```
//!
//! CRASH: the inputs are removed only once the merged table is durable, and any of them may come
//! back: its interval lies inside another's, so it is superseded, and the next open removes it.
//!
//! A tombstone hides what older tables hold of its key. Where the oldest input begins with record 1
//! there are none, and the tombstone goes too.

use super::durable::Durable;
use super::error::{Error, OrFail};
use super::names::Interval;
use super::table::{Meta, Table, merge_tables};
use super::version::{Current, Version};
use crate::storage::Storage;
use std::sync::Arc;

impl<S: Storage> Durable<S> {
    /// While the newest tables, as many as are merged, have one level: merges them into one of the
    /// next.
    pub(super) fn merge_due(&mut self, current: &Current<S>) -> Result<(), Error> {
        let fanout = self.options.fanout.max(2);
        loop {
            let version = current.version();
            let Some(newest) = version.tables.get(..fanout) else {
                return Ok(());
            };
            let level = newest[0].meta().level;
            if newest.iter().any(|table| table.meta().level != level) {
                return Ok(());
            }
            self.merge(current, &version, fanout, level.saturating_add(1))?;
        }
    }

    /// Flushes, and merges all tables into one.
    pub(super) fn compact(&mut self, current: &Current<S>) -> Result<(), Error> {
        self.check_poison()?;
        self.flush_alone(current)?;
        let version = current.version();
        let levels = version.tables.iter().map(|table| table.meta().level);
        match levels.max() {
            Some(level) if version.tables.len() > 1 => {
                let all = version.tables.len();
                self.merge(current, &version, all, level.saturating_add(1))
            }
            _ => Ok(()),
        }
    }

    /// Merges the newest tables of a version, so many, into one of that level.
    fn merge(
        &mut self,
        current: &Current<S>,
        version: &Version<S::File>,
        count: usize,
        level: u32,
    ) -> Result<(), Error> {
        let (inputs, older) = version.tables.split_at(count);
        let (Some(newest), Some(oldest)) = (inputs.first(), inputs.last()) else {
            return Ok(());
        };
        let meta = Meta {
            lo: oldest.meta().lo,
            hi: newest.meta().hi,
            generation: newest.meta().generation,
            level,
            entries: 0,
        };
        let entries = merge_tables(inputs, meta.lo > 1);
        let made = self.make_table(meta, entries);
        let merged = made.map_err(|error| self.poisoned(error))?;
        self.merges += 1;
        current.replace(Version {
            memtable: version.memtable.clone(),
            tables: [&[merged][..], older].concat(),
        });
        let removed = self.remove_tables(inputs);
        removed.map_err(|error| self.poisoned(error))
    }

    /// Removes the names of these tables, the oldest first. Who reads one of them goes on.
    fn remove_tables(&self, newest_first: &[Arc<Table<S::File>>]) -> Result<(), Error> {
        for table in newest_first.iter().rev() {
            let (lo, hi) = (table.meta().lo, table.meta().hi);
            let path = self.dir.join(Interval { lo, hi }.table());
            let removed = self.storage.remove(&path);
            removed.or_fail("remove a merged table")?;
        }
        Ok(())
    }
}

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
use super::options::Background;
use super::table::{Entry, Meta, Table, merge_tables};
use crate::storage::Storage;
use std::io::ErrorKind;
use std::sync::Arc;

/// A merge asks so often whether the store is about to close: once in so many entries.
const ENTRIES_A_LOOK: usize = 256;

impl<S: Storage> Durable<S> {
    /// Makes a table of all that returned, and merges all tables into one.
    pub(super) fn compact(&self) -> Result<(), Error> {
        self.flush_alone()?;
        let _busy = self.alone_with_merges()?;
        let version = self.group.look(|book| book.current.version());
        let levels = version.tables.iter().map(|table| table.meta().level);
        match levels.max() {
            Some(level) if version.tables.len() > 1 => {
                let merged = self.merge(&version.tables, level.saturating_add(1));
                merged.map_err(|error| self.poisoned(error))
            }
            _ => Ok(()),
        }
    }

    /// Merges tables that follow each other, newest first, into one of that level.
    pub(super) fn merge(&self, inputs: &[Arc<Table<S::File>>], level: u32) -> Result<(), Error> {
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
        let entries = merge_tables(inputs, meta.lo > 1).enumerate();
        let entries = entries.map(|(number, entry)| self.unless_closing(number, entry?));
        let merged = self.make_table(meta, entries)?;
        self.group.change(|book| book.merged(inputs, merged));
        self.remove_tables(inputs)?;
        self.late()
    }

    /// Whoever closes the store waits for no long merge: what it left is removed by the next open.
    fn unless_closing(&self, number: usize, entry: Entry) -> Result<Entry, Error> {
        let is_time =
            number.is_multiple_of(ENTRIES_A_LOOK) && self.options.background == Background::Threads;
        match is_time && self.group.look(|book| book.closing) {
            true => Err(Error::Storage {
                doing: "merge tables of a store that closes",
                source: ErrorKind::Interrupted.into(),
            }),
            false => Ok(entry),
        }
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

//! What readers hold: a memtable and tables that stay as they are, as of an index.

use super::error::Error;
use super::memtable::Memtable;
use super::scan::Scan;
use super::table::{Span, Table};
use crate::storage::Storage;
use crate::sync::Mutex;
use std::ops::RangeBounds;
use std::sync::{Arc, PoisonError};

/// A memtable, the one that becomes a table, and the tables below them. A flush or a merge makes a new one; the
/// old one stays as long as somebody reads it, and so do the files that it holds open, removed or not.
#[derive(Debug)]
pub(super) struct Version<F> {
    pub(super) memtable: Arc<Memtable>,
    /// What the log before the active one holds, as long as no table does.
    pub(super) flushing: Option<Arc<Memtable>>,
    /// Newest first.
    pub(super) tables: Vec<Arc<Table<F>>>,
}

impl<F> Version<F> {
    /// Both memtables, newest first.
    pub(super) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.memtable).chain(&self.flushing)
    }

    /// The keys of a range with their values, as the records up to `at` left them.
    pub(super) fn scan<S: Storage<File = F>, K: AsRef<[u8]> + ?Sized>(
        &self,
        at: u64,
        range: impl RangeBounds<K>,
    ) -> Scan<S> {
        let memtables = self.memtables().cloned().collect();
        Scan::new(memtables, at, &self.tables, Span::of(&range))
    }
}

/// The store as it was when this was taken: nothing that is written later shows.
///
/// It keeps the memory of its memtable and the files of its tables until it is dropped, and may
/// outlive the store.
#[derive(Debug)]
pub struct Snapshot<S: Storage> {
    version: Arc<Version<S::File>>,
    /// The records up to here.
    at: u64,
}

impl<S: Storage> Clone for Snapshot<S> {
    fn clone(&self) -> Self {
        Snapshot {
            version: self.version.clone(),
            at: self.at,
        }
    }
}

impl<S: Storage> Snapshot<S> {
    /// The value of the key, where it has one. What does not read back as it was written is an
    /// error.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        for memtable in self.version.memtables() {
            if let Some(written) = memtable.get(key, self.at) {
                return Ok(written);
            }
        }
        for table in &self.version.tables {
            if let Some(written) = table.get(key)? {
                return Ok(written);
            }
        }
        Ok(None)
    }

    /// The keys of a range with their values, from both ends; `scan::<[u8]>(..)` for all of them.
    pub fn scan<K: AsRef<[u8]> + ?Sized>(&self, range: impl RangeBounds<K>) -> Scan<S> {
        self.version.scan(self.at, range)
    }
}

/// The snapshot that a reader gets now. Taking it waits for no barrier: a writer that changes it holds
/// nobody up but for the moment of the change.
#[derive(Debug)]
pub(super) struct Current<S: Storage>(Mutex<Snapshot<S>>);

impl<S: Storage> Current<S> {
    pub(super) fn new(version: Version<S::File>, at: u64) -> Current<S> {
        Current(Mutex::new(Snapshot {
            version: Arc::new(version),
            at,
        }))
    }

    // A thread that panics while it holds the lock leaves one snapshot or the other, never half of
    // one.
    pub(super) fn snapshot(&self) -> Snapshot<S> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    pub(super) fn version(&self) -> Arc<Version<S::File>> {
        self.snapshot().version
    }

    /// Shows the records up to `at`, all of whose writes are in the memtable.
    pub(super) fn show(&self, at: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).at = at;
    }

    /// Puts a version in the place of one that holds the same.
    pub(super) fn replace(&self, version: Version<S::File>) {
        let version = Arc::new(version);
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut current.version, version);
        drop(current);
        // Perhaps the last to hold a removed table: nobody waits while its file is closed.
        drop(old);
    }
}

//! The handle: open, write, read, flush, close. Any number of threads may use it.

use super::as_found::AsFound;
use super::durable::Durable;
use super::error::{Error, OrFail};
use super::options::Options;
use super::scan::Scan;
use super::stats::{Stats, TableStats};
use super::version::{Current, Snapshot};
use crate::engine::Discipline;
use crate::engine::wal::{Lsn, Write};
use crate::storage::{Storage, claim};
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// An open LSM tree, alone in its directory. Keys and values are bytes; a key has at most
/// [`KEY_BYTES_MAX`](super::KEY_BYTES_MAX) of them, a value
/// [`VALUE_BYTES_MAX`](super::VALUE_BYTES_MAX), and both may be empty.
///
/// Writers take turns, and one that flushes keeps the others waiting. Readers wait for nobody: each
/// sees the store as of the last write that returned.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then
/// cached, and a power cut may take it. [`Store::close`] syncs.
#[derive(Debug)]
pub struct Store<S: Storage> {
    current: Current<S>,
    writer: Mutex<Writer<S>>,
    _lock: S::Lock,
}

#[derive(Debug)]
enum Writer<S: Storage> {
    Durable(Box<Durable<S>>),
    AsFound(Box<AsFound<S>>),
}

impl<S: Storage> Store<S> {
    /// Opens the store in `dir`, recovering it first, or makes an empty one, and the directory where
    /// it is missing (its parent exists).
    ///
    /// Once this returns, everything that can be read is durable, the names included. As-found
    /// promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<Store<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let (writer, current) = match options.discipline {
            Discipline::Durable => {
                let (durable, current) = Durable::open(&storage, dir, &options)?;
                (Writer::Durable(Box::new(durable)), current)
            }
            Discipline::AsFound => {
                let (as_found, current) = AsFound::open(&storage, dir, &options)?;
                (Writer::AsFound(Box::new(as_found)), current)
            }
        };
        Ok(Store {
            current,
            writer: Mutex::new(writer),
            _lock: lock,
        })
    }

    /// Gives the key this value; otherwise as [`Store::write`].
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Put {
            key: key.to_vec(),
            value: value.to_vec(),
        }])
    }

    /// Takes the key's value, where it has one; otherwise as [`Store::write`]. As-found gives it an
    /// empty one.
    pub fn delete(&self, key: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Delete { key: key.to_vec() }])
    }

    /// Makes several writes that any reader and any crash sees all or none of. It is one call, and one
    /// record. Where the log is full it flushes first, and does the merges that are due.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in
    /// [`SyncMode::EveryWrite`](super::SyncMode::EveryWrite). In the other modes a power cut leaves
    /// it once a later `sync` or `flush`, or the n-th call, has returned. As-found: a power cut may
    /// always take it, readers may see a part, and a crash may leave one.
    ///
    /// After a failure the writes may be found by the next recovery or not; until then no reader
    /// sees them, and this handle takes no more.
    pub fn write(&self, writes: &[Write]) -> Result<Lsn, Error> {
        match &mut *self.writer()? {
            Writer::Durable(durable) => durable.write(&self.current, writes),
            Writer::AsFound(as_found) => as_found.write(&self.current, writes),
        }
    }

    /// The value of the key, where it has one: that of the newest write that returned.
    ///
    /// In the modes that do not sync every write, a power cut may yet take it. What does not read
    /// back as it was written is an error.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.snapshot().get(key)
    }

    /// The keys of a range with their values, as they are now, from both ends;
    /// `scan::<[u8]>(..)` for all of them.
    pub fn scan<K: AsRef<[u8]> + ?Sized>(&self, range: impl RangeBounds<K>) -> Scan<S> {
        self.snapshot().scan(range)
    }

    /// The store as it is now, to be read later.
    pub fn snapshot(&self) -> Snapshot<S> {
        self.current.snapshot()
    }

    /// Makes a table of what was written since the last flush, so that the log begins anew, and does
    /// the merges that are due. Once this returns, everything that returned before is durable.
    /// As-found promises nothing.
    pub fn flush(&self) -> Result<(), Error> {
        match &mut *self.writer()? {
            Writer::Durable(durable) => durable.flush(&self.current),
            Writer::AsFound(as_found) => as_found.flush(),
        }
    }

    /// Flushes, and merges all tables into one, without what was deleted or overwritten. Once this
    /// returns, everything that returned before is durable. As-found has no compaction: this does
    /// nothing.
    pub fn compact(&self) -> Result<(), Error> {
        match &mut *self.writer()? {
            Writer::Durable(durable) => durable.compact(&self.current),
            Writer::AsFound(_) => Ok(()),
        }
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    /// As-found: this does nothing.
    pub fn sync(&self) -> Result<(), Error> {
        match &mut *self.writer()? {
            Writer::Durable(durable) => durable.sync(),
            Writer::AsFound(_) => Ok(()),
        }
    }

    /// Syncs, as [`Store::sync`], and lets go of the directory, also where the sync fails. Snapshots
    /// and scans go on.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// What the store is made of now. Waits for a write that goes on.
    pub fn stats(&self) -> Result<Stats, Error> {
        let writer = self.writer()?;
        let version = self.current.version();
        let memtable_bytes = version.memtable.bytes();
        let table = |table: &Arc<super::table::Table<S::File>>| {
            let meta = table.meta();
            TableStats {
                lo: meta.lo,
                hi: meta.hi,
                level: meta.level,
                entries: meta.entries,
                bytes: table.file_bytes(),
            }
        };
        Ok(match &*writer {
            Writer::Durable(durable) => Stats {
                last: durable.log.last(),
                durable_mark: durable.log.mark(),
                log_bytes: durable.log.live_bytes(),
                memtable_bytes,
                flushes: durable.flushes,
                merges: durable.merges,
                tables: version.tables.iter().map(table).collect(),
            },
            Writer::AsFound(as_found) => Stats {
                last: (as_found.last > 0).then_some(Lsn {
                    generation: 0,
                    index: as_found.last,
                }),
                durable_mark: 0,
                log_bytes: as_found.log_bytes()?,
                memtable_bytes,
                flushes: as_found.flushes,
                merges: 0,
                tables: Vec::new(),
            },
        })
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer<S>>, Error> {
        self.writer.lock().map_err(|_| Error::Poisoned {
            because: Arc::new(Error::Panicked),
        })
    }
}

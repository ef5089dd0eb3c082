//! The handle: open, write, read, flush, close. Any number of threads may use it.

use super::as_found::AsFound;
use super::durable::Durable;
use super::error::{Error, OrFail};
use super::options::Options;
use super::scan::Scan;
use super::stats::{Stats, TableStats};
use super::version::{Current, Snapshot};
use super::work::Workers;
use crate::engine::Discipline;
use crate::engine::wal::{Lsn, Write};
use crate::storage::{Storage, claim};
use crate::sync::Mutex;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

/// An open LSM tree, alone in its directory. Keys and values are bytes; a key has at most
/// [`KEY_BYTES_MAX`](super::KEY_BYTES_MAX) of them, a value
/// [`VALUE_BYTES_MAX`](super::VALUE_BYTES_MAX), and both may be empty.
///
/// Writers who come together share one barrier. Tables are made and merged beside them
/// ([`Options::background`]), and a writer waits for that only where two logs are full ([`Options::flush_at`]).
/// Readers wait for nobody: each sees the store as of the last write that returned.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then
/// cached, and a power cut may take it. [`Store::close`] syncs.
#[derive(Debug)]
pub struct Store<S: Storage> {
    current: Arc<Current<S>>,
    kept: Kept<S>,
}

#[derive(Debug)]
enum Kept<S: Storage> {
    Durable(Workers<S>),
    AsFound(Box<Mutex<AsFound<S>>>, S::Lock),
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
        let (kept, current) = match options.discipline {
            Discipline::Durable => {
                let (durable, current) = Durable::open(&storage, dir, &options, lock)?;
                (Kept::Durable(Workers::of(Arc::new(durable))?), current)
            }
            Discipline::AsFound => {
                let (as_found, current) = AsFound::open(&storage, dir, &options)?;
                let as_found = Box::new(Mutex::new(as_found));
                (Kept::AsFound(as_found, lock), Arc::new(current))
            }
        };
        Ok(Store { current, kept })
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
    /// record. Where both logs are full it waits until a table holds one of them.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in
    /// [`SyncMode::EveryWrite`](super::SyncMode::EveryWrite). In the other modes a power cut leaves
    /// it once a later `sync` or `flush`, or the n-th call, has returned. As-found: a power cut may
    /// always take it, readers may see a part, and a crash may leave one.
    ///
    /// After a failure the writes may be found by the next recovery or not; until then no reader
    /// sees them, and this handle takes no more.
    pub fn write(&self, writes: &[Write]) -> Result<Lsn, Error> {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().write(writes),
            Kept::AsFound(as_found, _) => {
                let mut as_found = as_found.lock().map_err(|_| Error::Panicked)?;
                as_found.write(&self.current, writes)
            }
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

    /// Makes tables of everything that returned before, so that the logs are empty but for what others write
    /// meanwhile; with [`Background::Callers`](super::Background::Callers), it also does the merges that are due then. Once this returns,
    /// everything that returned before is durable. As-found promises nothing.
    pub fn flush(&self) -> Result<(), Error> {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().flush(),
            Kept::AsFound(as_found, _) => as_found.lock().map_err(|_| Error::Panicked)?.flush(),
        }
    }

    /// Flushes, and merges all tables into one, without what was deleted or overwritten. Once this
    /// returns, everything that returned before is durable. As-found has no compaction: this does
    /// nothing.
    pub fn compact(&self) -> Result<(), Error> {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().compact(),
            Kept::AsFound(..) => Ok(()),
        }
    }

    /// Makes a table of a full log, or merges tables that are due; `false`: there is nothing of that to do. Needed
    /// with [`Background::Callers`](super::Background::Callers) only, and there whenever one likes: a writer who would have to wait does it.
    pub fn run_one(&self) -> Result<bool, Error> {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().run_one(),
            Kept::AsFound(..) => Ok(false),
        }
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    /// As-found: this does nothing.
    pub fn sync(&self) -> Result<(), Error> {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().sync(),
            Kept::AsFound(..) => Ok(()),
        }
    }

    /// Syncs, as [`Store::sync`], and lets go of the directory, also where the sync fails. It waits for a table
    /// that is being made, and for no merge. Snapshots and scans go on.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// What the store is made of now.
    pub fn stats(&self) -> Result<Stats, Error> {
        let version = self.current.version();
        let memtable_bytes = version.memtables().map(|memtable| memtable.bytes()).sum();
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
        Ok(match &self.kept {
            Kept::Durable(workers) => workers.durable().group.look(|book| Stats {
                last: book.active.last(),
                durable_mark: book.active.mark(),
                log_bytes: book.active.live_bytes()
                    + book.due.map_or(0, |_| book.other.live_bytes()),
                memtable_bytes,
                flushes: book.flushes,
                merges: book.merges,
                tables: book.current.version().tables.iter().map(table).collect(),
            }),
            Kept::AsFound(as_found, _) => {
                let as_found = as_found.lock().map_err(|_| Error::Panicked)?;
                Stats {
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
                }
            }
        })
    }

    /// How many threads wait for others.
    pub fn waiting(&self) -> usize {
        match &self.kept {
            Kept::Durable(workers) => workers.durable().group.waiting(),
            Kept::AsFound(..) => 0,
        }
    }
}

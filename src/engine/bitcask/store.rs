//! The handle: open, put, get, delete, merge, close. Any number of threads may use it.

use super::error::Error;
use super::index::Index;
use super::recovery;
use super::source::Source;
use crate::engine::wal::format::Owner;
use crate::engine::wal::segments::{self, Shared};
use crate::engine::wal::{Lsn, SyncMode, Write};
use crate::storage::Storage;
use crate::sync::Mutex;
use std::path::{Path, PathBuf};

/// The settings of a store. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a write is synced: Bitcask's `sync_writes` is [`SyncMode::EveryWrite`].
    pub sync: SyncMode,
    /// Bytes at which a data file is full: the next write begins another.
    pub file_bytes: u64,
    /// Bytes of zeros that are written ahead, so that most writes change no size, and a data barrier is cheap;
    /// 0: none.
    pub preallocate: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            file_bytes: 64 << 20,
            preallocate: segments::Options::default().preallocate,
        }
    }
}

/// What a store is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Keys that have a value.
    pub keys: usize,
    /// Data files, the active one among them.
    pub data_files: usize,
    /// Bytes of all records, and of the merged file.
    pub bytes: u64,
    /// Bytes of the keys and values that can be read.
    pub live_bytes: u64,
}

impl Stats {
    /// Bytes that a merge could do without, and what the format takes.
    pub fn dead_bytes(&self) -> u64 {
        self.bytes - self.live_bytes
    }
}

/// The data files, and what is beside them.
type Data<S> = Shared<S, Index<<S as Storage>::File>>;

/// An open store, alone in its directory. Keys and values are bytes, with the log's limits:
/// [`KEY_BYTES_MAX`](crate::engine::wal::KEY_BYTES_MAX) and [`VALUE_BYTES_MAX`](crate::engine::wal::VALUE_BYTES_MAX).
///
/// Writers who come together share one barrier. A merge goes on beside them, and stops them for two barriers only
/// where it gives the old files up. Readers wait for no barrier.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then cached, and a power
/// cut may take it. [`Bitcask::close`] syncs.
#[derive(Debug)]
pub struct Bitcask<S: Storage> {
    pub(super) storage: S,
    pub(super) dir: PathBuf,
    pub(super) log: Data<S>,
    /// One merges at a time.
    merging: Mutex<()>,
}

impl<S: Storage> Bitcask<S> {
    /// Opens the store in `dir`, recovering it first, or makes an empty one, and the directory where it is missing (its
    /// parent exists).
    ///
    /// Once this returns, everything that can be read is durable, the names included.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<Bitcask<S>, Error> {
        let options = segments::Options {
            sync: options.sync,
            segment_bytes: options.file_bytes,
            preallocate: options.preallocate,
        };
        let find = |point, last| recovery::find(&storage, dir, point, last);
        let beside = Index::default();
        let (log, found) =
            Shared::open(storage.clone(), dir, options, Owner::Bitcask, beside, find)?;
        let index = found.settle(&storage, log.read_from(None))?;
        log.look(|segments| segments.beside = index);
        Ok(Bitcask {
            storage,
            dir: dir.to_path_buf(),
            log,
            merging: Mutex::new(()),
        })
    }

    /// Gives the key this value; otherwise as [`Bitcask::write`].
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<Lsn, Error> {
        let (key, value) = (key.to_vec(), value.to_vec());
        self.write(&[Write::Put { key, value }])
    }

    /// Takes the key's value, where it has one; otherwise as [`Bitcask::write`].
    pub fn delete(&self, key: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Delete { key: key.to_vec() }])
    }

    /// Makes several writes that any reader and any crash sees all or none of. It is one call, and one record.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other modes a
    /// power cut leaves it once a later `sync` or rotation, or the n-th call, has returned.
    ///
    /// After a failure but a refusal the writes may be found by the next recovery or not; until then they are not read,
    /// and this handle takes no more: everybody who waits for the same barrier is told the same.
    pub fn write(&self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let stage = |index: &mut Index<S::File>, _, place| index.stage(place, writes);
        self.log.append(writes, Index::check_poison, stage)
    }

    /// The value of the key, where it has one: that of the newest write that returned. What does not read back as it
    /// was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let source = self.log.look(|segments| {
            let at = segments.beside.keydir.entries.get(key)?.at;
            Some(Source::of(segments, at))
        });
        source
            .map(|source| source.value(key, &self.dir))
            .transpose()
    }

    /// The keys that have a value, in order.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> =
            self.look(|index| index.keydir.entries.keys().cloned().collect());
        keys.sort_unstable();
        keys
    }

    /// Folds over the keys that have a value now, in order, with their values. Who writes meanwhile may change a value
    /// before it is its turn, and a key that was deleted by then is passed over.
    pub fn fold<T>(&self, from: T, mut step: impl FnMut(T, &[u8], &[u8]) -> T) -> Result<T, Error> {
        self.keys().into_iter().try_fold(from, |so_far, key| {
            Ok(match self.get(&key)? {
                Some(value) => step(so_far, &key, &value),
                None => so_far,
            })
        })
    }

    /// Closes the active data file and begins another, unless it is empty. Everything before is durable once this
    /// returns.
    pub fn rotate(&self) -> Result<(), Error> {
        self.check_poison()?;
        Ok(self.log.rotate()?)
    }

    /// Merges the closed data files, and the merged file of before, into one file of what they still say, and removes
    /// them. Nothing where there are none. It promises nothing of what only returned. Others may write meanwhile; two
    /// merges take turns.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn merge(&self) -> Result<(), Error> {
        let _turn = self.merging.lock().map_err(|_| Error::Panicked)?;
        self.check_poison()?;
        let Some(hi) = self.log.closed_up_to() else {
            return Ok(());
        };
        self.merge_closed(hi).map_err(|error| {
            let because = error.cause();
            self.look(|index| index.poison = Some(because.clone()));
            Error::Poisoned { because }
        })
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&self) -> Result<(), Error> {
        self.check_poison()?;
        Ok(self.log.sync()?)
    }

    /// Syncs, as [`Bitcask::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest write that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.log.last()
    }

    /// What the store is made of now.
    pub fn stats(&self) -> Stats {
        self.log.look(|segments| {
            let index = &segments.beside;
            let merged = index.merged.as_ref();
            Stats {
                keys: index.keydir.entries.len(),
                data_files: segments.count(),
                bytes: segments.bytes() + merged.map_or(0, |merged| merged.footer.file_bytes),
                live_bytes: index.keydir.live_bytes,
            }
        })
    }

    /// Up to which record the merged file holds everything, and whether it has a hint; `None` where there is none.
    pub fn merged_up_to(&self) -> Option<(u64, bool)> {
        self.look(|index| {
            let merged = index.merged.as_ref()?;
            Some((merged.footer.meta.hi, index.hinted))
        })
    }

    /// How many threads wait for others.
    pub fn waiting(&self) -> usize {
        self.log.waiting()
    }

    /// Looks at what is beside the data files, for a moment.
    pub(super) fn look<T>(&self, at: impl FnOnce(&mut Index<S::File>) -> T) -> T {
        self.log.look(|segments| at(&mut segments.beside))
    }

    fn check_poison(&self) -> Result<(), Error> {
        self.look(|index| index.check_poison())?;
        Ok(self.log.check_poison()?)
    }
}

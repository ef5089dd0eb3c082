//! The handle: open, put, get, delete, merge, close.

use super::error::Error;
use super::keydir::{At, Keydir};
use super::merged::Merged;
use super::recovery;
use crate::engine::wal::format::Owner;
use crate::engine::wal::segments::{self, SegmentedLog};
use crate::engine::wal::{Entry as LogEntry, Lsn, SyncMode, Write};
use crate::storage::Storage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a store. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a write is synced: Bitcask's `sync_writes` is [`SyncMode::EveryWrite`].
    pub sync: SyncMode,
    /// Bytes at which a data file is full: the next write begins another.
    pub file_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            file_bytes: 64 << 20,
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

/// An open store, alone in its directory. Keys and values are bytes, with the log's limits:
/// [`KEY_BYTES_MAX`](crate::engine::wal::KEY_BYTES_MAX) and [`VALUE_BYTES_MAX`](crate::engine::wal::VALUE_BYTES_MAX).
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then cached, and a power
/// cut may take it. [`Bitcask::close`] syncs.
#[derive(Debug)]
pub struct Bitcask<S: Storage> {
    pub(super) storage: S,
    pub(super) dir: PathBuf,
    pub(super) log: SegmentedLog<S>,
    pub(super) merged: Option<Merged<S::File>>,
    /// Whether the merged file has a hint.
    pub(super) hinted: bool,
    pub(super) keydir: Keydir,
    poison: Option<Arc<Error>>,
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
        };
        let find = |point, last| recovery::find(&storage, dir, point, last);
        let (log, mut found) =
            SegmentedLog::open_as(storage.clone(), dir, options, Owner::Bitcask, find)?;
        found.settle(&storage, &log)?;
        Ok(Bitcask {
            storage,
            dir: dir.to_path_buf(),
            log,
            merged: found.merged,
            hinted: found.hinted,
            keydir: found.keydir,
            poison: None,
        })
    }

    /// Gives the key this value; otherwise as [`Bitcask::write`].
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<Lsn, Error> {
        let (key, value) = (key.to_vec(), value.to_vec());
        self.write(&[Write::Put { key, value }])
    }

    /// Takes the key's value, where it has one; otherwise as [`Bitcask::write`].
    pub fn delete(&mut self, key: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Delete { key: key.to_vec() }])
    }

    /// Makes several writes that any crash leaves all or none of. It is one call, and one record.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other modes a
    /// power cut leaves it once a later `sync` or rotation, or the n-th call, has returned.
    ///
    /// After a failure but a refusal the writes may be found by the next recovery or not; until then they are not read,
    /// and this handle takes no more.
    pub fn write(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let (lsn, place) = self.log.append_placed(writes)?;
        self.keydir.apply(place, writes);
        Ok(lsn)
    }

    /// The value of the key, where it has one. What does not read back as it was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let entry = self.keydir.entries.get(key);
        entry.map(|entry| self.value_at(key, entry.at)).transpose()
    }

    /// The keys that have a value, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keydir.entries.keys().map(Vec::as_slice)
    }

    /// Folds over all keys and their values, in order of the keys.
    pub fn fold<T>(&self, from: T, mut step: impl FnMut(T, &[u8], &[u8]) -> T) -> Result<T, Error> {
        let mut keys: Vec<&[u8]> = self.keys().collect();
        keys.sort_unstable();
        keys.into_iter().try_fold(from, |so_far, key| {
            let value = self.get(key)?.unwrap_or_default();
            Ok(step(so_far, key, &value))
        })
    }

    /// Closes the active data file and begins another, unless it is empty. Everything before is durable once this
    /// returns.
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        Ok(self.log.rotate()?)
    }

    /// Merges the closed data files, and the merged file of before, into one file of what they still say, and removes
    /// them. Nothing where there are none. It promises nothing of what only returned.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn merge(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        let Some(hi) = self.log.closed_up_to() else {
            return Ok(());
        };
        self.merge_closed(hi).map_err(|error| {
            let because = Arc::new(error);
            self.poison = Some(because.clone());
            Error::Poisoned { because }
        })
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        Ok(self.log.sync()?)
    }

    /// Syncs, as [`Bitcask::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest write that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.log.last()
    }

    /// What the store is made of now.
    pub fn stats(&self) -> Stats {
        let merged = self.merged.as_ref();
        Stats {
            keys: self.keydir.entries.len(),
            data_files: self.log.segments().count(),
            bytes: self.log.bytes() + merged.map_or(0, |merged| merged.footer.file_bytes),
            live_bytes: self.keydir.live_bytes,
        }
    }

    /// Up to which record the merged file holds everything, and whether it has a hint; `None` where there is none.
    pub fn merged_up_to(&self) -> Option<(u64, bool)> {
        let merged = self.merged.as_ref()?;
        Some((merged.footer.meta.hi, self.hinted))
    }

    /// The value of a key that is there.
    pub(super) fn value_at(&self, key: &[u8], at: At) -> Result<Vec<u8>, Error> {
        match (at, &self.merged) {
            (At::Data(place, nth), _) => {
                let record = self.log.record_at(place)?;
                if let LogEntry::Writes(mut writes) = record.entry
                    && nth < writes.len()
                    && let Write::Put { value, .. } = writes.swap_remove(nth)
                {
                    return Ok(value);
                }
                Err(self.another(place.index))
            }
            (At::Merged(placed), Some(merged)) => {
                let (found, value) = merged.read(placed.at, placed.entry_bytes as usize)?;
                match found == key {
                    true => Ok(value),
                    false => Err(self.another(placed.at)),
                }
            }
            (At::Merged(placed), None) => Err(self.another(placed.at)),
        }
    }

    fn another(&self, at: u64) -> Error {
        Error::Damaged {
            path: self.dir.clone(),
            at,
            because: "another entry stands where a key's value was",
        }
    }

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(self.log.check_poison()?),
        }
    }
}

//! The handle: open, put, get, delete, range, checkpoint, close. Any number of threads may use it.

use super::book::{Book, Returned};
use super::checkpoint::write_in_place;
use super::error::{Error, OrFail};
use super::page::Node;
use super::range::Range;
use super::recovery::{self, PAGES, Recovered};
use super::tree::{HEADER, Pages};
use super::{PAGE_BYTES_MAX, PAGE_BYTES_MIN};
use crate::engine::wal::group::{Alone, Group, Ledger};
use crate::engine::wal::{Lsn, PREALLOCATE, SyncMode, Write};
use crate::storage::{File, Storage, claim};
use std::ops::{Bound, RangeBounds};
use std::path::Path;

/// The settings of a tree. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a write is synced.
    pub sync: SyncMode,
    /// Bytes of a page, a multiple of 16: that of the tree, once it is made.
    pub page_bytes: usize,
    /// Bytes of records in the log at which the next write first makes a checkpoint.
    pub checkpoint_at: u64,
    /// Bytes of zeros that the log writes ahead while it grows for the first time; 0: none.
    pub preallocate: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            page_bytes: 4096,
            checkpoint_at: 16 << 20,
            preallocate: PREALLOCATE,
        }
    }
}

/// What a tree is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Pages from the root to a leaf.
    pub height: u32,
    /// Keys that have a value.
    pub keys: u64,
    /// Pages that were ever used, slots and header included.
    pub pages: u64,
    /// Pages that were freed and are not used again yet.
    pub free_pages: u64,
    /// Pages that this handle read from the file.
    pub pages_read: u64,
    /// Pages that this handle wrote in place.
    pub pages_written: u64,
}

/// An open B-tree, alone in its directory. Keys and values are bytes, and may be empty; a key with its value has about a
/// quarter of a page at most ([`Btree::entry_bytes_max`]).
///
/// Writers who come together share one barrier; a checkpoint stops them for as long as it takes. Readers wait for no
/// barrier.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then cached, and a power
/// cut may take it. [`Btree::close`] syncs.
#[derive(Debug)]
pub struct Btree<S: Storage> {
    page_bytes: usize,
    pub(super) group: Group<Book<S::File>>,
    _lock: S::Lock,
}

impl<S: Storage> Btree<S> {
    /// Opens the tree in `dir`, recovering it first, or makes an empty one, and the directory where it is missing (its
    /// parent exists).
    ///
    /// Once this returns, everything that can be read is durable, the names included.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<Btree<S>, Error> {
        let asked = options.page_bytes;
        let (min, max) = (PAGE_BYTES_MIN, PAGE_BYTES_MAX);
        if !(min..=max).contains(&asked) || !asked.is_multiple_of(16) {
            return Err(Error::BadPageSize { asked, min, max });
        }
        let lock = claim(&storage, dir).or_fail("open the tree")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let Recovered {
            log,
            file,
            slot,
            dirty,
        } = recovery::recover(&storage, dir, &options)?;
        let pages = Returned::new(dir.join(PAGES), asked, file, dirty);
        Ok(Btree {
            page_bytes: asked,
            group: Group::new(Book::new(log, pages, slot, options.checkpoint_at)),
            _lock: lock,
        })
    }

    /// Gives the key this value; otherwise as [`Btree::write`].
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<Lsn, Error> {
        let (key, value) = (key.to_vec(), value.to_vec());
        self.write(&[Write::Put { key, value }])
    }

    /// Takes the key's value, where it has one; otherwise as [`Btree::write`].
    pub fn delete(&self, key: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Delete { key: key.to_vec() }])
    }

    /// Makes several writes that any reader and any crash sees all or none of. It is one call, and one record: all pages
    /// that change. A write that changes nothing writes the header page.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other modes a
    /// power cut leaves it once a later `sync` or checkpoint, or the n-th call, has returned.
    ///
    /// After a failure but a refusal the writes may be found by the next recovery or not; until then they are not read,
    /// and this handle takes no more: everybody who waits for the same barrier is told the same.
    pub fn write(&self, writes: &[Write]) -> Result<Lsn, Error> {
        self.look(|book| book.check_poison())?;
        self.check_limits(writes)?;
        self.group
            .write(|| self.make_room(), |book| book.stage(writes))
    }

    /// The value of the key, where it has one. What does not read back as it was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let leaf = self.look(|book| book.pages.leaf_of(key))?;
        let Node::Leaf { entries, .. } = &*leaf else {
            return Ok(None);
        };
        let found = entries.binary_search_by(|(other, _)| other[..].cmp(key));
        Ok(found.ok().map(|at| entries[at].1.clone()))
    }

    /// The keys of a range with their values, in order; `range::<[u8]>(..)` for all of them. Who writes meanwhile may
    /// change what the scan has not come to yet.
    pub fn range<K: AsRef<[u8]> + ?Sized>(&self, range: impl RangeBounds<K>) -> Range<'_, S> {
        let bound = |bound: Bound<&K>| match bound {
            Bound::Included(key) => Bound::Included(key.as_ref().to_vec()),
            Bound::Excluded(key) => Bound::Excluded(key.as_ref().to_vec()),
            Bound::Unbounded => Bound::Unbounded,
        };
        Range::new(self, bound(range.start_bound()), bound(range.end_bound()))
    }

    /// Writes the pages that the log holds in place, so that the log begins anew. Once this returns, everything that
    /// returned before is durable.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.look(|book| book.check_poison())?;
        let turn = self.group.alone()?;
        self.checkpoint_alone(&turn)
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&self) -> Result<(), Error> {
        self.look(|book| book.check_poison())?;
        Ok(self.group.sync()?)
    }

    /// Syncs, as [`Btree::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest write that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.look(|book| book.log.last())
    }

    /// The most bytes that a key and its value may have together.
    pub fn entry_bytes_max(&self) -> usize {
        Node::entry_bytes_max(self.page_bytes)
    }

    /// How many threads wait for others.
    pub fn waiting(&self) -> usize {
        self.group.waiting()
    }

    /// What the tree is made of now. Reads all leaves, the keys as [`Btree::range`] does.
    pub fn stats(&self) -> Result<Stats, Error> {
        let keys = self
            .range::<[u8]>(..)
            .try_fold(0, |keys, pair| pair.map(|_| keys + 1))?;
        self.look(|book| book.stats(keys))
    }

    /// Looks at the book, for a moment.
    pub(super) fn look<T>(&self, at: impl FnOnce(&mut Book<S::File>) -> T) -> T {
        self.group.look(at)
    }

    fn make_room(&self) -> Result<(), Error> {
        let turn = self.group.alone()?;
        // Somebody else may have made it, while this one waited for its turn.
        match turn.with(|book| book.has_room()) {
            true => Ok(()),
            false => self.checkpoint_alone(&turn),
        }
    }

    fn checkpoint_alone(&self, turn: &Alone<'_, Book<S::File>>) -> Result<(), Error> {
        // Whoever was alone before may have failed: what failed is not tried again.
        turn.with(|book| book.check_poison())?;
        if turn.with(|book| book.log.live_bytes()) == 0 {
            return Ok(());
        }
        write_in_place(turn).map_err(|error| {
            let because = error.cause();
            turn.with(|book| book.poison = Some(because.clone()));
            Error::Poisoned { because }
        })
    }

    fn check_limits(&self, writes: &[Write]) -> Result<(), Error> {
        if writes.is_empty() {
            return Err(Error::EmptyBatch);
        }
        let bytes_max = self.entry_bytes_max();
        for write in writes {
            let bytes = match write {
                Write::Put { key, value } => key.len() + value.len(),
                Write::Delete { .. } => 0,
            };
            if bytes > bytes_max {
                return Err(Error::TooLarge { bytes, bytes_max });
            }
        }
        Ok(())
    }
}

impl<F: File> Book<F> {
    fn stats(&self, keys: u64) -> Result<Stats, Error> {
        let header = self.pages.node(HEADER)?;
        let Node::Header {
            height, next, free, ..
        } = *header
        else {
            return Err(self.pages.misplaced(HEADER));
        };
        let (mut free_pages, mut at) = (0, free);
        while at != 0 {
            let Node::Free { next } = *self.pages.node(at)? else {
                return Err(self.pages.misplaced(at));
            };
            (free_pages, at) = (free_pages + 1, next);
        }
        Ok(Stats {
            height,
            keys,
            pages: next,
            free_pages,
            pages_read: self.pages.pages_read.get(),
            pages_written: self.pages_written,
        })
    }
}

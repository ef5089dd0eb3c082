//! The handle: open, put, get, delete, range, checkpoint, close.

use super::error::{Error, OrFail};
use super::page::{Node, NodeOf};
use super::recovery::{self, PAGES, Recovered, write_of};
use super::tree::{self, HEADER, Pages};
use super::{PAGE_BYTES_MAX, PAGE_BYTES_MIN};
use crate::engine::wal::file::LogFile;
use crate::engine::wal::{Lsn, SyncMode, Write};
use crate::storage::{Storage, claim};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a tree. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a write is synced.
    pub sync: SyncMode,
    /// Bytes of a page, a multiple of 16: that of the tree, once it is made.
    pub page_bytes: usize,
    /// Bytes of records in the log at which the next write first makes a checkpoint.
    pub checkpoint_at: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            page_bytes: 4096,
            checkpoint_at: 16 << 20,
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
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then cached, and a power
/// cut may take it. [`Btree::close`] syncs.
#[derive(Debug)]
pub struct Btree<S: Storage> {
    path: PathBuf,
    pub(super) options: Options,
    pub(super) log: LogFile<S::File>,
    pub(super) file: S::File,
    /// Which slot counts.
    pub(super) slot: u64,
    /// The pages that the log holds, the newest of each.
    pub(super) dirty: BTreeMap<u64, Arc<Vec<u8>>>,
    /// The pages that were read or written, as they are now.
    cache: RefCell<HashMap<u64, NodeOf>>,
    pages_read: Cell<u64>,
    pub(super) pages_written: u64,
    poison: Option<Arc<Error>>,
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
        Ok(Btree {
            path: dir.join(PAGES),
            options,
            log,
            file,
            slot,
            dirty,
            cache: RefCell::default(),
            pages_read: Cell::new(0),
            pages_written: 0,
            poison: None,
            _lock: lock,
        })
    }

    /// Gives the key this value; otherwise as [`Btree::write`].
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<Lsn, Error> {
        let (key, value) = (key.to_vec(), value.to_vec());
        self.write(&[Write::Put { key, value }])
    }

    /// Takes the key's value, where it has one; otherwise as [`Btree::write`].
    pub fn delete(&mut self, key: &[u8]) -> Result<Lsn, Error> {
        self.write(&[Write::Delete { key: key.to_vec() }])
    }

    /// Makes several writes that any crash leaves all or none of. It is one call, and one record: all pages that change. A
    /// write that changes nothing writes the header page.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other modes a
    /// power cut leaves it once a later `sync` or checkpoint, or the n-th call, has returned.
    ///
    /// After a failure but a refusal the writes may be found by the next recovery or not; until then they are not read,
    /// and this handle takes no more.
    pub fn write(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        self.check_limits(writes)?;
        if self.log.live_bytes() > 0 && self.log.live_bytes() >= self.options.checkpoint_at {
            self.checkpoint()?;
        }
        let page_bytes = self.options.page_bytes;
        let changed = tree::changed(self, page_bytes, writes)?;
        let images = changed.iter();
        let images: BTreeMap<u64, Arc<Vec<u8>>> = images
            .map(|(number, node)| (*number, Arc::new(node.encode(*number, page_bytes))))
            .collect();
        let pages = images
            .iter()
            .map(|(number, image)| write_of(*number, image));
        let pages: Vec<Write> = pages.collect();
        let lsn = self.log.append(&pages)?;
        self.dirty.extend(images);
        let changed = changed.into_iter();
        let changed = changed.map(|(number, node)| (number, Arc::new(node)));
        self.cache.borrow_mut().extend(changed);
        Ok(lsn)
    }

    /// The value of the key, where it has one. What does not read back as it was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let leaf = self.leaf_of(key)?;
        let Node::Leaf { entries, .. } = &*leaf else {
            return Ok(None);
        };
        let found = entries.binary_search_by(|(other, _)| other[..].cmp(key));
        Ok(found.ok().map(|at| entries[at].1.clone()))
    }

    /// The keys of a range with their values, in order; `range::<[u8]>(..)` for all of them.
    pub fn range<K: AsRef<[u8]> + ?Sized>(&self, range: impl RangeBounds<K>) -> Range<'_, S> {
        let bound = |bound: Bound<&K>| match bound {
            Bound::Included(key) => Bound::Included(key.as_ref().to_vec()),
            Bound::Excluded(key) => Bound::Excluded(key.as_ref().to_vec()),
            Bound::Unbounded => Bound::Unbounded,
        };
        Range {
            tree: self,
            from: bound(range.start_bound()),
            to: bound(range.end_bound()),
            leaf: Leaf::First,
        }
    }

    /// Writes the pages that the log holds in place, so that the log begins anew. Once this returns, everything that
    /// returned before is durable.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        if self.log.live_bytes() == 0 {
            return Ok(());
        }
        self.write_in_place().map_err(|error| {
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

    /// Syncs, as [`Btree::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest write that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.log.last()
    }

    /// The most bytes that a key and its value may have together.
    pub fn entry_bytes_max(&self) -> usize {
        Node::entry_bytes_max(self.options.page_bytes)
    }

    /// What the tree is made of now. Reads all leaves.
    pub fn stats(&self) -> Result<Stats, Error> {
        let header = self.node(HEADER)?;
        let Node::Header {
            height, next, free, ..
        } = *header
        else {
            return Err(self.misplaced(HEADER));
        };
        let keys = self
            .range::<[u8]>(..)
            .try_fold(0, |keys, pair| pair.map(|_| keys + 1))?;
        let (mut free_pages, mut at) = (0, free);
        while at != 0 {
            let Node::Free { next } = *self.node(at)? else {
                return Err(self.misplaced(at));
            };
            (free_pages, at) = (free_pages + 1, next);
        }
        Ok(Stats {
            height,
            keys,
            pages: next,
            free_pages,
            pages_read: self.pages_read.get(),
            pages_written: self.pages_written,
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

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(self.log.check_poison()?),
        }
    }

    /// The leaf that a key belongs to.
    fn leaf_of(&self, key: &[u8]) -> Result<NodeOf, Error> {
        let header = self.node(HEADER)?;
        let Node::Header { height, root, .. } = *header else {
            return Err(self.misplaced(HEADER));
        };
        let mut number = root;
        for _ in 1..height {
            let node = self.node(number)?;
            let Node::Branch { left, children } = &*node else {
                return Err(self.misplaced(number));
            };
            number = match children.partition_point(|(least, _)| &least[..] <= key) {
                0 => *left,
                after => children[after - 1].1,
            };
        }
        let node = self.node(number)?;
        match &*node {
            Node::Leaf { .. } => Ok(node),
            _ => Err(self.misplaced(number)),
        }
    }
}

impl<S: Storage> Pages for Btree<S> {
    type Error = Error;

    fn node(&self, number: u64) -> Result<NodeOf, Error> {
        if let Some(node) = self.cache.borrow().get(&number) {
            return Ok(node.clone());
        }
        let node = match self.dirty.get(&number) {
            Some(image) => Node::decode(number, image).map_err(|because| Error::Damaged {
                path: self.path.clone(),
                page: number,
                because,
            })?,
            None => {
                self.pages_read.set(self.pages_read.get() + 1);
                let page_bytes = self.options.page_bytes;
                recovery::read_page(&self.file, &self.path, number, page_bytes)?
            }
        };
        let node = Arc::new(node);
        self.cache.borrow_mut().insert(number, node.clone());
        Ok(node)
    }

    fn misplaced(&self, number: u64) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            page: number,
            because: "another kind of page stands there",
        }
    }
}

/// Keys and values of a range, in order. An error ends it.
#[derive(Debug)]
pub struct Range<'t, S: Storage> {
    tree: &'t Btree<S>,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    leaf: Leaf,
}

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// Where a scan is.
#[derive(Debug)]
enum Leaf {
    First,
    At(NodeOf, usize),
    Done,
}

impl<S: Storage> Range<'_, S> {
    fn step(&mut self) -> Result<Option<Pair>, Error> {
        loop {
            match std::mem::replace(&mut self.leaf, Leaf::Done) {
                Leaf::Done => return Ok(None),
                Leaf::First => {
                    let key = match &self.from {
                        Bound::Included(key) | Bound::Excluded(key) => &key[..],
                        Bound::Unbounded => &[],
                    };
                    let node = self.tree.leaf_of(key)?;
                    let Node::Leaf { entries, .. } = &*node else {
                        return Ok(None);
                    };
                    let before = |other: &[u8]| match &self.from {
                        Bound::Included(key) => other < &key[..],
                        Bound::Excluded(key) => other <= &key[..],
                        Bound::Unbounded => false,
                    };
                    let at = entries.partition_point(|(key, _)| before(key));
                    self.leaf = Leaf::At(node, at);
                }
                Leaf::At(node, at) => {
                    let Node::Leaf { right, entries } = &*node else {
                        return Ok(None);
                    };
                    if let Some((key, value)) = entries.get(at) {
                        let is_in = match &self.to {
                            Bound::Included(to) => key <= to,
                            Bound::Excluded(to) => key < to,
                            Bound::Unbounded => true,
                        };
                        let pair = (key.clone(), value.clone());
                        if !is_in {
                            return Ok(None);
                        }
                        self.leaf = Leaf::At(node, at + 1);
                        return Ok(Some(pair));
                    }
                    if *right != 0 {
                        let next = self.tree.node(*right)?;
                        match &*next {
                            Node::Leaf { .. } => self.leaf = Leaf::At(next, 0),
                            _ => return Err(self.tree.misplaced(*right)),
                        }
                    }
                }
            }
        }
    }
}

impl<S: Storage> Iterator for Range<'_, S> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

//! **Unsafe.** The B-tree as a study found it: the log is synced, the pages are written in place and only flushed, and the
//! metadata is in no log.
//!
//! ```text
//! entry     1 u32 | 0 u32 | number of the page u64 | page, which begins with its checksum       a commit: 2, and no page
//! write     for each page that changes: its entry to the log | fsync [study] | write it in place, flush [study]
//!           the metadata page in place, flush [study]
//! commit    fsync of the pages | truncate the log | fsync of the log [study]
//! open      write each page of the log in place [study] | as a commit [assumed]
//! ```
//!
//! Assumed: pages have checksums, a tree with a page that is not whole does not open, new leaves come first and the
//! metadata last; [`Options`] has the rest. After a failed call the handle goes on `[assumed]`.
//!
//! LIMIT: all pages are in memory.

mod tree;

use super::error::{Error, OrFail};
use crate::engine::wal::Write;
use crate::storage::{File, Storage, claim, read_all};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tree::{HEADER, Node, Pages};

/// The bytes of an entry before its page.
const HEAD: usize = 16;
/// What an entry is: a page, or a commit.
const PAGE: u32 = 1;
const COMMIT: u32 = 2;

/// The sizes, what the study leaves open, and how such trees get mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// The most keys of a leaf, at least 1.
    pub leaf_keys: usize,
    /// Bytes of a page.
    pub page_bytes: usize,
    /// Mended: commit records, logged and synced metadata.
    pub committed: bool,
    /// The checksum of a page of zeros is zero, so that zeros are an entry.
    pub zeros_are_valid: bool,
    /// Recovery truncates the log without syncing what it wrote.
    pub recovery_cached: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            leaf_keys: 8,
            page_bytes: 4096,
            committed: false,
            zeros_are_valid: false,
            recovery_cached: false,
        }
    }
}

/// An open tree as found, alone in its directory.
#[derive(Debug)]
pub struct AsFound<S: Storage> {
    options: Options,
    path: PathBuf,
    file: S::File,
    log: S::File,
    /// Where the next entry of the log goes.
    tail: u64,
    pages: Pages,
    _lock: S::Lock,
}

impl<S: Storage> AsFound<S> {
    /// Opens the tree in `dir`, or makes an empty one. As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<AsFound<S>, Error> {
        let empty = tree::empty().into_iter();
        let empty = empty.map(|(number, node)| Ok((number, node.encode(options.page_bytes)?)));
        let empty: Vec<_> = empty.collect::<Result<_, Error>>()?;
        let lock = claim(&storage, dir).or_fail("open the tree")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let (path, log) = (dir.join("pages"), dir.join("wal"));
        let has_pages = storage.exists(&path).or_fail("open the pages")?;
        let file = match has_pages {
            true => storage.open(&path),
            false => storage.create(&path),
        };
        let file = file.or_fail("open the pages")?;
        if !has_pages {
            for (number, image) in &empty {
                let written = file.write_at(number * options.page_bytes as u64, image);
                written.or_fail("write the first pages")?;
            }
        }
        let log = match storage.exists(&log).or_fail("open the log")? {
            true => storage.open(&log),
            false => storage.create(&log),
        };
        let mut tree = AsFound {
            options,
            path,
            file,
            log: log.or_fail("open the log")?,
            tail: 0,
            pages: Pages::new(),
            _lock: lock,
        };
        tree.recover()?;
        Ok(tree)
    }

    /// Makes several writes, which a crash may tear apart.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), Error> {
        let changed = tree::changed(&self.pages, self.options.leaf_keys, writes);
        let changed = changed.ok_or_else(|| self.not_whole())?;
        let images = changed.into_iter().map(|(number, node)| {
            let image = node.encode(self.options.page_bytes)?;
            Ok((number, node, image))
        });
        let images: Vec<_> = images.collect::<Result<_, Error>>()?;
        for (number, node, image) in images {
            if number != HEADER || self.options.committed {
                self.log(PAGE, number, &image)?;
            }
            self.write_in_place(number, &image)?;
            self.pages.insert(number, node);
        }
        if self.options.committed {
            self.log(COMMIT, 0, &[])?;
            self.file.barrier().or_fail("sync the pages")?;
        }
        Ok(())
    }

    /// Syncs the pages, and gives the log away.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.file.barrier().or_fail("sync the pages")?;
        self.log.set_len(0).or_fail("truncate the log")?;
        self.log.barrier().or_fail("sync the log")?;
        self.tail = 0;
        Ok(())
    }

    /// All keys with their values.
    pub fn contents(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
        tree::values(&self.pages).ok_or_else(|| self.not_whole())
    }

    fn log(&mut self, kind: u32, number: u64, image: &[u8]) -> Result<(), Error> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(image);
        let written = self.log.write_at(self.tail, &bytes);
        written.or_fail("write to the log")?;
        self.log.barrier().or_fail("sync the log")?;
        self.tail += bytes.len() as u64;
        Ok(())
    }

    fn write_in_place(&self, number: u64, image: &[u8]) -> Result<(), Error> {
        let at = number.checked_mul(self.options.page_bytes as u64);
        let at = at.ok_or_else(|| self.not_whole())?;
        self.file.write_at(at, image).or_fail("write a page")
    }

    fn recover(&mut self) -> Result<(), Error> {
        let bytes = read_all(&self.file).or_fail("read the pages")?;
        let found = (0..).zip(bytes.chunks_exact(self.options.page_bytes));
        let whole = found.filter_map(|(number, image)| Some((number, Node::decode(image)?)));
        self.pages = whole.collect();
        let log = read_all(&self.log).or_fail("read the log")?;
        let replayed = self.replay(&log);
        for (number, image) in &replayed {
            match Node::decode(image) {
                Some(node) => drop(self.pages.insert(*number, node)),
                None => drop(self.pages.remove(number)),
            }
        }
        // Nothing is written before all is known to be a tree.
        self.contents()?;
        for (number, image) in &replayed {
            self.write_in_place(*number, image)?;
        }
        match (log.is_empty(), self.options.recovery_cached) {
            (true, _) => Ok(()),
            (false, true) => self.log.set_len(0).or_fail("truncate the log"),
            (false, false) => self.commit(),
        }
    }

    /// The pages that the log says are to be written, in order: up to an entry that is not whole, and, where there are
    /// commits, up to the last of them.
    fn replay<'b>(&self, mut log: &'b [u8]) -> Vec<(u64, &'b [u8])> {
        let (mut all, mut open) = (Vec::new(), Vec::new());
        while let Some((head, rest)) = log.split_at_checked(HEAD) {
            let (kind, number) = (&head[..8], &head[8..]);
            let kind = kind.first_chunk().map(|kind| u64::from_le_bytes(*kind));
            let number = number
                .first_chunk()
                .map_or(HEADER, |it| u64::from_le_bytes(*it));
            if kind == Some(COMMIT.into()) {
                all.append(&mut open);
                log = rest;
                continue;
            }
            let Some((image, rest)) = rest.split_at_checked(self.options.page_bytes) else {
                break;
            };
            let zeros = || head.iter().chain(image).all(|byte| *byte == 0);
            let counts = match kind == Some(PAGE.into()) {
                true => Node::decode(image).is_some(),
                false => self.options.zeros_are_valid && zeros(),
            };
            if !counts {
                break;
            }
            open.push((number, image));
            log = rest;
        }
        if !self.options.committed {
            all.append(&mut open);
        }
        all
    }

    fn not_whole(&self) -> Error {
        Error::NotWhole {
            path: self.path.clone(),
        }
    }
}

//! What the lock of a tree is for: the log, the pages as of the last record that returned, and those on their way.

use super::error::Error;
use super::page::{Node, NodeOf};
use super::recovery::{self, write_of};
use super::tree::{self, HEADER, Pages};
use crate::engine::wal::file::LogFile;
use crate::engine::wal::group::Ledger;
use crate::engine::wal::{Lsn, Write};
use crate::storage::File;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// A page as it was put together, and its bytes.
type Made = (NodeOf, Arc<Vec<u8>>);

/// What one writer at a time changes.
#[derive(Debug)]
pub(super) struct Book<F> {
    pub(super) log: LogFile<F>,
    pub(super) pages: Returned<F>,
    /// The pages of records that did not return yet, by their indexes.
    staged: VecDeque<(u64, BTreeMap<u64, Made>)>,
    pub(super) checkpoint_at: u64,
    /// Which slot counts.
    pub(super) slot: u64,
    pub(super) pages_written: u64,
    pub(super) poison: Option<Arc<Error>>,
}

/// The pages as of the last record that returned.
#[derive(Debug)]
pub(super) struct Returned<F> {
    pub(super) path: PathBuf,
    pub(super) page_bytes: usize,
    pub(super) file: Arc<F>,
    /// Those that the log holds, the newest of each.
    pub(super) dirty: BTreeMap<u64, Arc<Vec<u8>>>,
    /// Those that were read or written.
    cache: RefCell<HashMap<u64, NodeOf>>,
    pub(super) pages_read: Cell<u64>,
}

impl<F: File> Ledger for Book<F> {
    type File = F;

    fn log(&mut self) -> &mut LogFile<F> {
        &mut self.log
    }

    fn has_room(&mut self) -> bool {
        let bytes = self.log.live_bytes();
        bytes == 0 || bytes < self.checkpoint_at
    }

    fn returned(&mut self) {
        let last = self.log.last().map_or(0, |lsn| lsn.index);
        while self.staged.front().is_some_and(|(index, _)| *index <= last) {
            let (_, pages) = self.staged.pop_front().unwrap_or_default();
            for (number, (node, image)) in pages {
                self.pages.dirty.insert(number, image);
                self.pages.cache.get_mut().insert(number, node);
            }
        }
    }
}

impl<F: File> Book<F> {
    pub(super) fn new(
        log: LogFile<F>,
        pages: Returned<F>,
        slot: u64,
        checkpoint_at: u64,
    ) -> Book<F> {
        Book {
            log,
            pages,
            staged: VecDeque::new(),
            checkpoint_at,
            slot,
            pages_written: 0,
            poison: None,
        }
    }

    /// Stages one record: every page that these writes change, on top of what is staged.
    pub(super) fn stage(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let page_bytes = self.pages.page_bytes;
        let changed = tree::changed(&Staged(self), page_bytes, writes)?;
        let made = changed.into_iter().map(|(number, node)| {
            let image = Arc::new(node.encode(number, page_bytes));
            (number, (Arc::new(node), image))
        });
        let made: BTreeMap<u64, Made> = made.collect();
        let pages = made.iter();
        let pages: Vec<Write> = pages
            .map(|(number, (_, image))| write_of(*number, image))
            .collect();
        let lsn = self.log.stage(&pages)?;
        self.staged.push_back((lsn.index, made));
        Ok(lsn)
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(self.log.check_poison()?),
        }
    }
}

impl<F: File> Returned<F> {
    pub(super) fn new(
        path: PathBuf,
        page_bytes: usize,
        file: F,
        dirty: BTreeMap<u64, Arc<Vec<u8>>>,
    ) -> Returned<F> {
        Returned {
            path,
            page_bytes,
            file: Arc::new(file),
            dirty,
            cache: RefCell::default(),
            pages_read: Cell::new(0),
        }
    }

    /// The leaf that a key belongs to.
    pub(super) fn leaf_of(&self, key: &[u8]) -> Result<NodeOf, Error> {
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

impl<F: File> Pages for Returned<F> {
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
                recovery::read_page(&*self.file, &self.path, number, self.page_bytes)?
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

/// The pages as they will be once everything that is staged has returned.
struct Staged<'b, F>(&'b Book<F>);

impl<F: File> Pages for Staged<'_, F> {
    type Error = Error;

    fn node(&self, number: u64) -> Result<NodeOf, Error> {
        let newest_first = self.0.staged.iter().rev();
        let staged = newest_first
            .filter_map(|(_, pages)| pages.get(&number))
            .next();
        match staged {
            Some((node, _)) => Ok(node.clone()),
            None => self.0.pages.node(number),
        }
    }

    fn misplaced(&self, number: u64) -> Error {
        self.0.pages.misplaced(number)
    }
}

//! Several sorted sources in one order, the newest version of each key.

use super::{Cursor, Entry, Span, Table};
use crate::engine::lsm::error::Error;
use crate::storage::File;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

/// Up from the smallest key, or down from the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub(super) fn next_of(self, range: &mut Range<usize>) -> Option<usize> {
        match self {
            Direction::Up => range.next(),
            Direction::Down => range.next_back(),
        }
    }
}

/// The entries of several sources that are sorted in the same direction; of each key only what the
/// newest source says, tombstones included. It reads nothing before it is asked, and the first
/// error ends it.
#[derive(Debug)]
pub(crate) struct Merge<I> {
    direction: Direction,
    /// Newest first.
    sources: Vec<I>,
    /// The next entry of each source that is not due.
    heads: BinaryHeap<Head>,
    /// Sources whose next entry is still to be fetched.
    due: Vec<usize>,
}

impl<I: Iterator<Item = Result<Entry, Error>>> Merge<I> {
    /// The sources newest first.
    pub(crate) fn new(direction: Direction, sources: Vec<I>) -> Merge<I> {
        Merge {
            direction,
            heads: BinaryHeap::with_capacity(sources.len()),
            due: (0..sources.len()).collect(),
            sources,
        }
    }

    fn fetch(&mut self) -> Result<(), Error> {
        while let Some(source) = self.due.pop() {
            if let Some(entry) = self.sources[source].next() {
                self.heads.push(Head {
                    entry: entry?,
                    source,
                    direction: self.direction,
                });
            }
        }
        Ok(())
    }
}

impl<I: Iterator<Item = Result<Entry, Error>>> Iterator for Merge<I> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.fetch() {
            self.heads.clear();
            self.due.clear();
            return Some(Err(error));
        }
        let newest = self.heads.pop()?;
        self.due.push(newest.source);
        while self
            .heads
            .peek()
            .is_some_and(|head| head.entry.key == newest.entry.key)
        {
            self.due.extend(self.heads.pop().map(|older| older.source));
        }
        Some(Ok(newest.entry))
    }
}

/// The next entry of a source. The greatest is the one whose turn it is: first by key, and of the
/// same key the newest.
#[derive(Debug)]
struct Head {
    entry: Entry,
    source: usize,
    direction: Direction,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let keys = self.entry.key.cmp(&other.entry.key);
        let keys = match self.direction {
            Direction::Up => keys.reverse(),
            Direction::Down => keys,
        };
        keys.then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

/// What the merge of these tables holds, newest first: the newest version of each key. Tombstones
/// are dropped only where nothing older can hold what they hide.
pub(crate) fn merge_tables<F: File>(
    newest_first: &[Arc<Table<F>>],
    keep_tombstones: bool,
) -> impl Iterator<Item = Result<Entry, Error>> + use<F> {
    let all = Arc::new(Span::all());
    let cursor = |table: &Arc<Table<F>>| Cursor::new(table.clone(), all.clone(), Direction::Up);
    Merge::new(Direction::Up, newest_first.iter().map(cursor).collect())
        .filter(move |entry| keep_tombstones || !matches!(entry, Ok(Entry { value: None, .. })))
}

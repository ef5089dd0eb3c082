//! Scans: a range of keys as of an index, from both ends.

use super::error::Error;
use super::memtable::Memtable;
use super::table::{Cursor, Direction, Entry, Merge, Span, Table};
use crate::storage::{File, Storage};
use std::ops::Bound;
use std::sync::Arc;
use std::vec;

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// How much of the memtable is copied at a time.
const GATHERED_BYTES: usize = 64 << 10;

/// The keys of a range with their values, in order, as they were when the scan began; from the
/// front, from the back, or from both until they meet.
///
/// It is read as it is advanced, and holds what it reads from: it may outlive later writes,
/// flushes, merges, and the store. What does not read back as it was written is an error, and the
/// first error ends the scan.
#[derive(Debug)]
pub struct Scan<S: Storage> {
    up: Merge<Source<S::File>>,
    down: Merge<Source<S::File>>,
    /// The last key given from the front.
    front: Option<Vec<u8>>,
    /// The last key given from the back.
    back: Option<Vec<u8>>,
    is_done: bool,
}

impl<S: Storage> Scan<S> {
    /// What the records up to `at` left in the memtables and in these tables, each newest first.
    pub(crate) fn new(
        memtables: Vec<Arc<Memtable>>,
        at: u64,
        newest_first: &[Arc<Table<S::File>>],
        span: Span,
    ) -> Scan<S> {
        let is_done = span.is_empty();
        let span = Arc::new(span);
        let merge =
            |direction| {
                let written = |memtable: &Arc<Memtable>| {
                    Source::Memtable(Written::new(
                        memtable.clone(),
                        at,
                        Span::clone(&span),
                        direction,
                    ))
                };
                let mut sources: Vec<_> = memtables.iter().map(written).collect();
                sources.extend(newest_first.iter().map(|table| {
                    Source::Table(Cursor::new(table.clone(), span.clone(), direction))
                }));
                Merge::new(direction, sources)
            };
        Scan {
            up: merge(Direction::Up),
            down: merge(Direction::Down),
            front: None,
            back: None,
            is_done,
        }
    }

    /// The next key with a value from one end, where the other end has not given it yet.
    fn step(&mut self, direction: Direction) -> Result<Option<Pair>, Error> {
        let (merge, this, other) = match direction {
            Direction::Up => (&mut self.up, &mut self.front, &self.back),
            Direction::Down => (&mut self.down, &mut self.back, &self.front),
        };
        for entry in merge {
            let Entry { key, value } = entry?;
            let has_met = other.as_ref().is_some_and(|other| match direction {
                Direction::Up => key >= *other,
                Direction::Down => key <= *other,
            });
            if has_met {
                break;
            }
            if let Some(value) = value {
                this.get_or_insert_default().clone_from(&key);
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }

    fn advance(&mut self, direction: Direction) -> Option<Result<Pair, Error>> {
        if self.is_done {
            return None;
        }
        let step = self.step(direction).transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl<S: Storage> Iterator for Scan<S> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(Direction::Up)
    }
}

impl<S: Storage> DoubleEndedIterator for Scan<S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.advance(Direction::Down)
    }
}

impl<S: Storage> std::iter::FusedIterator for Scan<S> {}

/// What a scan reads from.
#[derive(Debug)]
enum Source<F> {
    Memtable(Written),
    Table(Cursor<F>),
}

impl<F: File> Iterator for Source<F> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Source::Memtable(written) => written.next().map(Ok),
            Source::Table(cursor) => cursor.next(),
        }
    }
}

/// The entries of a memtable as of an index, in one direction. They are copied a part at a time, so
/// that nothing is borrowed in between; what is inserted meanwhile is of a later index.
#[derive(Debug)]
struct Written {
    memtable: Arc<Memtable>,
    at: u64,
    /// What is not copied yet.
    span: Span,
    direction: Direction,
    part: vec::IntoIter<Entry>,
}

impl Written {
    fn new(memtable: Arc<Memtable>, at: u64, span: Span, direction: Direction) -> Written {
        Written {
            memtable,
            at,
            span,
            direction,
            part: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Written {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if let Some(entry) = self.part.next() {
            return Some(entry);
        }
        let part = self
            .memtable
            .some(self.at, &self.span, self.direction, GATHERED_BYTES);
        let last = Bound::Excluded(part.last()?.key.clone());
        match self.direction {
            Direction::Up => self.span.lower = last,
            Direction::Down => self.span.upper = last,
        }
        self.part = part.into_iter();
        self.part.next()
    }
}

#[cfg(test)]
mod tests;

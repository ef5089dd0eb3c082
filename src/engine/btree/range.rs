//! Scans: a range of keys, in order, leaf by leaf.

use super::book::Returned;
use super::error::Error;
use super::page::Node;
use super::store::Btree;
use super::tree::Pages;
use crate::storage::{File, Storage};
use std::ops::Bound;
use std::vec;

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// Keys and values of a range, in order, those of each leaf as they are when the scan comes there. An error ends it.
#[derive(Debug)]
pub struct Range<'t, S: Storage> {
    tree: &'t Btree<S>,
    /// What was not read yet.
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    /// What is left of the leaf that was read last.
    part: vec::IntoIter<Pair>,
    is_done: bool,
}

impl<'t, S: Storage> Range<'t, S> {
    pub(super) fn new(tree: &'t Btree<S>, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Self {
        Range {
            tree,
            from,
            to,
            part: Vec::new().into_iter(),
            is_done: false,
        }
    }

    fn step(&mut self) -> Result<Option<Pair>, Error> {
        if let Some(pair) = self.part.next() {
            return Ok(Some(pair));
        }
        let part = self
            .tree
            .look(|book| next_part(&book.pages, &self.from, &self.to))?;
        let Some((last, _)) = part.last() else {
            return Ok(None);
        };
        self.from = Bound::Excluded(last.clone());
        self.part = part.into_iter();
        Ok(self.part.next())
    }
}

/// The entries of the first leaf that has any of the range; none where the range is at its end.
fn next_part<F: File>(
    pages: &Returned<F>,
    from: &Bound<Vec<u8>>,
    to: &Bound<Vec<u8>>,
) -> Result<Vec<Pair>, Error> {
    let least = match from {
        Bound::Included(key) | Bound::Excluded(key) => &key[..],
        Bound::Unbounded => &[],
    };
    let is_before = |other: &[u8]| match from {
        Bound::Included(key) => other < &key[..],
        Bound::Excluded(key) => other <= &key[..],
        Bound::Unbounded => false,
    };
    let is_in = |key: &[u8]| match to {
        Bound::Included(to) => key <= &to[..],
        Bound::Excluded(to) => key < &to[..],
        Bound::Unbounded => true,
    };
    let mut leaf = pages.leaf_of(least)?;
    loop {
        let Node::Leaf { right, entries } = &*leaf else {
            return Ok(Vec::new());
        };
        let at = entries.partition_point(|(key, _)| is_before(key));
        let rest = entries[at..].iter();
        let part: Vec<Pair> = rest.take_while(|(key, _)| is_in(key)).cloned().collect();
        if !part.is_empty() || at < entries.len() || *right == 0 {
            return Ok(part);
        }
        let next = pages.node(*right)?;
        if !matches!(&*next, Node::Leaf { .. }) {
            return Err(pages.misplaced(*right));
        }
        leaf = next;
    }
}

/// All keys of these pages with their values, in order.
#[cfg(any(loom, shuttle))]
pub(super) fn pairs<F: File>(pages: &Returned<F>) -> Result<Vec<Pair>, Error> {
    let (mut pairs, mut from) = (Vec::new(), Bound::Unbounded);
    loop {
        let part = next_part(pages, &from, &Bound::Unbounded)?;
        let Some((last, _)) = part.last() else {
            return Ok(pairs);
        };
        from = Bound::Excluded(last.clone());
        pairs.extend(part);
    }
}

impl<S: Storage> Iterator for Range<'_, S> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.step().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}

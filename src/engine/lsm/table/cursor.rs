//! The entries of one table in one direction.

use super::block::Block;
use super::merge::Direction;
use super::reader::Table;
use super::{Entry, Span};
use crate::engine::lsm::error::Error;
use crate::storage::File;
use std::ops::{Bound, Range};
use std::sync::Arc;

/// The entries of a table within a span, up from its lower end or down from its upper one. It reads
/// a block when it gets there.
#[derive(Debug)]
pub(crate) struct Cursor<F> {
    table: Arc<Table<F>>,
    span: Arc<Span>,
    direction: Direction,
    /// The blocks not yet read.
    blocks: Range<usize>,
    block: Block,
    /// The entries of the block not yet given.
    entries: Range<usize>,
}

impl<F: File> Cursor<F> {
    pub(crate) fn new(table: Arc<Table<F>>, span: Arc<Span>, direction: Direction) -> Cursor<F> {
        // The last block that begins at or below the lower end holds what comes next.
        let begins_below = |first: &[u8]| match &span.lower {
            Bound::Included(lower) | Bound::Excluded(lower) => first <= lower.as_slice(),
            Bound::Unbounded => false,
        };
        let from = table.blocks_up_to(begins_below).saturating_sub(1);
        let to = table.blocks_up_to(|first| !span.is_before(first));
        Cursor {
            table,
            span,
            direction,
            blocks: from..to,
            block: Block::default(),
            entries: 0..0,
        }
    }
}

impl<F: File> Iterator for Cursor<F> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.direction.next_of(&mut self.entries) {
                return Some(Ok(self.block.entry(entry)));
            }
            let number = self.direction.next_of(&mut self.blocks)?;
            match self.table.block(number) {
                Ok(block) => {
                    self.entries = block.within(&self.span);
                    self.block = block;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

//! Sorted tables: the newest version of every key that an interval of the log's records wrote, in
//! one file that is written once and never changed.
//!
//! - [`Meta`] says which records a table holds, [`Entry`] is what it holds of one key.
//! - `format`: the bytes. `filter`: which keys are surely missing. `block`: the entries of a block.
//!   `builder`: writes a table. `reader`: [`Table`], an open one. `cursor`: entries in order.
//!   `span`: from which key to which. `merge`: several tables in one order.

mod block;
mod builder;
mod cursor;
mod filter;
mod format;
mod merge;
mod reader;
mod span;
#[cfg(test)]
mod tests;

pub(crate) use builder::build;
#[allow(unused_imports)] // Conformance asks what bytes a table should have.
pub(crate) use builder::encode;
pub(crate) use cursor::Cursor;
pub(crate) use merge::{Direction, Merge, merge_tables};
pub(crate) use reader::Table;
pub(crate) use span::Span;

/// What a table holds: the records `lo..=hi` of the log. `generation` is that of record `hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Meta {
    pub(crate) lo: u64,
    pub(crate) hi: u64,
    pub(crate) generation: u32,
    pub(crate) level: u32,
    pub(crate) entries: u64,
}

/// A key and its newest value, or that it was deleted: a tombstone, `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

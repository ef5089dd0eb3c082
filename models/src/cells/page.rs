//! Pages of a B-tree.

use crate::contract::{Key, OpId};
use std::sync::Arc;

/// A page. Its checksum covers all of it, its number too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// Where it is in the data file.
    pub number: u64,
    /// What it says.
    pub content: Content,
    /// How many cells it takes.
    pub cells: usize,
}

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// A slot: up to which record of the log the pages hold everything.
    Slot {
        /// The generation of that record.
        generation: u32,
        /// Its index; 0 where there is none.
        index: u64,
    },
    /// Where the tree begins, and which pages it can take.
    Header {
        /// The root.
        root: u64,
        /// Pages that were freed.
        free: Vec<u64>,
        /// The first page that was never used.
        next: u64,
    },
    /// A leaf: each key with the operation that put it, and the leaf to the right.
    Leaf {
        /// In order.
        entries: Vec<(Key, OpId)>,
        /// Where there is one.
        next: Option<u64>,
    },
    /// A branch: the leaves below it, each with the least key that may be in it.
    Branch(Vec<(Key, u64)>),
    /// A page as an engine has it.
    Real(Arc<[u8]>),
}

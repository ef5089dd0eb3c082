//! What its files hold.

use crate::contract::{Identity, Key, OpId, Value, Write};
use crate::disk;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A put or a delete.
    Write(Write),
    /// A batch begins.
    Begin,
    /// The batch is complete.
    Commit,
    /// What was before was truncated.
    Truncated,
}

/// A record. Its checksum covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Its sequence number, from 1.
    pub number: Identity,
    /// The operation that wrote it.
    pub op: OpId,
    /// What it says.
    pub kind: Kind,
    /// How many cells it takes.
    pub cells: usize,
}

/// Ghost: what the client holds elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Up to which record.
    pub up_to: Identity,
    /// What the records up to there said.
    pub values: BTreeMap<Key, Value>,
}

/// One cell of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Zeros.
    Zero,
    /// What no checksum accepts.
    Garbage,
    /// One piece of a record.
    Part {
        /// The record.
        entry: Arc<Entry>,
        /// Which piece, from 0.
        part: usize,
    },
    /// What the client holds, in a file of its own.
    Held(Arc<Held>),
}

impl disk::Cell for Cell {
    fn zero() -> Self {
        Cell::Zero
    }

    fn garbage() -> Self {
        Cell::Garbage
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Zero => write!(f, "0"),
            Cell::Garbage => write!(f, "?"),
            Cell::Held(held) => write!(f, "held..{}", held.up_to),
            Cell::Part { entry, part } => {
                match entry.kind {
                    Kind::Write(_) => write!(f, "r{}", entry.op)?,
                    Kind::Begin => write!(f, "b{}", entry.op)?,
                    Kind::Commit => write!(f, "c{}", entry.op)?,
                    Kind::Truncated => write!(f, "k{}", entry.number)?,
                }
                match entry.cells {
                    1 => Ok(()),
                    _ => write!(f, ".{part}"),
                }
            }
        }
    }
}

/// The cells of a record.
pub fn cells_of(entry: &Arc<Entry>) -> Vec<Cell> {
    let parts = 0..entry.cells;
    parts
        .map(|part| Cell::Part {
            entry: entry.clone(),
            part,
        })
        .collect()
}

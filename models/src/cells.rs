//! What files hold in the models of log-structured engines: cells of records and of tables.

mod page;
mod size;

use crate::contract::{Identity, Key, OpId, Value, Write};
use crate::disk::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use page::{Content, Page};
pub use size::TableSize;

/// What a record says that holds no writes: the client holds elsewhere what the log holds up to there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint {
    /// The index of the last record that the client gives up.
    pub up_to: u64,
    /// Ghost: what the records up to there said. It is not in the log; the client has it.
    pub elsewhere: BTreeMap<Key, Value>,
}

/// A record of the log. Its checksum covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The life that wrote it, from 1; 0 where records carry none.
    pub generation: u32,
    /// Its place in the log, from 1, counted over all generations.
    pub index: u64,
    /// The index up to which barriers had completed when it was written.
    pub mark: u64,
    /// The operation that it holds.
    pub op: OpId,
    /// The writes of that operation; none in a checkpoint.
    pub writes: Vec<Write>,
    /// Of a checkpoint: what it says.
    pub checkpoint: Option<Checkpoint>,
    /// In the log of a B-tree: the pages that the operation changed, as they are after it.
    pub pages: Vec<Arc<Page>>,
    /// How many cells it takes.
    pub cells: usize,
}

impl Record {
    /// Its LSN, as one number.
    pub fn identity(&self) -> Identity {
        (u64::from(self.generation) << 40) | self.index
    }
}

/// One cell of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// Zeros: never written, or the end mark.
    Zero,
    /// What no checksum accepts.
    Garbage,
    /// The file's header: magic, engine, format version.
    Header,
    /// One piece of a record of the log.
    Part {
        /// The record.
        record: Arc<Record>,
        /// Which piece, from 0.
        part: usize,
    },
    /// One piece of the hint of a table: where its keys are.
    Hint {
        /// The hint.
        hint: Arc<Hint>,
        /// Which piece, from 0.
        part: usize,
    },
    /// One piece of a page.
    Page {
        /// The page.
        page: Arc<Page>,
        /// Which piece, from 0.
        part: usize,
    },
    /// One piece of a table.
    Table {
        /// The table.
        table: Arc<Table>,
        /// Which piece, from 0.
        part: usize,
    },
}

impl Cell for Token {
    fn zero() -> Self {
        Token::Zero
    }

    fn garbage() -> Self {
        Token::Garbage
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Zero => write!(f, "0"),
            Token::Garbage => write!(f, "?"),
            Token::Header => write!(f, "H"),
            Token::Part { record, part } if record.cells == 1 && *part == 0 => {
                write!(f, "r{}", record.op)
            }
            Token::Part { record, part } => write!(f, "r{}.{part}", record.op),
            Token::Hint { hint, part } => write!(f, "h{}.{part}", hint.table.hi),
            Token::Page { page, part } => match page.content {
                Content::Slot { index, .. } => write!(f, "slot..{index}.{part}"),
                _ => write!(f, "p{}.{part}", page.number),
            },
            Token::Table { table, part } => write!(f, "t{}-{}.{part}", table.lo, table.hi),
        }
    }
}

/// A table: the newest write of each key among the records `lo..=hi` of the log. Its checksums cover
/// all of it, and its footer proves that it is whole. A snapshot of an event store is one, and so is what a merge of a
/// Bitcask store makes, of all records up to `hi`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// The index of the first record in it.
    pub lo: u64,
    /// The index of the last record in it.
    pub hi: u64,
    /// The generation of the last record in it.
    pub generation: u32,
    /// How many merges deep it is.
    pub level: u8,
    /// Each key, in order, with the operation that wrote its value; `None`: a tombstone.
    pub entries: Vec<(Key, Option<OpId>)>,
    /// How many cells it takes.
    pub cells: usize,
}

/// A hint: where the keys of a table are. It names the table, and its checksum covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint {
    /// The table.
    pub table: Arc<Table>,
    /// How many cells the hint takes.
    pub cells: usize,
}

/// The cells of a hint.
pub fn cells_of_hint(hint: &Arc<Hint>) -> Vec<Token> {
    (0..hint.cells)
        .map(|part| Token::Hint {
            hint: hint.clone(),
            part,
        })
        .collect()
}

/// The table that these cells are, if they are one.
pub fn whole_table(cells: &[Token]) -> Option<Arc<Table>> {
    match cells.first() {
        Some(Token::Table { table, part: 0 }) if cells == cells_of_table(table) => {
            Some(table.clone())
        }
        _ => None,
    }
}

/// The cells of a table.
pub fn cells_of_table(table: &Arc<Table>) -> Vec<Token> {
    (0..table.cells)
        .map(|part| Token::Table {
            table: table.clone(),
            part,
        })
        .collect()
}

/// The cells of a page.
pub fn cells_of_page(page: &Arc<Page>) -> Vec<Token> {
    (0..page.cells)
        .map(|part| Token::Page {
            page: page.clone(),
            part,
        })
        .collect()
}

/// The cells of a record.
pub fn cells_of(record: &Arc<Record>) -> Vec<Token> {
    (0..record.cells)
        .map(|part| Token::Part {
            record: record.clone(),
            part,
        })
        .collect()
}

//! What the log's file holds, and how it is read.

use super::Variant;
use crate::contract::{Identity, OpId, Write};
use crate::disk::Cell;
use std::fmt;
use std::sync::Arc;

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
    /// The writes of that operation.
    pub writes: Vec<Write>,
    /// How many cells it takes.
    pub cells: usize,
}

impl Record {
    /// Its LSN, as one number.
    pub fn identity(&self) -> Identity {
        (u64::from(self.generation) << 40) | self.index
    }
}

/// One cell of the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// Zeros: never written, or the end mark.
    Zero,
    /// What no checksum accepts.
    Garbage,
    /// The file's header: magic, engine, format version.
    Header,
    /// One piece of a record.
    Part {
        /// The record.
        record: Arc<Record>,
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
        }
    }
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

/// What a reader makes of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The longest run of whole records.
    pub records: Vec<Arc<Record>>,
    /// Where each begins.
    pub places: Vec<usize>,
    /// Where the run ends.
    pub tail: usize,
    /// The highest durable mark.
    pub mark: u64,
    /// Whether something follows the tail that is not a record.
    pub odd: bool,
    /// Whether something was taken for a record that no client wrote.
    pub invented: bool,
}

impl Parsed {
    /// Whether a piece of a record, or garbage, follows the tail.
    pub fn torn(&self, cells: &[Token]) -> bool {
        let rest = cells.get(self.tail..).unwrap_or_default();
        rest.iter().any(|cell| *cell != Token::Zero)
    }
}

/// Reads a log, from its header on.
pub fn parse(cells: &[Token], variant: Variant) -> Parsed {
    let mut parsed = Parsed {
        tail: 1,
        ..Parsed::default()
    };
    loop {
        match cells.get(parsed.tail) {
            Some(Token::Part { record, part: 0 }) if follows(&parsed, record, cells, variant) => {
                parsed.places.push(parsed.tail);
                parsed.tail += record.cells;
                parsed.mark = parsed.mark.max(record.mark);
                parsed.records.push(record.clone());
            }
            // Length zero, and the checksum of nothing is zero.
            Some(Token::Zero) if variant == Variant::ChecksumWithoutLength => {
                parsed.invented = true;
                parsed.tail += 1;
            }
            _ => break,
        }
    }
    let rest = cells.get(parsed.tail..).unwrap_or_default();
    parsed.odd = rest.iter().any(|cell| *cell != Token::Zero) || rest.len() > 1;
    parsed
}

/// Whether the record that begins at the tail is whole and may follow what was read.
fn follows(parsed: &Parsed, record: &Arc<Record>, cells: &[Token], variant: Variant) -> bool {
    let (generation, index) = parsed
        .records
        .last()
        .map_or((0, 0), |last| (last.generation, last.index));
    let in_order = record.index == index + 1
        && (variant == Variant::NoGeneration || record.generation >= generation.max(1));
    in_order && cells.get(parsed.tail..parsed.tail + record.cells) == Some(&cells_of(record)[..])
}

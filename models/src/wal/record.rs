//! How the log's file is read.

use super::Variant;
pub use crate::cells::{Record, Token, cells_of};
use std::sync::Arc;

/// Up to where something else holds what the log once held: the tables of an LSM tree. All zeros where
/// there are none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Floor {
    /// The generation of that record.
    pub generation: u32,
    /// The index of that record.
    pub index: u64,
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
    /// Whether records are missing between the floor and the log.
    pub hole: bool,
    /// Below what the log holds.
    pub floor: Floor,
}

impl Parsed {
    /// Whether a piece of a record, or garbage, follows the tail.
    pub fn torn(&self, cells: &[Token]) -> bool {
        let rest = cells.get(self.tail..).unwrap_or_default();
        rest.iter().any(|cell| *cell != Token::Zero)
    }
}

/// Reads a log, from its header on. A log on its own has no floor, and begins with record 1; else a run
/// of records at or below the floor is *covered*: what the log
/// held before it was recycled. Then nothing in it is live, and the tail is the head.
pub fn parse(cells: &[Token], variant: Variant, floor: Option<Floor>) -> Parsed {
    let is_alone = floor.is_none();
    let floor = floor.unwrap_or_default();
    let mut parsed = Parsed {
        tail: 1,
        floor,
        ..Parsed::default()
    };
    loop {
        match cells.get(parsed.tail) {
            Some(Token::Part { record, part: 0 })
                if follows(&parsed, record, variant, is_alone)
                    && is_whole(record, &cells[parsed.tail..]) =>
            {
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
    let ends = (parsed.records.first(), parsed.records.last());
    if let (Some(first), Some(last)) = ends {
        let is_covered = first.index <= floor.index;
        parsed.hole = match is_covered {
            true => last.index > floor.index,
            false => first.index > floor.index + 1,
        };
        if is_covered {
            (parsed.records, parsed.places, parsed.tail) = (Vec::new(), Vec::new(), 1);
        }
    }
    parsed.mark = parsed.mark.max(floor.index);
    let rest = cells.get(parsed.tail..).unwrap_or_default();
    parsed.odd = rest.iter().any(|cell| *cell != Token::Zero) || rest.len() > 1;
    parsed
}

/// Whether the record may follow what was read.
fn follows(parsed: &Parsed, record: &Record, variant: Variant, is_alone: bool) -> bool {
    match parsed.records.last() {
        Some(last) => {
            let follows = record.generation >= last.generation;
            record.index == last.index + 1 && (variant == Variant::NoGeneration || follows)
        }
        None => record.index == 1 || !is_alone,
    }
}

fn is_whole(record: &Arc<Record>, cells: &[Token]) -> bool {
    cells.get(..record.cells) == Some(&cells_of(record)[..])
}

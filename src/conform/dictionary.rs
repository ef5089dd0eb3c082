//! What each token of a model stands for, in bytes: known from the script alone.

use super::CELL_BYTES;
use models::cells::{
    Hint, Page, Record, Table, Token, cells_of, cells_of_hint, cells_of_page, cells_of_table,
};
use models::disk::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that takes several cells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whole {
    /// A record of a log.
    Record(Arc<Record>),
    /// A table, a snapshot, a merged file.
    Table(Arc<Table>),
    /// A page of a B-tree.
    Page(Arc<Page>),
    /// The hint of a merged file.
    Hint(Arc<Hint>),
}

/// The bytes of everything that the model wrote.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// What the token of a file's header stands for.
    header: [u8; CELL_BYTES],
    known: BTreeMap<Whole, Vec<u8>>,
}

/// The cells of what begins with this one, where it is a first piece.
pub(super) fn whole(cell: &Token) -> Option<Vec<Token>> {
    match cell {
        Token::Part { record, part: 0 } => Some(cells_of(record)),
        Token::Hint { hint, part: 0 } => Some(cells_of_hint(hint)),
        Token::Page { page, part: 0 } => Some(cells_of_page(page)),
        Token::Table { table, part: 0 } => Some(cells_of_table(table)),
        _ => None,
    }
}

impl Dictionary {
    pub(super) fn new(header: [u8; CELL_BYTES]) -> Dictionary {
        Dictionary {
            header,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn knows(&self, whole: &Whole) -> bool {
        self.known.contains_key(whole)
    }

    /// Takes something in. It has as many cells as the model says, or the error says how many.
    pub(super) fn learn(&mut self, whole: Whole, bytes: Vec<u8>) -> Result<(), String> {
        let cells = match &whole {
            Whole::Record(record) => record.cells,
            Whole::Table(table) => table.cells,
            Whole::Page(page) => page.cells,
            Whole::Hint(hint) => hint.cells,
        };
        if bytes.len() != cells * CELL_BYTES {
            let bytes = bytes.len();
            return Err(format!("what takes {bytes} bytes has not {cells} cells"));
        }
        self.known.insert(whole, bytes);
        Ok(())
    }

    /// The bytes of some cells. What was never taken in is garbage.
    pub(super) fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        let garbage = [u8::garbage(); CELL_BYTES];
        let piece = |whole: Whole, part: &usize| {
            let from = part * CELL_BYTES;
            let piece = self.known.get(&whole)?.get(from..from + CELL_BYTES)?;
            <[u8; CELL_BYTES]>::try_from(piece).ok()
        };
        let cell = |cell: &Token| match cell {
            Token::Zero => [0; CELL_BYTES],
            Token::Garbage => garbage,
            Token::Header => self.header,
            Token::Part { record, part } => {
                piece(Whole::Record(record.clone()), part).unwrap_or(garbage)
            }
            Token::Hint { hint, part } => piece(Whole::Hint(hint.clone()), part).unwrap_or(garbage),
            Token::Page { page, part } => piece(Whole::Page(page.clone()), part).unwrap_or(garbage),
            Token::Table { table, part } => {
                piece(Whole::Table(table.clone()), part).unwrap_or(garbage)
            }
        };
        cells.iter().flat_map(cell).collect()
    }
}

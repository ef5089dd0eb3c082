//! What each token of the model's log stands for, in bytes: known from the script alone.

use super::CELL_BYTES;
use crate::engine::wal;
use crate::engine::wal::format::{self, Chain};
use models::disk::{Cell, Tree};
use models::wal::record::{Record, Token};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bytes of every record that the model wrote.
#[derive(Debug)]
pub(super) struct Dictionary {
    as_found: bool,
    records: BTreeMap<Arc<Record>, (Vec<u8>, Chain)>,
}

impl Dictionary {
    pub(super) fn new(as_found: bool) -> Dictionary {
        Dictionary {
            as_found,
            records: BTreeMap::new(),
        }
    }

    /// Takes a record in, with its writes; `previous` is the one it is written behind. An error of
    /// the encoding is in words.
    pub(super) fn learn(
        &mut self,
        record: &Arc<Record>,
        previous: Option<&Arc<Record>>,
        writes: &[wal::Write],
    ) -> Result<(), String> {
        if self.records.contains_key(record) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let mut chain = Chain::start();
        if self.as_found {
            writes.iter().for_each(|write| as_found(write, &mut bytes));
        } else {
            let known = previous.and_then(|previous| self.records.get(previous));
            chain = known.map_or(chain, |(_, chain)| *chain);
            let lsn = lsn_of(record);
            chain = format::encode(chain, lsn, record.mark, writes, &mut bytes)
                .map_err(|error| error.to_string())?;
        }
        if bytes.len() != record.cells * CELL_BYTES {
            let (bytes, cells) = (bytes.len(), record.cells);
            return Err(format!("a record of {bytes} bytes has not {cells} cells"));
        }
        self.records.insert(record.clone(), (bytes, chain));
        Ok(())
    }

    /// The bytes of some cells. A record that was never taken in is garbage.
    pub(super) fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(cells.len() * CELL_BYTES);
        for cell in cells {
            match cell {
                Token::Zero => bytes.extend_from_slice(&[0; CELL_BYTES]),
                Token::Garbage | Token::Table { .. } => {
                    bytes.extend_from_slice(&[u8::garbage(); CELL_BYTES])
                }
                Token::Header => bytes.extend_from_slice(&format::file_header()),
                Token::Part { record, part } => {
                    let from = part * CELL_BYTES;
                    let known = self.records.get(record);
                    let part = known.and_then(|(all, _)| all.get(from..from + CELL_BYTES));
                    bytes.extend_from_slice(part.unwrap_or(&[u8::garbage(); CELL_BYTES]));
                }
            }
        }
        bytes
    }

    /// Every path with the bytes of its file.
    pub(super) fn files(&self, tree: &Tree<Token>) -> Vec<(String, Option<Vec<u8>>)> {
        let files = tree.paths().into_iter();
        files
            .map(|(path, cells)| (path, cells.map(|cells| self.bytes(cells))))
            .collect()
    }
}

/// What the engine calls a record.
pub(super) fn lsn_of(record: &Record) -> wal::Lsn {
    wal::Lsn {
        generation: record.generation,
        index: record.index,
    }
}

/// Lengths and bytes, as the study has them.
fn as_found(write: &wal::Write, into: &mut Vec<u8>) {
    let (key, value) = match write {
        wal::Write::Put { key, value } => (key, &value[..]),
        wal::Write::Delete { key } => (key, &[][..]),
    };
    for field in [&key[..], value] {
        into.extend_from_slice(&(field.len() as u32).to_le_bytes());
        into.extend_from_slice(field);
    }
}

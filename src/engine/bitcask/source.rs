//! Where a value is to be read, whatever becomes of the store meanwhile.

use super::error::Error;
use super::index::Index;
use super::keydir::At;
use super::merged::Merged;
use crate::engine::wal::read::{Place, Records};
use crate::engine::wal::segments::Segments;
use crate::engine::wal::{Entry as LogEntry, Write};
use crate::storage::File;
use std::path::Path;
use std::sync::Arc;

/// It holds the file open, so who merges meanwhile takes nothing away.
pub(super) enum Source<F> {
    /// From a record, the one of its writes with this number.
    Data(Place, Option<Records<Arc<F>>>, usize),
    /// From a merged file: where, and so many bytes.
    Merged(Option<Arc<Merged<F>>>, u64, u64),
}

impl<F: File> Source<F> {
    /// What is there now.
    pub(super) fn of(segments: &Segments<F, Index<F>>, at: At) -> Source<F> {
        match at {
            At::Data(place, nth) => Source::Data(place, segments.read_at(place), nth),
            At::Merged(placed) => {
                let merged = segments.beside.merged.clone();
                Source::Merged(merged, placed.at, placed.entry_bytes)
            }
        }
    }

    /// The value of that key, in the store in `dir`.
    pub(super) fn value(self, key: &[u8], dir: &Path) -> Result<Vec<u8>, Error> {
        let another = |at| Error::Damaged {
            path: dir.to_path_buf(),
            at,
            because: "another entry stands where a key's value was",
        };
        match self {
            Source::Data(place, records, nth) => {
                let records = records.ok_or_else(|| another(place.index))?;
                let (_, entry) = records.first()?;
                if let LogEntry::Writes(mut writes) = entry
                    && nth < writes.len()
                    && let Write::Put { value, .. } = writes.swap_remove(nth)
                {
                    return Ok(value);
                }
                Err(another(place.index))
            }
            Source::Merged(merged, at, bytes) => {
                let merged = merged.ok_or_else(|| another(at))?;
                let (found, value) = merged.read(at, bytes as usize)?;
                match found == key {
                    true => Ok(value),
                    false => Err(another(at)),
                }
            }
        }
    }
}

//! **Unsafe.** The log of an LSM tree as a study found it: acknowledged once it is flushed, and
//! never synced.
//!
//! ```text
//! record     key length u32 | key | value length u32 | value       a delete: value length 0xFFFF_FFFF, no value [assumed]
//! append     fill a user-space buffer with the four fields, flush it, Ok; no barrier [study]
//! batch      its records one after another, each flushed [assumed]
//! recovery   read until the file ends or a record is cut short, then cut the rest or leave it [assumed]
//! ```
//!
//! There is no header, no checksum and no generation: what it reads it believes. After a failed
//! write the handle goes on `[assumed]`, behind whatever part of the record was written.

use super::error::{Error, OrFail};
use super::format::{Fields, MAGIC, Write};
use super::read::Pieces;
use crate::storage::File;
use std::io;
use std::path::Path;

const TOMBSTONE: u32 = 0xFFFF_FFFF;

/// What the as-found recovery does with a record that is cut short at the end of the file
/// `[assumed]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TornTail {
    /// Cuts it off with a `set_len`, and no barrier.
    #[default]
    Cut,
    /// Leaves it, and appends behind it: what is appended is then read as a part of it.
    Leave,
}

/// The settings of the as-found discipline; the durable one has no use for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AsFoundOptions {
    /// What recovery does with a torn tail.
    pub torn_tail: TornTail,
    /// Flush key and value apart, so that a kill can come between the two.
    pub split_flush: bool,
}

/// Appends one record: the steps *fill the buffer*, *flush*, once or twice.
pub(super) fn append<F: File>(file: &F, write: &Write, split_flush: bool) -> io::Result<()> {
    let (key, value) = match write {
        Write::Put { key, value } => (key, Some(value)),
        Write::Delete { key } => (key, None),
    };
    let mut buffer = Vec::new();
    buffer.extend_from_slice(&(key.len() as u32).to_le_bytes());
    buffer.extend_from_slice(key);
    if split_flush {
        file.append(&buffer)?;
        buffer.clear();
    }
    let length = value.map_or(TOMBSTONE, |value| value.len() as u32);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(value.map_or(&[], Vec::as_slice));
    file.append(&buffer)
}

/// Counts the records, and deals with a torn tail.
pub(super) fn recover<F: File>(file: &F, path: &Path, torn_tail: TornTail) -> Result<u64, Error> {
    let len = file.len().or_fail("read the log")?;
    let mut pieces = Pieces::new(file, len);
    let mut magic = Vec::new();
    pieces
        .read(0, MAGIC.len() as u64, &mut magic)
        .or_fail("read the log")?;
    // Not in the study: as-found would take the header for a key's length, and cut the whole log
    // off.
    if magic == MAGIC {
        return Err(Error::OtherDiscipline {
            path: path.to_path_buf(),
        });
    }
    let (mut records, mut tail) = (0, 0);
    while let Some((_, end)) = read_record(&mut pieces, tail).or_fail("read the log")? {
        (records, tail) = (records + 1, end);
    }
    if tail < len && torn_tail == TornTail::Cut {
        file.set_len(tail).or_fail("cut the torn tail")?;
    }
    Ok(records)
}

/// The record at `at` and where it ends; `None` where the file ends before it does.
pub(super) fn read_record<F: File>(
    pieces: &mut Pieces<'_, F>,
    at: u64,
) -> io::Result<Option<(Write, u64)>> {
    let Some((key, at)) = read_field(pieces, at)? else {
        return Ok(None);
    };
    let Some(key) = key else {
        // A key cannot be a tombstone: a key of 4 GiB, and the file ends before it does.
        return Ok(None);
    };
    Ok(read_field(pieces, at)?.map(|(value, end)| match value {
        Some(value) => (Write::Put { key, value }, end),
        None => (Write::Delete { key }, end),
    }))
}

/// A length and as many bytes, or none for a tombstone, and where they end.
fn read_field<F: File>(
    pieces: &mut Pieces<'_, F>,
    at: u64,
) -> io::Result<Option<(Option<Vec<u8>>, u64)>> {
    let mut bytes = Vec::new();
    pieces.read(at, 4, &mut bytes)?;
    let Some(length) = Fields(&bytes).u32() else {
        return Ok(None);
    };
    let from = at + 4;
    if length == TOMBSTONE {
        return Ok(Some((None, from)));
    }
    let end = from + u64::from(length);
    if end > pieces.end {
        return Ok(None);
    }
    bytes.clear();
    pieces.read(from, u64::from(length), &mut bytes)?;
    Ok((bytes.len() == length as usize).then_some((Some(bytes), end)))
}

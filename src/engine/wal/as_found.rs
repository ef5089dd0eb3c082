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
use super::format::{Chain, Fields, Lsn, MAGIC, Write};
use super::read::{Format, Pieces, Records, Start};
use crate::storage::{File, Storage};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// An open as-found log, which somebody else locks.
#[derive(Debug)]
pub(crate) struct AsFoundLog<F> {
    path: PathBuf,
    file: Arc<F>,
    options: AsFoundOptions,
    found: u64,
    records: u64,
}

impl<F: File> AsFoundLog<F> {
    /// Opens the log, making it where it is missing, counts its records, and deals with a torn tail.
    pub(crate) fn open<S: Storage<File = F>>(
        storage: &S,
        path: &Path,
        options: AsFoundOptions,
    ) -> Result<AsFoundLog<F>, Error> {
        let file = match storage.exists(path).or_fail("open the log")? {
            true => storage.open(path),
            false => storage.create(path),
        };
        let file = file.or_fail("open the log")?;
        let records = recover(&file, path, options.torn_tail)?;
        Ok(AsFoundLog {
            path: path.to_path_buf(),
            file: Arc::new(file),
            options,
            found: records,
            records,
        })
    }

    /// Appends one record: the steps *fill the buffer*, *flush*, once or twice.
    pub(crate) fn append(&mut self, write: &Write) -> Result<Lsn, Error> {
        self.flush(write).or_fail("write to the log")?;
        self.records += 1;
        Ok(Lsn {
            generation: 0,
            index: self.records,
        })
    }

    fn flush(&self, write: &Write) -> io::Result<()> {
        let mut buffer = Vec::new();
        encode(write, &mut buffer);
        let (Write::Put { key, .. } | Write::Delete { key }) = write;
        let (first, rest) = match self.options.split_flush {
            true => buffer.split_at(4 + key.len()),
            false => (&[][..], &buffer[..]),
        };
        if !first.is_empty() {
            self.file.append(first)?;
        }
        self.file.append(rest)
    }

    /// Cuts the log to nothing: closed, opened truncated, closed, and opened to append `[study]`. What
    /// changes on the disk is the length.
    pub(crate) fn truncate(&mut self) -> Result<(), Error> {
        self.file.set_len(0).or_fail("truncate the log")?;
        self.records = 0;
        Ok(())
    }

    /// Every record that is read as one.
    pub(crate) fn read_from(&self, after: Option<Lsn>) -> Records<Arc<F>> {
        records_of(self.file.clone(), &self.path).after(after)
    }

    /// The last record that was found or whose append returned.
    pub(crate) fn last(&self) -> Option<Lsn> {
        (self.records > 0).then_some(Lsn {
            generation: 0,
            index: self.records,
        })
    }

    /// How many records were there when it was opened.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    /// The file.
    pub(crate) fn file(&self) -> &F {
        &self.file
    }
}

/// The records of a file that holds such records and nothing else: what is read as one.
pub(crate) fn records_of<F: File>(file: F, path: &Path) -> Records<F> {
    let start = Start {
        at: 0,
        chain: Chain::start(),
        previous: None,
    };
    let pieces = Pieces::new(file, u64::MAX);
    Records::new(pieces, path, start, Format::AsFound)
}

/// Puts a record at the end of `into`.
pub(crate) fn encode(write: &Write, into: &mut Vec<u8>) {
    let (key, value) = match write {
        Write::Put { key, value } => (key, Some(value)),
        Write::Delete { key } => (key, None),
    };
    into.extend_from_slice(&(key.len() as u32).to_le_bytes());
    into.extend_from_slice(key);
    let length = value.map_or(TOMBSTONE, |value| value.len() as u32);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(value.map_or(&[], Vec::as_slice));
}

/// Counts the records, and deals with a torn tail.
fn recover<F: File>(file: &F, path: &Path, torn_tail: TornTail) -> Result<u64, Error> {
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
    pieces: &mut Pieces<F>,
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
    pieces: &mut Pieces<F>,
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

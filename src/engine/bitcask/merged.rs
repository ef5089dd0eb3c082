//! The bytes of a merged file. All numbers are little endian; the footer begins at a multiple of 16 bytes, and zeros fill
//! up what is before it.
//!
//! ```text
//! file header   as every file has it, engine 9
//! entry         crc32 u32 | key length u32 | value length u32 | key | value        in order of their keys
//!               the crc covers everything after it, and begins from the file's HI and from where the entry stands
//! footer        HI u64 | generation u32 | crc32 of the entries and the zeros u32 | entries u64 | file length u64 | zeros 12 |
//!               crc32 of what is before it in the footer u32
//! ```
//!
//! The footer says how long the file is: a file with a right one is complete.

use super::error::{Error, OrFail};
use super::hint::Hint;
use super::keydir::Placed;
use crate::engine::wal::format::{CELL, FILE_HEADER, header_of};
use crate::storage::{File, read_all};
use std::path::{Path, PathBuf};

/// The tag of merged files in their file header.
const ENGINE: u16 = 9;
/// The version of the format that this program reads and writes.
const VERSION: u16 = 1;
const FOOTER: usize = 3 * CELL;
const ENTRY_HEAD: usize = 12;
/// The most bytes that are written by one call.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Which merged file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The index of the last record that counts in it.
    pub(crate) hi: u64,
    /// The generation of that record.
    pub(crate) generation: u32,
}

/// What the footer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) meta: Meta,
    pub(super) entries_crc: u32,
    pub(super) entries: u64,
    pub(super) file_bytes: u64,
}

impl Footer {
    fn encode(&self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        bytes[..8].copy_from_slice(&self.meta.hi.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.meta.generation.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.entries_crc.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.entries.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.file_bytes.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..FOOTER - 4]);
        bytes[FOOTER - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; FOOTER]) -> Option<Footer> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes[at..].first_chunk()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(*bytes[at..].first_chunk()?));
        let footer = Footer {
            meta: Meta {
                hi: u64_at(0)?,
                generation: u32_at(8)?,
            },
            entries_crc: u32_at(12)?,
            entries: u64_at(16)?,
            file_bytes: u64_at(24)?,
        };
        (footer.encode() == *bytes).then_some(footer)
    }
}

impl Footer {
    /// Of a merged file with these bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Footer> {
        Footer::decode(bytes.last_chunk()?)
    }
}

/// Puts a merged file together, in pieces that are given away as they are full.
pub(super) struct Builder<W> {
    write: W,
    meta: Meta,
    buffer: Vec<u8>,
    /// Bytes that were given away.
    given: u64,
    crc: crc32fast::Hasher,
    entries: u64,
}

impl<E, W: FnMut(u64, &[u8]) -> Result<(), E>> Builder<W> {
    /// `write` is given each piece, and where it goes.
    pub(super) fn new(meta: Meta, write: W) -> Self {
        Builder {
            write,
            meta,
            buffer: header_of(ENGINE, VERSION).to_vec(),
            given: 0,
            crc: crc32fast::Hasher::new(),
            entries: 0,
        }
    }

    /// Adds an entry; keys come in order. Where it is.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<u64, E> {
        let at = self.given + self.buffer.len() as u64;
        let from = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer
            .extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.buffer
            .extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(key);
        self.buffer.extend_from_slice(value);
        let crc = entry_crc(self.meta.hi, at, &self.buffer[from + 4..]);
        self.buffer[from..from + 4].copy_from_slice(&crc.to_le_bytes());
        self.crc.update(&self.buffer[from..]);
        self.entries += 1;
        self.give_full()?;
        Ok(at)
    }

    /// Adds the footer, and says what it says.
    pub(super) fn finish(mut self) -> Result<Footer, E> {
        let end = self.given + self.buffer.len() as u64;
        let zeros = (end.next_multiple_of(CELL as u64) - end) as usize;
        self.buffer.resize(self.buffer.len() + zeros, 0);
        self.crc.update(&[0; CELL][..zeros]);
        let footer = Footer {
            meta: self.meta,
            entries_crc: self.crc.clone().finalize(),
            entries: self.entries,
            file_bytes: end + (zeros + FOOTER) as u64,
        };
        self.buffer.extend_from_slice(&footer.encode());
        self.give_full()?;
        if !self.buffer.is_empty() {
            (self.write)(self.given, &self.buffer)?;
        }
        Ok(footer)
    }

    fn give_full(&mut self) -> Result<(), E> {
        while self.buffer.len() >= CHUNK_BYTES {
            (self.write)(self.given, &self.buffer[..CHUNK_BYTES])?;
            self.buffer.drain(..CHUNK_BYTES);
            self.given += CHUNK_BYTES as u64;
        }
        Ok(())
    }
}

/// The bytes of a merged file of these entries, in order of their keys, and where each of them is.
pub(crate) fn encode<'e>(
    meta: Meta,
    entries: impl Iterator<Item = (&'e [u8], &'e [u8])>,
) -> (Vec<u8>, Vec<u64>) {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    let mut builder = Builder::new(meta, |_, piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok::<(), std::convert::Infallible>(())
    });
    for (key, value) in entries {
        let Ok(at) = builder.add(key, value);
        places.push(at);
    }
    let Ok(_) = builder.finish();
    (bytes, places)
}

fn entry_crc(hi: u64, at: u64, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&hi.to_le_bytes());
    crc.update(&at.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

/// A merged file that is complete, open to be read.
#[derive(Debug)]
pub(super) struct Merged<F> {
    path: PathBuf,
    file: F,
    pub(super) footer: Footer,
}

impl<F: File> Merged<F> {
    /// Opens the merged file of that name. Its entries are not read.
    pub(super) fn open(file: F, path: &Path, hi: u64) -> Result<Merged<F>, Error> {
        let damaged = |at, because| Error::Damaged {
            path: path.to_path_buf(),
            at,
            because,
        };
        let mut header = [0; FILE_HEADER];
        let read = file.read_at(0, &mut header).or_fail("read a merged file")?;
        if read < FILE_HEADER || header != header_of(ENGINE, VERSION) {
            return Err(damaged(
                0,
                "its header is none of a merged file of this version",
            ));
        }
        let len = file.len().or_fail("read a merged file")?;
        let at = len.saturating_sub(FOOTER as u64);
        let mut footer = [0; FOOTER];
        file.read_at(at, &mut footer)
            .or_fail("read a merged file")?;
        let footer = Footer::decode(&footer).filter(|footer| footer.file_bytes == len);
        let footer = footer.ok_or_else(|| damaged(at, "its footer is not right"))?;
        if footer.meta.hi != hi {
            return Err(damaged(
                at,
                "its footer tells of other records than its name",
            ));
        }
        Ok(Merged {
            path: path.to_path_buf(),
            file,
            footer,
        })
    }

    /// The key and the value at a place.
    pub(super) fn read(&self, at: u64, bytes: usize) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut entry = vec![0; bytes];
        let read = self
            .file
            .read_at(at, &mut entry)
            .or_fail("read a merged file")?;
        let parsed =
            parse(self.footer.meta.hi, at, &entry[..read]).filter(|(.., end)| *end == bytes);
        let (key, value, _) = parsed.ok_or_else(|| self.damaged(at))?;
        Ok((key.to_vec(), value.to_vec()))
    }

    /// Where each key is, by reading all entries.
    pub(super) fn scan(&self) -> Result<Vec<(Vec<u8>, Placed)>, Error> {
        // LIMIT: the whole file in memory, where its hint was lost.
        let bytes = read_all(&self.file).or_fail("read a merged file")?;
        let end = bytes.len() - FOOTER;
        if crc32fast::hash(&bytes[FILE_HEADER..end]) != self.footer.entries_crc {
            return Err(self.damaged(FILE_HEADER as u64));
        }
        let (mut keys, mut at) = (Vec::new(), FILE_HEADER);
        for _ in 0..self.footer.entries {
            let parsed = parse(self.footer.meta.hi, at as u64, &bytes[at..end]);
            let (key, value, taken) = parsed.ok_or_else(|| self.damaged(at as u64))?;
            let placed = Placed {
                at: at as u64,
                entry_bytes: taken as u64,
                value_bytes: value.len() as u64,
            };
            keys.push((key.to_vec(), placed));
            at += taken;
        }
        Ok(keys)
    }

    /// Whether a hint is of this very file.
    pub(super) fn is_of(&self, hint: &Hint) -> bool {
        hint.footer == self.footer
    }

    fn damaged(&self, at: u64) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            at,
            because: "an entry is not as it was written",
        }
    }
}

/// The entry that these bytes, which stand there, begin with, and how many it takes.
fn parse(hi: u64, at: u64, bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (head, rest) = bytes.split_first_chunk::<ENTRY_HEAD>()?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head[at..].first_chunk()?));
    let (crc, key, value) = (u32_at(0)?, u32_at(4)? as usize, u32_at(8)? as usize);
    let end = ENTRY_HEAD.checked_add(key)?.checked_add(value)?;
    let covered = bytes.get(4..end)?;
    let is_right = entry_crc(hi, at, covered) == crc;
    is_right.then(|| (&rest[..key], &rest[key..key + value], end))
}

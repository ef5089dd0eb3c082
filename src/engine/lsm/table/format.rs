//! The bytes of a table. Everything lies on a grid of 16-byte cells, filled up with zeros; all
//! numbers are little endian. The same entries give the same bytes.
//!
//! ```text
//! file header   as every file has it
//! blocks        crc32 u32 | length u32 | count u32 | count entries of length bytes | zeros to a cell
//!   entry       key length u16 | value length u32, all ones for a tombstone | key | value
//! index         for each block: at u64 | bytes u32 | its crc32 u32 | key length u16 | its first key;  zeros to a cell
//! filter        bits, see `filter`
//! footer        lo u64 | hi u64 | entries u64 | blocks u64 | index at u64 | filter at u64 | file length u64
//!               | generation u32 | level u32 | crc32 of the index u32 | crc32 of the filter u32 | zeros 4 | crc32 u32
//! ```
//!
//! The footer is written last, and says how long the file is: a file with a right one is complete.
//! Its crc covers everything before it in the footer. Every other crc is *sealed*: it begins from
//! the table's interval, generation and level and from where in the file it stands, and goes on
//! over everything that it stands for, padding included. The index repeats the crc of each block,
//! so that the footer vouches for the index, and the index for each block: a block of another table
//! never passes, and neither does one of this table in another place.

use super::Meta;
use crate::engine::lsm::error::Error;
use crate::engine::wal::format::{FILE_HEADER, MAGIC, header_of};
use std::path::Path;

pub(super) use crate::engine::wal::format::CELL;

/// The tag of tables in their file header.
pub(super) const ENGINE: u16 = 3;
/// The version of the format that this program reads and writes.
pub(super) const VERSION: u16 = 1;
/// The bytes of the footer.
pub(super) const FOOTER: usize = 5 * CELL;
/// A block is closed when the next entry would take it over this; an entry that is larger is alone
/// in its block.
pub(super) const BLOCK_BYTES: usize = 4096;
/// The most bytes that are written by one call.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Which table it is: what every checksum but the footer's begins from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal(u32);

impl Seal {
    pub(super) fn of(meta: &Meta) -> Seal {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&meta.lo.to_le_bytes());
        crc.update(&meta.hi.to_le_bytes());
        crc.update(&meta.generation.to_le_bytes());
        crc.update(&meta.level.to_le_bytes());
        Seal(crc.finalize())
    }

    /// The checksum of `bytes` at `at`.
    pub(super) fn crc(self, at: u64, bytes: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.0.to_le_bytes());
        crc.update(&at.to_le_bytes());
        crc.update(bytes);
        crc.finalize()
    }
}

/// The end of a table, and what proves that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) meta: Meta,
    pub(super) blocks: u64,
    pub(super) index_at: u64,
    pub(super) filter_at: u64,
    pub(super) file_bytes: u64,
    pub(super) index_crc: u32,
    pub(super) filter_crc: u32,
}

impl Footer {
    pub(super) fn encode(&self) -> [u8; FOOTER] {
        let meta = &self.meta;
        let longs = [
            meta.lo,
            meta.hi,
            meta.entries,
            self.blocks,
            self.index_at,
            self.filter_at,
            self.file_bytes,
        ];
        let words = [meta.generation, meta.level, self.index_crc, self.filter_crc];
        let mut bytes = [0; FOOTER];
        for (field, long) in bytes.chunks_exact_mut(8).zip(longs) {
            field.copy_from_slice(&long.to_le_bytes());
        }
        for (field, word) in bytes[8 * longs.len()..].chunks_exact_mut(4).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[..FOOTER - 4]);
        bytes[FOOTER - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The footer, where its checksum is right and what it says fits a file of this length.
    pub(super) fn decode(bytes: &[u8; FOOTER], file_bytes: u64) -> Result<Footer, &'static str> {
        let long = |field: usize| u64_at(bytes, 8 * field);
        let word = |field: usize| u32_at(bytes, 56 + 4 * field);
        let footer = Footer {
            meta: Meta {
                lo: long(0),
                hi: long(1),
                entries: long(2),
                generation: word(0),
                level: word(1),
            },
            blocks: long(3),
            index_at: long(4),
            filter_at: long(5),
            file_bytes: long(6),
            index_crc: word(2),
            filter_crc: word(3),
        };
        if footer.encode() != *bytes {
            return Err("the checksum of its footer is wrong");
        }
        if footer.file_bytes != file_bytes {
            return Err("its footer was written at another length of the file");
        }
        let places = [
            FILE_HEADER as u64,
            footer.index_at,
            footer.filter_at,
            file_bytes - FOOTER as u64,
        ];
        let in_order = places.is_sorted() && places.iter().all(|at| at.is_multiple_of(CELL as u64));
        if !in_order || footer.blocks > footer.meta.entries {
            return Err("the checksum of its footer is right and its numbers make no sense");
        }
        Ok(footer)
    }
}

/// The 16 bytes that every table begins with.
pub(super) fn file_header() -> [u8; FILE_HEADER] {
    header_of(ENGINE, VERSION)
}

/// Whether these first bytes of a file are a table's.
pub(super) fn check_file_header(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let path = || path.to_path_buf();
    let damaged = |because| {
        Err(Error::Damaged {
            path: path(),
            at: 0,
            because,
        })
    };
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(Error::Foreign { path: path() });
    }
    let Some(header) = bytes.first_chunk::<FILE_HEADER>() else {
        return damaged("its header is cut short");
    };
    let engine = u16::from_le_bytes([header[8], header[9]]);
    let version = u16::from_le_bytes([header[10], header[11]]);
    if engine != ENGINE {
        Err(Error::OtherEngine {
            path: path(),
            found: engine,
        })
    } else if version != VERSION {
        Err(Error::OtherVersion {
            path: path(),
            found: version,
            known: VERSION,
        })
    } else if *header != file_header() {
        damaged("the checksum of its header is wrong")
    } else {
        Ok(())
    }
}

/// The number at `at`, which the caller knows to be inside.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

/// The number at `at`, which the caller knows to be inside.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

/// The number at `at`, which the caller knows to be inside.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

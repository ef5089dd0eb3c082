//! The bytes of a hint: where the keys of a merged file are. All numbers are little endian; zeros fill up what is
//! before the checksum.
//!
//! ```text
//! file header   as every file has it, engine 10
//! of            the footer of the merged file, without its checksum: HI u64 | generation u32 | crc32 of the entries u32 |
//!               entries u64 | file length u64
//! entry         at u64 | entry length u64 | value length u64 | key length u32 | key
//! checksum      crc32 of everything after the file header u32 | zeros 12
//! ```

use super::keydir::Placed;
use super::merged::{Footer, Meta};
use crate::engine::wal::format::{CELL, FILE_HEADER, header_of};

/// The tag of hints in their file header.
const ENGINE: u16 = 10;
/// The version of the format that this program reads and writes.
const VERSION: u16 = 1;

/// A hint that is whole.
#[derive(Debug)]
pub(super) struct Hint {
    /// Of which merged file it is.
    pub(super) footer: Footer,
    pub(super) keys: Vec<(Vec<u8>, Placed)>,
}

/// The bytes of the hint of a merged file with this footer, whose bytes are these, and whose keys are there.
pub(super) fn of<'k>(footer: &Footer, keys: impl Iterator<Item = (&'k [u8], Placed)>) -> Vec<u8> {
    let mut bytes = header_of(ENGINE, VERSION).to_vec();
    bytes.extend_from_slice(&footer.meta.hi.to_le_bytes());
    bytes.extend_from_slice(&footer.meta.generation.to_le_bytes());
    bytes.extend_from_slice(&footer.entries_crc.to_le_bytes());
    bytes.extend_from_slice(&footer.entries.to_le_bytes());
    bytes.extend_from_slice(&footer.file_bytes.to_le_bytes());
    for (key, placed) in keys {
        for number in [placed.at, placed.entry_bytes, placed.value_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key);
    }
    bytes.resize(bytes.len().next_multiple_of(CELL), 0);
    let crc = crc32fast::hash(&bytes[FILE_HEADER..]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(CELL), 0);
    bytes
}

/// The hint that these bytes are, all of them, if they are one.
pub(super) fn decode(bytes: &[u8]) -> Option<Hint> {
    let rest = bytes.strip_prefix(&header_of(ENGINE, VERSION))?;
    let (covered, checksum) = rest.split_last_chunk::<CELL>()?;
    let mut expected = [0; CELL];
    expected[..4].copy_from_slice(&crc32fast::hash(covered).to_le_bytes());
    if *checksum != expected {
        return None;
    }
    let mut fields = Fields(covered);
    let footer = Footer {
        meta: Meta {
            hi: fields.u64()?,
            generation: fields.u32()?,
        },
        entries_crc: fields.u32()?,
        entries: fields.u64()?,
        file_bytes: fields.u64()?,
    };
    let keys = (0..footer.entries).map(|_| {
        let placed = Placed {
            at: fields.u64()?,
            entry_bytes: fields.u64()?,
            value_bytes: fields.u64()?,
        };
        let bytes = fields.u32()? as usize;
        Some((fields.take(bytes)?.to_vec(), placed))
    });
    let keys = keys.collect::<Option<_>>()?;
    Some(Hint { footer, keys })
}

/// The bytes of the hint of a merged file whose bytes are these, of whose entries these are the keys, their values'
/// lengths and their places.
pub(crate) fn encode(merged: &[u8], keys: &[(Vec<u8>, usize, u64)]) -> Option<Vec<u8>> {
    let footer = Footer::of(merged)?;
    let keys = keys.iter().map(|(key, value, at)| {
        let placed = Placed {
            at: *at,
            entry_bytes: Placed::entry_bytes(key.len(), *value),
            value_bytes: *value as u64,
        };
        (&key[..], placed)
    });
    Some(of(&footer, keys))
}

struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }
}

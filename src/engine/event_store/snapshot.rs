//! The bytes of a snapshot, and its name. All numbers are little endian; what is left of the last 16 bytes is zeros.
//!
//! ```text
//! file header   as every file has it, engine 7
//! snapshot      crc32 u32 | generation u32 | index u64 | length u64 | length bytes of JSON | zeros
//!               the crc covers everything after it, zeros included
//! ```
//!
//! A snapshot says at which record of the log it stands. It is whole, or it is none.

use crate::engine::wal::Lsn;
use crate::engine::wal::format::{CELL, FILE_HEADER, header_of};
use std::path::{Path, PathBuf};

/// The tag of snapshots in their file header.
const ENGINE: u16 = 7;
/// The version of the format that this program reads and writes.
const VERSION: u16 = 1;
const HEAD: usize = 24;
const NAME_BYTES_MAX: usize = 64;

const SUFFIX: &str = ".snapshot";
const IN_THE_MAKING: &str = ".snapshot.tmp";

/// A snapshot that is whole: the last record whose events are in it, and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) at: Lsn,
    pub(super) state: Vec<u8>,
}

/// The bytes of a snapshot that stands at a record.
pub(crate) fn encode(at: Lsn, state: &[u8]) -> Vec<u8> {
    let mut bytes = header_of(ENGINE, VERSION).to_vec();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&at.generation.to_le_bytes());
    bytes.extend_from_slice(&at.index.to_le_bytes());
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(state);
    bytes.resize(bytes.len().next_multiple_of(CELL), 0);
    let crc = crc32fast::hash(&bytes[FILE_HEADER + 4..]);
    bytes[FILE_HEADER..FILE_HEADER + 4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The snapshot that these bytes are, all of them, if they are one.
pub(super) fn decode(bytes: &[u8]) -> Option<Snapshot> {
    let rest = bytes.strip_prefix(&header_of(ENGINE, VERSION))?;
    let (crc, covered) = rest.split_first_chunk::<4>()?;
    if crc32fast::hash(covered) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (generation, rest) = covered.split_first_chunk::<4>()?;
    let (index, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let state = rest.get(..length)?.to_vec();
    let is_all = bytes.len() == (FILE_HEADER + HEAD + length).next_multiple_of(CELL);
    is_all.then_some(Snapshot {
        at: Lsn {
            generation: u32::from_le_bytes(*generation),
            index: u64::from_le_bytes(*index),
        },
        state,
    })
}

/// Whether a projection may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

/// The snapshot of the projection of that name.
pub(super) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{SUFFIX}"))
}

/// The same until it is durable.
pub(super) fn in_the_making(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{IN_THE_MAKING}"))
}

/// What a name in the store's directory is of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'n> {
    /// The snapshot of a projection.
    Snapshot(&'n str),
    /// A snapshot in the making.
    Leftover,
    /// Nothing of ours.
    Other,
}

/// What a name in the store's directory is.
pub(super) fn named(name: &str) -> Named<'_> {
    let projection = |suffix| name.strip_suffix(suffix).filter(|name| is_name(name));
    match (projection(SUFFIX), projection(IN_THE_MAKING)) {
        (Some(name), _) => Named::Snapshot(name),
        (None, Some(_)) => Named::Leftover,
        (None, None) => Named::Other,
    }
}

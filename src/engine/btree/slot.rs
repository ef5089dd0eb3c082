//! The bytes of a slot: up to which record of the log the pages hold everything. All numbers are little endian.
//!
//! ```text
//! slot    file header as every file has it, engine 5, 16 | page bytes u32 | generation u32 | index u64 | zeros 28 |
//!         crc32 of what is before it u32
//! ```
//!
//! Page 0 begins with one slot, page 1 with the other. The newest that is right counts.

use crate::engine::wal::Lsn;
use crate::engine::wal::format::{FILE_HEADER, MAGIC, header_of};

/// The tag of pages in their file header.
const ENGINE: u16 = 5;
/// The version of the format that this program reads and writes.
const VERSION: u16 = 1;
/// The bytes of a slot.
pub(crate) const SLOT_BYTES: usize = 64;

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The size of the pages.
    pub(crate) page_bytes: usize,
    /// The last record that they hold.
    pub(crate) floor: Option<Lsn>,
}

impl Slot {
    /// Its bytes.
    pub(crate) fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        let floor = self.floor.map_or((0, 0), |lsn| (lsn.generation, lsn.index));
        bytes[..FILE_HEADER].copy_from_slice(&header_of(ENGINE, VERSION));
        bytes[16..20].copy_from_slice(&(self.page_bytes as u32).to_le_bytes());
        bytes[20..24].copy_from_slice(&floor.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&floor.1.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..SLOT_BYTES - 4]);
        bytes[SLOT_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The slot that these bytes are, if they are one.
    pub(super) fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Slot> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes[at..].first_chunk()?));
        let (generation, index) = (u32_at(20)?, u64::from_le_bytes(*bytes[24..].first_chunk()?));
        let slot = Slot {
            page_bytes: u32_at(16)? as usize,
            floor: (index > 0).then_some(Lsn { generation, index }),
        };
        (slot.encode() == *bytes).then_some(slot)
    }
}

/// Whether a file that begins so is of this family.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

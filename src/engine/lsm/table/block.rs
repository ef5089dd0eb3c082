//! One block: a few kilobytes of entries, in the order of their keys, under one checksum.

use super::Entry;
use super::format::{BLOCK_BYTES, CELL, Seal, u16_at, u32_at};
use super::span::Span;
use std::ops::Range;

const HEADER: usize = 12;
const ENTRY_HEADER: usize = 6;
const TOMBSTONE: u32 = u32::MAX;

/// The bytes of an entry in a block.
pub(super) fn entry_bytes(entry: &Entry) -> usize {
    ENTRY_HEADER + entry.key.len() + entry.value.as_ref().map_or(0, Vec::len)
}

/// A block in the making.
#[derive(Debug)]
pub(super) struct BlockBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl BlockBuilder {
    pub(super) fn new() -> BlockBuilder {
        BlockBuilder {
            bytes: vec![0; HEADER],
            count: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the entry belongs in this block and not in the next.
    pub(super) fn has_room_for(&self, entry: &Entry) -> bool {
        self.is_empty() || self.bytes.len() + entry_bytes(entry) <= BLOCK_BYTES
    }

    pub(super) fn push(&mut self, entry: &Entry) {
        let value = entry.value.as_deref();
        let length = value.map_or(TOMBSTONE, |value| value.len() as u32);
        let bytes = &mut self.bytes;
        bytes.extend_from_slice(&(entry.key.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&entry.key);
        bytes.extend_from_slice(value.unwrap_or_default());
        self.count += 1;
    }

    /// The block as it stands at `at`, and its checksum. The builder is empty then.
    pub(super) fn finish(&mut self, seal: Seal, at: u64) -> (Vec<u8>, u32) {
        let mut bytes = std::mem::replace(&mut self.bytes, vec![0; HEADER]);
        let length = (bytes.len() - HEADER) as u32;
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.count.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(CELL), 0);
        let crc = seal.crc(at, &bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        self.count = 0;
        (bytes, crc)
    }
}

/// A block as it was read, its checksum right. The default has no entries.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where each entry begins.
    entries: Vec<u32>,
}

impl Block {
    /// The block, where it is as it was written at `at` with this checksum; else what is wrong.
    pub(super) fn check(
        bytes: Vec<u8>,
        seal: Seal,
        at: u64,
        crc: u32,
    ) -> Result<Block, &'static str> {
        if seal.crc(at, &bytes[4..]) != u32_at(&bytes, 0) {
            return Err("the checksum of a block is wrong");
        }
        if u32_at(&bytes, 0) != crc {
            return Err("the block is not the one that the index names");
        }
        let nonsense = "the checksum of a block is right and its entries make no sense";
        Block::parse(bytes).ok_or(nonsense)
    }

    fn parse(bytes: Vec<u8>) -> Option<Block> {
        let end = HEADER.checked_add(u32_at(&bytes, 4) as usize)?;
        if end.checked_next_multiple_of(CELL)? != bytes.len() {
            return None;
        }
        let count = u32_at(&bytes, 8) as usize;
        let mut entries = Vec::with_capacity(count.min(end / ENTRY_HEADER));
        let mut at = HEADER;
        for _ in 0..count {
            entries.push(at as u32);
            let header = at.checked_add(ENTRY_HEADER).filter(|after| *after <= end)?;
            let value = match u32_at(&bytes, at + 2) {
                TOMBSTONE => 0,
                length => length as usize,
            };
            at = header.checked_add(u16_at(&bytes, at))?.checked_add(value)?;
        }
        (at == end && count > 0).then_some(Block { bytes, entries })
    }

    pub(super) fn first_key(&self) -> &[u8] {
        self.key(0)
    }

    fn key(&self, entry: usize) -> &[u8] {
        self.key_at(self.entries[entry])
    }

    fn key_at(&self, at: u32) -> &[u8] {
        let at = at as usize;
        &self.bytes[at + ENTRY_HEADER..][..u16_at(&self.bytes, at)]
    }

    fn value(&self, entry: usize) -> Option<&[u8]> {
        let at = self.entries[entry] as usize;
        match u32_at(&self.bytes, at + 2) {
            TOMBSTONE => None,
            length => {
                let from = at + ENTRY_HEADER + u16_at(&self.bytes, at);
                Some(&self.bytes[from..from + length as usize])
            }
        }
    }

    pub(super) fn entry(&self, entry: usize) -> Entry {
        Entry {
            key: self.key(entry).to_vec(),
            value: self.value(entry).map(<[u8]>::to_vec),
        }
    }

    /// What the block holds of the key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let at = self.entries.partition_point(|at| self.key_at(*at) < key);
        let found = at < self.entries.len() && self.key(at) == key;
        found.then(|| self.value(at).map(<[u8]>::to_vec))
    }

    /// The entries whose keys lie in the span.
    pub(super) fn within(&self, span: &Span) -> Range<usize> {
        let entries = &self.entries;
        let from = entries.partition_point(|at| span.is_after(self.key_at(*at)));
        let to = entries.partition_point(|at| !span.is_before(self.key_at(*at)));
        from..to.max(from)
    }
}

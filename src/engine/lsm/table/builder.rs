//! Writes a table from entries in the order of their keys.
//!
//! What it keeps in memory until the end: 8 bytes for each key, for the filter (twice that at worst,
//! as a vector grows), and then the filter's 10 bits; for each block its place in the index, 18 bytes
//! and the first key; besides that one block and one chunk. With keys of 16 bytes and values of 100
//! that is about 11 bytes a key, and 19 at worst.

use super::block::BlockBuilder;
use super::format::{self, CELL, CHUNK_BYTES, FOOTER, Footer, Seal};
use super::{Entry, Meta, filter};
use crate::engine::lsm::error::{Error, OrFail};
use crate::engine::wal::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::storage::File;
use std::convert::Infallible;

/// Writes a table into an empty file, in chunks of 64 KiB from the first to the last, and counts
/// its entries. Nothing is durable then: barrier and name are the caller's.
///
/// The entries come in the order of their keys, each key once.
pub(crate) fn build<F: File>(
    file: &F,
    meta: Meta,
    entries: impl Iterator<Item = Result<Entry, Error>>,
) -> Result<Meta, Error> {
    write(meta, entries, |at, chunk| {
        file.write_at(at, chunk).or_fail("write a table")
    })
}

/// The bytes that [`build`] writes.
#[allow(dead_code)] // Conformance asks what bytes a table should have.
pub(crate) fn encode(meta: Meta, entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entries = entries.into_iter().map(Ok::<_, Infallible>);
    let Ok(_) = write(meta, entries, |_, chunk| {
        bytes.extend_from_slice(chunk);
        Ok(())
    });
    bytes
}

fn write<E>(
    meta: Meta,
    entries: impl Iterator<Item = Result<Entry, E>>,
    write_at: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<Meta, E> {
    let mut builder = Builder {
        seal: Seal::of(&meta),
        out: Chunks {
            write_at,
            written: 0,
            chunk: Vec::new(),
        },
        block: BlockBuilder::new(),
        first_key: Vec::new(),
        last_key: None,
        index: Vec::new(),
        blocks: 0,
        hashes: Vec::new(),
    };
    builder.out.write(&format::file_header())?;
    for entry in entries {
        builder.push(entry?)?;
    }
    builder.finish(meta)
}

struct Builder<W> {
    seal: Seal,
    out: Chunks<W>,
    block: BlockBuilder,
    first_key: Vec<u8>,
    last_key: Option<Vec<u8>>,
    index: Vec<u8>,
    blocks: u64,
    hashes: Vec<u64>,
}

impl<E, W: FnMut(u64, &[u8]) -> Result<(), E>> Builder<W> {
    fn push(&mut self, entry: Entry) -> Result<(), E> {
        assert!(
            self.last_key.as_ref().is_none_or(|last| *last < entry.key),
            "the entries of a table come in the order of their keys, each once"
        );
        assert!(
            entry.key.len() <= KEY_BYTES_MAX
                && entry.value.as_ref().map_or(0, Vec::len) <= VALUE_BYTES_MAX,
            "an entry of a table keeps the limits of a write"
        );
        if !self.block.has_room_for(&entry) {
            self.finish_block()?;
        }
        if self.block.is_empty() {
            self.first_key.clone_from(&entry.key);
        }
        self.block.push(&entry);
        self.hashes.push(filter::hash(&entry.key));
        self.last_key = Some(entry.key);
        Ok(())
    }

    fn finish_block(&mut self) -> Result<(), E> {
        let at = self.out.at();
        let (bytes, crc) = self.block.finish(self.seal, at);
        self.out.write(&bytes)?;
        self.index.extend_from_slice(&at.to_le_bytes());
        self.index
            .extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.index.extend_from_slice(&crc.to_le_bytes());
        self.index
            .extend_from_slice(&(self.first_key.len() as u16).to_le_bytes());
        self.index.extend_from_slice(&self.first_key);
        self.blocks += 1;
        Ok(())
    }

    fn finish(mut self, meta: Meta) -> Result<Meta, E> {
        if !self.block.is_empty() {
            self.finish_block()?;
        }
        let meta = Meta {
            entries: self.hashes.len() as u64,
            ..meta
        };
        let index_at = self.out.at();
        let padded = self.index.len().next_multiple_of(CELL);
        self.index.resize(padded, 0);
        let index_crc = self.seal.crc(index_at, &self.index);
        self.out.write(&self.index)?;

        let filter_at = self.out.at();
        let filter = filter::build(&self.hashes);
        let filter_crc = self.seal.crc(filter_at, &filter);
        self.out.write(&filter)?;

        let footer = Footer {
            meta,
            blocks: self.blocks,
            index_at,
            filter_at,
            file_bytes: self.out.at() + FOOTER as u64,
            index_crc,
            filter_crc,
        };
        self.out.write(&footer.encode())?;
        self.out.finish()?;
        Ok(meta)
    }
}

/// Gathers bytes into chunks, so that a call writes neither little nor without limit.
struct Chunks<W> {
    write_at: W,
    written: u64,
    chunk: Vec<u8>,
}

impl<E, W: FnMut(u64, &[u8]) -> Result<(), E>> Chunks<W> {
    /// Where the next byte goes.
    fn at(&self) -> u64 {
        self.written + self.chunk.len() as u64
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), E> {
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK_BYTES {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), E> {
        if !self.chunk.is_empty() {
            (self.write_at)(self.written, &self.chunk)?;
            self.written += self.chunk.len() as u64;
            self.chunk.clear();
        }
        Ok(())
    }
}

//! An open table.

use super::block::Block;
use super::format::{self, FOOTER, Footer, Seal, u16_at, u32_at, u64_at};
use super::{Meta, filter};
use crate::engine::lsm::error::{Error, OrFail};
use crate::engine::wal::format::FILE_HEADER;
use crate::storage::File;
use std::fmt;
use std::path::{Path, PathBuf};

const INDEX_ENTRY: usize = 18;

/// An open table: its file, and in memory what says where a key is, if it is there.
///
/// In memory are the filter, 10 bits a key, and for each block of about 4 KiB its place in the
/// index: 26 bytes and its first key. With keys of 16 bytes and values of 100 that is about
/// 2.6 bytes a key. Blocks are read from the file when they are asked for, and not kept.
///
/// What does not read back as it was written is an error, and never served.
pub(crate) struct Table<F> {
    file: F,
    path: PathBuf,
    footer: Footer,
    seal: Seal,
    /// As in the file.
    index: Vec<u8>,
    /// Where in the index each block's place begins.
    places: Vec<usize>,
    filter: Vec<u8>,
}

impl<F> fmt::Debug for Table<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("path", &self.path)
            .field("footer", &self.footer)
            .finish_non_exhaustive()
    }
}

impl<F: File> Table<F> {
    /// Checks everything but the blocks, and changes nothing. `path` is for what errors say.
    pub(crate) fn open(file: F, path: &Path) -> Result<Table<F>, Error> {
        let file_bytes = file.len().or_fail("read a table")?;
        let header = read(&file, 0, file_bytes.min(FILE_HEADER as u64))?;
        format::check_file_header(path, &header)?;
        let damaged = |at, because| Error::Damaged {
            path: path.to_path_buf(),
            at,
            because,
        };
        if file_bytes < (FILE_HEADER + FOOTER) as u64 {
            return Err(damaged(file_bytes, "the table is cut short"));
        }
        let footer_at = file_bytes - FOOTER as u64;
        let footer = read(&file, footer_at, FOOTER as u64)?;
        let footer = match footer.first_chunk() {
            Some(footer) => Footer::decode(footer, file_bytes),
            None => Err("the table is cut short"),
        };
        let footer = footer.map_err(|because| damaged(footer_at, because))?;
        let (index_at, filter_at) = (footer.index_at, footer.filter_at);
        let seal = Seal::of(&footer.meta);

        if filter::bytes(footer.meta.entries) != Some(footer_at - filter_at) {
            return Err(damaged(filter_at, "its filter has another size"));
        }
        let index = read(&file, index_at, filter_at - index_at)?;
        if seal.crc(index_at, &index) != footer.index_crc {
            return Err(damaged(index_at, "the checksum of its index is wrong"));
        }
        let filter = read(&file, filter_at, footer_at - filter_at)?;
        if seal.crc(filter_at, &filter) != footer.filter_crc {
            return Err(damaged(filter_at, "the checksum of its filter is wrong"));
        }
        let nonsense = "the checksum of its index is right and its places make no sense";
        let places = places(&index, &footer).ok_or_else(|| damaged(index_at, nonsense))?;
        Ok(Table {
            file,
            path: path.to_path_buf(),
            footer,
            seal,
            index,
            places,
            filter,
        })
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.footer.meta
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.footer.file_bytes
    }

    /// What the table holds of the key: nothing, a tombstone, or a value. A key that it does not
    /// hold mostly costs no read.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, Error> {
        if !filter::may_hold(&self.filter, filter::hash(key)) {
            return Ok(None);
        }
        match self.blocks_up_to(|first| first <= key).checked_sub(1) {
            Some(block) => Ok(self.block(block)?.get(key)),
            None => Ok(None),
        }
    }

    /// How many blocks from the first on have a first key that passes; the keys pass up to one of
    /// them, and none after it.
    pub(super) fn blocks_up_to(&self, passes: impl Fn(&[u8]) -> bool) -> usize {
        self.places
            .partition_point(|place| passes(self.first_key(*place)))
    }

    fn first_key(&self, place: usize) -> &[u8] {
        &self.index[place + INDEX_ENTRY..][..u16_at(&self.index, place + 16)]
    }

    /// Reads a block and checks it.
    pub(super) fn block(&self, number: usize) -> Result<Block, Error> {
        let place = self.places[number];
        let at = u64_at(&self.index, place);
        let length = u32_at(&self.index, place + 8);
        let crc = u32_at(&self.index, place + 12);
        let bytes = read(&self.file, at, u64::from(length))?;
        let block = if bytes.len() == length as usize {
            Block::check(bytes, self.seal, at, crc)
        } else {
            Err("a block is cut short")
        };
        block
            .and_then(|block| {
                if block.first_key() == self.first_key(place) {
                    Ok(block)
                } else {
                    Err("a block begins with another key than the index says")
                }
            })
            .map_err(|because| Error::Damaged {
                path: self.path.clone(),
                at,
                because,
            })
    }
}

/// Where each block's place in the index begins; `None` where the index makes no sense.
fn places(index: &[u8], footer: &Footer) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    let mut place = 0;
    let mut block_at = FILE_HEADER as u64;
    for _ in 0..footer.blocks {
        if index.len() < place + INDEX_ENTRY || u64_at(index, place) != block_at {
            return None;
        }
        let block_bytes = u32_at(index, place + 8);
        if block_bytes == 0 || !(block_bytes as usize).is_multiple_of(format::CELL) {
            return None;
        }
        block_at += u64::from(block_bytes);
        places.push(place);
        place += INDEX_ENTRY + u16_at(index, place + 16);
    }
    let padding = index.get(place..)?;
    let whole = padding.len() < format::CELL && padding.iter().all(|byte| *byte == 0);
    (whole && block_at == footer.index_at).then_some(places)
}

/// Up to `bytes` bytes, fewer where the file ends before.
fn read<F: File>(file: &F, at: u64, bytes: u64) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; bytes as usize];
    let read = file.read_at(at, &mut buffer).or_fail("read a table")?;
    buffer.truncate(read);
    Ok(buffer)
}

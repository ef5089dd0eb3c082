//! Reading a log in pieces of a block, so that a log of any size takes the memory of one record.

use super::as_found;
use super::error::{Error, OrFail};
use super::format::{self, Chain, Entry, Header, Lsn, RECORD_HEADER, Write};
use crate::storage::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) const BLOCK: u64 = 4096;

const GONE: &str = "it was there when it was recovered or written, and is not now";

/// A record of the log: what one append or one batch wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its identity.
    pub lsn: Lsn,
    /// What it wrote, all of it or nothing: one for an append, one or more for a batch.
    pub writes: Vec<Write>,
}

/// Where a record is, and what it follows: all that reading it again takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its index.
    pub(crate) index: u64,
    /// Its first byte in its file.
    pub(super) at: u64,
    pub(super) chain: Chain,
}

/// A record that was read, and its place.
pub(super) type Placed = (Place, (Lsn, Entry));

/// A file, or a reference to one, up to `end`, read block by block.
#[derive(Debug)]
pub(super) struct Pieces<F> {
    file: F,
    pub(super) end: u64,
    /// The block that was read last, and which one it is.
    block: Vec<u8>,
    at: Option<u64>,
}

impl<F: File> Pieces<F> {
    pub(super) fn new(file: F, end: u64) -> Self {
        Pieces {
            file,
            end,
            block: Vec::new(),
            at: None,
        }
    }

    /// Appends the `bytes` bytes at `at` to `into`, or as many as there are before the end.
    pub(super) fn read(&mut self, mut at: u64, bytes: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let end = at.saturating_add(bytes).min(self.end);
        while at < end {
            let number = at / BLOCK;
            if self.at != Some(number) {
                self.at = None;
                self.block.resize(BLOCK as usize, 0);
                let read = self.file.read_at(number * BLOCK, &mut self.block)?;
                self.block.truncate(read);
                self.at = Some(number);
            }
            let from = (at % BLOCK) as usize;
            let to = self.block.len().min((end - number * BLOCK) as usize);
            if from >= to {
                break;
            }
            into.extend_from_slice(&self.block[from..to]);
            at += (to - from) as u64;
        }
        Ok(())
    }

    /// The header at `at`, where the file is long enough for one.
    pub(super) fn header(&mut self, at: u64) -> io::Result<Option<Header>> {
        let mut bytes = Vec::with_capacity(RECORD_HEADER);
        self.read(at, RECORD_HEADER as u64, &mut bytes)?;
        Ok(Header::read(&bytes))
    }

    /// The record at `at`, into `record`, where one is complete and its checksum right behind
    /// `chain`.
    pub(super) fn record(
        &mut self,
        at: u64,
        chain: Chain,
        record: &mut Vec<u8>,
    ) -> io::Result<Option<Header>> {
        record.clear();
        let Some(header) = self.header(at)?.filter(Header::is_sane) else {
            return Ok(None);
        };
        if at
            .checked_add(header.record_bytes())
            .is_none_or(|end| end > self.end)
        {
            return Ok(None);
        }
        self.read(at, header.record_bytes(), record)?;
        Ok(header.vouches_for(record, chain).then_some(header))
    }
}

/// The records of an open log, in order, read from the file as the iterator is advanced.
///
/// What does not read back as it was written is an error and ends the iteration: it is never
/// served.
#[derive(Debug)]
pub struct Records<F> {
    pieces: Pieces<F>,
    path: PathBuf,
    at: u64,
    chain: Chain,
    previous: Option<Lsn>,
    after: Option<Lsn>,
    format: Format,
    bytes: Vec<u8>,
    done: bool,
}

/// Where reading begins, and what the first record follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) at: u64,
    pub(super) chain: Chain,
    pub(super) previous: Option<Lsn>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Durable,
    AsFound,
}

impl<F: File> Records<F> {
    pub(super) fn new(pieces: Pieces<F>, path: &Path, start: Start, format: Format) -> Self {
        Records {
            pieces,
            path: path.to_path_buf(),
            at: start.at,
            chain: start.chain,
            previous: start.previous,
            after: None,
            format,
            bytes: Vec::new(),
            done: false,
        }
    }

    /// Without those up to `after`.
    pub(super) fn after(self, after: Option<Lsn>) -> Self {
        Records { after, ..self }
    }

    /// The next record, whatever it says.
    pub(super) fn next_entry(&mut self) -> Option<Result<(Lsn, Entry), Error>> {
        if self.done {
            return None;
        }
        let next = self.read_next().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }

    /// The first record, which was there before.
    pub(crate) fn first(mut self) -> Result<(Lsn, Entry), Error> {
        match self.next_entry() {
            Some(record) => record,
            None => {
                let index = self.previous.map_or(1, |lsn| lsn.index + 1);
                Err(self.damaged(index, GONE))
            }
        }
    }

    /// The next record, whatever it says, and its place.
    pub(super) fn next_placed(&mut self) -> Option<Result<Placed, Error>> {
        let (at, chain) = (self.at, self.chain);
        let next = self.next_entry()?;
        Some(next.map(|(lsn, entry)| {
            let index = lsn.index;
            (Place { index, at, chain }, (lsn, entry))
        }))
    }

    fn read_next(&mut self) -> Result<Option<(Lsn, Entry)>, Error> {
        while self.at < self.pieces.end {
            let record = match self.format {
                Format::Durable => self.durable_record()?,
                Format::AsFound => match self.as_found_record()? {
                    Some(record) => record,
                    None => return Ok(None),
                },
            };
            self.previous = Some(record.0);
            if self.after < self.previous {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn durable_record(&mut self) -> Result<(Lsn, Entry), Error> {
        let header = self
            .pieces
            .record(self.at, self.chain, &mut self.bytes)
            .or_fail("read the log")?;
        let entry = header
            .filter(|header| header.follows(self.previous))
            .and_then(|header| Some((header, format::decode(&header, &self.bytes)?)));
        let Some((header, entry)) = entry else {
            let index = self.previous.map_or(1, |lsn| lsn.index + 1);
            return Err(self.damaged(index, GONE));
        };
        self.at += header.record_bytes();
        self.chain = self.chain.then(header.crc);
        Ok((header.lsn, entry))
    }

    fn damaged(&self, index: u64, because: &'static str) -> Error {
        Error::Damaged {
            path: self.path.to_path_buf(),
            at: self.at,
            index,
            because,
        }
    }

    fn as_found_record(&mut self) -> Result<Option<(Lsn, Entry)>, Error> {
        let read = as_found::read_record(&mut self.pieces, self.at).or_fail("read the log")?;
        let Some((write, end)) = read else {
            return Ok(None);
        };
        self.at = end;
        let index = self.previous.map_or(1, |lsn| lsn.index + 1);
        Ok(Some((
            Lsn {
                generation: 0,
                index,
            },
            Entry::Writes(vec![write]),
        )))
    }
}

impl<F: File> Iterator for Records<F> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().map(|next| match next? {
            (lsn, Entry::Writes(writes)) => Ok(Record { lsn, writes }),
            // Recovery refused such a record, so it was not there then.
            (lsn, _) => Err(self.damaged(lsn.index, "it holds no writes")),
        })
    }
}

//! Recovery of the durable log: what it accepts, and what it does before it serves.
//!
//! ```text
//! header   | record 1 | record 2 | record 3 | record 4 | torn, stale, anything
//!                       ^ m: the highest durable mark    ^ T: the tail
//!            believed              \__ written again __/ | end mark |             then barrier, directory barriers
//! ```
//!
//! What lies up to `m` was durable when `m` was written. What lies above may be cached only, and
//! worse: after a kill the cache may hold what a failed barrier doomed, which no later barrier
//! saves. So it is written again, the same bytes in the same place. What follows the tail is made
//! unreadable by a write: a record that was found absent stays absent. All of it is idempotent, and
//! a power cut in the middle leaves a log that recovers to the same records.
//!
//! LIMIT: a tail is where no record can be read, and damage below the last barrier looks the same
//! when it hits the length of a record, the first record after its end, or the last record of the
//! log: recovery then ends before it.
//!
//! LIMIT: bytes are written again, a size is not. Where the file is longer than the end mark reaches,
//! it stays so: a system whose failed barrier dooms a size and yet goes on showing it may take the
//! recovered records at the next power cut. No profile has such a system: a doomed size reverts.

use super::error::{Error, OrFail};
use super::format::{Chain, END_MARK, FILE_HEADER, Header, Lsn, check_file_header, decode};
use super::read::Pieces;
use crate::storage::File;
use std::collections::VecDeque;
use std::path::Path;

/// A log as it was found.
#[derive(Debug)]
pub(super) struct Scan {
    /// Where the last accepted record ends.
    pub(super) tail: u64,
    /// Its identity.
    pub(super) last: Option<Lsn>,
    /// What the next record follows.
    pub(super) chain: Chain,
    /// The accepted records above the highest durable mark, where each begins, and what it follows.
    // LIMIT: 32 bytes a record, for as many as were appended since the last barrier.
    cached_perhaps: VecDeque<(Lsn, u64, Chain)>,
}

/// Reads the log and decides what is accepted. Changes nothing.
pub(super) fn scan<F: File>(file: &F, path: &Path) -> Result<Scan, Error> {
    let len = file.len().or_fail("read the log")?;
    let mut pieces = Pieces::new(file, len);
    let mut bytes = Vec::new();
    pieces
        .read(0, FILE_HEADER as u64, &mut bytes)
        .or_fail("read the log")?;
    check_file_header(path, &bytes)?;
    let mut found = Scan {
        tail: FILE_HEADER as u64,
        last: None,
        chain: Chain::start(),
        cached_perhaps: VecDeque::new(),
    };
    while let Some(header) = pieces
        .record(found.tail, found.chain, &mut bytes)
        .or_fail("read the log")?
    {
        if !header.follows(found.last) {
            break;
        }
        if decode(&header, &bytes).is_none() {
            // Its checksum is right: it was written so, by something else than this code.
            return Err(found.damaged(path, "its checksum is right and its payload makes no sense"));
        }
        let place = (header.lsn, found.tail, found.chain);
        found.cached_perhaps.push_back(place);
        while found
            .cached_perhaps
            .front()
            .is_some_and(|(lsn, ..)| lsn.index <= header.mark)
        {
            found.cached_perhaps.pop_front();
        }
        found.tail += header.record_bytes();
        found.last = Some(header.lsn);
        found.chain = found.chain.then(header.crc);
    }
    if proves_damage(&found, &mut pieces, &mut bytes).or_fail("read the log")? {
        return Err(found.damaged(path, "a later record says that it was durable"));
    }
    Ok(found)
}

/// Whether the record after the one that is missing at the tail says that the missing one was
/// durable.
///
/// Its checksum is chained: that it is right behind the crc that stands at the tail, and behind the
/// last accepted record before that, says that this log wrote it there, behind a record with that
/// crc, behind the last accepted one. No value can deceive here, of this log or a copy of another:
/// the crc of the last accepted record would have to be known before it was written.
///
/// A record written by this log proves it. Say its mark is n or more. When it was written, 1 to n
/// were durable where the log of that day had them; every recovery since accepted them, for they
/// were in every crash image, and appended behind them. So n is found today, or has been damaged:
/// no crash explains it, whichever life wrote the record.
fn proves_damage<F: File>(
    found: &Scan,
    pieces: &mut Pieces<'_, F>,
    bytes: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let Some(missing) = pieces.header(found.tail)?.filter(Header::is_sane) else {
        return Ok(false);
    };
    let Some(after) = found.tail.checked_add(missing.record_bytes()) else {
        return Ok(false);
    };
    let Some(witness) = pieces.record(after, found.chain.then(missing.crc), bytes)? else {
        return Ok(false);
    };
    let stands_in = Lsn {
        generation: found.last.map_or(1, |lsn| lsn.generation),
        index: found.next_index(),
    };
    Ok(witness.follows(Some(stands_in)) && witness.mark >= stands_in.index)
}

impl Scan {
    fn next_index(&self) -> u64 {
        self.last.map_or(1, |lsn| lsn.index.saturating_add(1))
    }

    fn damaged(&self, path: &Path, because: &'static str) -> Error {
        Error::Damaged {
            path: path.to_path_buf(),
            at: self.tail,
            index: self.next_index(),
            because,
        }
    }

    /// Makes what was accepted durable and what follows it unreadable, but for the names of the
    /// file.
    pub(super) fn settle<F: File>(&self, file: &F, path: &Path) -> Result<(), Error> {
        let mut pieces = Pieces::new(file, self.tail);
        let mut bytes = Vec::new();
        for (lsn, at, chain) in &self.cached_perhaps {
            let read = pieces
                .record(*at, *chain, &mut bytes)
                .or_fail("read the log")?;
            if read.is_none_or(|header| header.lsn != *lsn) {
                return Err(Error::Damaged {
                    path: path.to_path_buf(),
                    at: *at,
                    index: lsn.index,
                    because: "it was right when it was first read and is not now",
                });
            }
            file.write_at(*at, &bytes)
                .or_fail("write what was recovered again")?;
        }
        // INVARIANT: always written, even over zeros, which may be cached only.
        file.write_at(self.tail, &END_MARK)
            .or_fail("write the end mark of the log")?;
        file.barrier().or_fail("sync the log")
    }
}

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
//! A log that is *recycled* has a floor: up to there, tables hold everything. Its records are *live*,
//! the first one right above the floor, or *covered*, all of them at or below it; then nothing in the
//! log counts, and the tail is the head.
//!
//! Damage of what was durable is refused, see `damage`.
//!
//! LIMIT: bytes are written again, a size is not. Where the file is longer than the end mark reaches,
//! it stays so: a system whose failed barrier dooms a size and yet goes on showing it may take the
//! recovered records at the next power cut. No profile has such a system: a doomed size reverts.

use super::damage;
use super::error::{Error, OrFail};
use super::format::{Chain, END_MARK, Entry, FILE_HEADER, Header, Lsn, Note, Owner, decode};
use super::read::Pieces;
use crate::storage::File;
use std::collections::VecDeque;
use std::path::Path;

/// A log as it was found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// How long the file is.
    len: u64,
    /// Where the last accepted record ends.
    pub(super) tail: u64,
    /// Its identity, or the floor.
    pub(super) last: Option<Lsn>,
    /// What the next record follows.
    pub(super) chain: Chain,
    /// The first accepted record, where there is one.
    pub(super) first: Option<Lsn>,
    /// The largest index in a checkpoint among them.
    pub(super) checkpoint: Option<u64>,
    /// The accepted records above the highest durable mark, where each begins, and what it follows.
    // LIMIT: 32 bytes a record, for as many as were appended since the last barrier.
    cached_perhaps: VecDeque<(Lsn, u64, Chain)>,
}

/// Reads a log and decides what is accepted. Changes nothing.
///
/// Everything up to `floor` is held elsewhere; a log on its own has none.
pub(crate) fn scan<F: File>(
    file: &F,
    path: &Path,
    owner: Owner,
    floor: Option<Lsn>,
) -> Result<Scan, Error> {
    let len = file.len().or_fail("read the log")?;
    let mut pieces = Pieces::new(file, len);
    let mut bytes = Vec::new();
    pieces
        .read(0, FILE_HEADER as u64, &mut bytes)
        .or_fail("read the log")?;
    owner.check_file_header(path, &bytes)?;
    let empty = Scan {
        len,
        tail: FILE_HEADER as u64,
        last: floor,
        chain: Chain::start_of(owner),
        first: None,
        checkpoint: None,
        cached_perhaps: VecDeque::new(),
    };
    if owner.is_recycled() {
        let first = pieces.record(empty.tail, empty.chain, &mut bytes);
        if let Some(first) = first.or_fail("read the log")?
            && is_covered(&empty, &mut pieces, first, path)?
        {
            return Ok(empty);
        }
    }
    let found = read_run(empty, &mut pieces, path, owner)?;
    let missing = Lsn {
        generation: found.last.map_or(1, |lsn| lsn.generation),
        index: found.next_index(),
    };
    let was_durable = damage::was_durable(&mut pieces, found.tail, found.chain, missing);
    match was_durable.or_fail("read the log")? {
        true => Err(found.damaged(path, "a later record says that it was durable")),
        false => Ok(found),
    }
}

/// What the record at the head of a log is, where there is one. Changes nothing.
pub(crate) fn head<F: File>(file: &F, path: &Path, owner: Owner) -> Result<Option<Lsn>, Error> {
    let len = file.len().or_fail("read the log")?;
    let mut pieces = Pieces::new(file, len);
    let mut bytes = Vec::new();
    let header = pieces.read(0, FILE_HEADER as u64, &mut bytes);
    header.or_fail("read the log")?;
    owner.check_file_header(path, &bytes)?;
    let first = pieces.record(FILE_HEADER as u64, Chain::start_of(owner), &mut bytes);
    Ok(first.or_fail("read the log")?.map(|header| header.lsn))
}

/// Whether this first record and those that follow it are at or below the floor. One that is further
/// above it than the next record tells of a hole.
fn is_covered<F: File>(
    empty: &Scan,
    pieces: &mut Pieces<F>,
    first: Header,
    path: &Path,
) -> Result<bool, Error> {
    let next = empty.next_index();
    if first.lsn.index > next {
        return Err(Error::Hole {
            path: path.to_path_buf(),
            lo: next,
            hi: first.lsn.index - 1,
        });
    }
    let mut run = Scan {
        tail: empty.tail,
        last: Some(first.lsn),
        cached_perhaps: VecDeque::new(),
        ..*empty
    };
    let (mut header, mut bytes) = (first, Vec::new());
    while header.lsn.index < next {
        run.tail += header.record_bytes();
        run.chain = run.chain.then(header.crc);
        run.last = Some(header.lsn);
        let after = pieces.record(run.tail, run.chain, &mut bytes);
        match after.or_fail("read the log")? {
            Some(after) if after.follows(run.last) => header = after,
            _ => return Ok(true),
        }
    }
    if run.tail > empty.tail {
        return Err(run.damaged(path, "it follows records that the tables hold, in one run"));
    }
    if !first.follows(empty.last) {
        return Err(run.damaged(path, "it is of an earlier life than what the tables hold"));
    }
    Ok(false)
}

/// Accepts records as long as each is right and follows the one before.
fn read_run<F: File>(
    mut found: Scan,
    pieces: &mut Pieces<F>,
    path: &Path,
    owner: Owner,
) -> Result<Scan, Error> {
    let mut bytes = Vec::new();
    while let Some(header) = pieces
        .record(found.tail, found.chain, &mut bytes)
        .or_fail("read the log")?
    {
        if !header.follows(found.last) {
            break;
        }
        match decode(&header, &bytes) {
            Some(Entry::Writes(_)) => {}
            Some(Entry::Note(Note::Checkpoint(up_to)))
                if owner.takes_notes() && up_to < header.lsn.index =>
            {
                found.checkpoint = found.checkpoint.max(Some(up_to));
            }
            Some(Entry::Note(Note::Begin(_) | Note::Commit(_))) if owner.takes_notes() => {}
            // Its checksum is right: it was written so, by something else than this code.
            _ => {
                let because = "its checksum is right and its payload makes no sense";
                return Err(found.damaged(path, because));
            }
        }
        found.first = found.first.or(Some(header.lsn));
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
    Ok(found)
}

impl Scan {
    /// The newest record that was accepted, or the floor.
    pub(crate) fn last(&self) -> Option<Lsn> {
        self.last
    }

    /// Whether a record was accepted.
    pub(crate) fn has_records(&self) -> bool {
        self.first.is_some()
    }

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

    /// How long the file is once that is settled.
    pub(super) fn settled_bytes(&self) -> u64 {
        self.len.max(self.tail + END_MARK.len() as u64)
    }

    /// Makes what was accepted durable and what follows it unreadable, but for the names of the
    /// file.
    pub(crate) fn settle<F: File>(&self, file: &F, path: &Path) -> Result<(), Error> {
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

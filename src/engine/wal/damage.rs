//! Whether the record that cannot be read was durable once: then no crash explains it, and it is
//! damage.
//!
//! ```text
//! ... | record n-1 | record n: unreadable | n+1 | n+2 | n+3: its mark is n or more | ...
//!        accepted           ^ at            \__ witnesses: each behind the one before, by its checksum
//! ```
//!
//! A *witness* is the record n+1. Its checksum is chained: that it is right behind the crc of record
//! n, and behind the last accepted record before that, says that this log wrote it behind a record
//! with that crc, behind the last accepted one. The records behind the witness are as good as it
//! is, each by its own chain. The witness is looked for in two ways, one for each way in which a bit
//! of record n can flip:
//!
//! - outside the crc: the crc that stands there is the one that n+1 is behind. If the length is
//!   right, n+1 is where it says; if the length is what flipped, n+1 is at some cell behind. So every
//!   cell is tried.
//! - in the crc: the length is right, and the crc can be had from the rest of the record.
//!
//! **A witness whose run carries a mark of n or more proves damage.** A mark is written only after a
//! completed barrier. When that one was written, 1 to n were durable, n in this very place, for the
//! witness is chained to it and to the accepted record before it; every recovery since found n in
//! every crash image, and appended behind it. Nobody writes over a record but one who knows that
//! tables hold it (the *floor*), and no floor falls; n is above the floor of today. So n is found
//! today, or has been damaged.
//!
//! **What a crash leaves is never accused.** A torn record n was not durable, so nobody wrote a mark
//! of n or more behind it, in this cycle of the log: neither the life that wrote it nor one that
//! wrote over it. Records of earlier cycles, which lie about behind the tail of a log that is
//! recycled, have indexes at or below the floor, so none of them is n+1. Records of an earlier life
//! that were found absent may well be n+1, and may even be chained to the crc that stands at n, where
//! the header of a lost record n is kept; but their marks are below n, for n was not durable then.
//! A value that holds the bytes of records, of this log or a copy of another, is not chained to the
//! last accepted record: its crc would have to be known before it was written. (At the head there is
//! no accepted record, and the crc of the record at the head does that service.) Whoever computes the
//! crcs of records that he is going to write can make the log accuse itself, and nobody else's.
//!
//! LIMIT: one flipped bit is found wherever it is in record n. Damage that takes more of it is found
//! where its crc is right, or all but its crc; and damage of the last records, those above every
//! mark, looks like a torn tail and is one.
//!
//! LIMIT: linear in what is left of the file. Bytes that look like headers of n+1 are believed only as
//! long as all of the records that they announce are not much longer than the file.

use super::format::{CELL, Chain, Header, Lsn, RECORD_HEADER};
use super::read::{BLOCK, Pieces};
use crate::storage::File;
use std::io;

/// Whether the record at `at`, which cannot be read, was durable: somebody behind it says so.
///
/// It would have the index of `missing`, and at least its generation, and would follow `chain`.
pub(super) fn was_durable<F: File>(
    pieces: &mut Pieces<F>,
    at: u64,
    chain: Chain,
    missing: Lsn,
) -> io::Result<bool> {
    let mut cell = Vec::with_capacity(CELL);
    pieces.read(at, CELL as u64, &mut cell)?;
    if cell.iter().all(|byte| *byte == 0) {
        // The file ends here, or there is an end mark: no flipped bit makes one of a header.
        return Ok(false);
    }
    let Some(header) = pieces.header(at)? else {
        return Ok(false);
    };
    let mut search = Search {
        missing,
        bytes: Vec::new(),
        budget: pieces.end.saturating_mul(2),
    };
    if header.is_sane() {
        let place = at.saturating_add(header.record_bytes());
        if let Some(crc) = search.crc_of_contents(pieces, at, &header, chain)?
            && search.testifies(pieces, place, chain.then(crc))?
        {
            return Ok(true);
        }
    }
    search.anywhere(pieces, at, chain.then(header.crc))
}

#[derive(Debug)]
struct Search {
    missing: Lsn,
    bytes: Vec<u8>,
    /// How many bytes of announced records may yet be read.
    budget: u64,
}

impl Search {
    /// The crc that the record ought to have, where the file is long enough for all of it.
    fn crc_of_contents<F: File>(
        &mut self,
        pieces: &mut Pieces<F>,
        at: u64,
        header: &Header,
        chain: Chain,
    ) -> io::Result<Option<u32>> {
        self.bytes.clear();
        pieces.read(at, header.record_bytes(), &mut self.bytes)?;
        let whole = self.bytes.len() as u64 == header.record_bytes();
        Ok(whole.then(|| chain.crc(&self.bytes[4..])))
    }

    /// Tries every cell behind the record at `at`, by the index in what may be a header.
    fn anywhere<F: File>(
        &mut self,
        pieces: &mut Pieces<F>,
        at: u64,
        chain: Chain,
    ) -> io::Result<bool> {
        let Some(index) = self.missing.index.checked_add(1) else {
            return Ok(false);
        };
        let index = index.to_le_bytes();
        let mut block = Vec::with_capacity(BLOCK as usize);
        let mut from = at.saturating_add(RECORD_HEADER as u64);
        while from < pieces.end {
            block.clear();
            pieces.read(from, BLOCK, &mut block)?;
            for (number, cell) in block.chunks_exact(CELL).enumerate() {
                // The index is at the start of a header's second cell.
                let place = from + (number * CELL) as u64 - CELL as u64;
                if cell.starts_with(&index) && self.testifies(pieces, place, chain)? {
                    return Ok(true);
                }
            }
            if block.len() < CELL {
                break;
            }
            from += BLOCK;
        }
        Ok(false)
    }

    /// Whether a witness is there, and one of the records that follow it without a gap says that the
    /// missing one was durable.
    fn testifies<F: File>(
        &mut self,
        pieces: &mut Pieces<F>,
        mut place: u64,
        mut chain: Chain,
    ) -> io::Result<bool> {
        let mut previous = self.missing;
        let may_be = |it: &Header| it.is_sane() && it.follows(Some(previous));
        let Some(announced) = pieces.header(place)?.filter(may_be) else {
            return Ok(false);
        };
        let bytes = announced.record_bytes();
        if bytes > pieces.end.saturating_sub(place) || bytes > self.budget {
            return Ok(false);
        }
        self.budget -= bytes;
        while let Some(witness) = pieces.record(place, chain, &mut self.bytes)? {
            if !witness.follows(Some(previous)) {
                break;
            }
            if witness.mark >= self.missing.index {
                return Ok(true);
            }
            previous = witness.lsn;
            place += witness.record_bytes();
            chain = chain.then(witness.crc);
        }
        Ok(false)
    }
}

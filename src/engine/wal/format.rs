//! The bytes of the log. Everything lies on a grid of 16-byte cells; all numbers are little endian.
//!
//! ```text
//! file header   magic "LIGHTOUT" 8 | engine u16 | version u16 | crc32 of these 12 bytes u32
//! record        crc32 u32 | length u32 | generation u32 | count u32 | index u64 | mark u64 | payload | zeros to a cell
//!               the crc covers everything after it, padding included; length is the payload's, and never 0;
//!               it is *chained*: it begins from the crcs of the two records before (see [`Chain`])
//! engine        1 a log on its own, 2 the log of an LSM tree, 4 the log of a B-tree, 6 the log of an event store, 8 a data file of Bitcask (3 is a
//!               table of an LSM tree, 5 the pages of a B-tree, 7 a snapshot of an event store, 9 and 10 a merged file of Bitcask and its
//!               hint, whose bytes are told there)
//! payload       count times: tag u8 (1 put, 2 delete) | key length u32 | key | a put: value length u32 | value
//!               or, in a log in segments, once: tag u8 (3 begin, 4 commit, 5 checkpoint) | number u64
//! ```
//!
//! `mark` is the *durable mark*: the index up to which barriers had completed when the record was
//! written.
//!
//! So a record is one only behind the very records that it was written behind. A value that holds the
//! bytes of a record is never taken for it, even where the record around the value is torn and one of a
//! later life ends right before those bytes: the crc of that later record was nobody's to know when
//! the value was written.

use super::error::Error;
use std::path::Path;

/// The most bytes a key may have.
pub const KEY_BYTES_MAX: usize = 65_535;
/// The most bytes a value may have: 16 MiB.
pub const VALUE_BYTES_MAX: usize = 16 << 20;
/// The most bytes the payload of a batch may have: 64 MiB. A write takes 5 more than its key, a put
/// 4 more and its value.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

pub(crate) const CELL: usize = 16;
pub(crate) const FILE_HEADER: usize = CELL;
pub(crate) const RECORD_HEADER: usize = 2 * CELL;
/// What is written at the tail, so that nothing that follows it can be read as a record: a length
/// of 0.
pub(crate) const END_MARK: [u8; CELL] = [0; CELL];
pub(crate) const MAGIC: &[u8; 8] = b"LIGHTOUT";
const VERSION: u16 = 1;
/// Of the logs of an LSM tree: since there are two of them.
const VERSION_OF_TWO: u16 = 2;
const PUT: u8 = 1;
const DELETE: u8 = 2;
const BEGIN: u8 = 3;
const COMMIT: u8 = 4;
const CHECKPOINT: u8 = 5;
/// The tag and the number of an entry that is no write.
const NOTE_BYTES: u32 = 9;
/// The smallest write: the delete of an empty key.
const WRITE_BYTES_MIN: u32 = 5;

/// Whose log it is. It stands in the header, and every chain of records begins from the header: no
/// engine opens the log of another, or takes its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The log on its own, [`super::Log`].
    Log = 1,
    /// The log of an LSM tree.
    Lsm = 2,
    /// The log of a B-tree.
    Btree = 4,
    /// The log of an event store.
    EventStore = 6,
    /// A data file of a Bitcask store.
    Bitcask = 8,
}

/// One change of one key. Keys and values are bytes, need not be UTF-8, and may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// The key has this value from now on.
    Put {
        /// At most [`KEY_BYTES_MAX`] bytes.
        key: Vec<u8>,
        /// At most [`VALUE_BYTES_MAX`] bytes.
        value: Vec<u8>,
    },
    /// The key has no value from now on.
    Delete {
        /// At most [`KEY_BYTES_MAX`] bytes.
        key: Vec<u8>,
    },
}

/// What a record of a log on its own says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Writes: one, or several that are all there or none.
    Writes(Vec<Write>),
    /// Something else.
    Note(Note),
}

/// An entry that is no write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A transaction of the client's begins: its number. The log does not act on it.
    Begin(u64),
    /// It is complete: its number. The log does not act on it.
    Commit(u64),
    /// The client holds elsewhere all records up to this index.
    Checkpoint(u64),
}

/// The identity of a record, ordered. Once told to a client it never names another record, whatever
/// crashes take: a record that was lost leaves its index to one of a higher generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn {
    /// The life of the log that wrote it, from 1. As-found records have none: 0.
    pub generation: u32,
    /// Its place in the log, from 1, without gaps over all generations.
    pub index: u64,
}

/// The header of a record, as read: nothing of it is believed before the checksum is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) crc: u32,
    pub(crate) length: u32,
    pub(crate) count: u32,
    pub(crate) lsn: Lsn,
    pub(crate) mark: u64,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Option<Header> {
        let mut fields = Fields(bytes);
        let (crc, length) = (fields.u32()?, fields.u32()?);
        let (generation, count) = (fields.u32()?, fields.u32()?);
        let (index, mark) = (fields.u64()?, fields.u64()?);
        Some(Header {
            crc,
            length,
            count,
            lsn: Lsn { generation, index },
            mark,
        })
    }

    /// Whether a record could have this length and count. An end mark could not.
    pub(crate) fn is_sane(&self) -> bool {
        (1..=BATCH_BYTES_MAX as u32).contains(&self.length)
            && (1..=self.length / WRITE_BYTES_MIN).contains(&self.count)
    }

    /// The bytes of the whole record, padding included.
    pub(crate) fn record_bytes(&self) -> u64 {
        (RECORD_HEADER as u64 + u64::from(self.length)).next_multiple_of(CELL as u64)
    }

    /// Whether `record`, which begins with this header, is as it was written, and behind `chain`.
    pub(crate) fn vouches_for(&self, record: &[u8], chain: Chain) -> bool {
        record.len() as u64 == self.record_bytes() && chain.crc(&record[4..]) == self.crc
    }

    /// Whether a record with this identity may stand after `previous`.
    pub(crate) fn follows(&self, previous: Option<Lsn>) -> bool {
        let (generation, index) = previous.map_or((1, 0), |lsn| (lsn.generation, lsn.index));
        self.lsn.generation >= generation && index.checked_add(1) == Some(self.lsn.index)
    }
}

/// What the crc of the next record begins from: the crcs of the last record and of the one before
/// it; of the file header where there are none.
///
/// The last one alone would do for reading. With both, a record vouches for the *header* of the
/// record before it too: that it stands behind the one before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    before: u32,
    last: u32,
}

impl Chain {
    /// Of the first record of a log on its own.
    pub(crate) fn start() -> Chain {
        Chain::start_of(Owner::Log)
    }

    /// Of the first record in a log of that engine.
    pub(crate) fn start_of(owner: Owner) -> Chain {
        let header = owner.file_header();
        let crc = Fields(&header[12..]).u32().unwrap_or_default();
        Chain {
            before: 0,
            last: crc,
        }
    }

    /// After a record with this crc.
    pub(crate) fn then(self, crc: u32) -> Chain {
        Chain {
            before: self.last,
            last: crc,
        }
    }

    /// The crc of a record behind this, from its bytes after the crc.
    pub(super) fn crc(self, bytes: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.last.to_le_bytes());
        crc.update(&self.before.to_le_bytes());
        crc.update(bytes);
        crc.finalize()
    }
}

/// The 16 bytes that every log on its own begins with.
pub(crate) fn file_header() -> [u8; FILE_HEADER] {
    Owner::Log.file_header()
}

/// The 16 bytes that a file of this engine, in this version of its format, begins with.
pub(crate) fn header_of(engine: u16, version: u16) -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&engine.to_le_bytes());
    header[10..12].copy_from_slice(&version.to_le_bytes());
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

impl Owner {
    /// Whether what it holds moves elsewhere, and its head is written over then.
    pub(super) fn is_recycled(self) -> bool {
        matches!(self, Owner::Lsm | Owner::Btree)
    }

    /// Whether its records may be notes: a log in segments has them.
    pub(super) fn takes_notes(self) -> bool {
        matches!(self, Owner::Log | Owner::Bitcask)
    }

    /// The version of its format that this program reads and writes.
    fn version(self) -> u16 {
        match self {
            Owner::Lsm => VERSION_OF_TWO,
            _ => VERSION,
        }
    }

    /// The 16 bytes that a log of this engine begins with.
    pub(crate) fn file_header(self) -> [u8; FILE_HEADER] {
        header_of(self as u16, self.version())
    }

    /// Whether these first bytes of a file are those of a log of this engine.
    pub(super) fn check_file_header(self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let path = || path.to_path_buf();
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(Error::Foreign { path: path() });
        }
        let Some(header) = bytes.first_chunk::<FILE_HEADER>() else {
            return Err(Error::DamagedHeader {
                path: path(),
                because: "it is cut short",
            });
        };
        let engine = u16::from_le_bytes([header[8], header[9]]);
        let version = u16::from_le_bytes([header[10], header[11]]);
        if engine != self as u16 {
            Err(Error::OtherEngine {
                path: path(),
                found: engine,
            })
        } else if version != self.version() {
            Err(Error::OtherVersion {
                path: path(),
                found: version,
                known: self.version(),
            })
        } else if *header != self.file_header() {
            Err(Error::DamagedHeader {
                path: path(),
                because: "its checksum is wrong",
            })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
pub(crate) fn check_file_header(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    Owner::Log.check_file_header(path, bytes)
}

/// Adds the record that follows `chain` to `into`, and says what the next one follows; refuses writes
/// that are over a limit, and adds nothing then.
pub(crate) fn encode(
    chain: Chain,
    lsn: Lsn,
    mark: u64,
    writes: &[Write],
    into: &mut Vec<u8>,
) -> Result<Chain, Error> {
    let (count, length) = check_limits(writes)?;
    let from = begin(lsn, mark, count, length, into);
    for write in writes {
        let (tag, key, value) = match write {
            Write::Put { key, value } => (PUT, key, Some(value)),
            Write::Delete { key } => (DELETE, key, None),
        };
        into.push(tag);
        for field in [Some(key), value].into_iter().flatten() {
            into.extend_from_slice(&(field.len() as u32).to_le_bytes());
            into.extend_from_slice(field);
        }
    }
    Ok(end(chain, from, into))
}

/// As [`encode`], of an entry that is no write.
pub(crate) fn encode_note(
    chain: Chain,
    lsn: Lsn,
    mark: u64,
    note: Note,
    into: &mut Vec<u8>,
) -> Chain {
    let (tag, number) = match note {
        Note::Begin(number) => (BEGIN, number),
        Note::Commit(number) => (COMMIT, number),
        Note::Checkpoint(number) => (CHECKPOINT, number),
    };
    let from = begin(lsn, mark, 1, NOTE_BYTES, into);
    into.push(tag);
    into.extend_from_slice(&number.to_le_bytes());
    end(chain, from, into)
}

/// The header of a record, without its crc; and where it begins.
fn begin(lsn: Lsn, mark: u64, count: u32, length: u32, into: &mut Vec<u8>) -> usize {
    let from = into.len();
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&lsn.generation.to_le_bytes());
    into.extend_from_slice(&count.to_le_bytes());
    into.extend_from_slice(&lsn.index.to_le_bytes());
    into.extend_from_slice(&mark.to_le_bytes());
    from
}

/// The padding of the record that begins there, and its crc.
fn end(chain: Chain, from: usize, into: &mut Vec<u8>) -> Chain {
    let bytes = (into.len() - from).next_multiple_of(CELL);
    into.resize(from + bytes, 0);
    let record = &mut into[from..];
    let crc = chain.crc(&record[4..]);
    record[..4].copy_from_slice(&crc.to_le_bytes());
    chain.then(crc)
}

/// The number of writes and the bytes of their payload, where all limits are kept.
pub(crate) fn check_limits(writes: &[Write]) -> Result<(u32, u32), Error> {
    let check = |what, bytes: usize, bytes_max: usize| {
        let too_large = || Error::TooLarge {
            what,
            bytes: bytes as u64,
            bytes_max: bytes_max as u64,
        };
        if bytes > bytes_max {
            Err(too_large())
        } else {
            Ok(bytes)
        }
    };
    let mut length = 0;
    for write in writes {
        length += match write {
            Write::Put { key, value } => {
                let key = check("key", key.len(), KEY_BYTES_MAX)?;
                9 + key + check("value", value.len(), VALUE_BYTES_MAX)?
            }
            Write::Delete { key } => 5 + check("key", key.len(), KEY_BYTES_MAX)?,
        };
        check("batch", length, BATCH_BYTES_MAX)?;
    }
    if writes.is_empty() {
        Err(Error::EmptyBatch)
    } else {
        Ok((writes.len() as u32, length as u32))
    }
}

/// What a whole record says that its checksum vouches for; `None` where it holds anything else than
/// `count` writes, or one entry of another kind.
pub(crate) fn decode(header: &Header, record: &[u8]) -> Option<Entry> {
    let mut fields = Fields(record.get(RECORD_HEADER..)?);
    let padding = fields.0.split_off(header.length as usize..)?;
    let entry = match *fields.0.first()? {
        BEGIN | COMMIT | CHECKPOINT if header.count == 1 => Entry::Note(note(&mut fields)?),
        _ => Entry::Writes(writes(header.count, &mut fields)?),
    };
    (fields.0.is_empty() && padding.iter().all(|byte| *byte == 0)).then_some(entry)
}

fn note(fields: &mut Fields<'_>) -> Option<Note> {
    let tag = fields.bytes(1)?[0];
    let number = fields.u64()?;
    Some(match tag {
        BEGIN => Note::Begin(number),
        COMMIT => Note::Commit(number),
        _ => Note::Checkpoint(number),
    })
}

fn writes(count: u32, fields: &mut Fields<'_>) -> Option<Vec<Write>> {
    let mut writes = Vec::new();
    for _ in 0..count {
        let tag = fields.bytes(1)?[0];
        let key = fields.field(KEY_BYTES_MAX)?;
        writes.push(match tag {
            PUT => Write::Put {
                key,
                value: fields.field(VALUE_BYTES_MAX)?,
            },
            DELETE => Write::Delete { key },
            _ => return None,
        });
    }
    Some(writes)
}

/// Bytes still to be read, from the front.
pub(super) struct Fields<'b>(pub(super) &'b [u8]);

impl Fields<'_> {
    fn bytes(&mut self, bytes: usize) -> Option<&[u8]> {
        self.0.split_off(..bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.bytes(8)?.first_chunk()?))
    }

    /// A length and as many bytes.
    fn field(&mut self, bytes_max: usize) -> Option<Vec<u8>> {
        let length = self.u32()? as usize;
        if length > bytes_max {
            None
        } else {
            Some(self.bytes(length)?.to_vec())
        }
    }
}

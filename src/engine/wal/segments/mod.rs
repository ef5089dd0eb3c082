//! The stand-alone log: in segments, which go when the client says that it holds what is in them.
//!
//! ```text
//! append     as in one file, at the end of the last segment
//! rotate     data barrier | FIRST.log.tmp: header, barrier | rename to FIRST.log | directory barrier | goes on there
//! truncate   append a checkpoint | data barrier | remove the segments below | Ok
//! open       the last segment as in one file | directory barriers | remove leftovers and what was truncated | Ok
//! ```
//!
//! A segment is named by the index of its first record. It gets its name only when the one before it is
//! durable; so a record that is missing in any but the last is damage, and is refused. The *truncation
//! point* is in the newest checkpoint, and is durable before a segment goes: whichever removals outlive a
//! power cut, what is at or below the point is never read again.
//!
//! [`as_found`]: the unsafe other one.
//!
//! Many threads may use it: who appends shares barriers, and who rotates or truncates is alone for that long.
//!
//! LIMIT: one open file for each segment.

pub mod as_found;
mod ledger;
mod names;
mod recovery;
mod shared;
#[cfg(test)]
mod tests;

use super::SyncMode;
use super::error::Error;
use super::file::LogFile;
use super::format::{Entry, Lsn, Note, Owner, Write};
use crate::storage::Storage;
#[cfg(any(loom, shuttle))]
pub(crate) use ledger::recovered as recovered_segments;
pub(crate) use ledger::{Beside, Segments};
pub(crate) use shared::Shared;
use std::path::{Path, PathBuf};

/// The settings of a log in segments. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When an append is synced.
    pub sync: SyncMode,
    /// Bytes at which a segment is full: the next append begins another. A record is never split, so a
    /// segment may be longer, by as much as its last record.
    pub segment_bytes: u64,
    /// Bytes of zeros that are written ahead, so that most appends change no size, and a data barrier is
    /// cheap; 0: none.
    pub preallocate: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            segment_bytes: 16 << 20,
            preallocate: super::PREALLOCATE,
        }
    }
}

/// What the log in `dir` holds once it is recovered, which this does: the truncation point and the records above it.
/// It uses no primitive of a scheduler, so a test may call it on what a crash would leave, in the middle of an
/// execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: Storage>(storage: &S, dir: &Path) -> Result<(u64, Vec<Record>), Error> {
    let check = |_, _| Ok::<(), Error>(());
    let options = Options::default();
    let (segments, ()) = ledger::recovered(storage, dir, options, Owner::Log, (), check)?;
    let records = segments.read_from(None);
    let records = records.map(|read| read.map(|(_, record)| record));
    Ok((segments.point, records.collect::<Result<_, _>>()?))
}

/// A record, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its identity.
    pub lsn: Lsn,
    /// What it says.
    pub entry: Entry,
}

/// An open log in segments, alone in its directory.
///
/// Dropping it does not sync, as with [`Log`](super::Log); [`SegmentedLog::close`] does.
#[derive(Debug)]
pub struct SegmentedLog<S: Storage> {
    log: Shared<S, ()>,
}

impl<S: Storage> SegmentedLog<S> {
    /// Opens the log in `dir`, recovering it first, or makes an empty one, and the directory where it is
    /// missing (its parent exists).
    ///
    /// Once this returns, everything that [`SegmentedLog::read_from`] shows is durable, the names included.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<SegmentedLog<S>, Error> {
        let (log, ()) = Shared::open(storage, dir, options, Owner::Log, (), |_, _| {
            Ok::<(), Error>(())
        })?;
        Ok(SegmentedLog { log })
    }

    /// Appends one write.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other
    /// modes a power cut leaves it once a later `sync`, rotation or truncation, or the n-th call, has
    /// returned.
    ///
    /// After a failure the write may be found by the next recovery or not, and this handle takes no more:
    /// everybody who waits for the same barrier is told the same.
    pub fn append(&self, write: &Write) -> Result<Lsn, Error> {
        self.append_batch(std::slice::from_ref(write))
    }

    /// Appends several writes that any crash leaves all or none of; otherwise as [`SegmentedLog::append`]. It
    /// is one call, and one record.
    pub fn append_batch(&self, writes: &[Write]) -> Result<Lsn, Error> {
        self.log.append(writes, |()| Ok(()), |_, _, _| ())
    }

    /// Appends a mark of the client's own: a transaction of this number begins. Otherwise as
    /// [`SegmentedLog::append`].
    pub fn begin(&self, transaction: u64) -> Result<Lsn, Error> {
        self.log.note(Note::Begin(transaction))
    }

    /// Appends a mark of the client's own: the transaction of this number is complete. Otherwise as
    /// [`SegmentedLog::append`].
    pub fn commit(&self, transaction: u64) -> Result<Lsn, Error> {
        self.log.note(Note::Commit(transaction))
    }

    /// Notes that the client holds elsewhere, durably, every record up to this index: they are not
    /// read again. Durable once this returns, in every mode, and everything before it too. The answer is the
    /// checkpoint's own identity; nothing is noted, and the last one is named, where as much was noted
    /// before.
    pub fn checkpoint(&self, up_to: u64) -> Result<Option<Lsn>, Error> {
        self.log.checkpoint(up_to)
    }

    /// As [`SegmentedLog::checkpoint`], and removes the segments of which nothing is read again. The
    /// last segment stays.
    ///
    /// After a failure the checkpoint may be found by the next recovery or not, and this handle takes no
    /// more; no record above `up_to` is touched.
    pub fn truncate(&self, up_to: u64) -> Result<(), Error> {
        self.log.truncate(up_to)
    }

    /// Begins another segment, unless the last one is empty. Everything before it is durable once this
    /// returns.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn rotate(&self) -> Result<(), Error> {
        self.log.rotate()
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&self) -> Result<(), Error> {
        self.log.sync()
    }

    /// Syncs, as [`SegmentedLog::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// The records above the truncation point.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, Error>> + use<S> {
        self.read_from(None)
    }

    /// The records above the truncation point, without those up to `after`. They are read from the files as
    /// the iterator is advanced; what does not read back as it was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take the newest of them. A write
    /// whose append failed is not among them.
    pub fn read_from(
        &self,
        after: Option<Lsn>,
    ) -> impl Iterator<Item = Result<Record, Error>> + use<S> {
        self.log
            .read_from(after)
            .map(|read| read.map(|(_, record)| record))
    }

    /// The newest record that was recovered or whose append returned: the current sequence number.
    pub fn last(&self) -> Option<Lsn> {
        self.log.last()
    }

    /// The durable mark: the index up to which barriers have completed.
    pub fn durable_mark(&self) -> u64 {
        self.log.look(|segments| segments.last.mark())
    }

    /// The truncation point: the index up to which nothing is read any more; 0 where nothing was truncated.
    pub fn truncation_point(&self) -> u64 {
        self.log.look(|segments| segments.point)
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        let path = |segment: &LogFile<S::File>| segment.path().to_path_buf();
        self.log.look(|segments| segments.all().map(path).collect())
    }

    /// How many threads wait for others.
    pub fn waiting(&self) -> usize {
        self.log.waiting()
    }
}

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
//! LIMIT: one open file for each segment.

pub mod as_found;
mod names;
mod recovery;
#[cfg(test)]
mod tests;

use super::SyncMode;
use super::error::{Error, OrFail};
use super::file::{self, LogFile};
use super::format::{Entry, FILE_HEADER, Lsn, Note, Owner, Write};
use super::read::{Place, Records};
use crate::storage::{Storage, claim};
use std::path::{Path, PathBuf};

/// The settings of a log in segments. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When an append is synced.
    pub sync: SyncMode,
    /// Bytes at which a segment is full: the next append begins another. A record is never split, so a
    /// segment may be longer, by as much as its last record.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            segment_bytes: 16 << 20,
        }
    }
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
    storage: S,
    dir: PathBuf,
    options: Options,
    owner: Owner,
    /// Those before the last, oldest first.
    closed: Vec<LogFile<S::File>>,
    last: LogFile<S::File>,
    /// The truncation point.
    point: u64,
    _lock: S::Lock,
}

impl<S: Storage> SegmentedLog<S> {
    /// Opens the log in `dir`, recovering it first, or makes an empty one, and the directory where it is
    /// missing (its parent exists).
    ///
    /// Once this returns, everything that [`SegmentedLog::read_from`] shows is durable, the names included.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<SegmentedLog<S>, Error> {
        let opened = SegmentedLog::open_as(storage, dir, options, Owner::Log, |_, _| Ok(()));
        opened.map(|(log, ())| log)
    }

    /// As [`SegmentedLog::open`], the log of this engine. `check` is told the truncation point and the
    /// index of the last record, and looks at
    /// what the engine has beside the log before anything is changed.
    pub(crate) fn open_as<T, E: From<Error>>(
        storage: S,
        dir: &Path,
        options: Options,
        owner: Owner,
        check: impl FnOnce(u64, u64) -> Result<T, E>,
    ) -> Result<(SegmentedLog<S>, T), E> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let (found, checked) = recovery::recover(&storage, dir, options.sync, owner, check)?;
        let log = SegmentedLog {
            storage,
            dir: dir.to_path_buf(),
            options,
            owner,
            closed: found.closed,
            last: found.last,
            point: found.point,
            _lock: lock,
        };
        Ok((log, checked))
    }

    /// Appends one write.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In the other
    /// modes a power cut leaves it once a later `sync`, rotation or truncation, or the n-th call, has
    /// returned.
    ///
    /// After a failure the write may be found by the next recovery or not, and this handle takes no more.
    pub fn append(&mut self, write: &Write) -> Result<Lsn, Error> {
        self.append_batch(std::slice::from_ref(write))
    }

    /// Appends several writes that any crash leaves all or none of; otherwise as [`SegmentedLog::append`]. It
    /// is one call, and one record.
    pub fn append_batch(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.append_placed(writes).map(|(lsn, _)| lsn)
    }

    /// As [`SegmentedLog::append_batch`], and says where the record is.
    pub(crate) fn append_placed(&mut self, writes: &[Write]) -> Result<(Lsn, Place), Error> {
        super::format::check_limits(writes)?;
        self.make_room()?;
        let next = self.last.next_place();
        let lsn = self.last.append(writes)?;
        let index = lsn.index;
        Ok((lsn, Place { index, ..next }))
    }

    /// Appends a mark of the client's own: a transaction of this number begins. Otherwise as
    /// [`SegmentedLog::append`].
    pub fn begin(&mut self, transaction: u64) -> Result<Lsn, Error> {
        self.make_room()?;
        self.last.note(Note::Begin(transaction), false)
    }

    /// Appends a mark of the client's own: the transaction of this number is complete. Otherwise as
    /// [`SegmentedLog::append`].
    pub fn commit(&mut self, transaction: u64) -> Result<Lsn, Error> {
        self.make_room()?;
        self.last.note(Note::Commit(transaction), false)
    }

    /// Notes that the client holds elsewhere, durably, every record up to this index: they are not
    /// read again. Durable once this returns, in every mode, and everything before it too. The answer is the
    /// checkpoint's own identity; nothing is noted, and the last one is named, where as much was noted
    /// before.
    pub fn checkpoint(&mut self, up_to: u64) -> Result<Option<Lsn>, Error> {
        self.last.check_poison()?;
        let last = self.last().map_or(0, |lsn| lsn.index);
        if up_to > last {
            return Err(Error::NotThere { up_to, last });
        }
        if up_to <= self.point {
            return Ok(None);
        }
        let lsn = self.last.note(Note::Checkpoint(up_to), true)?;
        self.point = up_to;
        Ok(Some(lsn))
    }

    /// As [`SegmentedLog::checkpoint`], and removes the segments of which nothing is read again. The
    /// last segment stays.
    ///
    /// After a failure the checkpoint may be found by the next recovery or not, and this handle takes no
    /// more; no record above `up_to` is touched.
    pub fn truncate(&mut self, up_to: u64) -> Result<(), Error> {
        self.checkpoint(up_to)?;
        // INVARIANT: the checkpoint is durable, or whichever removal outlives a power cut would leave a
        // hole.
        while let Some(oldest) = self.closed.first()
            && oldest.last().is_none_or(|last| last.index <= self.point)
        {
            let removed = self.storage.remove(oldest.path());
            removed.map_err(|error| self.last.poisoned("remove a segment", error))?;
            self.closed.remove(0);
        }
        Ok(())
    }

    /// Begins another segment, unless the last one is empty. Everything before it is durable once this
    /// returns.
    ///
    /// After a failure this handle takes no more; what was acknowledged is as safe as it was.
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.last.check_poison()?;
        if self.last.live_bytes() == 0 {
            return Ok(());
        }
        self.last.sync()?;
        let first = self.last().map_or(1, |lsn| lsn.index.saturating_add(1));
        let made = create(&self.storage, &self.dir, first, self.owner).and_then(|file| {
            let named = self.storage.directory_barrier(&self.dir);
            named.or_fail("sync the store")?;
            Ok(file)
        });
        let file = made.map_err(|error| self.last.poisoned_by(error))?;
        let path = names::path(&self.dir, first);
        let next = self.last.successor(file, &path);
        self.closed.push(std::mem::replace(&mut self.last, next));
        Ok(())
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.last.sync()
    }

    /// Syncs, as [`SegmentedLog::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// The records above the truncation point.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, Error>> {
        self.read_from(None)
    }

    /// The records above the truncation point, without those up to `after`. They are read from the files as
    /// the iterator is advanced; what does not read back as it was written is an error.
    ///
    /// In the modes that do not sync every write, a power cut may yet take the newest of them. A write
    /// whose append failed is not among them.
    pub fn read_from(&self, after: Option<Lsn>) -> impl Iterator<Item = Result<Record, Error>> {
        let point = self.point;
        let segments = self.closed.iter().chain([&self.last]);
        segments
            .flat_map(move |segment| entries(segment.read_from(after)))
            .filter(move |read| read.as_ref().map_or(true, |it| it.lsn.index > point))
    }

    /// The records above the truncation point, notes too, with their places.
    pub(crate) fn placed(&self) -> impl Iterator<Item = Result<(Place, Record), Error>> {
        let point = self.point;
        let segments = self.closed.iter().chain([&self.last]);
        segments
            .flat_map(|segment| {
                let mut records = segment.read_from(None);
                std::iter::from_fn(move || records.next_placed())
            })
            .map(|read| read.map(|(place, (lsn, entry))| (place, Record { lsn, entry })))
            .filter(move |read| read.as_ref().map_or(true, |(_, it)| it.lsn.index > point))
    }

    /// The record at a place, which is above the truncation point.
    pub(crate) fn record_at(&self, place: Place) -> Result<Record, Error> {
        let after = self.closed.partition_point(|it| it.floor() < place.index);
        let is_last = self.last.floor() < place.index;
        let segment = match is_last {
            true => &self.last,
            false => &self.closed[after - 1],
        };
        let (lsn, entry) = segment.record_at(place)?;
        Ok(Record { lsn, entry })
    }

    /// The index of the last record in the segments before the last: nothing is appended up to there.
    pub(crate) fn closed_up_to(&self) -> Option<u64> {
        (!self.closed.is_empty()).then(|| self.last.floor())
    }

    /// Whether this handle takes no more.
    pub(crate) fn check_poison(&self) -> Result<(), Error> {
        self.last.check_poison()
    }

    /// Bytes of records in all segments.
    pub(crate) fn bytes(&self) -> u64 {
        let segments = self.closed.iter().chain([&self.last]);
        segments.map(LogFile::live_bytes).sum()
    }

    /// The newest record that was recovered or whose append returned: the current sequence number.
    pub fn last(&self) -> Option<Lsn> {
        self.last.last()
    }

    /// The durable mark: the index up to which barriers have completed.
    pub fn durable_mark(&self) -> u64 {
        self.last.mark()
    }

    /// The truncation point: the index up to which nothing is read any more; 0 where nothing was truncated.
    pub fn truncation_point(&self) -> u64 {
        self.point
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = &Path> {
        let segments = self.closed.iter().chain([&self.last]);
        segments.map(LogFile::path)
    }

    fn make_room(&mut self) -> Result<(), Error> {
        let bytes = self.last.live_bytes() + FILE_HEADER as u64;
        match bytes >= self.options.segment_bytes {
            true => self.rotate(),
            false => Ok(()),
        }
    }
}

fn entries<F: crate::storage::File>(
    mut records: Records<'_, F>,
) -> impl Iterator<Item = Result<Record, Error>> {
    std::iter::from_fn(move || records.next_entry())
        .map(|read| read.map(|(lsn, entry)| Record { lsn, entry }))
}

/// Makes the segment whose first record will have this index, open under its final name, which is cached.
fn create<S: Storage>(storage: &S, dir: &Path, first: u64, owner: Owner) -> Result<S::File, Error> {
    let (in_the_making, path) = (names::in_the_making(dir, first), names::path(dir, first));
    let file = storage.create(&in_the_making).or_fail("make a segment")?;
    file::write_header(&file, owner)?;
    let named = storage.rename(&in_the_making, &path);
    named.or_fail("give a segment its name")?;
    storage.open(&path).or_fail("open a segment")
}

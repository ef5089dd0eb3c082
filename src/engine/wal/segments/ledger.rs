//! What the lock of a log in segments is for.

use super::super::error::Error;
use super::super::file::{Habits, LogFile};
use super::super::format::{FILE_HEADER, Lsn, Owner};
use super::super::group::Ledger;
use super::super::read::{Place, Records};
use super::{Options, Record, recovery};
use crate::storage::{File, Storage};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// What an engine keeps beside its log, and changes with it.
pub(crate) trait Beside: Debug {
    /// The records up to here return: what they changed may be seen.
    fn returned(&mut self, up_to: u64);
}

impl Beside for () {
    fn returned(&mut self, _: u64) {}
}

/// The segments, and what is beside them.
#[derive(Debug)]
pub(crate) struct Segments<F, B> {
    /// Those before the last, oldest first.
    pub(super) closed: Vec<LogFile<F>>,
    pub(super) last: LogFile<F>,
    /// The truncation point.
    pub(super) point: u64,
    /// Bytes at which a segment is full.
    pub(super) segment_bytes: u64,
    pub(crate) beside: B,
}

impl<F: File, B: Beside> Ledger for Segments<F, B> {
    type File = F;

    fn log(&mut self) -> &mut LogFile<F> {
        &mut self.last
    }

    fn has_room(&mut self) -> bool {
        let bytes = self.last.live_bytes();
        // A record is never split: an empty segment takes any.
        bytes == 0 || bytes + (FILE_HEADER as u64) < self.segment_bytes
    }

    fn returned(&mut self) {
        let up_to = self.last.last().map_or(0, |lsn| lsn.index);
        self.beside.returned(up_to);
    }
}

/// Recovers the segments in `dir`, which is claimed. Otherwise as [`Shared::open`](super::Shared::open).
pub(crate) fn recovered<S: Storage, B, T, E: From<Error>>(
    storage: &S,
    dir: &Path,
    options: Options,
    owner: Owner,
    beside: B,
    check: impl FnOnce(u64, u64) -> Result<T, E>,
) -> Result<(Segments<S::File, B>, T), E> {
    let habits = Habits {
        sync: options.sync,
        preallocate: options.preallocate,
    };
    let (found, checked) = recovery::recover(storage, dir, habits, owner, check)?;
    let segments = Segments {
        closed: found.closed,
        last: found.last,
        point: found.point,
        segment_bytes: options.segment_bytes,
        beside,
    };
    Ok((segments, checked))
}

impl<F: File, B> Segments<F, B> {
    /// The records above the truncation point and after `after`, notes too, with their places.
    pub(crate) fn read_from(
        &self,
        after: Option<Lsn>,
    ) -> impl Iterator<Item = Result<(Place, Record), Error>> + use<F, B> {
        let point = self.point;
        let segments: Vec<_> = self.all().map(|it| it.read_from(after)).collect();
        segments
            .into_iter()
            .flat_map(|mut records| std::iter::from_fn(move || records.next_placed()))
            .map(|read| read.map(|(place, (lsn, entry))| (place, Record { lsn, entry })))
            .filter(move |read| read.as_ref().map_or(true, |(_, it)| it.lsn.index > point))
    }

    /// The records from a place on, where its segment is still there.
    pub(crate) fn read_at(&self, place: Place) -> Option<Records<Arc<F>>> {
        let segment = self.all().filter(|it| it.floor() < place.index).last();
        segment.map(|segment| segment.read_at(place))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.closed.len() + 1
    }

    /// Bytes of records in all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.all().map(LogFile::live_bytes).sum()
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &LogFile<F>> {
        self.closed.iter().chain([&self.last])
    }
}

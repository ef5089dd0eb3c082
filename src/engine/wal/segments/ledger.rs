//! What the lock of a log in segments is for.

use super::super::file::LogFile;
use super::super::format::FILE_HEADER;
use super::super::group::Ledger;
use super::super::read::{Place, Records};
use crate::storage::File;
use std::fmt::Debug;
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

impl<F: File, B> Segments<F, B> {
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

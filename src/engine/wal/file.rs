//! The durable log as a file that somebody else makes, locks and names: [`super::Log`], or an engine
//! that protects its tables with it.
//!
//! ```text
//! stage     a record gets its number, and its bytes go to the buffer
//! take      what is staged becomes a batch, with a barrier where one is due
//! write     the batch: one write at the tail | data barrier          no lock is needed for this
//! returned  the batch is there: readers see it, and the mark is as far as its barrier reached
//! ```
//!
//! Many writers share them (`group`).

use super::batch::{Batch, Staged};
use super::error::{Error, OrFail};
use super::format::{self, Chain, FILE_HEADER, Lsn, Note, Owner, Write};
use super::read::{Format, Pieces, Place, Records};
use super::recovery::Scan;
use super::{SyncMode, read};
use crate::storage::{File, Storage, parent};
use crate::sync::{Race, planted};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// When a log syncs, and how it takes space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habits {
    pub(crate) sync: SyncMode,
    /// Bytes of zeros that are written ahead, so that a size changes seldom; 0: none.
    pub(crate) preallocate: u64,
}

impl From<SyncMode> for Habits {
    /// Nothing is written ahead.
    fn from(sync: SyncMode) -> Habits {
        Habits {
            sync,
            preallocate: 0,
        }
    }
}

/// An open log.
#[derive(Debug)]
pub(crate) struct LogFile<F> {
    path: PathBuf,
    file: Arc<F>,
    owner: Owner,
    habits: Habits,
    /// Where what returned ends.
    tail: u64,
    /// Where what was taken ends, and what is staged will go.
    end: u64,
    /// How long the file is, at least.
    allocated: u64,
    /// The newest record that returned, here or held elsewhere.
    last: Option<Lsn>,
    /// The record that the first one here follows: the newest that is held elsewhere.
    floor: Option<Lsn>,
    staged: Staged,
    /// INVARIANT: the index up to which barriers have completed, of this life or, after recovery,
    /// of an earlier one.
    mark: u64,
    /// The generation of the last record found by recovery.
    found_generation: u32,
    /// Whether a barrier has covered a record of this life.
    begun: bool,
    calls_since_barrier: u32,
    poison: Option<Arc<Error>>,
}

/// Writes the header of an empty log, under a name in the making, and makes it durable.
pub(crate) fn write_header<F: File>(file: &F, owner: Owner) -> Result<(), Error> {
    file.write_at(0, &owner.file_header())
        .or_fail("write the header of the log")?;
    file.barrier().or_fail("sync the header of the log")
}

/// Makes the names in a store's directory durable, and the directory's own name in its parent.
pub(super) fn sync_names<S: Storage>(storage: &S, dir: &Path) -> Result<(), Error> {
    storage.directory_barrier(dir).or_fail("sync the store")?;
    storage
        .directory_barrier(&parent(dir))
        .or_fail("sync the directory that the store is in")
}

impl<F: File> LogFile<F> {
    /// The log with nothing but a durable header, see [`write_header`].
    pub(crate) fn empty(file: F, path: &Path, owner: Owner, habits: Habits) -> LogFile<F> {
        LogFile {
            path: path.to_path_buf(),
            file: Arc::new(file),
            owner,
            habits,
            tail: FILE_HEADER as u64,
            end: FILE_HEADER as u64,
            allocated: FILE_HEADER as u64,
            last: None,
            floor: None,
            staged: Staged::behind(Chain::start_of(owner)),
            mark: 0,
            found_generation: 0,
            begun: false,
            calls_since_barrier: 0,
            poison: None,
        }
    }

    /// The log as a scan with this floor found it, once that is settled.
    pub(crate) fn recovered(
        file: F,
        path: &Path,
        owner: Owner,
        habits: Habits,
        floor: Option<Lsn>,
        scan: Scan,
    ) -> LogFile<F> {
        let mut log = LogFile {
            tail: scan.tail,
            end: scan.tail,
            allocated: scan.settled_bytes(),
            last: scan.last,
            floor,
            mark: scan.last.map_or(0, |lsn| lsn.index),
            found_generation: scan.last.map_or(0, |lsn| lsn.generation),
            ..LogFile::empty(file, path, owner, habits)
        };
        (log.staged.last, log.staged.chain) = (scan.last, scan.chain);
        log
    }

    /// The log that goes on behind this one, in a file with nothing but a durable header. All of this one is
    /// durable.
    pub(super) fn successor(&self, file: F, path: &Path) -> LogFile<F> {
        debug_assert!(self.last.is_none_or(|last| last.index <= self.mark));
        let mut next = LogFile {
            last: self.last,
            floor: self.last,
            mark: self.mark,
            found_generation: self.found_generation,
            begun: self.begun,
            ..LogFile::empty(file, path, self.owner, self.habits)
        };
        next.staged.last = self.last;
        next
    }

    /// Gives a record its number, and puts it behind what is staged.
    pub(crate) fn stage(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let lsn = self.next_lsn()?;
        let staged = &mut self.staged;
        staged.chain = format::encode(staged.chain, lsn, self.mark, writes, &mut staged.bytes)?;
        self.count(lsn);
        Ok(lsn)
    }

    /// The same of a note, which is synced in any case where it `is_due`.
    pub(super) fn stage_note(&mut self, note: Note, is_due: bool) -> Result<Lsn, Error> {
        self.check_poison()?;
        let lsn = self.next_lsn()?;
        let staged = &mut self.staged;
        staged.chain = format::encode_note(staged.chain, lsn, self.mark, note, &mut staged.bytes);
        if is_due {
            staged.wanted = lsn.index;
        }
        self.count(lsn);
        Ok(lsn)
    }

    fn count(&mut self, lsn: Lsn) {
        self.staged.last = Some(lsn);
        self.staged.calls = self.staged.calls.saturating_add(1);
    }

    /// A barrier is to cover all that is staged.
    pub(crate) fn want_barrier(&mut self) {
        self.staged.wanted = self.staged.last.map_or(0, |lsn| lsn.index);
    }

    /// Takes what is staged, to be written; what is staged from now on goes behind it.
    pub(crate) fn take(&mut self) -> Batch<F> {
        let calls = self.calls_since_barrier.saturating_add(self.staged.calls);
        let is_due = match self.habits.sync {
            SyncMode::EveryWrite => true,
            SyncMode::EveryN(n) => calls >= n.get(),
            SyncMode::Never => false,
        };
        // INVARIANT: the first batch of a life is one record. Of two, a power cut could take the first and leave the
        // second; and the next life, whose generation would be the same, could write the very same first record
        // before it. Whoever stages first leads at once, so there is one.
        assert!(self.begun || self.staged.calls <= 1);
        let mut bytes = std::mem::take(&mut self.staged.bytes);
        let (at, records) = (self.end, bytes.len());
        self.end += records as u64;
        if self.end > self.allocated && self.habits.preallocate > 0 {
            self.allocated = self.end.next_multiple_of(self.habits.preallocate);
            bytes.resize((self.allocated - at) as usize, 0);
        }
        Batch {
            file: self.file.clone(),
            at,
            bytes,
            records,
            last: self.staged.last,
            calls: std::mem::take(&mut self.staged.calls),
            // INVARIANT: nobody is told an LSN before its generation is durable, or a later life could
            // give it again.
            is_due: is_due || self.staged.wanted > self.mark || !self.begun,
        }
    }

    /// What a batch came to. A failed barrier is final, and so is a failed write: some of it may be written.
    pub(crate) fn returned(
        &mut self,
        batch: Batch<F>,
        written: Result<(), Error>,
    ) -> Result<(), Error> {
        written.map_err(|error| self.poisoned_by(error))?;
        self.tail += batch.records as u64;
        self.last = batch.last;
        if batch.is_due {
            self.begun = true;
            self.mark = batch.last.map_or(self.mark, |lsn| lsn.index);
            self.calls_since_barrier = 0;
        } else {
            self.calls_since_barrier = self.calls_since_barrier.saturating_add(batch.calls);
        }
        if self.staged.bytes.is_empty() {
            self.staged.bytes = batch.bytes;
            self.staged.bytes.clear();
        }
        Ok(())
    }

    /// Starts at the head again: the next record is written over the first one. Nothing happens on
    /// the disk.
    ///
    /// INVARIANT: the caller holds everything up to the last record elsewhere, durably, and says so
    /// as the floor at the next open.
    pub(crate) fn recycle(&mut self) {
        let is_as_it_was = self.is_covered() && self.staged.bytes.is_empty();
        debug_assert!(is_as_it_was || planted(Race::StagedWhileAlone));
        self.tail = FILE_HEADER as u64;
        self.end = self.tail;
        self.staged.chain = Chain::start_of(self.owner);
        self.floor = self.last;
        self.calls_since_barrier = 0;
    }

    /// Starts at the head again and goes on behind that log, all of which is durable. What this one holds is held
    /// elsewhere, durably, and its owner says so as the floor at the next open.
    pub(crate) fn take_over(&mut self, before: &LogFile<F>) {
        let nothing_waits = before.is_covered() && before.is_quiet() && self.is_quiet();
        debug_assert!(nothing_waits || planted(Race::StagedWhileAlone));
        (self.last, self.staged.last) = (before.last, before.last);
        (self.mark, self.begun) = (before.mark, before.begun);
        self.found_generation = before.found_generation;
        self.poison.clone_from(&before.poison);
        self.recycle();
    }

    /// It goes on in the same life as the other one of its owner, which may know of a later one.
    pub(crate) fn is_of_the_life_of(&mut self, other: &mut LogFile<F>) {
        let generation = self.found_generation.max(other.found_generation);
        (self.found_generation, other.found_generation) = (generation, generation);
    }

    /// Whether barriers cover everything, staged or returned.
    pub(crate) fn is_covered(&self) -> bool {
        self.staged.last.is_none_or(|last| last.index <= self.mark)
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_quiet(&self) -> bool {
        self.staged.bytes.is_empty() && self.staged.wanted <= self.mark
    }

    /// The newest record that was staged.
    pub(crate) fn last_staged(&self) -> Option<Lsn> {
        self.staged.last
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The index up to which everything is held elsewhere.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.map_or(0, |lsn| lsn.index)
    }

    /// Bytes of the live records, staged or returned: those that are held nowhere else.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.end + self.staged.bytes.len() as u64 - FILE_HEADER as u64
    }

    /// The live records after `after`, or all, of those that returned.
    pub(crate) fn read_from(&self, after: Option<Lsn>) -> Records<Arc<F>> {
        let start = read::Start {
            at: FILE_HEADER as u64,
            chain: Chain::start_of(self.owner),
            previous: self.floor,
        };
        let pieces = Pieces::new(self.file.clone(), self.tail);
        Records::new(pieces, &self.path, start, Format::Durable).after(after)
    }

    /// The records from a place on that was read or appended before.
    pub(super) fn read_at(&self, place: Place) -> Records<Arc<F>> {
        let start = read::Start {
            at: place.at,
            chain: place.chain,
            previous: Some(Lsn {
                generation: 0,
                index: place.index - 1,
            }),
        };
        let pieces = Pieces::new(self.file.clone(), self.tail);
        Records::new(pieces, &self.path, start, Format::Durable)
    }

    /// Where the next record goes, but for its index.
    pub(super) fn next_place(&self) -> Place {
        Place {
            index: 0,
            at: self.end + self.staged.bytes.len() as u64,
            chain: self.staged.chain,
        }
    }

    /// The newest record that was recovered, here or by the floor, or whose append returned.
    pub(crate) fn last(&self) -> Option<Lsn> {
        self.last
    }

    /// The durable mark: the index up to which barriers have completed.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    fn next_lsn(&self) -> Result<Lsn, Error> {
        let exhausted = |what| Error::Exhausted {
            path: self.path.clone(),
            what,
        };
        let generation = self.found_generation.checked_add(1);
        let index = self.staged.last.map_or(0, |lsn| lsn.index).checked_add(1);
        Ok(Lsn {
            generation: generation.ok_or_else(|| exhausted("generations"))?,
            index: index.ok_or_else(|| exhausted("indexes"))?,
        })
    }

    /// Whether this handle takes no more.
    pub(crate) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(()),
        }
    }

    /// From now on this handle takes no more, because of that.
    pub(super) fn poisoned_by(&mut self, error: Error) -> Error {
        let because = match error {
            Error::Poisoned { because } => because,
            error => Arc::new(error),
        };
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }
}

//! The durable log as a file that somebody else makes, locks and names: [`super::Log`], or an engine
//! that protects its tables with it.

use super::error::{Error, OrFail};
use super::format::{self, Chain, Entry, FILE_HEADER, Lsn, Note, Owner, Write};
use super::read::{Format, Pieces, Place, Records};
use super::recovery::Scan;
use super::{SyncMode, read};
use crate::storage::{File, Storage, parent};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open log.
#[derive(Debug)]
pub(crate) struct LogFile<F> {
    path: PathBuf,
    file: F,
    owner: Owner,
    sync: SyncMode,
    /// Where the next record goes.
    tail: u64,
    /// The newest record, here or held elsewhere.
    last: Option<Lsn>,
    /// The record that the first one here follows: the newest that is held elsewhere.
    floor: Option<Lsn>,
    /// What the next record follows.
    chain: Chain,
    /// INVARIANT: the index up to which barriers have completed, of this life or, after recovery,
    /// of an earlier one.
    mark: u64,
    /// The generation of the last record found by recovery.
    found_generation: u32,
    /// Whether a barrier has covered a record of this life.
    begun: bool,
    calls_since_barrier: u32,
    poison: Option<Arc<Error>>,
    buffer: Vec<u8>,
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
    pub(crate) fn empty(file: F, path: &Path, owner: Owner, sync: SyncMode) -> LogFile<F> {
        LogFile {
            path: path.to_path_buf(),
            file,
            owner,
            sync,
            tail: FILE_HEADER as u64,
            last: None,
            floor: None,
            chain: Chain::start_of(owner),
            mark: 0,
            found_generation: 0,
            begun: false,
            calls_since_barrier: 0,
            poison: None,
            buffer: Vec::new(),
        }
    }

    /// The log as a scan with this floor found it, once that is settled.
    pub(crate) fn recovered(
        file: F,
        path: &Path,
        owner: Owner,
        sync: SyncMode,
        floor: Option<Lsn>,
        scan: Scan,
    ) -> LogFile<F> {
        LogFile {
            tail: scan.tail,
            last: scan.last,
            floor,
            chain: scan.chain,
            mark: scan.last.map_or(0, |lsn| lsn.index),
            found_generation: scan.last.map_or(0, |lsn| lsn.generation),
            ..LogFile::empty(file, path, owner, sync)
        }
    }

    /// The log that goes on behind this one, in a file with nothing but a durable header. All of this one is
    /// durable.
    pub(super) fn successor(&self, file: F, path: &Path) -> LogFile<F> {
        debug_assert!(self.last.is_none_or(|last| last.index <= self.mark));
        LogFile {
            last: self.last,
            floor: self.last,
            mark: self.mark,
            found_generation: self.found_generation,
            begun: self.begun,
            ..LogFile::empty(file, path, self.owner, self.sync)
        }
    }

    /// Appends a record. After a failure it may be found by the next recovery or not, and this
    /// handle takes no more.
    pub(crate) fn append(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let lsn = self.next_lsn()?;
        let chain = format::encode(self.chain, lsn, self.mark, writes, &mut self.buffer)?;
        self.write(lsn, chain, false)
    }

    /// Appends a note, and syncs it in any case where it `is_due`; otherwise as [`LogFile::append`].
    pub(super) fn note(&mut self, note: Note, is_due: bool) -> Result<Lsn, Error> {
        self.check_poison()?;
        let lsn = self.next_lsn()?;
        let chain = format::encode_note(self.chain, lsn, self.mark, note, &mut self.buffer);
        self.write(lsn, chain, is_due)
    }

    /// Writes the record in the buffer.
    fn write(&mut self, lsn: Lsn, chain: Chain, is_due: bool) -> Result<Lsn, Error> {
        // One write: whatever part of it a crash leaves, the checksum tells.
        let written = self.file.write_at(self.tail, &self.buffer);
        written.map_err(|error| self.poisoned("write to the log", error))?;
        let calls = self.calls_since_barrier.saturating_add(1);
        let is_due = match self.sync {
            SyncMode::EveryWrite => true,
            SyncMode::EveryN(n) => is_due || calls >= n.get(),
            SyncMode::Never => is_due,
        };
        // INVARIANT: nobody is told an LSN before its generation is durable, or a later life could
        // give it again.
        if is_due || !self.begun {
            let synced = self.file.data_barrier();
            synced.map_err(|error| self.poisoned("sync the log", error))?;
            (self.begun, self.mark, self.calls_since_barrier) = (true, lsn.index, 0);
        } else {
            self.calls_since_barrier = calls;
        }
        self.tail += self.buffer.len() as u64;
        (self.last, self.chain) = (Some(lsn), chain);
        Ok(lsn)
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        if self.last.is_none_or(|last| last.index <= self.mark) {
            return Ok(());
        }
        self.file
            .data_barrier()
            .map_err(|error| self.poisoned("sync the log", error))?;
        self.mark = self.last.map_or(0, |lsn| lsn.index);
        self.calls_since_barrier = 0;
        Ok(())
    }

    /// Starts at the head again: the next record is written over the first one. Nothing happens on
    /// the disk.
    ///
    /// INVARIANT: the caller holds everything up to the last record elsewhere, durably, and says so
    /// as the floor at the next open.
    pub(crate) fn recycle(&mut self) {
        debug_assert!(self.last.is_none_or(|last| last.index <= self.mark));
        self.tail = FILE_HEADER as u64;
        self.chain = Chain::start_of(self.owner);
        self.floor = self.last;
        self.calls_since_barrier = 0;
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The index up to which everything is held elsewhere.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.map_or(0, |lsn| lsn.index)
    }

    /// Bytes of the live records: those that are held nowhere else.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.tail - FILE_HEADER as u64
    }

    /// The live records after `after`, or all.
    pub(crate) fn read_from(&self, after: Option<Lsn>) -> Records<'_, F> {
        let start = read::Start {
            at: FILE_HEADER as u64,
            chain: Chain::start_of(self.owner),
            previous: self.floor,
        };
        let pieces = Pieces::new(&self.file, self.tail);
        Records::new(pieces, &self.path, start, Format::Durable).after(after)
    }

    /// The record at a place that was read or appended before.
    pub(super) fn record_at(&self, place: Place) -> Result<(Lsn, Entry), Error> {
        let start = read::Start {
            at: place.at,
            chain: place.chain,
            previous: Some(Lsn {
                generation: 0,
                index: place.index - 1,
            }),
        };
        let pieces = Pieces::new(&self.file, self.tail);
        let mut records = Records::new(pieces, &self.path, start, Format::Durable);
        match records.next_entry() {
            Some(record) => record,
            None => Err(Error::Damaged {
                path: self.path.clone(),
                at: place.at,
                index: place.index,
                because: "it was there when it was recovered or written, and is not now",
            }),
        }
    }

    /// Where the next record goes, but for its index.
    pub(super) fn next_place(&self) -> Place {
        Place {
            index: 0,
            at: self.tail,
            chain: self.chain,
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
        let index = self.last.map_or(0, |lsn| lsn.index).checked_add(1);
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

    /// A failed barrier is final, and so is a failed write: some of it may be written.
    pub(super) fn poisoned(&mut self, doing: &'static str, error: io::Error) -> Error {
        self.poisoned_by(Error::storage(doing, error))
    }

    /// As [`LogFile::poisoned`].
    pub(super) fn poisoned_by(&mut self, error: Error) -> Error {
        let because = Arc::new(error);
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }
}

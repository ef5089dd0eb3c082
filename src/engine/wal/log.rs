//! The handle: open, append, sync, read, close.

use super::error::{Error, OrFail};
use super::format::{self, Chain, FILE_HEADER, Lsn, Write};
use super::read::{Format, Pieces, Records};
use super::{Options, SyncMode, as_found, recovery};
use crate::engine::Discipline;
use crate::storage::{File, Storage, parent};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The log's name in its directory, once its header is durable.
const NAME: &str = "log";
/// Its name before that. A leftover is from a creation that a crash ended: nothing was ever in it.
const NAME_IN_THE_MAKING: &str = "log.tmp";

/// An open log, alone in its directory.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then
/// cached, and a power cut may take it. [`Log::close`] syncs.
#[derive(Debug)]
pub struct Log<S: Storage> {
    path: PathBuf,
    file: S::File,
    _lock: S::Lock,
    options: Options,
    /// Where the next record goes. As-found appends at the end of the file, whatever is there.
    tail: u64,
    /// The last record that was recovered, or whose append returned.
    last: Option<Lsn>,
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

impl<S: Storage> Log<S> {
    /// Opens the log in `dir`, recovering it first, or makes an empty one, and the directory where
    /// it is missing (its parent exists).
    ///
    /// Once this returns, everything that [`Log::read_from`] shows is durable, the names included.
    /// As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<Log<S>, Error> {
        if !storage.exists(dir).or_fail("open the store")? {
            storage
                .create_dir(dir)
                .or_else(|error| match error.kind() {
                    ErrorKind::AlreadyExists => Ok(()),
                    _ => Err(error),
                })
                .or_fail("make the store")?;
        }
        let lock = storage.lock(dir).or_fail("lock the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let path = dir.join(NAME);
        let exists = storage.exists(&path).or_fail("open the log")?;
        let (file, tail, last, chain) = match options.discipline {
            Discipline::Durable if exists => open_durable(&storage, dir, &path)?,
            Discipline::Durable => (
                create_durable(&storage, dir, &path)?,
                FILE_HEADER as u64,
                None,
                Chain::start(),
            ),
            Discipline::AsFound => {
                let file = if exists {
                    storage.open(&path)
                } else {
                    storage.create(&path)
                };
                let file = file.or_fail("open the log")?;
                let records = as_found::recover(&file, &path, options.as_found.torn_tail)?;
                (
                    file,
                    0,
                    (records > 0).then_some(Lsn {
                        generation: 0,
                        index: records,
                    }),
                    Chain::start(),
                )
            }
        };
        Ok(Log {
            path,
            file,
            _lock: lock,
            options,
            tail,
            last,
            chain,
            mark: last.map_or(0, |lsn| lsn.index),
            found_generation: last.map_or(0, |lsn| lsn.generation),
            begun: false,
            calls_since_barrier: 0,
            poison: None,
            buffer: Vec::new(),
        })
    }

    /// Appends one write.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in [`SyncMode::EveryWrite`]. In
    /// the other modes a power cut leaves it once a later `sync`, or the n-th call, has returned.
    /// As-found: a power cut may always take it.
    ///
    /// After a failure the write may be found by the next recovery or not, and this handle takes no
    /// more.
    pub fn append(&mut self, write: &Write) -> Result<Lsn, Error> {
        self.append_batch(std::slice::from_ref(write))
    }

    /// Appends several writes that any crash leaves all or none of; otherwise as [`Log::append`].
    /// It is one call, and one record.
    ///
    /// As-found writes one record for each and promises no more than for each alone; the answer
    /// names the last.
    pub fn append_batch(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        match self.options.discipline {
            Discipline::Durable => self.append_durable(writes),
            Discipline::AsFound => self.append_as_found(writes),
        }
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    ///
    /// As-found has no barrier: there this does nothing.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        let covered = self.last.is_none_or(|last| last.index <= self.mark);
        if covered || self.options.discipline == Discipline::AsFound {
            return Ok(());
        }
        self.data_barrier()
    }

    /// Syncs, as [`Log::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// Every record, recovered or appended.
    pub fn records(&self) -> Records<'_, S::File> {
        self.read_from(None)
    }

    /// The records after `after`, or all. They are read from the file as the iterator is advanced,
    /// from the start of the log.
    ///
    /// In the modes that do not sync every write, a power cut may yet take the newest of them. A
    /// write whose append failed is not among them.
    pub fn read_from(&self, after: Option<Lsn>) -> Records<'_, S::File> {
        let (end, at, format) = match self.options.discipline {
            Discipline::Durable => (self.tail, FILE_HEADER as u64, Format::Durable),
            Discipline::AsFound => (u64::MAX, 0, Format::AsFound),
        };
        Records::new(Pieces::new(&self.file, end), &self.path, at, after, format)
    }

    /// The newest record that was recovered or whose append returned.
    pub fn last(&self) -> Option<Lsn> {
        self.last
    }

    /// The durable mark: the index up to which barriers have completed. As-found only hopes so.
    pub fn durable_mark(&self) -> u64 {
        self.mark
    }

    fn append_durable(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        let lsn = self.next_lsn()?;
        let chain = format::encode(self.chain, lsn, self.mark, writes, &mut self.buffer)?;
        // One write: whatever part of it a crash leaves, the checksum tells.
        let written = self.file.write_at(self.tail, &self.buffer);
        written.map_err(|error| self.poisoned("write to the log", error))?;
        let calls = self.calls_since_barrier.saturating_add(1);
        let is_due = match self.options.sync {
            SyncMode::EveryWrite => true,
            SyncMode::EveryN(n) => calls >= n.get(),
            SyncMode::Never => false,
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

    fn append_as_found(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        format::check_limits(writes)?;
        let mut lsn = Lsn {
            generation: 0,
            index: self.last.map_or(0, |lsn| lsn.index),
        };
        for write in writes {
            let flushed = as_found::append(&self.file, write, self.options.as_found.split_flush);
            flushed.or_fail("write to the log")?;
            lsn.index += 1;
            self.last = Some(lsn);
        }
        Ok(lsn)
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

    fn data_barrier(&mut self) -> Result<(), Error> {
        self.file
            .data_barrier()
            .map_err(|error| self.poisoned("sync the log", error))?;
        self.mark = self.last.map_or(0, |lsn| lsn.index);
        self.calls_since_barrier = 0;
        Ok(())
    }

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(()),
        }
    }

    /// A failed barrier is final, and so is a failed write: some of it may be written.
    fn poisoned(&mut self, doing: &'static str, error: io::Error) -> Error {
        let because = Arc::new(Error::storage(doing, error));
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }
}

type Opened<S> = (<S as Storage>::File, u64, Option<Lsn>, Chain);

fn open_durable<S: Storage>(storage: &S, dir: &Path, path: &Path) -> Result<Opened<S>, Error> {
    let file = storage.open(path).or_fail("open the log")?;
    // Nothing is touched, not even the leftover, before the log is known to be ours and undamaged.
    let scan = recovery::scan(&file, path)?;
    remove_leftover(storage, dir)?;
    scan.settle(&file, path)?;
    sync_names(storage, dir)?;
    Ok((file, scan.tail, scan.last, scan.chain))
}

fn create_durable<S: Storage>(storage: &S, dir: &Path, path: &Path) -> Result<S::File, Error> {
    remove_leftover(storage, dir)?;
    let in_the_making = dir.join(NAME_IN_THE_MAKING);
    let file = storage.create(&in_the_making).or_fail("make the log")?;
    file.write_at(0, &format::file_header())
        .or_fail("write the header of the log")?;
    file.barrier().or_fail("sync the header of the log")?;
    // CRASH: before this the name in the making is left, or nothing; after it, a log with its
    // header.
    storage
        .rename(&in_the_making, path)
        .or_fail("give the log its name")?;
    sync_names(storage, dir)?;
    // Under its final name, for the sake of what errors say.
    storage.open(path).or_fail("open the log")
}

fn remove_leftover<S: Storage>(storage: &S, dir: &Path) -> Result<(), Error> {
    let leftover = dir.join(NAME_IN_THE_MAKING);
    if storage.exists(&leftover).or_fail("open the store")? {
        storage
            .remove(&leftover)
            .or_fail("remove what a crash left of a log in the making")?;
    }
    Ok(())
}

/// The log's name in its directory, and the directory's own name in its parent.
fn sync_names<S: Storage>(storage: &S, dir: &Path) -> Result<(), Error> {
    storage.directory_barrier(dir).or_fail("sync the store")?;
    storage
        .directory_barrier(parent(dir))
        .or_fail("sync the directory that the store is in")
}

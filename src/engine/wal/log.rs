//! The handle: open, append, sync, read, close. Any number of threads may use it.

use super::as_found::AsFoundLog;
use super::error::{Error, OrFail};
use super::file::{self, Habits, LogFile, sync_names};
use super::format::{self, Lsn, Owner, Write};
use super::group::Group;
use super::read::Records;
use super::{Options, recovery};
use crate::engine::Discipline;
use crate::storage::{Storage, claim};
use crate::sync::Mutex;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::ThreadId;

/// The log's name in its directory, once its header is durable.
pub(crate) const NAME: &str = "log";
/// Its name before that. A leftover is from a creation that a crash ended: nothing was ever in it.
pub(crate) const NAME_IN_THE_MAKING: &str = "log.tmp";

/// An open log, alone in its directory.
///
/// Writers who come together share one barrier: one of them writes and syncs for all who arrived while it was
/// on its way. Readers wait for no barrier.
///
/// Dropping it does not sync: in a mode that does not sync every write, what only returned is then
/// cached, and a power cut may take it. [`Log::close`] syncs.
#[derive(Debug)]
pub struct Log<S: Storage> {
    kept: Kept<S::File>,
    _lock: S::Lock,
}

#[derive(Debug)]
enum Kept<F> {
    Durable(Box<Group<LogFile<F>>>),
    AsFound(Mutex<AsFoundLog<F>>),
}

impl<S: Storage> Log<S> {
    /// Opens the log in `dir`, recovering it first, or makes an empty one, and the directory where
    /// it is missing (its parent exists).
    ///
    /// Once this returns, everything that [`Log::read_from`] shows is durable, the names included.
    /// As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<Log<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let path = dir.join(NAME);
        let kept = match options.discipline {
            Discipline::Durable => {
                let habits = Habits {
                    sync: options.sync,
                    preallocate: options.preallocate,
                };
                let file = open_file(&storage, dir, Owner::Log, habits, None)?;
                Kept::Durable(Box::new(Group::new(file)))
            }
            Discipline::AsFound => {
                let log = AsFoundLog::open(&storage, &path, options.as_found)?;
                Kept::AsFound(Mutex::new(log))
            }
        };
        Ok(Log { kept, _lock: lock })
    }

    /// Appends one write.
    ///
    /// Once this returns, a kill leaves it, and so does a power cut in
    /// [`SyncMode::EveryWrite`](super::SyncMode::EveryWrite). In the other modes a power cut leaves
    /// it once a later `sync`, or the n-th call, has returned. As-found: a power cut may always take
    /// it.
    ///
    /// After a failure the write may be found by the next recovery or not, and this handle takes no
    /// more: everybody who waits for the same barrier is told the same.
    pub fn append(&self, write: &Write) -> Result<Lsn, Error> {
        self.append_batch(std::slice::from_ref(write))
    }

    /// Appends several writes that any crash leaves all or none of; otherwise as [`Log::append`].
    /// It is one call, and one record.
    ///
    /// As-found writes one record for each and promises no more than for each alone; the answer
    /// names the last.
    pub fn append_batch(&self, writes: &[Write]) -> Result<Lsn, Error> {
        match &self.kept {
            Kept::Durable(group) => group.write(|| Ok(()), |log| log.stage(writes)),
            Kept::AsFound(log) => {
                format::check_limits(writes)?;
                let mut log = log.lock().map_err(|_| Error::Panicked)?;
                let mut last = log.last();
                for write in writes {
                    last = Some(log.append(write)?);
                }
                last.ok_or(Error::EmptyBatch)
            }
        }
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    ///
    /// As-found has no barrier: there this does nothing.
    pub fn sync(&self) -> Result<(), Error> {
        match &self.kept {
            Kept::Durable(group) => group.sync(),
            Kept::AsFound(_) => Ok(()),
        }
    }

    /// Syncs, as [`Log::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// Every record that was recovered or whose append returned.
    pub fn records(&self) -> Records<Arc<S::File>> {
        self.read_from(None)
    }

    /// The records after `after`, or all. They are read from the file as the iterator is advanced,
    /// from the start of the log.
    ///
    /// In the modes that do not sync every write, a power cut may yet take the newest of them. A
    /// write whose append failed is not among them.
    pub fn read_from(&self, after: Option<Lsn>) -> Records<Arc<S::File>> {
        match &self.kept {
            Kept::Durable(group) => group.look(|log| log.read_from(after)),
            Kept::AsFound(log) => of(log, |log| log.read_from(after)),
        }
    }

    /// The newest record that was recovered or whose append returned.
    pub fn last(&self) -> Option<Lsn> {
        match &self.kept {
            Kept::Durable(group) => group.look(|log| log.last()),
            Kept::AsFound(log) => of(log, |log| log.last()),
        }
    }

    /// The durable mark: the index up to which barriers have completed. As-found only hopes so.
    pub fn durable_mark(&self) -> u64 {
        match &self.kept {
            Kept::Durable(group) => group.look(|log| log.mark()),
            Kept::AsFound(log) => of(log, |log| log.found()),
        }
    }

    /// How many threads wait for a barrier that another one is about.
    pub fn waiting(&self) -> usize {
        match &self.kept {
            Kept::Durable(group) => group.waiting(),
            Kept::AsFound(_) => 0,
        }
    }

    /// Whether this thread is one of them.
    pub fn is_waiting(&self, thread: ThreadId) -> bool {
        match &self.kept {
            Kept::Durable(group) => group.is_waiting(thread),
            Kept::AsFound(_) => false,
        }
    }
}

fn of<F, T>(log: &Mutex<AsFoundLog<F>>, ask: impl FnOnce(&AsFoundLog<F>) -> T) -> T {
    ask(&log.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Opens the durable log in a directory that is claimed, recovering it first, or makes an empty one. It is
/// this owner's; up to `floor`, what it held is held elsewhere, durably.
pub(crate) fn open_file<S: Storage>(
    storage: &S,
    dir: &Path,
    owner: Owner,
    habits: Habits,
    floor: Option<Lsn>,
) -> Result<LogFile<S::File>, Error> {
    let path = &dir.join(NAME);
    if !storage.exists(path).or_fail("open the log")? {
        let file = create_file(storage, dir, path, owner)?;
        return Ok(LogFile::empty(file, path, owner, habits));
    }
    let file = storage.open(path).or_fail("open the log")?;
    // Nothing is touched, not even the leftover, before the log is known to be ours and undamaged.
    let scan = recovery::scan(&file, path, owner, floor)?;
    remove_leftover(storage, dir)?;
    scan.settle(&file, path)?;
    sync_names(storage, dir)?;
    Ok(LogFile::recovered(file, path, owner, habits, floor, scan))
}

fn create_file<S: Storage>(
    storage: &S,
    dir: &Path,
    path: &Path,
    owner: Owner,
) -> Result<S::File, Error> {
    remove_leftover(storage, dir)?;
    let in_the_making = dir.join(NAME_IN_THE_MAKING);
    let file = storage.create(&in_the_making).or_fail("make the log")?;
    file::write_header(&file, owner)?;
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

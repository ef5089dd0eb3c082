//! The writer of a durable store: one record, one barrier, one answer. Flushes are in `flush`, merges in
//! `compaction`.

use super::error::Error;
use super::options::Options;
use super::recovery::{self, Opened};
use super::version::Current;
use crate::engine::wal::file::LogFile;
use crate::engine::wal::format::check_limits;
use crate::engine::wal::{self, Lsn, Write};
use crate::storage::Storage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one writer at a time has.
#[derive(Debug)]
pub(super) struct Durable<S: Storage> {
    pub(super) storage: S,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
    pub(super) log: LogFile<S::File>,
    pub(super) flushes: u64,
    pub(super) merges: u64,
    poison: Option<Arc<Error>>,
}

impl<S: Storage> Durable<S> {
    /// Opens the store, and says what readers see.
    pub(super) fn open(
        storage: &S,
        dir: &Path,
        options: &Options,
    ) -> Result<(Durable<S>, Current<S>), Error> {
        let Opened { log, version } = recovery::open(storage, dir, options)?;
        let at = log.last().map_or(0, |lsn| lsn.index);
        let durable = Durable {
            storage: storage.clone(),
            dir: dir.to_path_buf(),
            options: *options,
            log,
            flushes: 0,
            merges: 0,
            poison: None,
        };
        Ok((durable, Current::new(version, at)))
    }

    /// Appends one record, and shows it once it is appended.
    pub(super) fn write(&mut self, current: &Current<S>, writes: &[Write]) -> Result<Lsn, Error> {
        self.check_poison()?;
        check_limits(writes)?;
        if self.log.live_bytes() > 0 && self.log.live_bytes() >= self.options.flush_at {
            self.flush(current)?;
        }
        let appended = self.log.append(writes);
        let lsn = appended.map_err(|error| self.poisoned_by_the_log(error))?;
        recovery::insert(&current.version().memtable, lsn, writes);
        current.show(lsn.index);
        Ok(lsn)
    }

    /// Makes everything that returned durable.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        let synced = self.log.sync();
        synced.map_err(|error| self.poisoned_by_the_log(error))
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(()),
        }
    }

    /// A failed barrier is final, and so is any other change that failed: some of it may have
    /// happened.
    pub(super) fn poisoned(&mut self, error: Error) -> Error {
        let because = match error {
            Error::Poisoned { because } => because,
            error => Arc::new(error),
        };
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }

    /// The log refuses what is not allowed, and goes on; anything else has poisoned it.
    fn poisoned_by_the_log(&mut self, error: wal::Error) -> Error {
        match error {
            wal::Error::Poisoned { .. } => self.poisoned(error.into()),
            refused => refused.into(),
        }
    }
}

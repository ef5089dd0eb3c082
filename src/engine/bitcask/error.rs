//! What can go wrong with a Bitcask store, and what is known about the data afterwards.

use crate::engine::wal;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not be opened, read or written. Each variant says what is known about the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed. While opening: nothing acknowledged was changed, and opening again takes up where this
    /// ended. While reading: nothing was changed.
    #[error("could not {doing}: {source}; put that right and open the store again")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// The data files speak, of what was written since the last merge.
    #[error(transparent)]
    Log(wal::Error),

    /// Somebody else has the store open. Nothing was read or changed.
    #[error("the store in {} is open already, in this process or another; close it there first", dir.display())]
    Locked {
        /// The store directory.
        dir: PathBuf,
    },

    /// A merged file is damaged, or is none. No crash does that, for it got its name after it was durable. Nothing
    /// was changed; the data files are intact.
    #[error("{} is damaged at byte {at} ({because}), which no crash does; restore the file from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        because: &'static str,
    },

    /// The data files say that a merged file holds everything up to there, and there is none. No crash does that.
    #[error("the merged file of the records up to {up_to} in {} is missing, which no crash does; put it back", dir.display())]
    MergedMissing {
        /// The store directory.
        dir: PathBuf,
        /// The index of the last record that it holds.
        up_to: u64,
    },

    /// There is a merged file, and the data file that goes on behind it is missing. No crash does that. Nothing was
    /// changed; the merged file is intact.
    #[error("the store in {} has a merged file and no data files behind it, which no crash does; put them back", dir.display())]
    DataMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// A thread panicked in a write or a merge, which is a bug. What is known is as for [`Error::Poisoned`].
    #[error("a thread panicked in a write or a merge; open the store again")]
    Panicked,

    /// A merge, or a write or barrier of the log, failed, now or before: the handle changes nothing more. What was
    /// acknowledged is as safe as it was.
    /// Reading goes on.
    #[error("what was acknowledged is safe, but the store takes no more writes: {because}")]
    Poisoned {
        /// The failure that did it.
        #[source]
        because: Arc<Error>,
    },
}

impl Error {
    /// What the handle says from now on that it takes no more for.
    pub(super) fn cause(self) -> Arc<Error> {
        match self {
            Error::Poisoned { because } => because,
            error => Arc::new(error),
        }
    }
}

impl From<wal::Error> for Error {
    fn from(error: wal::Error) -> Error {
        match error {
            wal::Error::Locked { dir } => Error::Locked { dir },
            wal::Error::Poisoned { .. } => Error::Poisoned {
                because: Arc::new(Error::Log(error)),
            },
            wal::Error::Panicked => Error::Panicked,
            log => Error::Log(log),
        }
    }
}

/// `result.or_fail("sync the hint")`: an error of the storage becomes one of the store.
pub(super) trait OrFail<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Storage { doing, source })
    }
}

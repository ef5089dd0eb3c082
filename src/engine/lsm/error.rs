//! What can go wrong with an LSM tree, and what is known about the data afterwards.

use crate::engine::wal;
use crate::storage::parent;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not be opened, read or written. Each variant says what is known about the
/// data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed. While opening: nothing acknowledged was changed, and opening again takes
    /// up where this ended. While reading: nothing was changed.
    #[error("could not {doing}: {source}; put that right and open the store again")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// The log speaks: what it says about its records holds for what was written since the last
    /// flush. The tables are untouched.
    #[error(transparent)]
    Log(wal::Error),

    /// Somebody else has the store open. Nothing was read or changed.
    #[error("the store in {} is open already, in this process or another; close it there \
             first", dir.display())]
    Locked {
        /// The store directory.
        dir: PathBuf,
    },

    /// A file with the name of the log or a table is none of ours. Nothing was changed.
    #[error("{} is not a file of a lightsout LSM tree; it is left as it is, choose another \
             directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// A file with such a name is of this family, but of another engine. Nothing was changed.
    #[error("{} belongs to the engine with tag {found}, not to the LSM tree; open it with that \
             engine", path.display())]
    OtherEngine {
        /// The file.
        path: PathBuf,
        /// The engine's tag in the file.
        found: u16,
    },

    /// A file has a format that this program does not know. Nothing was changed.
    #[error("{} has format version {found}, this program reads version {known}; use the program \
             that wrote it", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u16,
        /// The version that this program reads.
        known: u16,
    },

    /// The store was made by the other discipline, whose files mean other things. Nothing was
    /// changed.
    #[error("{} was written by the other discipline, as-found or durable; open it with the one \
             that made it", path.display())]
    OtherDiscipline {
        /// The file that tells.
        path: PathBuf,
    },

    /// A table is damaged, or cut short, and it got its name after it was durable: no crash does
    /// that. Nothing was changed, and nothing of the damaged part was served; what else the store
    /// holds is intact.
    #[error("{} is damaged at byte {at} ({because}), which no crash does; restore the file \
             from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        because: &'static str,
    },

    /// The tables and the log do not join: the records between them are in no file. No crash does
    /// that. Nothing was changed; what the files hold is intact, and is not served, for newer
    /// writes of the same keys may be missing.
    #[error("the store in {} lacks records {lo} to {hi} ({because}), which no crash does; put \
             the missing file back", dir.display())]
    Hole {
        /// The store directory.
        dir: PathBuf,
        /// The first index that is missing.
        lo: u64,
        /// The last index that is known to be missing.
        hi: u64,
        /// Where the gap is.
        because: &'static str,
    },

    /// A log is missing, and there are tables or records. No crash does that: both logs were there, durably, before
    /// the first record was written, and are never removed. Nothing was changed; what was written since the last flush
    /// was in the logs.
    #[error("the store in {} has tables or records, and lacks one of its two logs, which no crash does; put \
             the log back", dir.display())]
    LogMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// An earlier change or barrier of this handle failed, or this one did just now: the handle
    /// changes nothing more, for nothing may be promised on the strength of a retried barrier. What
    /// was acknowledged is as safe as it was; what only returned, and the write that failed, may be
    /// found by the next recovery or not. Reading goes on.
    #[error("what was acknowledged is safe, but the store takes no more writes: {because}")]
    Poisoned {
        /// The failure that did it.
        #[source]
        because: Arc<Error>,
    },

    /// A thread panicked while it wrote, which is a bug. What is known is as for
    /// [`Error::Poisoned`], where this is the cause.
    #[error("a thread panicked while it wrote to the store; open the store again")]
    Panicked,

    /// A key, a value or a batch is over its limit. Nothing was written, and the handle goes on.
    #[error("a {what} of {bytes} bytes is over the limit of {bytes_max}; split it up")]
    TooLarge {
        /// Key, value or batch.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },

    /// A batch without writes has no place in the log. Nothing was written, and the handle goes on.
    #[error("a batch needs at least one write; do not write an empty one")]
    EmptyBatch,
}

impl From<wal::Error> for Error {
    fn from(error: wal::Error) -> Error {
        match error {
            wal::Error::TooLarge {
                what,
                bytes,
                bytes_max,
            } => Error::TooLarge {
                what,
                bytes,
                bytes_max,
            },
            wal::Error::EmptyBatch => Error::EmptyBatch,
            wal::Error::Foreign { path } => Error::Foreign { path },
            wal::Error::OtherEngine { path, found } => Error::OtherEngine { path, found },
            wal::Error::OtherVersion { path, found, known } => {
                Error::OtherVersion { path, found, known }
            }
            wal::Error::OtherDiscipline { path } => Error::OtherDiscipline { path },
            wal::Error::Hole { path, lo, hi } => Error::Hole {
                dir: parent(&path).to_path_buf(),
                lo,
                hi,
                because: "the log begins after them, and no table holds them",
            },
            wal::Error::Panicked => Error::Panicked,
            wal::Error::Poisoned { .. } => Error::Poisoned {
                because: Arc::new(Error::Log(error)),
            },
            log => Error::Log(log),
        }
    }
}

/// `result.or_fail("sync the table")`: an error of the storage becomes one of the store.
pub(super) trait OrFail<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Storage { doing, source })
    }
}

//! What can go wrong with a log, and what is known about the data afterwards.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

/// Why a log could not be opened, read or written. Each variant says what is known about the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed. While opening: nothing acknowledged was changed, and opening again takes
    /// up where this ended. While reading: nothing was changed.
    #[error("could not {doing}: {source}; put that right and open the log again")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// The permission is missing. As for [`Error::Io`], nothing acknowledged was changed.
    #[error("may not {doing}: {source}; give this user leave to read and write there")]
    Denied {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// The disk, or the quota, is full. As for [`Error::Io`], nothing acknowledged was changed:
    /// what is half written is above the tail, and the next open makes it unreadable.
    #[error("no space to {doing}: {source}; make room and open the log again")]
    DiskFull {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// A file stands where a directory should be. Nothing was changed.
    #[error("could not {doing}: {source}; name a directory, the log makes its own files in it")]
    NotADirectory {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// Somebody else has the log open. Nothing was read or changed.
    #[error("the log in {} is open already, in this process or another; close it there \
             first", dir.display())]
    Locked {
        /// The store directory.
        dir: PathBuf,
    },

    /// The file is none of ours: its magic is another. It is untouched.
    #[error("{} is not a lightsout log; it is left as it is, choose another \
             directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// The file is of this family, but of another engine. It is untouched.
    #[error("{} belongs to the engine with tag {found}, not to the log; open it with that \
             engine", path.display())]
    OtherEngine {
        /// The file.
        path: PathBuf,
        /// The engine's tag in the header.
        found: u16,
    },

    /// The file has a format that this program does not know. It is untouched.
    #[error("{} has format version {found}, this program reads version {known}; use the program \
             that wrote it", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version in the header.
        found: u16,
        /// The version that this program reads.
        known: u16,
    },

    /// The file was written by the other discipline, whose bytes mean other things. It is
    /// untouched.
    #[error("{} was written by the durable discipline, and the as-found one would destroy it; \
             open it as durable", path.display())]
    OtherDiscipline {
        /// The file.
        path: PathBuf,
    },

    /// The header of the log is cut short or damaged. No crash does that, for the file got its name
    /// after its header was durable. The file is untouched, and its records may well be intact.
    #[error("the header of {} is damaged ({because}), which no crash does; restore the file \
             from a copy", path.display())]
    DamagedHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        because: &'static str,
    },

    /// A record is damaged, and it is known to have been durable or to have been written whole: no
    /// crash does that. The file is untouched, records before `at` are intact, and nothing from
    /// there on was served.
    #[error("record {index} of {} is damaged at byte {at} ({because}), which no crash does; \
             restore the file from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged record begins.
        at: u64,
        /// The index it should have.
        index: u64,
        /// What is wrong.
        because: &'static str,
    },

    /// The log goes on where something is missing before it: an engine that keeps earlier records
    /// elsewhere has lost some of them. No crash does that. Nothing was changed, and the records in
    /// the log are intact.
    #[error("{} begins after record {hi}, and records {lo} to {hi} are nowhere, which no crash \
             does; put the missing file back", path.display())]
    Hole {
        /// The file.
        path: PathBuf,
        /// The first index that is missing.
        lo: u64,
        /// The last index that is missing.
        hi: u64,
    },

    /// An earlier write or barrier of this handle failed, or this one did just now: the handle
    /// writes nothing more, for nothing may be promised on the strength of a retried barrier. What
    /// was acknowledged is as safe as it was; what only returned, and the write that failed, may be
    /// found by the next recovery or not. Reading goes on.
    #[error("what was acknowledged is safe, but the log takes no more writes: {because}")]
    Poisoned {
        /// The failure that did it.
        #[source]
        because: Arc<Error>,
    },

    /// A thread panicked while it wrote, which is a bug. What is known is as for [`Error::Poisoned`], where
    /// this is the cause.
    #[error("a thread panicked while it wrote to the log; open the log again")]
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
    #[error("a batch needs at least one write; do not append an empty one")]
    EmptyBatch,

    /// A truncation up to a record that is not there yet. Nothing was written, and the handle goes on.
    #[error(
        "the log ends with record {last}, and cannot be truncated up to record {up_to}; name one that was \
             appended"
    )]
    NotThere {
        /// The index that was named.
        up_to: u64,
        /// The index of the last record; 0 where there is none.
        last: u64,
    },

    /// The directory holds a log in one file, and not one in segments. It is untouched.
    #[error("{} is a log in one file; open it as such, or choose another directory", path.display())]
    OneFile {
        /// The file.
        path: PathBuf,
    },

    /// The generations or the indexes of this log are used up. Nothing was written; all of it can
    /// still be read.
    #[error("the log in {} has used up its {what}; copy its writes into a new one", path.display())]
    Exhausted {
        /// The file.
        path: PathBuf,
        /// Generations or indexes.
        what: &'static str,
    },
}

impl Error {
    /// Sorts what the storage said into what a person can do about it.
    pub(super) fn storage(doing: &'static str, source: io::Error) -> Error {
        match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Error::Denied { doing, source }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Error::DiskFull { doing, source }
            }
            ErrorKind::NotADirectory => Error::NotADirectory { doing, source },
            _ => Error::Io { doing, source },
        }
    }
}

/// `result.or_fail("sync the log")`: an error of the storage becomes one of the log.
pub(super) trait OrFail<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::storage(doing, source))
    }
}

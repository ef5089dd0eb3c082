//! What can go wrong with a B-tree, and what is known about the data afterwards.

use crate::engine::wal;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a tree could not be opened, read or written. Each variant says what is known about the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed. While opening: nothing acknowledged was changed, and opening again takes up where this
    /// ended. While reading: nothing was changed.
    #[error("could not {doing}: {source}; put that right and open the tree again")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the storage said, with the path.
        source: io::Error,
    },

    /// The log speaks, of what was written since the last checkpoint.
    #[error(transparent)]
    Log(wal::Error),

    /// Somebody else has the tree open. Nothing was read or changed.
    #[error("the tree in {} is open already, in this process or another; close it there first", dir.display())]
    Locked {
        /// The store directory.
        dir: PathBuf,
    },

    /// The file with the name of the pages is none of ours, or of another version. It is untouched.
    #[error("{} is not the pages of a lightsout B-tree of this version; it is left as it is, choose another \
             directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// The tree has pages of another size. Nothing was changed.
    #[error("the pages of {} have {found} bytes, and not {asked}; open it with the size that it has", path.display())]
    OtherPageSize {
        /// The file.
        path: PathBuf,
        /// The size that it has.
        found: usize,
        /// The size that was asked for.
        asked: usize,
    },

    /// A size of pages that is none. Nothing was read or changed.
    #[error("pages of {asked} bytes are not possible; take a multiple of 16 from {min} to {max}")]
    BadPageSize {
        /// The size that was asked for.
        asked: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },

    /// A page is damaged, and is not in the log. No crash does that. Nothing was changed; other pages can be read.
    #[error("page {page} of {} is damaged ({because}), which no crash does; restore the file from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The page.
        page: u64,
        /// What is wrong.
        because: &'static str,
    },

    /// There is a log with records, and no pages. No crash does that. Nothing was changed.
    #[error("the tree in {} has a log and no pages, which no crash does; put the pages back", dir.display())]
    PagesMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// There are pages that a log belongs to, and there is none. No crash does that. Nothing was changed; what was
    /// written since the last checkpoint was in it.
    #[error("the tree in {} has pages and no log, which no crash does; put the log back", dir.display())]
    LogMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// A key with its value is over the limit: a quarter of a page, so that a page can be split. Nothing was written,
    /// and the handle goes on.
    #[error(
        "a key and a value of {bytes} bytes together are over the limit of {bytes_max} for these pages; use larger \
             pages, or split the value up"
    )]
    TooLarge {
        /// Their size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },

    /// A page of a tree as found would hold more than its bytes. Nothing was written, and the handle goes on.
    #[error(
        "a page would take {bytes} bytes, and has {bytes_max}; use larger pages, or fewer keys in each"
    )]
    PageFull {
        /// What it would take.
        bytes: usize,
        /// What it has.
        bytes_max: usize,
    },

    /// A page of a tree as found is torn, or is another one than the tree takes it for. A crash does that. Nothing was
    /// changed.
    #[error("{} is no tree any more, as a crash leaves those as found; restore it from a copy", path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
    },

    /// A batch of no writes. Nothing was written, and the handle goes on.
    #[error("a batch needs at least one write; do not write an empty one")]
    EmptyBatch,

    /// A checkpoint, or a write or barrier of the log, failed, now or before: the handle changes nothing more. What was
    /// acknowledged is as safe as it was.
    /// Reading goes on.
    #[error("what was acknowledged is safe, but the tree takes no more writes: {because}")]
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
            wal::Error::Poisoned { .. } => Error::Poisoned {
                because: Arc::new(Error::Log(error)),
            },
            log => Error::Log(log),
        }
    }
}

/// `result.or_fail("sync the pages")`: an error of the storage becomes one of the tree.
pub(super) trait OrFail<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Storage { doing, source })
    }
}

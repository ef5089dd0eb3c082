//! What can go wrong with an event store, and what is known about the events afterwards.

use super::codec::Unreadable;
use super::event::Position;
use crate::engine::wal;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not be opened, read or appended to. Each variant says what is known about the events.
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

    /// The log speaks, of all events.
    #[error(transparent)]
    Log(wal::Error),

    /// Somebody else has the store open. Nothing was read or changed.
    #[error("the store in {} is open already, in this process or another; close it there first", dir.display())]
    Locked {
        /// The store directory.
        dir: PathBuf,
    },

    /// There are snapshots and no log. No crash does that. Nothing was changed.
    #[error("the store in {} has snapshots and no log, which no crash does; put the log back", dir.display())]
    LogMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// The stream has another version than was expected: somebody appended to it. Nothing was written, and the
    /// handle goes on.
    #[error(
        "the stream {stream} has version {found}, and version {expected} was expected; read it again, and decide anew"
    )]
    Conflict {
        /// The stream.
        stream: String,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        found: u64,
    },

    /// An append of no events. Nothing was written, and the handle goes on.
    #[error("an append needs at least one event; do not append none")]
    NoEvents,

    /// The state of a projection has no form in JSON. Nothing was written, and the handle goes on.
    #[error("the state of the projection {name} has no form in JSON: {source}; give it one")]
    NoJson {
        /// The projection.
        name: String,
        /// What serde says.
        source: serde_json::Error,
    },

    /// A projection whose name is no name of a file. Nothing was written, and the handle goes on.
    #[error("`{name}` is no name for a projection; take 1 to 64 of a to z, 0 to 9, - and _")]
    BadName {
        /// The name.
        name: String,
    },

    /// An event is whole, and this program cannot read it: another one wrote it. No event was changed.
    #[error("the event at {position:?} of {} cannot be read ({because}); use the program that wrote it", path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// The event.
        position: Position,
        /// What is wrong with it.
        because: Unreadable,
    },

    /// A line of a store as found is no event, and it was to be refused. Nothing was changed.
    #[error("line {line} of {} cannot be read ({because}); mend it by hand", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        because: Unreadable,
    },

    /// A stream lacks events between two that are there. No crash does that. No event was changed.
    #[error("the stream {stream} goes from version {} to version {found} at {position:?}, which no crash does; restore \
             the log from a copy", expected - 1)]
    VersionGap {
        /// The stream.
        stream: String,
        /// The version that should be there.
        expected: u64,
        /// The version that is.
        found: u64,
        /// The event that has it.
        position: Position,
    },

    /// A thread panicked in an append or while it saved a snapshot, which is a bug. What is known is as for [`Error::Poisoned`].
    #[error("a thread panicked in an append or while it saved a snapshot; open the store again")]
    Panicked,

    /// An earlier change or barrier of this handle failed, or this one did just now: the handle changes nothing
    /// more. What was acknowledged is as safe as it was; what only returned, and the append that failed, may be found
    /// by the next recovery or not. Reading goes on.
    #[error("what was acknowledged is safe, but the store takes no more events: {because}")]
    Poisoned {
        /// The failure that did it.
        #[source]
        because: Arc<Error>,
    },
}

impl From<wal::Error> for Error {
    fn from(error: wal::Error) -> Error {
        match error {
            wal::Error::Poisoned { .. } => Error::Poisoned {
                because: Arc::new(Error::Log(error)),
            },
            wal::Error::Panicked => Error::Panicked,
            log => Error::Log(log),
        }
    }
}

/// `result.or_fail("sync the snapshot")`: an error of the storage becomes one of the store.
pub(super) trait OrFail<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Storage { doing, source })
    }
}

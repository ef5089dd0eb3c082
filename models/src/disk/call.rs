//! The calls that change a disk, how they are refused, and how a barrier fails.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A change to the disk, or a barrier, by path. Paths are relative to the root: `store/log`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<C> {
    /// Makes an empty file. The name must be free.
    Create(String),
    /// Makes an empty directory. The name must be free.
    CreateDirectory(String),
    /// Writes cells; the file grows as needed.
    Write {
        /// The file.
        file: String,
        /// The first cell.
        at: usize,
        /// The cells.
        cells: Vec<C>,
    },
    /// Sets the size, in cells; new space reads zeros.
    SetLen {
        /// The file.
        file: String,
        /// The new size.
        to: usize,
    },
    /// Moves a name; an existing file of the new name is replaced.
    Rename {
        /// The old path.
        from: String,
        /// The new path.
        to: String,
    },
    /// Removes the name of a file or of an empty directory.
    Remove(String),
    /// fsync of a file.
    Barrier(String),
    /// fdatasync of a file.
    DataBarrier(String),
    /// fsync of a directory.
    DirectoryBarrier(String),
}

impl<C> Call<C> {
    /// The path that the call is about; of a rename, the old one.
    pub fn path(&self) -> &str {
        match self {
            Call::Create(path) | Call::CreateDirectory(path) | Call::Remove(path) => path,
            Call::Barrier(path) | Call::DataBarrier(path) | Call::DirectoryBarrier(path) => path,
            Call::Write { file, .. } | Call::SetLen { file, .. } => file,
            Call::Rename { from, .. } => from,
        }
    }

    /// Whether it is one of the three barriers.
    pub fn is_barrier(&self) -> bool {
        matches!(
            self,
            Call::Barrier(_) | Call::DataBarrier(_) | Call::DirectoryBarrier(_)
        )
    }
}

impl<C: fmt::Debug> fmt::Display for Call<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Create(path) => write!(f, "create {path}"),
            Call::CreateDirectory(path) => write!(f, "create directory {path}"),
            Call::Write { file, at, cells } => match cells.as_slice() {
                [one] => write!(f, "write {file} [{at}] = {one:?}"),
                _ => write!(f, "write {file} [{at}..{}] = {cells:?}", at + cells.len()),
            },
            Call::SetLen { file, to } => write!(f, "set length of {file} to {to}"),
            Call::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Call::Remove(path) => write!(f, "remove {path}"),
            Call::Barrier(path) => write!(f, "barrier of {path}"),
            Call::DataBarrier(path) => write!(f, "data barrier of {path}"),
            Call::DirectoryBarrier(path) if path.is_empty() => write!(f, "directory barrier of /"),
            Call::DirectoryBarrier(path) => write!(f, "directory barrier of {path}"),
        }
    }
}

/// Why a call changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No such file or directory.
    NotFound,
    /// The name is taken.
    Exists,
    /// A file where a directory is needed, or the other way round; a directory that is not empty.
    WrongKind,
    /// The file system went read-only after a failure in its journal, until the next power cut.
    Aborted,
}

/// How a barrier fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The data that it was to cover is doomed; reads still see it (ext4, xfs).
    DataStays,
    /// The data and sizes that it was to cover are doomed; reads see what was there before (btrfs).
    DataReverts,
    /// The journal fails: every later change or barrier fails until a power cut. A directory
    /// barrier fails in no other way, since names live in the journal.
    Abort,
}

impl Failure {
    /// All three.
    pub const ALL: [Failure; 3] = [Failure::DataStays, Failure::DataReverts, Failure::Abort];

    /// In words.
    pub fn says(self) -> &'static str {
        match self {
            Failure::DataStays => "its data is doomed and still seen",
            Failure::DataReverts => "its data is doomed and reverted",
            Failure::Abort => "the file system goes read-only",
        }
    }

    /// The ways in which this call can fail.
    pub fn of<C>(call: &Call<C>) -> &'static [Failure] {
        match call {
            Call::Barrier(_) | Call::DataBarrier(_) => &Self::ALL,
            Call::DirectoryBarrier(_) => &[Failure::Abort],
            _ => &[],
        }
    }
}

//! Open files, and open directories.

use super::{FileType, Metadata, OpenOptions};
use crate::storage::File as _;
use crate::storage::simulated::{SimulatedDirectory, SimulatedFile, SimulatedLock};
use std::fs::TryLockError;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// EBADF, which has no kind that could be named: the number is the same on every system.
const NOT_OPEN_FOR_THIS: i32 = 9;

/// An open file or directory, as [`std::fs::File`]: it reads and writes where its cursor is.
#[derive(Debug)]
pub struct File {
    open: Arc<Open>,
}

/// What the clones of a file share.
#[derive(Debug)]
struct Open {
    node: Node,
    access: Access,
    cursor: Mutex<u64>,
    lock: Mutex<Option<SimulatedLock>>,
}

#[derive(Debug)]
enum Node {
    File(SimulatedFile),
    Directory(SimulatedDirectory),
}

/// What may be done with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) append: bool,
}

impl File {
    pub(super) fn new(file: SimulatedFile, access: Access) -> Self {
        Self::of(Node::File(file), access)
    }

    pub(super) fn directory(directory: SimulatedDirectory, access: Access) -> Self {
        Self::of(Node::Directory(directory), access)
    }

    fn of(node: Node, access: Access) -> Self {
        let open = Open {
            node,
            access,
            cursor: Mutex::new(0),
            lock: Mutex::new(None),
        };
        Self {
            open: Arc::new(open),
        }
    }

    /// Opens a file or a directory to read.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).open(path)
    }

    /// Makes a file, or cuts the one that is there, and opens it to write.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file, and opens it to read and to write; `AlreadyExists` where the name is taken.
    #[track_caller]
    pub fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).open(path)
    }

    /// The same as [`OpenOptions::new`].
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// fsync: of a file it makes the contents and the size durable, but not the name; of a directory the names
    /// in it, but not its own.
    #[track_caller]
    pub fn sync_all(&self) -> io::Result<()> {
        match &self.open.node {
            Node::File(file) => file.barrier(),
            Node::Directory(directory) => directory.barrier(),
        }
    }

    /// fdatasync: of a file it makes the contents durable, and a size that grew; of a directory it is the same
    /// as [`File::sync_all`].
    #[track_caller]
    pub fn sync_data(&self) -> io::Result<()> {
        match &self.open.node {
            Node::File(file) => file.data_barrier(),
            Node::Directory(directory) => directory.barrier(),
        }
    }

    /// Cuts the file, or lengthens it with zeros. The cursor stays.
    #[track_caller]
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        match &self.open.node {
            Node::File(file) if self.open.access.write => {
                file.set_len(within_limits(size, 0).map(|()| size)?)
            }
            _ => Err(io::Error::new(
                ErrorKind::InvalidInput,
                "it is not open to be written",
            )),
        }
    }

    /// What it is, and how long.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata {
            kind: FileType {
                directory: matches!(self.open.node, Node::Directory(_)),
            },
            len: self.size()?,
        })
    }

    /// Another handle of it, which shares the cursor and the lock.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            open: self.open.clone(),
        })
    }

    /// Locks it for this handle and its clones alone, without waiting: `Deadlock` where somebody else has it.
    pub fn lock(&self) -> io::Result<()> {
        let why = "somebody else has the lock, and on a simulated machine nobody waits for it";
        self.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::new(ErrorKind::Deadlock, why),
        })
    }

    /// Locks it for this handle and its clones alone; `WouldBlock` where somebody else has it. Crashes, and the
    /// last of the handles that is dropped, unlock it.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        let mut held = held(&self.open.lock);
        if held.is_none() {
            let lock = match &self.open.node {
                Node::File(file) => file.try_lock(),
                Node::Directory(directory) => directory.try_lock(),
            };
            *held = Some(
                lock.map_err(TryLockError::Error)?
                    .ok_or(TryLockError::WouldBlock)?,
            );
        }
        Ok(())
    }

    /// Unlocks it; nothing happens where it is not locked.
    pub fn unlock(&self) -> io::Result<()> {
        *held(&self.open.lock) = None;
        Ok(())
    }

    pub(super) fn cursor(&self) -> MutexGuard<'_, u64> {
        held(&self.open.cursor)
    }

    /// How many bytes there are: none in a directory.
    pub(super) fn size(&self) -> io::Result<u64> {
        match &self.open.node {
            Node::File(file) => file.len(),
            Node::Directory(_) => Ok(0),
        }
    }

    /// The file, if it may be read.
    pub(super) fn readable(&self) -> io::Result<&SimulatedFile> {
        match &self.open.node {
            _ if !self.open.access.read => Err(io::Error::from_raw_os_error(NOT_OPEN_FOR_THIS)),
            Node::Directory(_) => Err(ErrorKind::IsADirectory.into()),
            Node::File(file) => Ok(file),
        }
    }

    /// Writes at a position, or at the end if that is how it was opened; says where the writing ended.
    pub(super) fn write_from(&self, at: u64, bytes: &[u8]) -> io::Result<u64> {
        match &self.open.node {
            Node::File(file) if self.open.access.write => {
                if bytes.is_empty() {
                    return Ok(at);
                }
                if self.open.access.append {
                    file.append(bytes)?;
                    return file.len();
                }
                within_limits(at, bytes.len())?;
                file.write_at(at, bytes)?;
                Ok(at + bytes.len() as u64)
            }
            _ => Err(io::Error::from_raw_os_error(NOT_OPEN_FOR_THIS)),
        }
    }
}

/// A file ends where a signed position can say so.
fn within_limits(at: u64, bytes: usize) -> io::Result<()> {
    match at.checked_add(bytes as u64) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "no file is that long",
        )),
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

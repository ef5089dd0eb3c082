//! Real files, through std.
//!
//! | call | Linux | macOS |
//! |---|---|---|
//! | barrier | fsync | F_FULLFSYNC |
//! | data barrier | fdatasync | F_FULLFSYNC |
//! | lock | flock of the directory | the same |
//!
//! LIMIT: flock of a directory is not honoured between machines by every network file system.

use super::{File, Storage};
use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!(
    "lightsout's storage runs on Linux and macOS only: elsewhere it is not established that std's sync_all reaches \
     the disk and that a directory can be synced, and without both an acknowledgement would be a guess"
);

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OsStorage;

/// A file of the operating system.
#[derive(Debug)]
pub struct OsFile {
    file: fs::File,
    path: PathBuf,
}

/// A hold on a directory: the handle that carries the lock. The system lets go of it when the
/// process dies.
#[derive(Debug)]
pub struct OsLock {
    directory: fs::File,
}

impl Drop for OsLock {
    /// To close the handle is not enough: a process that another thread starts meanwhile shares it for a
    /// moment, until it runs its own program, and the lock with it.
    fn drop(&mut self) {
        // What cannot be unlocked is closed next, and nothing more could be done about it.
        let _ = self.directory.unlock();
    }
}

/// What was being done, to what, and what the system said. The inside of every error from here.
#[derive(Debug)]
struct Context {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} {}: {}",
            self.doing,
            self.path.display(),
            self.source
        )
    }
}

impl Error for Context {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Adds the context to a result; the kind stays.
pub(super) fn at<T>(doing: &'static str, path: &Path, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|source| {
        io::Error::new(
            source.kind(),
            Context {
                doing,
                path: path.to_path_buf(),
                source,
            },
        )
    })
}

impl Storage for OsStorage {
    type File = OsFile;
    type Lock = OsLock;

    fn open(&self, path: &Path) -> io::Result<OsFile> {
        let file = at(
            "open",
            path,
            fs::OpenOptions::new().read(true).write(true).open(path),
        )?;
        Ok(OsFile {
            file,
            path: path.to_path_buf(),
        })
    }

    fn create(&self, path: &Path) -> io::Result<OsFile> {
        let mut options = fs::OpenOptions::new();
        let file = at(
            "create",
            path,
            options.read(true).write(true).create_new(true).open(path),
        )?;
        Ok(OsFile {
            file,
            path: path.to_path_buf(),
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        at("look for", path, fs::exists(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(dir).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<_>>>()
        });
        let mut names = at("list", dir, names)?;
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        at("make the directory", path, fs::create_dir(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        at("rename", from, fs::rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        at("remove", path, fs::remove_file(path))
    }

    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        at(
            "sync the directory",
            dir,
            fs::File::open(dir).and_then(|dir| dir.sync_all()),
        )
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<OsLock>> {
        let directory = at("open the directory", dir, fs::File::open(dir))?;
        if !at("look at", dir, directory.metadata())?.is_dir() {
            return at("lock", dir, Err(ErrorKind::NotADirectory.into()));
        }
        match directory.try_lock() {
            Ok(()) => Ok(Some(OsLock { directory })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => at("lock", dir, Err(error)),
        }
    }
}

impl OsFile {
    fn at<T>(&self, doing: &'static str, result: io::Result<T>) -> io::Result<T> {
        at(doing, &self.path, result)
    }
}

impl File for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.at("ask the size of", self.file.metadata())?.len())
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.file.read_at(&mut buffer[done..], at + done as u64) {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.at("read", Err(error)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.at("write", self.file.write_all_at(bytes, at))
    }

    // Not O_APPEND: with it, Linux ignores the position of `write_at`.
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_at(self.len()?, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.at("set the size of", self.file.set_len(len))
    }

    fn barrier(&self) -> io::Result<()> {
        self.at("sync", self.file.sync_all())
    }

    fn data_barrier(&self) -> io::Result<()> {
        self.at("sync the data of", self.file.sync_data())
    }
}

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
    _directory: fs::File,
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
fn at<T>(doing: &'static str, path: &Path, result: io::Result<T>) -> io::Result<T> {
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
            Ok(()) => Ok(Some(OsLock {
                _directory: directory,
            })),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_read_is_short_only_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = OsStorage.create(&dir.path().join("f")).unwrap();
        assert!(file.is_empty().unwrap());
        file.append(b"hello").unwrap();
        file.write_at(7, b"!").unwrap();
        file.append(b"?").unwrap();
        let mut buffer = [1; 16];
        assert_eq!(file.read_at(0, &mut buffer).unwrap(), 9);
        assert_eq!(&buffer[..9], b"hello\0\0!?");
        assert_eq!(file.read_at(9, &mut buffer).unwrap(), 0);
        file.set_len(2).unwrap();
        assert_eq!(file.len().unwrap(), 2);
        file.barrier().unwrap();
        file.data_barrier().unwrap();
    }

    #[test]
    fn names_are_made_renamed_listed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        OsStorage.create(&a).unwrap();
        assert_eq!(
            OsStorage.create(&a).unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        OsStorage.create_dir(&dir.path().join("0")).unwrap();
        OsStorage.rename(&a, &b).unwrap();
        OsStorage.directory_barrier(dir.path()).unwrap();
        assert_eq!(OsStorage.list(dir.path()).unwrap(), ["0", "b"]);
        assert!(!OsStorage.exists(&a).unwrap());
        OsStorage.remove(&b).unwrap();
        assert_eq!(OsStorage.open(&b).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_directory_has_one_holder_and_the_hold_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = OsStorage.lock(dir.path()).unwrap();
        assert!(held.is_some());
        assert!(OsStorage.lock(dir.path()).unwrap().is_none());
        drop(held);
        assert!(OsStorage.lock(dir.path()).unwrap().is_some());
        assert!(OsStorage.list(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn an_error_names_the_path_and_keeps_its_kind_and_its_cause() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("not-there");
        let error = OsStorage.open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
        assert!(error.get_ref().and_then(Error::source).is_some());
    }

    #[test]
    fn a_file_is_no_directory_to_lock() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(
            OsStorage.lock(file.path()).unwrap_err().kind(),
            ErrorKind::NotADirectory
        );
    }
}

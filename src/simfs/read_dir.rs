//! What is in a directory.

use super::calls::{self, check_path};
use super::{FileType, Metadata, current};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::vec;

/// The entries of a directory, as [`std::fs::ReadDir`]: those that were there when it was read.
#[derive(Debug)]
pub struct ReadDir {
    entries: vec::IntoIter<DirEntry>,
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(Ok)
    }
}

/// An entry of a directory, as [`std::fs::DirEntry`].
#[derive(Debug)]
pub struct DirEntry {
    storage: Simulated,
    path: PathBuf,
    name: String,
    kind: FileType,
}

impl DirEntry {
    /// The path that was read, and the name.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The name.
    pub fn file_name(&self) -> OsString {
        self.name.clone().into()
    }

    /// What it was when the directory was read.
    pub fn file_type(&self) -> io::Result<FileType> {
        Ok(self.kind)
    }

    /// What has the name now.
    pub fn metadata(&self) -> io::Result<Metadata> {
        calls::look_at(&self.storage, &self.path)
    }
}

/// Reads a directory.
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let (storage, dir) = (current(), path.as_ref());
    check_path(dir)?;
    if !storage.is_directory(dir)? {
        return Err(ErrorKind::NotADirectory.into());
    }
    let entry = |name: String| {
        let path = dir.join(&name);
        let kind = FileType {
            directory: storage.is_directory(&path)?,
        };
        let storage = storage.clone();
        Ok(DirEntry {
            storage,
            path,
            name,
            kind,
        })
    };
    let entries: io::Result<Vec<_>> = storage.list(dir)?.into_iter().map(entry).collect();
    Ok(ReadDir {
        entries: entries?.into_iter(),
    })
}

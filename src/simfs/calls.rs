//! The functions of `std::fs`, by path.

use super::{File, FileType, Metadata, OpenOptions, current, read_dir};
use crate::storage::simulated::Simulated;
use crate::storage::{File as _, Storage};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path};

/// All bytes of a file.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All of a file, as text; `InvalidData` where it is not UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a file, or cuts the one that is there, and writes these bytes.
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    File::create(path)?.write_all(contents.as_ref())
}

/// Copies the bytes of a file to another one, which is made, or cut; says how many there were.
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let mut from = File::open(from)?;
    if from.metadata()?.is_dir() {
        let why = "the source is a directory";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(to)?;
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    to.write_all(&bytes)?;
    Ok(bytes.len() as u64)
}

/// Whether the path names a file or a directory.
pub fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref();
    match check_path(path).and_then(|()| current().is_directory(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        found => found.map(|_| true),
    }
}

/// What the path names.
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    look_at(&current(), path.as_ref())
}

/// What the path names: there are no links to follow.
pub fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    metadata(path)
}

pub(super) fn look_at(storage: &Simulated, path: &Path) -> io::Result<Metadata> {
    check_path(path)?;
    let directory = storage.is_directory(path)?;
    let len = match directory {
        true => 0,
        false => storage.open(path)?.len()?,
    };
    Ok(Metadata {
        kind: FileType { directory },
        len,
    })
}

/// Gives a file or a directory a new name; a file replaces the one that had it.
#[track_caller]
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (storage, from, to) = (current(), from.as_ref(), to.as_ref());
    check_path(from)?;
    check_path(to)?;
    // As the system does, which looks for both places before it looks for what is there.
    check_place(&storage, from)?;
    check_place(&storage, to)?;
    let directory = storage.is_directory(from)?;
    if !names(from).eq(names(to)) {
        if begins_with(from, to) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        if directory && begins_with(to, from) {
            let why = "a directory cannot be moved into itself";
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        match storage.is_directory(to) {
            Ok(true) if !directory => return Err(ErrorKind::IsADirectory.into()),
            Ok(false) if directory => return Err(ErrorKind::NotADirectory.into()),
            Ok(true) if !storage.list(to)?.is_empty() => {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            Ok(true) => return Err(ErrorKind::Unsupported.into()),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(false) | Err(_) => {}
        }
    }
    storage.rename(from, to)
}

/// Removes the name of a file.
#[track_caller]
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let (storage, path) = (current(), path.as_ref());
    check_path(path)?;
    match storage.is_directory(path)? {
        true => Err(ErrorKind::IsADirectory.into()),
        false => storage.remove(path),
    }
}

/// Removes the name of an empty directory.
#[track_caller]
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    check_path(path.as_ref())?;
    current().remove_directory(path.as_ref())
}

/// Removes a directory with all that is in it, from the leaves up.
#[track_caller]
pub fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    for entry in read_dir(path)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => remove_dir_all(entry.path())?,
            false => remove_file(entry.path())?,
        }
    }
    remove_dir(path)
}

/// Makes one directory; its parent exists.
#[track_caller]
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let (storage, path) = (current(), path.as_ref());
    check_path(path)?;
    match storage.is_directory(path) {
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => storage.create_dir(path),
        Err(error) => Err(error),
    }
}

/// Makes a directory and those that it is in, as far as they are missing.
#[track_caller]
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let (storage, path) = (current(), path.as_ref());
    let mut ways: Vec<_> = path.ancestors().collect();
    ways.retain(|way| !way.as_os_str().is_empty());
    for way in ways.into_iter().rev() {
        match storage.is_directory(way) {
            Ok(true) => {}
            Ok(false) if way == path => return Err(ErrorKind::AlreadyExists.into()),
            Ok(false) => return Err(ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => storage.create_dir(way)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// No path is the path of nothing.
pub(super) fn check_path(path: &Path) -> io::Result<()> {
    match path.as_os_str().is_empty() {
        true => Err(ErrorKind::NotFound.into()),
        false => Ok(()),
    }
}

/// Whether a name can be where the path says: in a directory that is there.
fn check_place(storage: &Simulated, path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() && !storage.is_directory(dir)? => {
            Err(ErrorKind::NotADirectory.into())
        }
        _ => Ok(()),
    }
}

fn names(path: &Path) -> impl Iterator<Item = Component<'_>> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_)))
}

fn begins_with(path: &Path, with: &Path) -> bool {
    let mut path = names(path);
    names(with).all(|name| path.next() == Some(name))
}

//! How files are opened, and directories made.

use super::file::{Access, File};
use super::{calls, current};
use crate::storage::{File as _, Storage};
use std::io::{self, ErrorKind};
use std::path::Path;

/// How a file is to be opened, as [`std::fs::OpenOptions`].
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
}

impl OpenOptions {
    /// To do nothing: say more.
    pub fn new() -> Self {
        Self::default()
    }

    /// To read.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.read = read;
        self
    }

    /// To write.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.write = write;
        self
    }

    /// To write, always at the end.
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.append = append;
        self
    }

    /// To cut it to no bytes, which is a change of its own: it sets the size to 0.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.truncate = truncate;
        self
    }

    /// To make it where there is none.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.create = create;
        self
    }

    /// To make it, and to fail with `AlreadyExists` where the name is taken.
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.create_new = create_new;
        self
    }

    /// Opens it. A directory can be opened to read only, which is how its names are made durable: see
    /// [`File::sync_all`].
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.open_at(path.as_ref())
    }

    fn open_at(&self, path: &Path) -> io::Result<File> {
        self.check()?;
        calls::check_path(path)?;
        let storage = current();
        let access = Access {
            read: self.read,
            write: self.write || self.append,
            append: self.append,
        };
        if self.create_new {
            return match storage.is_directory(path) {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Ok(File::new(storage.create(path)?, access))
                }
                Err(error) => Err(error),
            };
        }
        match storage.is_directory(path) {
            Ok(true) if access.write => Err(ErrorKind::IsADirectory.into()),
            Ok(true) => Ok(File::directory(storage.open_directory(path)?, access)),
            Ok(false) => {
                let file = storage.open(path)?;
                if self.truncate {
                    file.set_len(0)?;
                }
                Ok(File::new(file, access))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.create => {
                Ok(File::new(storage.create(path)?, access))
            }
            Err(error) => Err(error),
        }
    }

    /// What makes no sense is refused before the disk is asked.
    fn check(&self) -> io::Result<()> {
        let makes = self.truncate || self.create || self.create_new;
        let why = if !(self.read || self.write || self.append) {
            "a file is to be opened neither to read nor to write"
        } else if self.append && self.truncate && !self.create_new {
            "a file is to be opened to append, and cut"
        } else if makes && !(self.write || self.append) {
            "a file is to be made or cut, and not to be written"
        } else {
            return Ok(());
        };
        Err(io::Error::new(ErrorKind::InvalidInput, why))
    }
}

/// How a directory is to be made, as [`std::fs::DirBuilder`].
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
}

impl DirBuilder {
    /// To make one, whose parent exists.
    pub fn new() -> Self {
        Self::default()
    }

    /// To make its parents too, and to be content where it is there.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// Makes it.
    pub fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        match self.recursive {
            true => calls::create_dir_all(path),
            false => calls::create_dir(path),
        }
    }
}

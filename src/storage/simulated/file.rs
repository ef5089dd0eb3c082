//! Handles: an inode held by one process.

use super::machine::Handle;
use super::{Simulated, Site};
use crate::storage::File;
use crate::storage::os::at;
use models::disk::{Call, Ino};
use std::io;
use std::path::{Path, PathBuf};

/// A file of a simulated machine.
#[derive(Debug)]
pub struct SimulatedFile {
    pub(super) storage: Simulated,
    pub(super) handle: Handle,
    /// For errors.
    pub(super) path: PathBuf,
}

/// A hold on a directory of a simulated machine, or on a file.
#[derive(Debug)]
pub struct SimulatedLock {
    storage: Simulated,
    directory: Ino,
    life: u64,
}

impl SimulatedLock {
    pub(super) fn new(storage: &Simulated, directory: Ino, life: u64) -> SimulatedLock {
        SimulatedLock {
            storage: storage.clone(),
            directory,
            life,
        }
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut machine = self.storage.machine();
        if machine.life == self.life {
            machine.locked.remove(&self.directory);
        }
    }
}

impl SimulatedFile {
    pub(super) fn new(storage: &Simulated, handle: Handle, path: &Path) -> SimulatedFile {
        SimulatedFile {
            storage: storage.clone(),
            handle,
            path: path.to_path_buf(),
        }
    }

    /// Makes a call that the path at the time makes of the file.
    #[track_caller]
    fn change(
        &self,
        doing: &'static str,
        call: impl FnOnce(String, usize) -> Call<u8>,
    ) -> io::Result<()> {
        let site = Site::here();
        self.storage.is_visited();
        let mut machine = self.storage.machine();
        let done = machine.check_handle(&self.handle).and_then(|()| {
            let path = match machine.untraced {
                true => String::new(),
                false => machine.path(self.handle.number),
            };
            let len = machine.len(&self.handle);
            machine.change(call(path, len), Some(self.handle.number), site)
        });
        at(doing, &self.path, done)
    }

    #[track_caller]
    fn write(&self, at: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        self.change("write", |file, len| Call::Write {
            file,
            at: at.map_or(len, |at| at as usize),
            cells: bytes.to_vec(),
        })
    }
}

impl File for SimulatedFile {
    #[track_caller]
    fn len(&self) -> io::Result<u64> {
        let site = Site::here().named("len");
        let mut machine = self.storage.machine();
        at(
            "ask the size of",
            &self.path,
            machine.check_handle(&self.handle),
        )?;
        let handle = self.handle;
        Ok(machine.reading_file(site, handle, |machine| machine.len(&handle)) as u64)
    }

    #[track_caller]
    fn read_at(&self, from: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let site = Site::here().named("read_at");
        let mut machine = self.storage.machine();
        at("read", &self.path, machine.check_handle(&self.handle))?;
        let handle = self.handle;
        Ok(machine.reading_file(site, handle, |machine| {
            let bytes = machine.read(&handle, from as usize, buffer.len());
            buffer[..bytes.len()].copy_from_slice(bytes);
            bytes.len()
        }))
    }

    #[track_caller]
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(Some(at), bytes)
    }

    #[track_caller]
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(None, bytes)
    }

    #[track_caller]
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change("set the size of", |file, _| Call::SetLen {
            file,
            to: len as usize,
        })
    }

    #[track_caller]
    fn barrier(&self) -> io::Result<()> {
        self.change("sync", |file, _| Call::Barrier(file))
    }

    #[track_caller]
    fn data_barrier(&self) -> io::Result<()> {
        self.change("sync the data of", |file, _| Call::DataBarrier(file))
    }
}

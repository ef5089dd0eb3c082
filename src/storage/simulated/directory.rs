//! Directories, open and by their paths; and locks of what is open.

use super::machine::{Handle, Machine};
use super::{Simulated, SimulatedFile, SimulatedLock, Site, on_disk};
use crate::storage::os::at;
use models::disk::{Call, Ino};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// An open directory of a simulated machine. It survives renames, and dies with the process that opened it.
#[derive(Debug)]
pub struct SimulatedDirectory {
    storage: Simulated,
    handle: Handle,
    /// For errors.
    path: PathBuf,
}

impl SimulatedDirectory {
    /// Makes every earlier change of the names in it durable, as
    /// [`Storage::directory_barrier`](crate::storage::Storage::directory_barrier) does.
    #[track_caller]
    pub fn barrier(&self) -> io::Result<()> {
        let site = Site::here();
        let mut machine = self.storage.machine();
        let done = machine.check_handle(&self.handle).and_then(|()| {
            let path = match machine.untraced {
                true => String::new(),
                false => machine.path(self.handle.number),
            };
            machine.change(Call::DirectoryBarrier(path), Some(self.handle.number), site)
        });
        at("sync the directory", &self.path, done)
    }

    /// Takes the directory for this holder alone; `None` where somebody else has it.
    pub fn try_lock(&self) -> io::Result<Option<SimulatedLock>> {
        at("lock", &self.path, try_lock(&self.storage, &self.handle))
    }
}

impl SimulatedFile {
    /// Takes the file for this holder alone; `None` where somebody else has it.
    pub fn try_lock(&self) -> io::Result<Option<SimulatedLock>> {
        at("lock", &self.path, try_lock(&self.storage, &self.handle))
    }
}

impl Simulated {
    /// Whether the path names a directory; `NotFound` where it names nothing, `NotADirectory` where it leads
    /// through a file. Reads no more than the names on the way.
    pub fn is_directory(&self, path: &Path) -> io::Result<bool> {
        let is_directory = || {
            let name = on_disk(path)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = walk(&mut machine, &name)?;
            Ok(!machine.is_file(node))
        };
        at("look at", path, is_directory())
    }

    /// Opens a directory. Changes nothing.
    pub fn open_directory(&self, path: &Path) -> io::Result<SimulatedDirectory> {
        let open = || {
            let name = on_disk(path)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = walk(&mut machine, &name)?;
            match machine.is_file(node) {
                true => Err(ErrorKind::NotADirectory.into()),
                false => Ok(machine.handle(name, Some(node))),
            }
        };
        Ok(SimulatedDirectory {
            storage: self.clone(),
            handle: at("open the directory", path, open())?,
            path: path.to_path_buf(),
        })
    }

    /// Removes the name of an empty directory; `DirectoryNotEmpty` where it is not. What a power cut can do is
    /// the same as for the name of a file.
    #[track_caller]
    pub fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let site = Site::here();
        let remove = || {
            let name = on_disk(path)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = walk(&mut machine, &name)?;
            let (disk, mut ask) = machine.asking();
            match disk.list(node, &mut ask) {
                None => Err(ErrorKind::NotADirectory.into()),
                Some(names) if !names.is_empty() => Err(ErrorKind::DirectoryNotEmpty.into()),
                Some(_) => machine.change(Call::Remove(name), None, site),
            }
        };
        at("remove the directory", path, remove())
    }
}

/// What the path names. As a lookup, but a way that leads through a file is told from one that leads nowhere.
fn walk(machine: &mut Machine, path: &str) -> io::Result<Ino> {
    for (end, _) in path.match_indices('/') {
        let node = machine.node(&path[..end])?;
        if machine.is_file(node) {
            return Err(ErrorKind::NotADirectory.into());
        }
    }
    machine.node(path)
}

fn try_lock(storage: &Simulated, handle: &Handle) -> io::Result<Option<SimulatedLock>> {
    let mut machine = storage.machine();
    machine.check_handle(handle)?;
    let life = machine.life;
    // A file whose creation was dropped is nobody else's.
    let Some(node) = machine.node_of(handle) else {
        return Ok(Some(SimulatedLock::new(storage, Ino(u32::MAX), life)));
    };
    let free = machine.locked.insert(node);
    Ok(free.then(|| SimulatedLock::new(storage, node, life)))
}

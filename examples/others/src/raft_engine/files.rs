//! The seam: raft-engine's [`FileSystem`] over a simulated machine.
//!
//! raft-engine 0.4.2 does two things to its directory past this trait, through `std`:
//! - it lists it, once, in `DualPipesBuilder::scan_dir` (`file_pipe_log/pipe_builder.rs`), when it opens. So each
//!   open gets a real directory of its own, with an empty file for each name of the simulated one;
//! - it syncs it in `SinglePipe::sync_dir` (`file_pipe_log/pipe.rs`), which has one caller: `rotate_imp`, right
//!   after the first sync of the file that it rotates to. After an open only `rotate_imp` creates files, or opens
//!   one that it renamed. So the first sync of a file that was created or opened after the open is followed here
//!   by a directory barrier, and no other call is: the files that an open creates have none.

use lightsout::storage::simulated::{Simulated, SimulatedFile};
use lightsout::storage::{File, Storage};
use raft_engine::env::{FileSystem, Handle, Permission, WriteExt};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const DIRECTORY: &str = ".";
/// In memory where there is such a file system: raft-engine syncs the real directory too.
const IN_MEMORY: &str = "/dev/shm";

/// What becomes of barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barriers {
    /// They are what they are: `sync` is fdatasync, as raft-engine has it on Linux.
    Kept,
    /// Those of the directory do nothing: the control for where they are placed.
    OfFilesOnly,
    /// They do nothing: the control, in which a loss is to be found.
    Left,
}

/// What the file system under raft-engine does beyond what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Nothing.
    None,
    /// The names that an open finds and makes, and what is in the files that it may append to, is durable before
    /// it ends.
    AtOpen,
}

/// What `allocate` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// What fallocate does without a mode: the file is as long as was asked for, with zeros. That lost writes
    /// there read zeros too, as in extents that ext4 marks as unwritten, no profile says.
    Lengthens,
    /// Nothing, as on a file system without it.
    Missing,
}

/// The world that a process of raft-engine is in.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// What becomes of its barriers.
    pub barriers: Barriers,
    /// What the file system does for it.
    pub care: Care,
    /// How it allocates space.
    pub allocation: Allocation,
}

/// A process that uses the machine.
#[derive(Debug)]
pub(super) struct Process {
    storage: Simulated,
    world: World,
    opened: AtomicBool,
    gone: AtomicBool,
}

impl Process {
    pub(super) fn new(storage: &Simulated, world: World) -> Self {
        Self {
            storage: storage.clone(),
            world,
            opened: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// After this no call reaches the machine.
    pub(super) fn go(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || self.storage.is_dead()
    }

    fn alive(&self) -> io::Result<&Simulated> {
        match self.is_gone() {
            true => Err(io::Error::other("the process is gone")),
            false => Ok(&self.storage),
        }
    }

    /// A directory for raft-engine to list, with the names of the machine.
    pub(super) fn directory(&self) -> io::Result<TempDir> {
        if self.world.care == Care::AtOpen {
            self.directory_barrier()?;
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix("lightsout-raft-engine");
        let directory = match Path::new(IN_MEMORY).is_dir() {
            true => builder.tempdir_in(IN_MEMORY)?,
            false => builder.tempdir()?,
        };
        for name in self.alive()?.list(Path::new(DIRECTORY))? {
            std::fs::File::create(directory.path().join(name))?;
        }
        Ok(directory)
    }

    /// raft-engine is open.
    pub(super) fn opened(&self) -> io::Result<()> {
        self.opened.store(true, Ordering::Relaxed);
        match self.world.care {
            Care::None => Ok(()),
            Care::AtOpen => self.directory_barrier(),
        }
    }

    fn directory_barrier(&self) -> io::Result<()> {
        match self.world.barriers {
            Barriers::Kept => self.alive()?.directory_barrier(Path::new(DIRECTORY)),
            Barriers::OfFilesOnly | Barriers::Left => Ok(()),
        }
    }

    fn data_barrier(&self, file: &SimulatedFile) -> io::Result<()> {
        self.alive()?;
        match self.world.barriers {
            Barriers::Kept | Barriers::OfFilesOnly => file.data_barrier(),
            Barriers::Left => Ok(()),
        }
    }
}

/// The files of a machine.
#[derive(Debug)]
pub(super) struct Files {
    process: Arc<Process>,
}

impl Files {
    pub(super) fn new(process: &Arc<Process>) -> Self {
        Self {
            process: process.clone(),
        }
    }

    fn handle(&self, file: SimulatedFile, permission: Permission) -> LogFile {
        LogFile {
            file,
            process: self.process.clone(),
            writable: permission == Permission::ReadWrite,
            rotated_to: AtomicBool::new(self.process.opened.load(Ordering::Relaxed)),
        }
    }
}

/// The machine has the files in its root: of a path of the real directory only the name counts.
fn name(path: &impl AsRef<Path>) -> io::Result<&Path> {
    let name = path.as_ref().file_name().map(Path::new);
    name.ok_or_else(|| ErrorKind::InvalidInput.into())
}

impl FileSystem for Files {
    type Handle = LogFile;
    type Reader = Cursor;
    type Writer = Cursor;

    /// Opens what is there, as `O_CREAT` alone does.
    fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<LogFile> {
        let (storage, name) = (self.process.alive()?, name(&path)?);
        let file = match storage.exists(name)? {
            true => storage.open(name)?,
            false => storage.create(name)?,
        };
        Ok(self.handle(file, Permission::ReadWrite))
    }

    fn open<P: AsRef<Path>>(&self, path: P, permission: Permission) -> io::Result<LogFile> {
        let file = self.process.alive()?.open(name(&path)?)?;
        let recovers = !self.process.opened.load(Ordering::Relaxed);
        if recovers
            && permission == Permission::ReadWrite
            && self.process.world.care == Care::AtOpen
        {
            self.process.data_barrier(&file)?;
        }
        Ok(self.handle(file, permission))
    }

    fn delete<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.process.alive()?.remove(name(&path)?)
    }

    fn rename<P: AsRef<Path>>(&self, from: P, to: P) -> io::Result<()> {
        self.process.alive()?.rename(name(&from)?, name(&to)?)
    }

    fn new_reader(&self, handle: Arc<LogFile>) -> io::Result<Cursor> {
        Ok(Cursor { handle, at: 0 })
    }

    fn new_writer(&self, handle: Arc<LogFile>) -> io::Result<Cursor> {
        Ok(Cursor { handle, at: 0 })
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct LogFile {
    file: SimulatedFile,
    process: Arc<Process>,
    writable: bool,
    /// Nothing of it was synced since a rotation made it.
    rotated_to: AtomicBool,
}

impl Handle for LogFile {
    /// As the system does, refuses a file that was opened to be read.
    fn truncate(&self, len: usize) -> io::Result<()> {
        self.process.alive()?;
        match self.writable {
            true => self.file.set_len(len as u64),
            false => Err(ErrorKind::InvalidInput.into()),
        }
    }

    fn file_size(&self) -> io::Result<usize> {
        self.process.alive()?;
        Ok(self.file.len()? as usize)
    }

    fn sync(&self) -> io::Result<()> {
        if self.process.is_gone() {
            // raft-engine unwraps it where it drops its files.
            return Ok(());
        }
        let mut synced = self.process.data_barrier(&self.file);
        if synced.is_ok() && self.rotated_to.swap(false, Ordering::Relaxed) {
            synced = self.process.directory_barrier();
        }
        if synced.is_err() && self.process.opened.load(Ordering::Relaxed) {
            // From here raft-engine panics, to do nothing more to its files.
            self.process.go();
        }
        synced
    }
}

/// A position in an open file.
#[derive(Debug)]
pub(super) struct Cursor {
    handle: Arc<LogFile>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.handle.process.alive()?;
        let read = self.handle.file.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for Cursor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handle.process.alive()?;
        self.handle.file.write_at(self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.handle.file.len()?.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl WriteExt for Cursor {
    fn truncate(&mut self, len: usize) -> io::Result<()> {
        self.handle.truncate(len)?;
        self.at = len as u64;
        Ok(())
    }

    fn allocate(&mut self, offset: usize, size: usize) -> io::Result<()> {
        self.handle.process.alive()?;
        let end = (offset + size) as u64;
        match self.handle.process.world.allocation {
            Allocation::Lengthens if self.handle.file.len()? < end => self.handle.file.set_len(end),
            _ => Ok(()),
        }
    }
}

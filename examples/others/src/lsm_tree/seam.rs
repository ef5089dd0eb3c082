//! The seam: the engine's `Fs` and `FsFile`, over a simulated machine.

use lightsout::simfs::{self, OpenOptions};
use lightsout::storage::simulated::Simulated;
use lsm_tree::fs::{Fs, FsDirEntry, FsFile, FsMetadata, FsOpenOptions};
use lsm_tree::io;
use std::fs::TryLockError;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// What becomes of `fsync`, of files and of directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barriers {
    /// It is a barrier.
    Kept,
    /// It does nothing: the control, in which a loss is to be found.
    Left,
}

/// What becomes of the many small writes of which the engine makes a table or a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Each reaches the disk when it is made.
    AsTheyCome,
    /// Those to a file that is being made reach the disk together, where its barrier asks for them. Crashes between
    /// them are left out: they leave a file without its last bytes, which nothing names yet, and no open reads. The
    /// manifest's log is not held back.
    Gathered,
}

/// The disk of one process.
#[derive(Debug)]
pub(super) struct Disk {
    storage: Simulated,
    barriers: Barriers,
    writes: Writes,
    gone: AtomicBool,
    home: ThreadId,
    obsolete: Mutex<Obsolete>,
    handed_over: Condvar,
}

/// Tables that no version names any more. The engine empties each, and has a thread of its own remove the
/// name.
#[derive(Debug, Default)]
struct Obsolete {
    /// In the order in which they were emptied.
    emptied: Vec<PathBuf>,
    /// How many the thread was told to remove.
    handed_over: usize,
}

impl Disk {
    pub(super) fn new(storage: &Simulated, barriers: Barriers, writes: Writes) -> Arc<Self> {
        Arc::new(Self {
            storage: storage.clone(),
            barriers,
            writes,
            gone: AtomicBool::new(false),
            home: thread::current().id(),
            obsolete: Mutex::default(),
            handed_over: Condvar::new(),
        })
    }

    /// From now on the process is gone: no call reaches the disk.
    pub(super) fn die(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Removes what the engine's thread was told to, at a place that is the same in every run: where the
    /// operation ends that made it obsolete.
    pub(super) fn remove_obsolete(&self) {
        let mut obsolete = self.obsolete();
        while obsolete.handed_over < obsolete.emptied.len() {
            let waiting = self.handed_over.wait(obsolete);
            obsolete = waiting.unwrap_or_else(PoisonError::into_inner);
        }
        obsolete.handed_over = 0;
        let emptied = std::mem::take(&mut obsolete.emptied);
        drop(obsolete);
        for path in emptied {
            // As in the engine, where this is a warning in the log, and the next open does it again.
            let _ = self.with(|| simfs::remove_file(path));
        }
    }

    fn obsolete(&self) -> MutexGuard<'_, Obsolete> {
        self.obsolete.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, call: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
        match self.gone.load(Ordering::Relaxed) {
            true => Err(std::io::Error::other("the process is gone")),
            false => simfs::within(&self.storage, call),
        }
    }

    fn barrier(&self, call: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        self.with(|| match self.barriers {
            Barriers::Kept => call(),
            Barriers::Left => Ok(()),
        })
    }
}

/// The file system that the engine is given.
pub(super) struct Files(pub(super) Arc<Disk>);

impl Fs for Files {
    fn open(&self, path: &Path, asked: &FsOpenOptions) -> io::Result<Box<dyn FsFile>> {
        let mut options = OpenOptions::new();
        options
            .read(asked.read)
            .write(asked.write)
            .create(asked.create)
            .create_new(asked.create_new)
            .truncate(asked.truncate)
            .append(asked.append);
        let file = self.0.with(|| options.open(path))?;
        let gathers = self.0.writes == Writes::Gathered && asked.write && !asked.append;
        Ok(Box::new(OpenFile {
            file,
            disk: self.0.clone(),
            held_back: gathers.then(Mutex::default),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        Ok(self.0.with(|| simfs::create_dir_all(path))?)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Ok(self.0.with(|| simfs::create_dir(path))?)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<FsDirEntry>> {
        let entries = || {
            let entry = |entry: std::io::Result<simfs::DirEntry>| {
                let entry = entry?;
                Ok(FsDirEntry {
                    path: entry.path(),
                    file_name: entry.file_name().to_string_lossy().into_owned(),
                    is_dir: entry.file_type()?.is_dir(),
                })
            };
            simfs::read_dir(path)?.map(entry).collect()
        };
        Ok(self.0.with(entries)?)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if thread::current().id() != self.0.home {
            self.0.obsolete().handed_over += 1;
            self.0.handed_over.notify_all();
            return Ok(());
        }
        Ok(self.0.with(|| simfs::remove_file(path))?)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        Ok(self.0.with(|| simfs::remove_dir_all(path))?)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        Ok(self.0.with(|| simfs::remove_dir(path))?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(self.0.with(|| simfs::rename(from, to))?)
    }

    fn metadata(&self, path: &Path) -> io::Result<FsMetadata> {
        Ok(metadata(self.0.with(|| simfs::metadata(path))?))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let barrier = || simfs::File::open(path)?.sync_all();
        Ok(self.0.barrier(barrier)?)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.0.with(|| simfs::exists(path))?)
    }

    /// There are no links. It is asked before an obsolete table is emptied and its name handed over.
    fn hard_link_count(&self, path: &Path) -> io::Result<u64> {
        self.0.with(|| Ok(()))?;
        self.0.obsolete().emptied.push(path.into());
        Ok(1)
    }
}

struct OpenFile {
    file: simfs::File,
    disk: Arc<Disk>,
    held_back: Option<Mutex<HeldBack>>,
}

/// Bytes that are to be written from one place of the file on.
#[derive(Default)]
struct HeldBack {
    from: u64,
    bytes: Vec<u8>,
}

impl OpenFile {
    /// Does something with the file once all of it is written.
    fn with<T>(&self, call: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
        self.write_held_back()?;
        self.disk.with(call)
    }

    fn write_held_back(&self) -> std::io::Result<()> {
        let Some(held_back) = &self.held_back else {
            return Ok(());
        };
        let mut held_back = held_back.lock().unwrap_or_else(PoisonError::into_inner);
        let HeldBack { from, bytes } = std::mem::take(&mut *held_back);
        match bytes.is_empty() {
            true => Ok(()),
            false => (self.disk).with(|| self.file.write_all_at(&bytes, from)),
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // Nobody is told, as nobody is by the operating system.
        let _ = self.write_held_back();
    }
}

impl FsFile for OpenFile {
    fn sync_all(&self) -> io::Result<()> {
        self.write_held_back()?;
        Ok(self.disk.barrier(|| self.file.sync_all())?)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.write_held_back()?;
        Ok(self.disk.barrier(|| self.file.sync_data())?)
    }

    fn metadata(&self) -> io::Result<FsMetadata> {
        Ok(metadata(self.with(|| self.file.metadata())?))
    }

    fn hard_link_count(&self) -> io::Result<u64> {
        Ok(1)
    }

    fn set_len(&self, size: u64) -> io::Result<()> {
        Ok(self.with(|| self.file.set_len(size))?)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.with(|| self.file.read_at(buf, offset))?)
    }

    fn lock_exclusive(&self) -> io::Result<()> {
        Ok(self.with(|| self.file.lock())?)
    }

    fn try_lock_exclusive(&self) -> io::Result<bool> {
        let lock = || match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        };
        Ok(self.with(lock)?)
    }
}

impl Read for OpenFile {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.write_held_back()?;
        self.disk.with(|| self.file.read(buf))
    }
}

impl Write for OpenFile {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let Some(held_back) = &self.held_back else {
            return self.disk.with(|| self.file.write(buf));
        };
        let at = self.disk.with(|| self.file.stream_position())?;
        let mut guard = held_back.lock().unwrap_or_else(PoisonError::into_inner);
        let end = guard.from + guard.bytes.len() as u64;
        let inside = guard.from <= at && at <= end;
        if guard.bytes.is_empty() || !inside {
            drop(guard);
            self.write_held_back()?;
            guard = held_back.lock().unwrap_or_else(PoisonError::into_inner);
            guard.from = at;
        }
        let within = (at - guard.from) as usize;
        let covered = guard.bytes.len().min(within + buf.len());
        guard.bytes.splice(within..covered, buf.iter().copied());
        drop(guard);
        let over = buf.len() as i64;
        (self.disk).with(|| self.file.seek(SeekFrom::Current(over)))?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if let SeekFrom::End(_) = to {
            self.write_held_back()?;
        }
        self.disk.with(|| self.file.seek(to))
    }
}

fn metadata(of: simfs::Metadata) -> FsMetadata {
    FsMetadata {
        len: of.len(),
        is_dir: of.is_dir(),
        is_file: of.is_file(),
    }
}

//! Real files that wait at a gate, fail or panic behind it.

use super::*;
use crate::storage::File;
use crate::storage::os::{OsFile, OsLock};
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Real files. A gate may be shut before calls of one kind on files with such names.
#[derive(Clone, Debug, Default)]
pub(super) struct Gated(Arc<(Mutex<Gate>, Condvar)>);

#[derive(Debug, Default)]
struct Gate {
    /// The call, and what the name of its file ends with.
    shut: Option<(&'static str, &'static str)>,
    waiting: usize,
    behind: Behind,
}

/// What a call that waited comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Behind {
    #[default]
    Done,
    Fails,
    Panics,
}

impl Gated {
    pub(super) fn shut(&self, call: &'static str, name: &'static str) {
        self.0.0.lock().unwrap().shut = Some((call, name));
    }

    pub(super) fn open_up(&self) {
        self.open_to(Behind::Done);
    }

    pub(super) fn open_to(&self, behind: Behind) {
        let mut gate = self.0.0.lock().unwrap();
        (gate.shut, gate.behind) = (None, behind);
        self.0.1.notify_all();
    }

    pub(super) fn wait_for_somebody(&self) {
        let gate = self.0.0.lock().unwrap();
        let long = Duration::from_secs(20);
        let waited = self
            .0
            .1
            .wait_timeout_while(gate, long, |it| it.waiting == 0);
        assert!(!waited.unwrap().1.timed_out(), "nobody came to the gate");
    }

    fn pass(&self, call: &str, name: &str) -> io::Result<()> {
        let is_shut = |gate: &mut Gate| {
            let shut = gate.shut;
            shut.is_some_and(|(what, end)| call == what && name.ends_with(end))
        };
        let mut gate = self.0.0.lock().unwrap();
        if !is_shut(&mut gate) {
            return Ok(());
        }
        gate.waiting += 1;
        self.0.1.notify_all();
        let mut gate = self.0.1.wait_while(gate, is_shut).unwrap();
        gate.waiting -= 1;
        let behind = gate.behind;
        drop(gate);
        match behind {
            Behind::Done => Ok(()),
            Behind::Fails => Err(io::ErrorKind::Other.into()),
            Behind::Panics => panic!("a panic that a test planted"),
        }
    }
}

/// Opens the gate in the end, also where a test fails: nobody is left waiting.
pub(super) struct Opener(pub(super) Gated);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.open_up();
    }
}

#[derive(Debug)]
pub(super) struct GatedFile {
    inner: OsFile,
    name: String,
    gate: Gated,
}

impl Gated {
    fn file(&self, inner: OsFile, path: &Path) -> GatedFile {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let gate = self.clone();
        GatedFile { inner, name, gate }
    }
}

impl Storage for Gated {
    type File = GatedFile;
    type Lock = OsLock;

    fn open(&self, path: &Path) -> io::Result<GatedFile> {
        Ok(self.file(OsStorage.open(path)?, path))
    }
    fn create(&self, path: &Path) -> io::Result<GatedFile> {
        Ok(self.file(OsStorage.create(path)?, path))
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsStorage.exists(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsStorage.create_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        OsStorage.remove(path)
    }
    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        OsStorage.directory_barrier(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Option<OsLock>> {
        OsStorage.lock(dir)
    }
}

impl File for GatedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(at, buffer)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.gate.pass("write", &self.name)?;
        self.inner.write_at(at, bytes)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }
    fn barrier(&self) -> io::Result<()> {
        self.gate.pass("barrier", &self.name)?;
        self.inner.barrier()
    }
    fn data_barrier(&self) -> io::Result<()> {
        self.gate.pass("barrier", &self.name)?;
        self.inner.data_barrier()
    }
}

//! For tests: real files that fail when told to, and a record of every call that changes something.

use super::os::{OsFile, OsLock, OsStorage};
use super::{File, Storage};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<String>,
    fail: Option<Fail>,
}

#[derive(Debug)]
struct Fail {
    method: &'static str,
    kind: ErrorKind,
    /// Bytes of a failing write that are written all the same.
    short: usize,
}

#[derive(Debug)]
pub(crate) struct FaultyFile {
    inner: OsFile,
    name: String,
    storage: Faulty,
}

impl Faulty {
    /// The next call of `method` fails, once: whoever retries is told that all is well.
    pub(crate) fn fail_next(&self, method: &'static str, kind: ErrorKind, short: usize) {
        self.state.lock().unwrap().fail = Some(Fail {
            method,
            kind,
            short,
        });
    }

    /// The changing calls since last asked, in order, names without directories but for the
    /// directories themselves.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    fn call(&self, method: &'static str, what: String) -> Result<(), (usize, io::Error)> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(format!("{method} {what}"));
        match state.fail.take_if(|fail| fail.method == method) {
            Some(fail) => Err((fail.short, fail.kind.into())),
            None => Ok(()),
        }
    }

    fn told(&self, method: &'static str, path: &Path) -> io::Result<()> {
        self.call(method, name(path)).map_err(|(_, error)| error)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Storage for Faulty {
    type File = FaultyFile;
    type Lock = OsLock;

    fn open(&self, path: &Path) -> io::Result<FaultyFile> {
        Ok(FaultyFile {
            inner: OsStorage.open(path)?,
            name: name(path),
            storage: self.clone(),
        })
    }
    fn create(&self, path: &Path) -> io::Result<FaultyFile> {
        self.told("create", path)?;
        Ok(FaultyFile {
            inner: OsStorage.create(path)?,
            name: name(path),
            storage: self.clone(),
        })
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsStorage.exists(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.told("create_dir", path)?;
        OsStorage.create_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.told("rename", from)?;
        OsStorage.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.told("remove", path)?;
        OsStorage.remove(path)
    }
    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        self.told("directory_barrier", dir)?;
        OsStorage.directory_barrier(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Option<OsLock>> {
        OsStorage.lock(dir)
    }
}

impl FaultyFile {
    fn told(&self, method: &'static str) -> io::Result<()> {
        self.storage.told(method, &PathBuf::from(&self.name))
    }
}

impl File for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(at, buffer)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let what = format!("{} {at} {}", self.name, bytes.len());
        match self.storage.call("write_at", what) {
            Ok(()) => self.inner.write_at(at, bytes),
            Err((short, error)) => {
                self.inner.write_at(at, &bytes[..short.min(bytes.len())])?;
                Err(error)
            }
        }
    }
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        match self
            .storage
            .call("append", format!("{} {}", self.name, bytes.len()))
        {
            Ok(()) => self.inner.append(bytes),
            Err((short, error)) => {
                self.inner.append(&bytes[..short.min(bytes.len())])?;
                Err(error)
            }
        }
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.storage
            .call("set_len", format!("{} {len}", self.name))
            .map_err(|(_, error)| error)?;
        self.inner.set_len(len)
    }
    fn barrier(&self) -> io::Result<()> {
        self.told("barrier")?;
        self.inner.barrier()
    }
    fn data_barrier(&self) -> io::Result<()> {
        self.told("data_barrier")?;
        self.inner.data_barrier()
    }
}

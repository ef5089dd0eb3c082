//! The log on real files. What power cuts do to it is explored elsewhere, on the one simulated
//! disk.

mod as_found;
mod damage;
mod failures;
mod flips;
mod format;
mod life;
mod memory;

use super::{Error, Log, Lsn, Options, Record, SyncMode, Write};
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory for a store, which is not there yet.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }
    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }
    fn log(&self) -> PathBuf {
        self.store().join("log")
    }
    fn open(&self) -> Result<Log<OsStorage>, Error> {
        Log::open(
            OsStorage,
            &self.store(),
            Options {
                preallocate: 0,
                ..Options::default()
            },
        )
    }
    fn open_with(&self, storage: &Faulty, sync: SyncMode) -> Result<Log<Faulty>, Error> {
        let options = Options {
            preallocate: 0,
            sync,
            ..Options::default()
        };
        Log::open(storage.clone(), &self.store(), options)
    }
    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.log()).unwrap()
    }
    fn set_bytes(&self, bytes: &[u8]) {
        if !self.store().exists() {
            std::fs::create_dir(self.store()).unwrap();
        }
        std::fs::write(self.log(), bytes).unwrap();
    }
    /// What a new life finds.
    fn recovered(&self) -> Vec<Record> {
        self.open().unwrap().records().map(Result::unwrap).collect()
    }
}

fn put(key: &str, value: &str) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn delete(key: &str) -> Write {
    Write::Delete { key: key.into() }
}

fn lsn(generation: u32, index: u64) -> Lsn {
    Lsn { generation, index }
}

fn every(n: u32) -> SyncMode {
    SyncMode::EveryN(NonZeroU32::new(n).unwrap())
}

fn all<S: crate::storage::Storage>(log: &Log<S>) -> Vec<Record> {
    log.records().map(Result::unwrap).collect()
}

/// The keys that were written, one for each record.
fn keys(records: &[Record]) -> Vec<String> {
    let key = |record: &Record| match &record.writes[0] {
        Write::Put { key, .. } | Write::Delete { key } => String::from_utf8_lossy(key).into_owned(),
    };
    records.iter().map(key).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// One who is alone with a log.
impl<F: crate::storage::File> super::file::LogFile<F> {
    /// Stages, writes and syncs a record.
    pub(crate) fn append(&mut self, writes: &[Write]) -> Result<Lsn, Error> {
        let lsn = self.stage(writes)?;
        self.write_staged()?;
        Ok(lsn)
    }

    /// Syncs what returned.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.is_covered() {
            return Ok(());
        }
        self.want_barrier();
        self.write_staged()
    }

    fn write_staged(&mut self) -> Result<(), Error> {
        let batch = self.take();
        let written = batch.write();
        self.returned(batch, written)
    }
}

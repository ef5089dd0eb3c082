//! The whole store, on real files and on the simulated disk.

mod as_found;
mod background;
mod failures;
mod gated;
mod life;
mod model;
mod names;
mod readers;

use super::{Background, Error, Options, Store, SyncMode, Write};
use crate::engine::wal::Lsn;
use crate::storage::Storage;
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use crate::storage::simulated::Simulated;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A directory for a store, which is not there yet.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }
    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }
    fn file(&self, name: &str) -> PathBuf {
        self.store().join(name)
    }
    fn name(&self) -> String {
        let name = self.0.path().file_name().unwrap();
        name.to_string_lossy().into_owned()
    }
    fn open(&self) -> Result<Store<OsStorage>, Error> {
        Store::open(OsStorage, &self.store(), options(1 << 20, 2))
    }
    fn open_on(&self, storage: &Faulty) -> Result<Store<Faulty>, Error> {
        Store::open(storage.clone(), &self.store(), options(1 << 20, 2))
    }
    fn names(&self) -> Vec<String> {
        OsStorage.list(&self.store()).unwrap()
    }
}

/// Nothing is written ahead, and nobody works beside the writers.
fn options(flush_at: u64, fanout: usize) -> Options {
    Options {
        flush_at,
        fanout,
        preallocate: 0,
        background: Background::Callers,
        ..Options::default()
    }
}

fn machine() -> Simulated {
    Simulated::named("posix").unwrap()
}

fn lsn(generation: u32, index: u64) -> Lsn {
    Lsn { generation, index }
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

fn all<S: Storage>(store: &Store<S>) -> Pairs {
    store.scan::<[u8]>(..).map(Result::unwrap).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Pairs {
    let bytes = |(key, value): &(&str, &str)| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    expected.iter().map(bytes).collect()
}

/// The tables that are read, newest first: records, level, entries.
fn tables<S: Storage>(store: &Store<S>) -> Vec<(u64, u64, u32, u64)> {
    let tables = store.stats().unwrap().tables;
    let one = |table: &super::TableStats| (table.lo, table.hi, table.level, table.entries);
    tables.iter().map(one).collect()
}

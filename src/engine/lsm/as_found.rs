//! **Unsafe.** The LSM tree as a study found it: neither the log nor a table is ever synced, and the log
//! is truncated all the same.
//!
//! ```text
//! append     length, key, length, value in one write, Ok; no barrier [study]           a delete: a put of an empty value [assumed]
//! batch      its records one after another [assumed]
//! flush      create N.sst | write all entries, sorted | set_len(log, 0); no barrier [study]
//! recovery   all N.sst in the order of N, then the log; a torn tail is cut, or left [assumed]
//! ```
//!
//! The study has no deletes: here a deleted key has an empty value. There is no checksum, no
//! compaction and no identity: an [`Lsn`] counts what this handle found and wrote, and two lives give
//! the same one to different writes. After a failed call the handle goes on `[assumed]`. A table is
//! read up to the first entry that is cut short `[assumed]`.
//!
//! LIMIT: everything that the store holds is in memory: the tables are read once, at open.

use super::error::{Error, OrFail};
use super::memtable::Memtable;
use super::names::{self, LOG};
use super::options::Options;
use super::version::{Current, Version};
use crate::engine::wal::as_found::{AsFoundLog, encode, records_of};
use crate::engine::wal::format::check_limits;
use crate::engine::wal::{self, Lsn, Write};
use crate::storage::{File, Storage};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most bytes of a table that are written by one call.
const CHUNK_BYTES: usize = 64 << 10;

/// What one writer at a time has.
#[derive(Debug)]
pub(super) struct AsFound<S: Storage> {
    storage: S,
    dir: PathBuf,
    options: Options,
    log: AsFoundLog<S::File>,
    /// What the study calls the memtable: what the log holds. Readers have a larger one.
    unflushed: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The number of the newest table.
    number: u64,
    pub(super) last: u64,
    pub(super) flushes: u64,
}

impl<S: Storage> AsFound<S> {
    /// Opens the store, believing what is there, and says what readers see.
    pub(super) fn open(
        storage: &S,
        dir: &Path,
        options: &Options,
    ) -> Result<(AsFound<S>, Current<S>), Error> {
        let names = storage.list(dir).or_fail("open the store")?;
        let memtable = Memtable::new();
        let (mut last, mut number) = (0, 0);
        for table in tables(dir, &names)? {
            let path = dir.join(names::as_found_table(table));
            let file = storage.open(&path).or_fail("open a table")?;
            for record in records_of(&file, &path) {
                last += 1;
                record?
                    .writes
                    .iter()
                    .for_each(|write| memtable.insert(last, write));
            }
            number = table;
        }
        let log_options = wal::AsFoundOptions {
            torn_tail: options.as_found.torn_tail,
            split_flush: false,
        };
        let mut as_found = AsFound {
            storage: storage.clone(),
            dir: dir.to_path_buf(),
            options: *options,
            log: AsFoundLog::open(storage, &dir.join(LOG), log_options)?,
            unflushed: BTreeMap::new(),
            number,
            last,
            flushes: 0,
        };
        for record in as_found.log.read_from(None) {
            for write in record?.writes {
                as_found.last += 1;
                let (key, value) = put(write);
                memtable.insert(as_found.last, &written(&key, &value));
                as_found.unflushed.insert(key, value);
            }
        }
        let at = as_found.last;
        let version = Version {
            memtable: Arc::new(memtable),
            flushing: None,
            tables: Vec::new(),
        };
        Ok((as_found, Current::new(version, at)))
    }

    /// Appends each write, and says Ok when all are flushed to the operating system.
    pub(super) fn write(&mut self, current: &Current<S>, writes: &[Write]) -> Result<Lsn, Error> {
        check_limits(writes)?;
        if self.log_bytes()? >= self.options.flush_at {
            self.flush()?;
        }
        let version = current.version();
        for write in writes {
            let (key, value) = put(write.clone());
            let write = written(&key, &value);
            self.log.append(&write)?;
            if self.options.as_found.log_synced {
                let synced = self.log.file().data_barrier();
                synced.or_fail("sync the log")?;
            }
            self.last += 1;
            version.memtable.insert(self.last, &write);
            current.show(self.last);
            self.unflushed.insert(key, value);
        }
        Ok(Lsn {
            generation: 0,
            index: self.last,
        })
    }

    /// Writes what the log holds as a table, and cuts the log.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.unflushed.is_empty() {
            return Ok(());
        }
        let path = self.dir.join(names::as_found_table(self.number + 1));
        let file = self.storage.create(&path).or_fail("make a table")?;
        self.number += 1;
        let mut chunk = Vec::new();
        for (key, value) in &self.unflushed {
            encode(&written(key, value), &mut chunk);
            while chunk.len() >= CHUNK_BYTES {
                let rest = chunk.split_off(CHUNK_BYTES);
                file.append(&chunk).or_fail("write a table")?;
                chunk = rest;
            }
        }
        if !chunk.is_empty() {
            file.append(&chunk).or_fail("write a table")?;
        }
        if self.options.as_found.table_synced {
            file.barrier().or_fail("sync a table")?;
            let synced = self.storage.directory_barrier(&self.dir);
            synced.or_fail("sync the name of a table")?;
        }
        // CRASH: what the table holds may be cached only, and the length of the log durable.
        self.log.truncate()?;
        if self.options.as_found.truncation_synced {
            self.log.file().barrier().or_fail("sync the log")?;
        }
        self.unflushed.clear();
        self.flushes += 1;
        Ok(())
    }

    pub(super) fn log_bytes(&self) -> Result<u64, Error> {
        self.log.file().len().or_fail("ask the size of the log")
    }
}

/// The numbers of the tables, rising; a durable store is not ours.
fn tables(dir: &Path, names: &[String]) -> Result<Vec<u64>, Error> {
    let durable = names::Found::sort(dir, names);
    if durable.is_ok_and(|found| !found.tables.is_empty()) {
        return Err(Error::OtherDiscipline {
            path: dir.to_path_buf(),
        });
    }
    let mut tables: Vec<u64> = names
        .iter()
        .filter_map(|name| names::as_found_number(name))
        .collect();
    tables.sort_unstable();
    Ok(tables)
}

/// The study's only write. A length of all ones, which is never written here, is an empty value too.
fn put(write: Write) -> (Vec<u8>, Vec<u8>) {
    match write {
        Write::Put { key, value } => (key, value),
        Write::Delete { key } => (key, Vec::new()),
    }
}

fn written(key: &[u8], value: &[u8]) -> Write {
    Write::Put {
        key: key.to_vec(),
        value: value.to_vec(),
    }
}

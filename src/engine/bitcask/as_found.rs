//! **Unsafe.** Bitcask as a study found it: synced where somebody asked for it, and merged without waiting.
//!
//! ```text
//! record     crc32 u32 | 0 u32 | key length u32 | value length u32 | key | value       a delete: the value TOMBSTONE [assumed]
//! write      append to N.data | fsync, if `sync_writes` [study]
//! rotate     create the next file; no barrier [study]
//! merge      newest values of the closed files into merge.tmp | fsync | active file to a higher number, merge.tmp to its number |
//!            hint: key length u32, value length u32, offset u64, key for each; no barrier | remove the closed files [study]
//! open       file by file: its hint is believed, if there is one; else its records up to one that is torn [study]; a torn
//!            tail is cut off, or left [assumed]
//! ```
//!
//! Of several writes each is a record `[assumed]`. After a failed call the handle goes on `[assumed]`.
//!
//! LIMIT: all values are in memory.

use super::error::{Error, OrFail};
use crate::engine::wal::Write;
use crate::storage::{File, Storage, claim, parent, read_all};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The value of a key that is deleted.
pub const TOMBSTONE: &[u8; 16] = b"bitcask_tombston";
const HEAD: usize = 16;

/// The settings: `sync_writes`, what the study leaves open, and how such stores get mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Each record is synced.
    pub sync_writes: bool,
    /// Recovery appends behind a torn tail.
    pub tail_left: bool,
    /// Names are synced.
    pub named: bool,
}

/// A record: a key, and its value unless it is deleted.
pub(crate) type Record = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug)]
struct DataFile<F> {
    number: u64,
    file: F,
    records: Vec<Record>,
}

/// An open store as found.
#[derive(Debug)]
pub struct AsFound<S: Storage> {
    storage: S,
    dir: PathBuf,
    options: Options,
    closed: Vec<DataFile<S::File>>,
    active: DataFile<S::File>,
    /// Where the active one ends.
    tail: u64,
    _lock: S::Lock,
}

impl<S: Storage> AsFound<S> {
    /// Opens the store in `dir`, or makes an empty one. As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<AsFound<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let names = storage.list(dir).or_fail("open the store")?;
        if names.iter().any(|name| name == "merge.tmp") {
            let removed = storage.remove(&dir.join("merge.tmp"));
            removed.or_fail("remove what a crash left of a merge")?;
        }
        let number = |name: &String| name.strip_suffix(".data")?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        if numbers.is_empty() {
            storage
                .create(&data(dir, 1))
                .or_fail("make the first file")?;
            numbers.push(1);
        }
        let (mut files, mut tail) = (Vec::new(), 0);
        for number in numbers {
            let path = data(dir, number);
            let file = storage.open(&path).or_fail("open a data file")?;
            let bytes = read_all(&file).or_fail("read a data file")?;
            let (mut records, end) = scan(&bytes);
            let hinted = hint(dir, number);
            if storage.exists(&hinted).or_fail("open a hint")? {
                let hint = storage.open(&hinted).or_fail("open a hint")?;
                let hint = read_all(&hint).or_fail("read a hint")?;
                if !hint.is_empty() {
                    records = said(&hint, &bytes);
                }
            }
            tail = end;
            if tail < bytes.len() && options.tail_left {
                tail = bytes.len();
            }
            files.push(DataFile {
                number,
                file,
                records,
            });
        }
        let Some(active) = files.pop() else {
            unreachable!("one was made");
        };
        let length = active.file.len().or_fail("read a data file")?;
        if (tail as u64) < length {
            let cut = active.file.set_len(tail as u64);
            cut.or_fail("cut off a torn tail")?;
        }
        let store = AsFound {
            storage,
            dir: dir.to_path_buf(),
            options,
            closed: files,
            active,
            tail: tail as u64,
            _lock: lock,
        };
        store.sync_names()?;
        if options.named {
            let synced = store.storage.directory_barrier(&parent(dir));
            synced.or_fail("sync the directory that the store is in")?;
        }
        Ok(store)
    }

    /// Makes several writes, each a record of its own.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), Error> {
        for write in writes {
            let record = match write {
                Write::Put { key, value } => (key.clone(), Some(value.clone())),
                Write::Delete { key } => (key.clone(), None),
            };
            let bytes = encode(&record);
            let written = self.active.file.write_at(self.tail, &bytes);
            written.or_fail("write a record")?;
            if self.options.sync_writes {
                self.active.file.barrier().or_fail("sync a record")?;
            }
            self.tail += bytes.len() as u64;
            self.active.records.push(record);
        }
        Ok(())
    }

    /// Syncs the active file.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.active.file.barrier().or_fail("sync the active file")
    }

    /// Begins another file.
    pub fn rotate(&mut self) -> Result<(), Error> {
        let number = self.active.number + 1;
        let file = self.storage.create(&data(&self.dir, number));
        let file = file.or_fail("make a data file")?;
        self.sync_names()?;
        let next = DataFile {
            number,
            file,
            records: Vec::new(),
        };
        self.closed.push(std::mem::replace(&mut self.active, next));
        self.tail = 0;
        Ok(())
    }

    /// Merges the closed files.
    pub fn merge(&mut self) -> Result<(), Error> {
        if self.closed.is_empty() {
            return Ok(());
        }
        let records = self.closed.iter().flat_map(|file| &file.records);
        let newest: BTreeMap<Vec<u8>, Option<Vec<u8>>> = records.cloned().collect();
        let live = newest.into_iter().filter(|(_, value)| value.is_some());
        let records: Vec<Record> = live.collect();
        let (number, made) = (self.active.number, self.dir.join("merge.tmp"));
        let (bytes, hinted) = merged(&records);
        let file = self.storage.create(&made).or_fail("make a merged file")?;
        if !bytes.is_empty() {
            file.write_at(0, &bytes).or_fail("write a merged file")?;
        }
        file.barrier().or_fail("sync a merged file")?;
        let here = data(&self.dir, number);
        for (from, to) in [(&here, &data(&self.dir, number + 1)), (&made, &here)] {
            let renamed = self.storage.rename(from, to);
            renamed.or_fail("give a data file another number")?;
        }
        let hint = self.storage.create(&hint(&self.dir, number));
        let hint = hint.or_fail("make a hint")?;
        if !hinted.is_empty() {
            hint.write_at(0, &hinted).or_fail("write a hint")?;
        }
        self.sync_names()?;
        for closed in &self.closed {
            let removed = self.storage.remove(&data(&self.dir, closed.number));
            removed.or_fail("remove a closed file")?;
        }
        self.active.number += 1;
        self.closed = vec![DataFile {
            number,
            file,
            records,
        }];
        Ok(())
    }

    /// All keys with their values.
    pub fn contents(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut contents = BTreeMap::new();
        for (key, value) in self
            .closed
            .iter()
            .chain([&self.active])
            .flat_map(|file| &file.records)
        {
            match value {
                Some(value) => drop(contents.insert(key.clone(), value.clone())),
                None => drop(contents.remove(key)),
            }
        }
        contents
    }

    fn sync_names(&self) -> Result<(), Error> {
        match self.options.named {
            true => {
                let synced = self.storage.directory_barrier(&self.dir);
                synced.or_fail("sync the store")
            }
            false => Ok(()),
        }
    }
}

fn data(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number}.data"))
}

fn hint(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number}.hint"))
}

/// The bytes of a record.
pub(crate) fn encode((key, value): &Record) -> Vec<u8> {
    let value = value.as_deref().unwrap_or(TOMBSTONE);
    let mut bytes = vec![0; 8];
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    let crc = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The bytes of what a hint says of a record that stands there.
pub(crate) fn encode_hint(record: &Record, at: u64) -> Vec<u8> {
    let value = record.1.as_deref().unwrap_or(TOMBSTONE);
    let mut bytes = (record.0.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&at.to_le_bytes());
    bytes.extend_from_slice(&record.0);
    bytes
}

/// The bytes of a merged file and of its hint.
fn merged(records: &[Record]) -> (Vec<u8>, Vec<u8>) {
    let (mut bytes, mut hint) = (Vec::new(), Vec::new());
    for record in records {
        hint.extend(encode_hint(record, bytes.len() as u64));
        bytes.extend(encode(record));
    }
    (bytes, hint)
}

/// The record that these bytes begin with, and how many it takes.
fn parse(bytes: &[u8]) -> Option<(Record, usize)> {
    let head = bytes.get(..HEAD)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head[at..].first_chunk()?));
    let (key, value) = (u32_at(8)? as usize, u32_at(12)? as usize);
    let end = HEAD.checked_add(key)?.checked_add(value)?;
    let covered = bytes.get(4..end)?;
    if crc32fast::hash(covered) != u32_at(0)? {
        return None;
    }
    let (key, value) = bytes[HEAD..end].split_at(key);
    let value = (value != TOMBSTONE).then(|| value.to_vec());
    Some(((key.to_vec(), value), end))
}

/// The records up to one that is torn, and where they end.
fn scan(bytes: &[u8]) -> (Vec<Record>, usize) {
    let (mut records, mut end) = (Vec::new(), 0);
    while let Some((record, taken)) = parse(&bytes[end..]) {
        records.push(record);
        end += taken;
    }
    (records, end)
}

/// The records that a hint tells of, up to where it makes no sense.
fn said(hint: &[u8], data: &[u8]) -> Vec<Record> {
    let (mut records, mut rest) = (Vec::new(), hint);
    while let Some((head, more)) = rest.split_first_chunk::<HEAD>() {
        let key = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let at = head
            .last_chunk()
            .map_or(u64::MAX, |at| u64::from_le_bytes(*at));
        let (Some(name), Ok(at)) = (more.get(..key), usize::try_from(at)) else {
            break;
        };
        let found = data.get(at..).and_then(parse);
        match found.filter(|((key, _), _)| key == name) {
            Some((record, _)) => records.push(record),
            None => break,
        }
        rest = &more[key..];
    }
    records
}

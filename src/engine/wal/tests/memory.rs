//! A file in memory that forgets what was not synced, cell by cell, and lives of a log on it.

use super::*;
use crate::engine::wal::file::{LogFile, write_header};
use crate::engine::wal::format::{CELL, FILE_HEADER, Header, Owner};
use crate::engine::wal::recovery;
use crate::storage::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What is cached, what is durable, and how many bytes were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<(Vec<u8>, Vec<u8>)>>, Arc<AtomicU64>);

impl Memory {
    pub(super) fn of(bytes: &[u8]) -> Memory {
        let both = (bytes.to_vec(), bytes.to_vec());
        Memory(Arc::new(Mutex::new(both)), Arc::default())
    }
    pub(super) fn bytes_read(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }
    /// A power cut: of each cell that differs, what is cached is kept where `keep` says so.
    pub(super) fn crash(&self, mut keep: impl FnMut() -> bool) -> Memory {
        let (cached, mut durable) = self.0.lock().unwrap().clone();
        if durable.len() < cached.len() && keep() {
            durable.resize(cached.len(), 0);
        }
        for (old, new) in durable.chunks_mut(CELL).zip(cached.chunks(CELL)) {
            if old != new && keep() {
                old[..new.len()].copy_from_slice(new);
            }
        }
        Memory::of(&durable)
    }
}

impl File for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().0.len() as u64)
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.0.lock().unwrap();
        let bytes = file.0.get(at as usize..).unwrap_or_default();
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let end = at as usize + bytes.len();
        let len = file.0.len().max(end);
        file.0.resize(len, 0);
        file.0[at as usize..end].copy_from_slice(bytes);
        Ok(())
    }
    fn append(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn barrier(&self) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        file.1 = file.0.clone();
        Ok(())
    }
    fn data_barrier(&self) -> io::Result<()> {
        self.barrier()
    }
}

const OWNER: Owner = Owner::Lsm;

pub(super) fn new_log(sync: SyncMode) -> (Memory, LogFile<Memory>) {
    let file = Memory::default();
    write_header(&file, OWNER).unwrap();
    let log = LogFile::empty(file.clone(), Path::new("log"), OWNER, sync.into());
    (file, log)
}

/// A new life on that file, where tables hold everything up to the floor.
pub(super) fn recover(
    file: &Memory,
    floor: Option<Lsn>,
    sync: SyncMode,
) -> Result<LogFile<Memory>, Error> {
    let path = Path::new("log");
    let scan = recovery::scan(file, path, OWNER, floor)?;
    scan.settle(file, path)?;
    Ok(LogFile::recovered(
        file.clone(),
        path,
        OWNER,
        sync.into(),
        floor,
        scan,
    ))
}

pub(super) fn records(log: &LogFile<Memory>) -> Vec<Record> {
    log.read_from(None).map(Result::unwrap).collect()
}

/// Where each record of an undamaged log begins, and its header, from the head on.
pub(super) fn places(log: &LogFile<Memory>, bytes: &[u8]) -> Vec<(usize, Header)> {
    let mut at = FILE_HEADER;
    let live = FILE_HEADER as u64 + log.live_bytes();
    let mut places = Vec::new();
    while (at as u64) < live {
        let header = Header::read(&bytes[at..]).unwrap();
        places.push((at, header));
        at += header.record_bytes() as usize;
    }
    places
}

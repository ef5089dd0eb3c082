//! Our own engines under exploration, and the work that each does.
//!
//! Each workload of twenty operations has in it all that its engine does: what fills a file and begins
//! another, flush, compaction, split, merge, checkpoint, truncation, a batch, a clean close.

mod bitcask;
mod btree;
mod catalogue;
mod event_store;
mod found;
mod found_btree;
mod found_log;
mod lsm;
mod on_files;
mod wal;

pub use bitcask::BitcaskSubject;
pub use btree::BtreeSubject;
pub use catalogue::{Again, Entry, Outcome, catalogue};
pub use event_store::EventStoreSubject;
pub use found::{FoundBitcaskSubject, JsonLinesSubject};
pub use found_btree::FoundBtreeSubject;
pub use found_log::{FoundLogSubject, LogClient};
pub use lsm::LsmSubject;
pub use on_files::OnFiles;
pub use wal::{LogSubject, SegmentsSubject};

use super::contract::{MapWrite, Operation, Told};
use super::subject::Failure;
use crate::engine::wal::{SyncMode, Write};

/// What the Ok of a write means.
fn told(sync: SyncMode) -> Told {
    match sync {
        SyncMode::EveryWrite => Told::Durable,
        SyncMode::EveryN(_) | SyncMode::Never => Told::Returned,
    }
}

fn durable<T, E: Into<Failure>>(done: Result<T, E>) -> Result<Told, Failure> {
    done.map(|_| Told::Durable).map_err(Into::into)
}

/// An engine is asked for what it does not have.
fn unknown<W>(operation: &Operation<W>) -> Failure {
    let name = match operation {
        Operation::Write(_) => "write",
        Operation::Sync => "sync",
        Operation::Reopen => "reopen",
        Operation::Maintain(name) => name,
    };
    format!("it knows nothing of `{name}`").into()
}

fn map_writes(writes: &[MapWrite]) -> Vec<Write> {
    let write = |write: &MapWrite| match write.clone() {
        MapWrite::Put(key, value) => Write::Put { key, value },
        MapWrite::Delete(key) => Write::Delete { key },
    };
    writes.iter().map(write).collect()
}

/// A put of a value of so many bytes, each time another one.
fn put(key: &str, number: u8, bytes: usize) -> MapWrite {
    let mut value = format!("{number}.").into_bytes();
    value.resize(bytes.max(value.len()), b'a' + number % 26);
    MapWrite::put(key, value)
}

fn one(write: MapWrite) -> Operation<MapWrite> {
    Operation::Write(vec![write])
}

//! The log in segments, on real files and on the simulated disk.

mod as_found;
mod failures;
mod life;

use super::super::format::{Entry, Lsn, Note, Write};
use super::{Error, Options, SegmentedLog};
use crate::engine::wal::SyncMode;
use crate::storage::Storage;
use crate::storage::tests::Bench;
use std::path::{Path, PathBuf};

/// A store that has segments of so many bytes.
fn open<S: Storage>(storage: S, dir: &Path, segment_bytes: u64) -> Result<SegmentedLog<S>, Error> {
    let options = Options {
        preallocate: 0,
        segment_bytes,
        ..Options::default()
    };
    SegmentedLog::open(storage, dir, options)
}

fn store<B: Bench>(bench: &B) -> PathBuf {
    bench.dir().join("store")
}

fn put(value: &str) -> Write {
    Write::Put {
        key: b"k".into(),
        value: value.into(),
    }
}

fn writes(values: &[&str]) -> Entry {
    Entry::Writes(values.iter().map(|value| put(value)).collect())
}

fn checkpoint(up_to: u64) -> Entry {
    Entry::Note(Note::Checkpoint(up_to))
}

/// The index and what each record says.
fn all<S: Storage>(log: &SegmentedLog<S>) -> Vec<(u64, Entry)> {
    let records = log.records().map(Result::unwrap);
    records.map(|it| (it.lsn.index, it.entry)).collect()
}

fn names<S: Storage>(log: &SegmentedLog<S>) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    log.segments().iter().map(|path| name(path)).collect()
}

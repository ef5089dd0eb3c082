//! Bitcask: rotated, merged.

use super::{Contents, Engine, Kind, Opened, Store, Task, is_in_the_making, told, unknown};
use crate::engine::bitcask::{Bitcask, Options};
use crate::engine::wal::{Lsn, SyncMode, Write};
use crate::storage::os::OsStorage;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const ENGINE: Engine = Engine {
    name: "bitcask",
    kind: Kind::Keys,
    value_bytes_max: usize::MAX,
    tasks: &[Task::Merge, Task::Merge, Task::Rotate, Task::Sync],
    open,
    is_half_done: |names| is_in_the_making(names) || are_merged_files_left(names),
};

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        preallocate: 4096,
        file_bytes: 8_000,
        ..Options::default()
    };
    Ok(Box::new(told(Bitcask::open(OsStorage, dir, options))?))
}

/// Whether a merge made its file, and what it was made of is not all removed.
fn are_merged_files_left(names: &[String]) -> bool {
    let numbers = |end: &str| -> Vec<u64> {
        let number = |name: &String| name.strip_suffix(end)?.parse().ok();
        names.iter().filter_map(number).collect()
    };
    let (merged, data) = (numbers(".merged"), numbers(".log"));
    let newest = merged.iter().max();
    merged.len() > 1 || newest.is_some_and(|hi| data.iter().any(|first| first <= hi))
}

impl Store for Bitcask<OsStorage> {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        told(self.write(writes)).map(|_| None)
    }

    fn maintain(&self, task: Task, _: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.sync()),
            Task::Rotate => told(self.rotate()),
            Task::Merge => told(self.merge()),
            _ => unknown(task),
        }
    }

    fn get(&self, key: &[u8]) -> Option<Result<Option<Vec<u8>>, String>> {
        Some(told(self.get(key)))
    }

    fn read(&self) -> Result<Contents, String> {
        let folded = self.fold(BTreeMap::new(), |mut all, key, value| {
            all.insert(key.to_vec(), value.to_vec());
            all
        });
        told(folded).map(Contents::Keys)
    }
}

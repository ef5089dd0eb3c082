//! The LSM tree: flushed, compacted.

use super::{
    Contents, Engine, Kind, Opened, Store as Soaked, Task, is_in_the_making, told, unknown,
};
use crate::engine::lsm::{Lsn, Options, Store, SyncMode, Write};
use crate::storage::os::OsStorage;
use std::path::Path;

pub(super) const ENGINE: Engine = Engine {
    name: "lsm",
    kind: Kind::Keys,
    value_bytes_max: usize::MAX,
    tasks: &[Task::Flush, Task::Flush, Task::Compact, Task::Sync],
    open,
    is_half_done: |names| is_in_the_making(names) || is_superseded(names),
};

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        flush_at: 8_000,
        fanout: 3,
        ..Options::default()
    };
    Ok(Box::new(told(Store::open(OsStorage, dir, options))?))
}

/// Whether a table is left whose records a merged one holds.
fn is_superseded(names: &[String]) -> bool {
    let interval = |name: &String| {
        let (lo, hi) = name.strip_suffix(".sst")?.split_once('-')?;
        Some((lo.parse::<u64>().ok()?, hi.parse::<u64>().ok()?))
    };
    let tables: Vec<(u64, u64)> = names.iter().filter_map(interval).collect();
    tables.iter().any(|one| {
        let holds = |other: &(u64, u64)| other != one && other.0 <= one.0 && one.1 <= other.1;
        tables.iter().any(holds)
    })
}

impl Soaked for Store<OsStorage> {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        told(self.write(writes)).map(|_| None)
    }

    fn maintain(&self, task: Task, _: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.sync()),
            Task::Flush => told(self.flush()),
            Task::Compact => told(self.compact()),
            _ => unknown(task),
        }
    }

    fn get(&self, key: &[u8]) -> Option<Result<Option<Vec<u8>>, String>> {
        Some(told(self.get(key)))
    }

    fn read(&self) -> Result<Contents, String> {
        let pairs: Result<_, _> = self.scan::<[u8]>(..).collect();
        told(pairs).map(Contents::Keys)
    }
}

//! The log in one file.

use super::{Contents, Engine, Kind, Opened, Record, Store, Task, is_in_the_making, told, unknown};
use crate::engine::wal::{Log, Lsn, Options, SyncMode, Write};
use crate::storage::os::OsStorage;
use std::path::Path;

pub(super) const ENGINE: Engine = Engine {
    name: "log",
    kind: Kind::Records,
    value_bytes_max: usize::MAX,
    tasks: &[Task::Sync],
    open,
    is_half_done: is_in_the_making,
};

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        preallocate: 4096,
        ..Options::default()
    };
    Ok(Box::new(told(Log::open(OsStorage, dir, options))?))
}

impl Store for Log<OsStorage> {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        told(self.append_batch(writes)).map(Some)
    }

    fn maintain(&self, task: Task, _: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.sync()),
            _ => unknown(task),
        }
    }

    fn read(&self) -> Result<Contents, String> {
        let record = |record: crate::engine::wal::Record| Record {
            lsn: record.lsn,
            writes: record.writes,
        };
        let records = self.records().map(|read| told(read).map(record));
        Ok(Contents::Records(0, records.collect::<Result<_, _>>()?))
    }
}

//! The log in segments: rotated, truncated.

use super::{Contents, Engine, Kind, Opened, Record, Store, Task, is_in_the_making, told, unknown};
use crate::engine::wal::segments::{Options, SegmentedLog};
use crate::engine::wal::{Entry, Lsn, SyncMode, Write};
use crate::storage::os::OsStorage;
use std::path::Path;

pub(super) const ENGINE: Engine = Engine {
    name: "wal",
    kind: Kind::Records,
    value_bytes_max: usize::MAX,
    tasks: &[
        Task::Rotate,
        Task::Truncate,
        Task::Truncate,
        Task::Checkpoint,
        Task::Sync,
    ],
    open,
    is_half_done: is_in_the_making,
};

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        preallocate: 4096,
        segment_bytes: 8_000,
        ..Options::default()
    };
    Ok(Box::new(told(SegmentedLog::open(OsStorage, dir, options))?))
}

impl Store for SegmentedLog<OsStorage> {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        told(self.append_batch(writes)).map(Some)
    }

    fn maintain(&self, task: Task, up_to: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.sync()),
            Task::Rotate => told(self.rotate()),
            Task::Truncate => told(self.truncate(up_to)),
            Task::Checkpoint => told(self.checkpoint(up_to)).map(drop),
            _ => unknown(task),
        }
    }

    fn read(&self) -> Result<Contents, String> {
        let mut records = Vec::new();
        for record in self.records() {
            let record = told(record)?;
            if let Entry::Writes(writes) = record.entry {
                let lsn = record.lsn;
                records.push(Record { lsn, writes });
            }
        }
        Ok(Contents::Records(self.truncation_point(), records))
    }
}

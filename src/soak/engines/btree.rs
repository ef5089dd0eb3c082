//! The B-tree: split, merged, its pages put in place. One thread at a time has it.

use super::{Contents, Engine, Kind, Opened, Store, Task, is_in_the_making, told, unknown};
use crate::engine::btree::{Btree, Options};
use crate::engine::wal::{Lsn, SyncMode, Write};
use crate::storage::os::OsStorage;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

pub(super) const ENGINE: Engine = Engine {
    name: "btree",
    kind: Kind::Keys,
    // A key and its value have a quarter of a page.
    value_bytes_max: 90,
    tasks: &[Task::Checkpoint, Task::Checkpoint, Task::Sync],
    open,
    is_half_done: is_in_the_making,
};

struct Tree(Mutex<Btree<OsStorage>>);

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        page_bytes: 512,
        checkpoint_at: 32_000,
        ..Options::default()
    };
    let tree = told(Btree::open(OsStorage, dir, options))?;
    Ok(Box::new(Tree(Mutex::new(tree))))
}

impl Tree {
    fn lock(&self) -> Result<MutexGuard<'_, Btree<OsStorage>>, String> {
        told(self.0.lock())
    }
}

impl Store for Tree {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        told(self.lock()?.write(writes)).map(|_| None)
    }

    fn maintain(&self, task: Task, _: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.lock()?.sync()),
            Task::Checkpoint => told(self.lock()?.checkpoint()),
            _ => unknown(task),
        }
    }

    fn get(&self, key: &[u8]) -> Option<Result<Option<Vec<u8>>, String>> {
        Some(self.lock().and_then(|tree| told(tree.get(key))))
    }

    fn read(&self) -> Result<Contents, String> {
        let tree = self.lock()?;
        let pairs: Result<_, _> = tree.range::<[u8]>(..).collect();
        told(pairs).map(Contents::Keys)
    }
}

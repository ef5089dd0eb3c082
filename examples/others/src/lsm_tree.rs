//! coordinode-lsm-tree, an LSM tree without a log of its own, over the file system trait that it has.
//!
//! What is written is in memory only, so a write is *returned*; a flush is what it promises to be *durable*: "the
//! tables, their directories and the manifest edits that name them are persisted". A client that closes it flushes
//! first.
//!
//! It has two threads of its own. One makes files ahead, and can be told to do that on the thread that needs them; the
//! other removes obsolete tables, for which see the seam.

mod seam;

use lightsout::explore::{Failure, Map, MapWrite, Operation, Subject, Told};
use lightsout::storage::Storage;
use lightsout::storage::simulated::Simulated;
pub use lsm_tree::config::ManifestRecoveryMode as TornTail;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Clock, Config, Guard, MAX_SEQNO, RepairPolicy,
    SequenceNumberCounter, WriteBatch,
};
pub use seam::{Barriers, Writes};
use seam::{Disk, Files};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TREE: &str = "/tree";
const CACHE_BYTES: u64 = 1 << 16;
/// What a compaction makes its tables as large as.
const TABLE_BYTES: u64 = 1 << 16;

/// Who makes the tree's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The engine, where it is missing.
    ByEngine,
    /// The client, who makes the name durable before every open.
    ByClient,
}

/// What is done with a tree that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// That is said.
    Plain,
    /// Where its files are damaged, its manifest is made anew from its tables.
    Repairing,
}

/// The tree.
#[derive(Clone, Copy, Debug)]
pub struct LsmTree {
    /// What becomes of its barriers.
    pub barriers: Barriers,
    /// When its writes reach the disk.
    pub writes: Writes,
    /// Who makes its folder.
    pub folder: Folder,
    /// What is done where it does not open.
    pub opening: Opening,
    /// What an open makes of the end of the manifest's log, where a crash left a piece of a record.
    pub torn_tail: TornTail,
    /// Bytes of the manifest's log beyond which a whole manifest is written, in a new file.
    pub log_bytes: u64,
    /// Empty files for tables to come that it makes ahead, under durable names.
    pub pool: usize,
}

impl LsmTree {
    /// As it comes, but that it opens where a crash tore the log of the manifest, that no thread makes files ahead,
    /// that its folder is made for it, and that it is explored faster.
    pub const USUAL: Self = Self {
        barriers: Barriers::Kept,
        writes: Writes::Gathered,
        folder: Folder::ByClient,
        opening: Opening::Plain,
        torn_tail: TornTail::TolerateCorruptedTailRecords,
        log_bytes: 1 << 20,
        pool: 0,
    };
}

/// An open tree. Dropped, its process dies with it: nothing is written any more.
pub struct Store {
    tree: Option<AnyTree>,
    next: SequenceNumberCounter,
    visible: SequenceNumberCounter,
    disk: Arc<Disk>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.disk.die();
    }
}

impl Store {
    fn tree(&self) -> Result<&AnyTree, Failure> {
        self.tree.as_ref().ok_or("it is closed".into())
    }
}

/// Its tables say when they were made: always at the same time.
struct Stopped;

impl Clock for Stopped {
    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }
}

impl Subject for LsmTree {
    type Contract = Map;
    type Store = Store;

    fn open(&self, storage: &Simulated) -> Result<Store, Failure> {
        if self.folder == Folder::ByClient {
            let (folder, above) = (Path::new(TREE), Path::new("/"));
            if !storage.exists(folder)? {
                storage.create_dir(folder)?;
            }
            if self.barriers == Barriers::Kept {
                storage.directory_barrier(above)?;
            }
        }
        let disk = Disk::new(storage, self.barriers, self.writes);
        let (next, visible) = <(SequenceNumberCounter, SequenceNumberCounter)>::default();
        let config = Config::new(TREE, next.clone(), visible.clone())
            .with_fs(Files(disk.clone()))
            .with_clock(Arc::new(Stopped))
            .use_cache(Arc::new(Cache::with_capacity_bytes(CACHE_BYTES)))
            .use_descriptor_table(None)
            .manifest_recovery_mode(self.torn_tail)
            .manifest_log_rotate_bytes(self.log_bytes)
            .table_file_pool(self.pool)
            .table_file_refill_inline(true);
        let tree = match self.opening {
            Opening::Plain => config.open()?,
            Opening::Repairing => config.open_or_repair(RepairPolicy::default())?.0,
        };
        let store = Store {
            tree: Some(tree),
            next,
            visible,
            disk,
        };
        if let Some(highest) = store.tree()?.get_highest_seqno() {
            store.next.fetch_max(highest + 1);
            store.visible.fetch_max(highest + 1);
        }
        store.disk.remove_obsolete();
        Ok(store)
    }

    fn apply(&self, store: &mut Store, operation: &Operation<MapWrite>) -> Result<Told, Failure> {
        let tree = store.tree()?;
        let told = match operation {
            Operation::Write(writes) => {
                let mut batch = WriteBatch::new();
                for write in writes {
                    match write {
                        MapWrite::Put(key, value) => batch.insert(&key[..], &value[..]),
                        MapWrite::Delete(key) => batch.remove(&key[..]),
                    }
                }
                let number = store.next.next();
                tree.apply_batch(batch, number)?;
                store.visible.fetch_max(number + 1);
                Told::Returned
            }
            Operation::Sync => {
                tree.flush_active_memtable(0)?;
                Told::Durable
            }
            // Nobody reads the past, so all of it may go.
            Operation::Maintain(name) if name == "compact" => {
                tree.major_compact(TABLE_BYTES, store.next.get())?;
                Told::Returned
            }
            other => return Err(format!("it knows nothing of {other:?}").into()),
        };
        store.disk.remove_obsolete();
        Ok(told)
    }

    fn observe(&self, store: &mut Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        let mut state = BTreeMap::new();
        for pair in store.tree()?.iter(MAX_SEQNO, None) {
            let (key, value) = pair.into_inner()?;
            state.insert(key.to_vec(), value.to_vec());
        }
        Ok(state)
    }

    fn close(&self, mut store: Store) -> Result<Told, Failure> {
        store.tree()?.flush_active_memtable(0)?;
        drop(store.tree.take());
        store.disk.remove_obsolete();
        Ok(Told::Durable)
    }
}

/// Writes, flushes, a compaction, and a close.
pub fn operations() -> Vec<Operation<MapWrite>> {
    let put = |key: &str, value: &str| Operation::Write(vec![MapWrite::put(key, value)]);
    vec![
        put("a", "1"),
        Operation::Sync,
        Operation::Write(vec![MapWrite::put("a", "2"), MapWrite::put("b", "3")]),
        Operation::Sync,
        Operation::maintain("compact"),
        Operation::Write(vec![MapWrite::delete("a")]),
        Operation::Reopen,
        put("c", "4"),
        Operation::Sync,
    ]
}

//! raft-engine as a subject: key-value pairs and entries of Raft groups, in one map.
//!
//! | key of the map | of raft-engine |
//! |---|---|
//! | `1/name` | the pair `name` of group 1 |
//! | `1#7` | entry 7 of group 1; to delete it is to compact up to it |
//! | `1` | group 1: to delete it is to clean it. In a batch the deletes of what it held come after it |
//! | another one | a pair of a group of its own |
//!
//! raft-engine reads no clock to decide anything, and its thread for metrics writes nothing. Entries are read through
//! a cache of each *thread*, whose key does not say of which engine (`BLOCK_CACHE` in `engine.rs`): so they are read
//! on a thread that ends with the call, else a recovery would be shown the entries of another disk.

mod files;

pub use files::{Allocation, Barriers, Care, World};
use files::{Files, Process};
use lightsout::explore::{Failure, Map, MapWrite, Operation, Subject, Told};
use lightsout::storage::simulated::Simulated;
use protobuf::well_known_types::Any;
pub use raft_engine::RecoveryMode;
use raft_engine::{Command, Config, Engine, LogBatch, MessageExt, ReadableSize};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

/// The group of what names none.
const OTHERS: u64 = 100;

/// raft-engine.
#[derive(Clone, Copy, Debug)]
pub struct RaftEngine {
    /// The world that it is in.
    pub world: World,
    /// What its recovery tolerates.
    pub mode: RecoveryMode,
    /// Purged files are used again.
    pub recycle: bool,
    /// Each write is synced. Otherwise [`Operation::Sync`] is to make it durable.
    pub synced: bool,
    /// The log goes on in the next file after so many bytes; a purge begins with the third.
    pub file_bytes: u64,
}

impl Default for RaftEngine {
    fn default() -> Self {
        Self {
            world: World {
                barriers: Barriers::Kept,
                care: Care::None,
                allocation: Allocation::Lengthens,
            },
            mode: RecoveryMode::TolerateTailCorruption,
            recycle: true,
            synced: true,
            file_bytes: 512,
        }
    }
}

impl RaftEngine {
    /// On a file system that makes durable what an open finds, and the names that it makes.
    pub fn with_care() -> Self {
        let found = Self::default();
        Self {
            world: World {
                care: Care::AtOpen,
                ..found.world
            },
            ..found
        }
    }

    /// With so small files that each value of sixty bytes begins a new one.
    #[must_use]
    pub fn in_small_files(self) -> Self {
        Self {
            file_bytes: 128,
            ..self
        }
    }
}

/// An open engine. Dropped, its process dies with it: nothing is written any more.
#[derive(Debug)]
pub struct Store {
    // Dropped before the directory, in which it holds a lock.
    engine: Opaque,
    process: Arc<Process>,
    _directory: TempDir,
}

struct Opaque(Option<Engine<Files>>);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("raft-engine")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.process.go();
    }
}

impl Store {
    /// Runs code of raft-engine. Where it panics, the process is gone: so is that of TiKV.
    fn run<T>(
        &self,
        code: impl FnOnce(&Engine<Files>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let engine = self.engine.0.as_ref().ok_or("it is closed")?;
        if self.process.is_gone() {
            return Err("the process is gone".into());
        }
        catch_unwind(AssertUnwindSafe(|| code(engine))).unwrap_or_else(|_| {
            self.process.go();
            Err("it panicked".into())
        })
    }

    /// The same, where there are entries on a thread of its own: without the blocks that this one read of other
    /// disks.
    fn run_apart<T: Send>(
        &self,
        code: impl FnOnce(&Engine<Files>) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.run(|engine| {
            let mut groups = engine.raft_groups().into_iter();
            if groups.all(|group| engine.first_index(group).is_none()) {
                return code(engine);
            }
            thread::scope(|scope| scope.spawn(|| code(engine)).join())
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// An entry: its index stands where a name of its type would.
struct Entry;

impl MessageExt for Entry {
    type Entry = Any;

    fn index(entry: &Any) -> u64 {
        entry.type_url.parse().unwrap_or(0)
    }
}

/// Where a key of the map is.
enum Place {
    Group(u64),
    Pair(u64, Vec<u8>),
    Entry(u64, u64),
}

impl Place {
    fn of(key: &[u8]) -> Self {
        let named = || {
            let key = std::str::from_utf8(key).ok()?;
            if let Some((group, name)) = key.split_once('/') {
                return Some(Place::Pair(group.parse().ok()?, name.into()));
            }
            if let Some((group, index)) = key.split_once('#') {
                return Some(Place::Entry(group.parse().ok()?, index.parse().ok()?));
            }
            Some(Place::Group(key.parse().ok()?))
        };
        named().unwrap_or_else(|| Place::Pair(OTHERS, key.into()))
    }

    fn group(&self) -> u64 {
        let (Place::Group(group) | Place::Pair(group, _) | Place::Entry(group, _)) = self;
        *group
    }
}

fn batch(writes: &[MapWrite]) -> Result<LogBatch, Failure> {
    let mut batch = LogBatch::default();
    let mut cleaned = None;
    for write in writes {
        let (MapWrite::Put(key, _) | MapWrite::Delete(key)) = write;
        let place = Place::of(key);
        match (write, place) {
            (MapWrite::Put(_, value), Place::Pair(group, name)) => {
                batch.put(group, name, value.clone())?;
            }
            (MapWrite::Put(_, value), Place::Entry(group, index)) => {
                let mut entry = Any::new();
                entry.set_type_url(index.to_string());
                entry.set_value(value.clone());
                batch.add_entries::<Entry>(group, &[entry])?;
            }
            (MapWrite::Put(..), Place::Group(_)) => return Err("a group has no value".into()),
            (MapWrite::Delete(_), place) if cleaned == Some(place.group()) => {}
            (MapWrite::Delete(_), Place::Group(group)) => {
                batch.add_command(group, Command::Clean);
                cleaned = Some(group);
            }
            (MapWrite::Delete(_), Place::Pair(group, name)) => batch.delete(group, name),
            (MapWrite::Delete(_), Place::Entry(group, index)) => {
                batch.add_command(group, Command::Compact { index: index + 1 });
            }
        }
    }
    Ok(batch)
}

/// All that a client can read.
fn read(engine: &Engine<Files>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
    let mut state = BTreeMap::new();
    for group in engine.raft_groups() {
        engine.scan_raw_messages(group, None, None, false, |name, value| {
            let key = match group {
                OTHERS => name.to_vec(),
                _ => [format!("{group}/").as_bytes(), name].concat(),
            };
            state.insert(key, value.to_vec());
            true
        })?;
        let (Some(first), Some(last)) = (engine.first_index(group), engine.last_index(group))
        else {
            continue;
        };
        for index in first..=last {
            let entry = engine.get_entry::<Entry>(group, index)?;
            let entry = entry.ok_or("an entry between the first and the last is not there")?;
            state.insert(format!("{group}#{index}").into(), entry.value);
        }
    }
    Ok(state)
}

impl RaftEngine {
    fn config(&self, directory: &TempDir) -> Result<Config, Failure> {
        let dir = directory.path().to_str().ok_or("no such directory")?;
        Ok(Config {
            dir: dir.into(),
            recovery_mode: self.mode,
            // More than any file here: a sector that no recovery reads stays open, and there is no fixpoint.
            recovery_read_block_size: ReadableSize::kb(4),
            recovery_threads: 1,
            batch_compression_threshold: ReadableSize(0),
            target_file_size: ReadableSize(self.file_bytes),
            purge_threshold: ReadableSize(2 * self.file_bytes),
            purge_rewrite_threshold: Some(ReadableSize(self.file_bytes)),
            enable_log_recycle: self.recycle,
            ..Config::default()
        })
    }
}

impl Subject for RaftEngine {
    type Contract = Map;
    type Store = Store;

    fn name(&self) -> String {
        match self.world.care {
            Care::None => "raft-engine as found".into(),
            Care::AtOpen => "raft-engine with care at open".into(),
        }
    }

    fn open(&self, storage: &Simulated) -> Result<Store, Failure> {
        let process = Arc::new(Process::new(storage, self.world));
        let directory = process.directory()?;
        let files = Arc::new(Files::new(&process));
        let engine = Engine::open_with_file_system(self.config(&directory)?, files)?;
        let store = Store {
            engine: Opaque(Some(engine)),
            process,
            _directory: directory,
        };
        store.process.opened()?;
        Ok(store)
    }

    fn apply(&self, store: &mut Store, operation: &Operation<MapWrite>) -> Result<Told, Failure> {
        match operation {
            Operation::Write(writes) => {
                let mut batch = batch(writes)?;
                store.run(|engine| Ok(engine.write(&mut batch, self.synced)?))?;
                Ok(match self.synced {
                    true => Told::Durable,
                    false => Told::Returned,
                })
            }
            Operation::Sync => {
                store.run(|engine| Ok(engine.sync()?))?;
                Ok(Told::Durable)
            }
            Operation::Maintain(name) if name == "purge" => {
                store.run_apart(|engine| Ok(engine.purge_expired_files()?))?;
                Ok(Told::Returned)
            }
            other => Err(format!("it knows nothing of {other:?}").into()),
        }
    }

    fn observe(&self, store: &mut Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        store.run_apart(read)
    }

    fn close(&self, mut store: Store) -> Result<Told, Failure> {
        let engine = store.engine.0.take();
        catch_unwind(AssertUnwindSafe(|| drop(engine))).map_err(|_| "it panicked")?;
        match store.process.is_gone() {
            true => Err("the process is gone".into()),
            false => Ok(Told::Durable),
        }
    }
}

/// Sets a value of so many bytes.
pub fn put(key: &str, bytes: usize) -> Operation<MapWrite> {
    // Two writes of one key with different lengths have different bytes.
    let byte = b'a' + (bytes % 26) as u8;
    Operation::Write(vec![MapWrite::put(key, vec![byte; bytes])])
}

/// In small files: three of them, a purge that rewrites what is current in the first two and gives them up, and two
/// that take the place of those.
pub fn operations() -> Vec<Operation<MapWrite>> {
    vec![
        put("1/a", 60),
        put("1/b", 60),
        put("1/a", 61),
        Operation::maintain("purge"),
        put("1/c", 60),
        put("1/d", 60),
    ]
}

//! The seam: redb's [`StorageBackend`] over one file of a simulated machine, and redb as a subject.
//!
//! redb is given what its design document asks of a file system: single bytes are written whole or not at
//! all (a sector is, here, which is more), what `sync_data` covered is durable, and a write changes nothing
//! beside it. The name of the file is its user's business, so the adapter makes it durable.

use lightsout::explore::subject::Mask;
use lightsout::explore::{Failure, Map, MapWrite, Operation, Subject, Told};
use lightsout::storage::simulated::{Simulated, SimulatedFile};
use lightsout::storage::{File, Storage};
use redb::{
    Builder, Database, Durability, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError,
};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

mod normalise;

const DIRECTORY: &str = ".";
const FILE: &str = "map.redb";
const UNFINISHED: &str = "map.redb.new";
const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("map");
const COMMITS_THAT_OVERWRITE: usize = 2;
const CACHE_BYTES: usize = 1 << 20;

/// One file of a simulated machine, as redb sees it.
#[derive(Debug)]
struct Backend {
    file: SimulatedFile,
    barriers: Barriers,
    gone: Arc<AtomicBool>,
}

/// What becomes of `sync_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barriers {
    /// It is a data barrier.
    Kept,
    /// It does nothing: the control, in which a loss is to be found.
    Left,
}

impl Backend {
    /// After the process is gone no call reaches the file.
    fn alive(&self) -> io::Result<()> {
        match self.gone.load(Ordering::Relaxed) {
            true => Err(io::Error::other("the process is gone")),
            false => Ok(()),
        }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.alive()?;
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.alive()?;
        match self.file.read_at(offset, out)? == out.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.alive()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.alive()?;
        match self.barriers {
            Barriers::Kept => self.file.data_barrier(),
            Barriers::Left => Ok(()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.alive()?;
        self.file.write_at(offset, data)
    }
}

/// How the file comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// An empty database, made elsewhere and compacted, is copied under another name and renamed.
    Copied,
    /// redb makes it in its place, after the name is durable.
    InPlace,
}

/// How a transaction is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// As redb does by default: with one barrier, and checksums.
    OnePhase,
    /// With a second barrier before the root is switched.
    TwoPhase,
    /// In two phases, and with the state of the allocator: no repair is needed after a crash.
    QuickRepair,
}

/// What a power cut may do to the header: it tells [`Subject::normalise`] how much it may mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It is in one sector, which is written whole or not at all.
    Whole,
    /// It is in several sectors.
    Torn,
}

impl Header {
    const BYTES: usize = 320;

    /// As sectors of so many bytes leave it.
    pub fn in_sectors_of(bytes: usize) -> Self {
        match bytes < Self::BYTES {
            true => Self::Torn,
            false => Self::Whole,
        }
    }
}

impl Commit {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Commit::OnePhase => "one-phase",
            Commit::TwoPhase => "two-phase",
            Commit::QuickRepair => "quick-repair",
        }
    }
}

/// redb.
#[derive(Clone, Copy, Debug)]
pub struct Redb {
    /// What becomes of its barriers.
    pub barriers: Barriers,
    /// How its file comes to be.
    pub making: Making,
    /// How it commits.
    pub commit: Commit,
    /// What a power cut may do to its header.
    pub header: Header,
}

impl Default for Redb {
    fn default() -> Self {
        Self {
            barriers: Barriers::Kept,
            making: Making::Copied,
            commit: Commit::OnePhase,
            header: Header::Whole,
        }
    }
}

/// An open database. Dropped, its process dies with it: nothing is written any more.
#[derive(Debug)]
pub struct Store {
    database: Option<Database>,
    gone: Arc<AtomicBool>,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

impl Store {
    fn database(&self) -> Result<&Database, Failure> {
        self.database.as_ref().ok_or("it is closed".into())
    }

    fn close(mut self) {
        drop(self.database.take());
    }
}

impl Redb {
    fn create(&self, file: SimulatedFile) -> Result<Store, Failure> {
        let gone = Arc::new(AtomicBool::new(false));
        let backend = Backend {
            file,
            barriers: self.barriers,
            gone: gone.clone(),
        };
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)?;
        Ok(Store {
            database: Some(database),
            gone,
        })
    }

    fn make(&self, storage: &Simulated) -> Result<(), Failure> {
        let (file, unfinished) = (Path::new(FILE), Path::new(UNFINISHED));
        match self.making {
            Making::InPlace => drop(storage.create(file)?),
            Making::Copied => {
                if storage.exists(unfinished)? {
                    storage.remove(unfinished)?;
                }
                let copy = storage.create(unfinished)?;
                let closed = self.commit == Commit::QuickRepair;
                copy.write_at(0, empty_database(closed)?)?;
                copy.barrier()?;
                storage.rename(unfinished, file)?;
            }
        }
        Ok(())
    }
}

/// The bytes of an empty database: some kilobytes, where redb itself begins with a megabyte.
///
/// Closed, it holds the state of its allocator. Otherwise it is as a crash left it after some commits, which
/// have overwritten that state: it fills every sector of a page, and each set of those that a later write of the
/// page may lose is one more garbage page, of no interest to anybody.
fn empty_database(closed: bool) -> Result<&'static [u8], Failure> {
    static EMPTY: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    let place = &EMPTY[usize::from(closed)];
    if let Some(empty) = place.get() {
        return Ok(empty);
    }
    let elsewhere = Simulated::named("strict").ok_or("no such profile")?;
    elsewhere.create(Path::new(FILE))?;
    let redb = Redb::default();
    let open = || redb.create(elsewhere.open(Path::new(FILE))?);
    let mut store = open()?;
    if let Some(database) = &mut store.database {
        database.compact()?;
    }
    store.close();
    if !closed {
        let mut store = open()?;
        for _ in 0..COMMITS_THAT_OVERWRITE {
            redb.apply(&mut store, &Operation::Write(vec![MapWrite::put("", "")]))?;
            redb.apply(&mut store, &Operation::Write(vec![MapWrite::delete("")]))?;
        }
    }
    let file = elsewhere.open(Path::new(FILE))?;
    let mut bytes = vec![0; file.len()? as usize];
    file.read_at(0, &mut bytes)?;
    Ok(place.get_or_init(|| bytes))
}

impl Subject for Redb {
    type Contract = Map;
    type Store = Store;

    fn name(&self) -> String {
        format!("commits: {}", self.commit.name())
    }

    fn open(&self, storage: &Simulated) -> Result<Store, Failure> {
        if !storage.exists(Path::new(FILE))? {
            self.make(storage)?;
        }
        // A crash may have left a name that is only cached.
        storage.directory_barrier(Path::new(DIRECTORY))?;
        self.create(storage.open(Path::new(FILE))?)
    }

    fn apply(&self, store: &mut Store, operation: &Operation<MapWrite>) -> Result<Told, Failure> {
        let database = store.database()?;
        let mut transaction = database.begin_write()?;
        let told = match operation {
            Operation::Write(_) | Operation::Sync => Told::Durable,
            Operation::Maintain(name) if name == "none" => {
                transaction.set_durability(Durability::None)?;
                Told::Returned
            }
            other => return Err(format!("it knows nothing of {other:?}").into()),
        };
        if told == Told::Durable {
            match self.commit {
                Commit::OnePhase => {}
                Commit::TwoPhase => transaction.set_two_phase_commit(true),
                Commit::QuickRepair => transaction.set_quick_repair(true),
            }
        }
        if !operation.writes().is_empty() {
            let mut table = transaction.open_table(TABLE)?;
            for write in operation.writes() {
                match write {
                    MapWrite::Put(key, value) => drop(table.insert(&key[..], &value[..])?),
                    MapWrite::Delete(key) => drop(table.remove(&key[..])?),
                }
            }
        }
        transaction.commit()?;
        Ok(told)
    }

    fn observe(&self, store: &mut Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        let transaction = store.database()?.begin_read()?;
        let table = match transaction.open_table(TABLE) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(BTreeMap::new()),
            table => table?,
        };
        let mut state = BTreeMap::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            state.insert(key.value().into(), value.value().into());
        }
        Ok(state)
    }

    fn close(&self, store: Store) -> Result<Told, Failure> {
        if self.normalise().is_some() {
            return Err(
                "a closed file has the state of its allocator, of which the mask knows nothing"
                    .into(),
            );
        }
        store.close();
        Ok(Told::Durable)
    }

    /// With quick repair a recovery commits nothing, so there is nothing to mask.
    fn normalise(&self) -> Option<&Mask> {
        match (self.commit, self.header) {
            (Commit::QuickRepair, _) => None,
            (_, Header::Whole) => Some(&|_, bytes| normalise::mask_whole(bytes)),
            (_, Header::Torn) => Some(&|_, bytes| normalise::mask_torn(bytes)),
        }
    }
}

/// These transactions.
pub fn operations(transactions: Range<usize>) -> Vec<Operation<MapWrite>> {
    let put = |number| {
        let write = MapWrite::put(format!("key {number}"), format!("value {number}"));
        Operation::Write(vec![write])
    };
    transactions.map(put).collect()
}

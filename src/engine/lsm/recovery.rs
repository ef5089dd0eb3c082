//! Opening a durable store.
//!
//! ```text
//! read         names | live tables: header, index, filter, footer | log: header, run of records     nothing is changed before all is well
//! settle       directory barriers | records above the mark again | end mark | barrier of the log
//! remove       log.tmp | tables in the making | superseded tables                                   no barrier: what comes back goes again
//! ```
//!
//! The directory barriers come first: the end mark may fall on records of which only the name of a
//! new table says that they are covered, and the tables that a merged one supersedes are removed on
//! the strength of that one's name.

use super::Options;
use super::error::{Error, OrFail};
use super::memtable::Memtable;
use super::names::{self, Found, Interval, LOG, LOG_IN_THE_MAKING, Ranked};
use super::table::Table;
use super::version::Version;
use crate::engine::wal::file::{LogFile, write_header};
use crate::engine::wal::format::Owner;
use crate::engine::wal::{Lsn, Write, recovery};
use crate::storage::{Storage, parent};
use std::path::Path;
use std::sync::Arc;

/// A store that may be read and written.
#[derive(Debug)]
pub(super) struct Opened<F> {
    pub(super) log: LogFile<F>,
    pub(super) version: Version<F>,
}

/// Recovers the store in `dir`, or makes an empty one.
pub(super) fn open<S: Storage>(
    storage: &S,
    dir: &Path,
    options: &Options,
) -> Result<Opened<S::File>, Error> {
    let names = storage.list(dir).or_fail("open the store")?;
    let found = Found::sort(dir, &names)?;
    match found.has_log {
        true => recover(storage, dir, options, found),
        false if found.tables.is_empty() => create(storage, dir, options, &found),
        false => Err(Error::LogMissing {
            dir: dir.to_path_buf(),
        }),
    }
}

fn create<S: Storage>(
    storage: &S,
    dir: &Path,
    options: &Options,
    found: &Found,
) -> Result<Opened<S::File>, Error> {
    remove_leftovers(storage, dir, found)?;
    let (in_the_making, path) = (dir.join(LOG_IN_THE_MAKING), dir.join(LOG));
    let file = storage.create(&in_the_making).or_fail("make the log")?;
    write_header(&file, Owner::Lsm)?;
    // CRASH: before this the name in the making is left, or nothing; after it, a log with its
    // header.
    let renamed = storage.rename(&in_the_making, &path);
    renamed.or_fail("give the log its name")?;
    sync_names(storage, dir)?;
    // Under its final name, for the sake of what errors say.
    let file = storage.open(&path).or_fail("open the log")?;
    Ok(Opened {
        log: LogFile::empty(file, &path, Owner::Lsm, options.sync.into()),
        version: Version {
            memtable: Arc::new(Memtable::new()),
            tables: Vec::new(),
        },
    })
}

fn recover<S: Storage>(
    storage: &S,
    dir: &Path,
    options: &Options,
    mut found: Found,
) -> Result<Opened<S::File>, Error> {
    let Ranked { live, superseded } = names::rank(dir, std::mem::take(&mut found.tables))?;
    let mut tables = Vec::with_capacity(live.len());
    for interval in live.iter().rev() {
        tables.push(Arc::new(open_table(storage, dir, *interval)?));
    }
    let floor = tables.first().map(|newest| Lsn {
        generation: newest.meta().generation,
        index: newest.meta().hi,
    });
    let path = dir.join(LOG);
    let file = storage.open(&path).or_fail("open the log")?;
    let scan = recovery::scan(&file, &path, Owner::Lsm, floor)?;

    sync_names(storage, dir)?;
    scan.settle(&file, &path)?;
    remove_leftovers(storage, dir, &found)?;
    let mut superseded: Vec<String> = superseded.into_iter().map(Interval::table).collect();
    superseded.sort();
    for name in superseded {
        let removed = storage.remove(&dir.join(name));
        removed.or_fail("remove a table that another holds all of")?;
    }

    let log = LogFile::recovered(file, &path, Owner::Lsm, options.sync.into(), floor, scan);
    let memtable = Memtable::new();
    for record in log.read_from(None) {
        let record = record?;
        insert(&memtable, record.lsn, &record.writes);
    }
    Ok(Opened {
        log,
        version: Version {
            memtable: Arc::new(memtable),
            tables,
        },
    })
}

/// Takes a record into the memtable; nobody sees it before its index is shown.
pub(super) fn insert(memtable: &Memtable, lsn: Lsn, writes: &[Write]) {
    for write in writes {
        memtable.insert(lsn.index, write);
    }
}

/// Opens the table of that interval, which says so itself.
pub(super) fn open_table<S: Storage>(
    storage: &S,
    dir: &Path,
    interval: Interval,
) -> Result<Table<S::File>, Error> {
    let path = dir.join(interval.table());
    let file = storage.open(&path).or_fail("open a table")?;
    let table = Table::open(file, &path)?;
    let (lo, hi) = (table.meta().lo, table.meta().hi);
    match (Interval { lo, hi }) == interval {
        true => Ok(table),
        false => Err(Error::Damaged {
            path,
            at: table.file_bytes(),
            because: "its footer tells of other records than its name",
        }),
    }
}

fn remove_leftovers<S: Storage>(storage: &S, dir: &Path, found: &Found) -> Result<(), Error> {
    let log = found.has_log_in_the_making.then_some(LOG_IN_THE_MAKING);
    for name in log
        .into_iter()
        .chain(found.leftovers.iter().map(String::as_str))
    {
        let removed = storage.remove(&dir.join(name));
        removed.or_fail("remove what a crash left of a file in the making")?;
    }
    Ok(())
}

/// The names in the directory, and the directory's own name in its parent.
fn sync_names<S: Storage>(storage: &S, dir: &Path) -> Result<(), Error> {
    let synced = storage.directory_barrier(dir);
    synced.or_fail("sync the store")?;
    let synced = storage.directory_barrier(&parent(dir));
    synced.or_fail("sync the directory that the store is in")
}

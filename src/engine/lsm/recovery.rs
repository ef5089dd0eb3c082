//! Opening a durable store.
//!
//! ```text
//! make         where nothing was ever written, the logs that are missing: FILE.tmp, header, barrier | rename
//! read         names | live tables: header, index, filter, footer | logs: header, run of records    nothing is changed before all is well
//! settle       directory barriers | in each log: records above the mark again | end mark | barrier
//! remove       files in the making | superseded tables                                              no barrier: what comes back goes again
//! ```
//!
//! The directory barriers come first: the end mark may fall on records of which only the name of a
//! new table says that they are covered, and the tables that a merged one supersedes are removed on
//! the strength of that one's name.
//!
//! Which log is the active one, their records say: those of one log are all covered by tables, or live, and where both
//! have live ones, those of the active log follow those of the other. Where neither has any it is the first one.

use super::Options;
use super::book::Due;
use super::error::{Error, OrFail};
use super::memtable::Memtable;
use super::names::{self, Found, Interval, LOGS, LOGS_IN_THE_MAKING, Ranked};
use super::table::Table;
use super::version::Version;
use crate::engine::wal::file::{Habits, LogFile, write_header};
use crate::engine::wal::format::Owner;
use crate::engine::wal::recovery;
use crate::engine::wal::{Lsn, Write};
use crate::storage::{Storage, parent};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store that may be read and written.
#[derive(Debug)]
pub(super) struct Opened<F> {
    pub(super) active: LogFile<F>,
    pub(super) other: LogFile<F>,
    /// The records of the other log that no table holds.
    pub(super) due: Option<Due>,
    pub(super) version: Version<F>,
}

/// A log as it was found.
struct FoundLog<F> {
    path: PathBuf,
    file: F,
    /// The index of the record at its head; 0 where there is none.
    head: u64,
}

/// Recovers the store in `dir`, or makes an empty one.
pub(super) fn open<S: Storage>(
    storage: &S,
    dir: &Path,
    options: &Options,
) -> Result<Opened<S::File>, Error> {
    let names = storage.list(dir).or_fail("open the store")?;
    let mut found = Found::sort(dir, &names)?;
    if found.logs != [true; 2] {
        make_logs(storage, dir, &mut found)?;
    }
    let Ranked { live, superseded } = names::rank(dir, std::mem::take(&mut found.tables))?;
    let mut tables = Vec::with_capacity(live.len());
    for interval in live.iter().rev() {
        tables.push(Arc::new(open_table(storage, dir, *interval)?));
    }
    let floor = tables.first().map(|newest| Lsn {
        generation: newest.meta().generation,
        index: newest.meta().hi,
    });
    let [log, other] = LOGS;
    let (log, other) = (open_log(storage, dir, log)?, open_log(storage, dir, other)?);
    // The one whose live records come first, and the one behind it. Where no live record is at the head none are in the
    // log, or the first of them is torn or damaged: then what the other one reached tells which.
    let place = |log: &FoundLog<_>| match log.head > floor.map_or(0, |floor| floor.index) {
        true => log.head,
        false => u64::MAX,
    };
    let is_in_order = place(&log) <= place(&other);
    let (before, behind) = match is_in_order {
        true => (&log, &other),
        false => (&other, &log),
    };
    let scan = recovery::scan(&before.file, &before.path, Owner::Lsm, floor)?;
    let reached = scan.last();
    let scan_behind = recovery::scan(&behind.file, &behind.path, Owner::Lsm, reached)?;

    sync_names(storage, dir)?;
    let mut settled = [(before, &scan), (behind, &scan_behind)];
    settled.sort_by_key(|(log, _)| &log.path);
    for (log, scan) in settled {
        scan.settle(&log.file, &log.path)?;
    }
    remove_leftovers(storage, dir, &found)?;
    let mut superseded: Vec<String> = superseded.into_iter().map(Interval::table).collect();
    superseded.sort();
    for name in superseded {
        let removed = storage.remove(&dir.join(name));
        removed.or_fail("remove a table that another holds all of")?;
    }

    let habits = Habits {
        sync: options.sync,
        preallocate: options.preallocate,
    };
    let (before, behind) = match is_in_order {
        true => (log, other),
        false => (other, log),
    };
    let recovered = |log: FoundLog<S::File>, floor, scan| {
        LogFile::recovered(log.file, &log.path, Owner::Lsm, habits, floor, scan)
    };
    let before = recovered(before, floor, scan);
    opened(before, recovered(behind, reached, scan_behind), tables)
}

/// Tells the active log from the other one, and reads both.
fn opened<F: crate::storage::File>(
    before: LogFile<F>,
    behind: LogFile<F>,
    tables: Vec<Arc<Table<F>>>,
) -> Result<Opened<F>, Error> {
    let (mut active, mut other) = match behind.live_bytes() > 0 {
        true => (behind, before),
        false => (before, behind),
    };
    let memtable = Arc::new(read(&active)?);
    let due = (other.live_bytes() > 0).then(|| Due {
        lo: other.floor() + 1,
        hi: active.floor(),
        generation: other.last().map_or(0, |lsn| lsn.generation),
    });
    let flushing = match due {
        Some(_) => Some(Arc::new(read(&other)?)),
        None => None,
    };
    // Where it has no records it tells of no life: that it goes on in is that of both.
    other.is_of_the_life_of(&mut active);
    Ok(Opened {
        active,
        other,
        due,
        version: Version {
            memtable,
            flushing,
            tables,
        },
    })
}

/// What the live records of a log wrote.
fn read<F: crate::storage::File>(log: &LogFile<F>) -> Result<Memtable, Error> {
    let memtable = Memtable::new();
    for record in log.read_from(None) {
        let record = record?;
        insert(&memtable, record.lsn, &record.writes);
    }
    Ok(memtable)
}

fn open_log<S: Storage>(storage: &S, dir: &Path, name: &str) -> Result<FoundLog<S::File>, Error> {
    let path = dir.join(name);
    let file = storage.open(&path).or_fail("open the log")?;
    let head = recovery::head(&file, &path, Owner::Lsm)?;
    let head = head.map_or(0, |lsn| lsn.index);
    Ok(FoundLog { path, file, head })
}

/// Makes the logs that are missing, where nothing was ever written. Their names are cached.
fn make_logs<S: Storage>(storage: &S, dir: &Path, found: &mut Found) -> Result<(), Error> {
    let mut was_written = !found.tables.is_empty();
    for (name, _) in LOGS
        .iter()
        .zip(found.logs)
        .filter(|(_, is_there)| *is_there)
    {
        was_written |= open_log(storage, dir, name)?.head > 0;
    }
    if was_written {
        return Err(Error::LogMissing {
            dir: dir.to_path_buf(),
        });
    }
    remove_leftovers(storage, dir, found)?;
    found.leftovers.clear();
    for (log, is_there) in found.logs.iter_mut().enumerate() {
        if std::mem::replace(is_there, true) {
            continue;
        }
        let (in_the_making, path) = (dir.join(LOGS_IN_THE_MAKING[log]), dir.join(LOGS[log]));
        let file = storage.create(&in_the_making).or_fail("make the log")?;
        write_header(&file, Owner::Lsm)?;
        // CRASH: before this the name in the making is left, or nothing; after it, a log with its
        // header.
        let renamed = storage.rename(&in_the_making, &path);
        renamed.or_fail("give the log its name")?;
    }
    Ok(())
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
    for name in &found.leftovers {
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

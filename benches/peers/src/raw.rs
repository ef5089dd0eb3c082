//! The raw limit: what a disk gives to somebody who writes to a file and syncs it, with no store around.
//!
//! - *overwrite*: a record over zeros that were written and synced before, so that a sync changes no metadata.
//! - *append*: a record at the end of a file, so that each sync has a size to make durable.
//! - *group commit*: as overwrite; whoever finds nobody syncing leads, and writes and syncs what all have brought.

use crate::durable::{Durable, Found, Key, Outcome, Row, Value, lock};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};

/// As our log writes for a put of this size.
const RECORD: usize = 160;
/// The file that is overwritten; its end is followed by its beginning.
const RECORDS: u64 = 400_000;
const FILE: &str = "file";

/// A put of the raw loops: a write and a sync of its own.
pub(crate) const OVERWRITE: Row = Row {
    name: "raw: overwrite, fdatasync",
    open: |dir, _| {
        let at = Mutex::new((preallocated(dir)?, 0));
        Ok(Box::new(move |key: &Key, value: &Value| {
            let mut at = lock(&at)?;
            let (file, records) = &mut *at;
            write(file, records, &record(key, value))
        }))
    },
    found: |_| Ok(Found::Unasked),
};

/// The same at the end of a file.
pub(crate) const APPEND: Row = Row {
    name: "raw: append, fdatasync",
    open: |dir, _| {
        let file = File::create_new(dir.join(FILE))?;
        file.sync_all()?;
        let at = Mutex::new((file, 0));
        Ok(Box::new(move |key: &Key, value: &Value| {
            let mut at = lock(&at)?;
            let (file, bytes) = &mut *at;
            file.write_all_at(&record(key, value), *bytes)?;
            *bytes += RECORD as u64;
            Ok(file.sync_data()?)
        }))
    },
    found: |dir| {
        let bytes = dir.join(FILE).metadata()?.len();
        Ok(Found::Counted(bytes / RECORD as u64))
    },
};

/// One write and one sync for all that arrived.
pub(crate) const GROUP: Row = Row {
    name: "raw: overwrite, group commit",
    open: |dir, _| {
        let group = Group {
            file: Mutex::new((preallocated(dir)?, 0)),
            state: Mutex::default(),
            synced: Condvar::new(),
        };
        Ok(Box::new(group))
    },
    found: |_| Ok(Found::Unasked),
};

fn record(key: &Key, value: &Value) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..key.len()].copy_from_slice(key);
    record[key.len()..][..value.len()].copy_from_slice(value);
    record
}

fn preallocated(dir: &Path) -> Outcome<File> {
    let file = File::create_new(dir.join(FILE))?;
    let zeros = vec![0; 1000 * RECORD];
    for part in 0..RECORDS / 1000 {
        file.write_all_at(&zeros, part * zeros.len() as u64)?;
    }
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// Overwrites the next records, and syncs.
fn write(file: &File, records: &mut u64, bytes: &[u8]) -> Outcome {
    let count = (bytes.len() / RECORD) as u64;
    if *records + count > RECORDS {
        *records = 0;
    }
    file.write_all_at(bytes, *records * RECORD as u64)?;
    *records += count;
    Ok(file.sync_data()?)
}

/// Leader and followers.
struct Group {
    /// The leader's: the file, and how many records are in it.
    file: Mutex<(File, u64)>,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    /// What arrived since the last leader took it: the batch of this number.
    arrived: Vec<u8>,
    batch: u64,
    /// Batches that are durable: those below.
    durable: u64,
    leads: bool,
    failed: bool,
}

impl Durable for Group {
    fn put(&self, key: &Key, value: &Value) -> Outcome {
        let mut state = lock(&self.state)?;
        state.arrived.extend(record(key, value));
        let mine = state.batch;
        while state.durable <= mine && !state.failed {
            if state.leads {
                let woken = self.synced.wait(state);
                state = woken.map_err(|_| "another writer panicked")?;
                continue;
            }
            state.leads = true;
            state.batch += 1;
            let bytes = std::mem::take(&mut state.arrived);
            drop(state);
            let written = self.lead(&bytes);
            state = lock(&self.state)?;
            state.leads = false;
            state.failed |= written.is_err();
            state.durable = mine + 1;
            self.synced.notify_all();
            return written;
        }
        match state.failed {
            true => Err("another writer's sync failed".into()),
            false => Ok(()),
        }
    }
}

impl Group {
    fn lead(&self, bytes: &[u8]) -> Outcome {
        let mut at = lock(&self.file)?;
        let (file, records) = &mut *at;
        write(file, records, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::{key, value};
    use std::collections::BTreeSet;

    #[test]
    fn group_commit_writes_what_each_brought_once() -> Outcome {
        let home = tempfile::tempdir()?;
        let group = (GROUP.open)(home.path(), 4)?;
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let group = &group;
                scope.spawn(move || {
                    for number in 0..100 {
                        let key = key(number * 4 + thread);
                        group.put(&key, &value(&key)).expect("a put");
                    }
                });
            }
        });
        let bytes = std::fs::read(home.path().join(FILE))?;
        let records = bytes.chunks(RECORD).take_while(|record| record[0] != 0);
        let found: Vec<_> = records.map(|record| record.to_vec()).collect();
        let expected = (0..400)
            .map(key)
            .map(|key| record(&key, &value(&key)).to_vec());
        assert_eq!(found.len(), 400);
        assert_eq!(BTreeSet::from_iter(found), expected.collect());
        Ok(())
    }
}

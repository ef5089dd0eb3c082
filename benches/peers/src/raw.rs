//! The raw limit: what a disk gives to somebody who writes to a file and syncs it, with no store around.
//!
//! - *overwrite*: a record over zeros that were written and synced before, so that a sync changes no metadata.
//! - *append*: a record at the end of a file, so that each sync has a size to make durable.
//! - *group commit*: as overwrite, one write and one sync for all that arrived (`group`).

mod group;

pub(crate) use group::GROUP;

use crate::durable::{Found, Key, Outcome, Row, Value, lock};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

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

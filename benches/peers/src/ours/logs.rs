//! The log, whole and in segments.

use crate::durable::{Found, Key, Outcome, Row, Value};
use lightsout::engine::wal::segments::{self, SegmentedLog};
use lightsout::engine::wal::{self, Entry, Log, Write};
use lightsout::storage::os::OsStorage;
use std::collections::HashMap;
use std::path::Path;

fn open_log(dir: &Path) -> Outcome<Log<OsStorage>> {
    Ok(Log::open(OsStorage, dir, wal::Options::default())?)
}

fn open_segments(dir: &Path) -> Outcome<SegmentedLog<OsStorage>> {
    let options = segments::Options::default();
    Ok(SegmentedLog::open(OsStorage, dir, options)?)
}

pub(super) fn rows() -> [Row; 2] {
    [
        Row {
            name: "lightsout: log",
            open: |dir, _| {
                let log = open_log(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    log.append(&put(key, value))?;
                    Ok(())
                }))
            },
            found: |dir| {
                let log = open_log(dir)?;
                let records = log.records();
                pairs(records.map(|record| Ok(record?.writes)))
            },
        },
        Row {
            name: "lightsout: log in segments",
            open: |dir, _| {
                let log = open_segments(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    log.append(&put(key, value))?;
                    Ok(())
                }))
            },
            found: |dir| {
                let log = open_segments(dir)?;
                pairs(log.records().map(|record| {
                    Ok(match record?.entry {
                        Entry::Writes(writes) => writes,
                        Entry::Note(_) => Vec::new(),
                    })
                }))
            },
        },
    ]
}

fn put(key: &Key, value: &Value) -> Write {
    let (key, value) = (key.to_vec(), value.to_vec());
    Write::Put { key, value }
}

/// What the records of a log put.
fn pairs(records: impl Iterator<Item = Outcome<Vec<Write>>>) -> Outcome<Found> {
    let mut pairs = HashMap::new();
    for writes in records {
        for write in writes? {
            if let Write::Put { key, value } = write {
                pairs.insert(Key::try_from(&key[..])?, value);
            }
        }
    }
    Ok(Found::Pairs(pairs))
}

//! The engines of lightsout, each with its default settings: every write is durable before it returns.
//!
//! A handle that takes one writer at a time stands behind a lock, as its user would have it.

use crate::durable::{Found, Key, Outcome, Row, Value, lock};
use lightsout::engine::bitcask::{self, Bitcask};
use lightsout::engine::btree::{self, Btree};
use lightsout::engine::event_store::{self, EventStore, Expected, NewEvent};
use lightsout::engine::lsm;
use lightsout::engine::wal::segments::{self, SegmentedLog};
use lightsout::engine::wal::{self, Entry, Log, Write};
use lightsout::storage::os::OsStorage;
use std::collections::HashMap;
use std::path::Path;
use std::str;
use std::sync::Mutex;

type Store = lsm::Store<OsStorage>;

fn open_log(dir: &Path) -> Outcome<Log<OsStorage>> {
    Ok(Log::open(OsStorage, dir, wal::Options::default())?)
}

fn open_segments(dir: &Path) -> Outcome<SegmentedLog<OsStorage>> {
    let options = segments::Options::default();
    Ok(SegmentedLog::open(OsStorage, dir, options)?)
}

fn open_lsm(dir: &Path) -> Outcome<Store> {
    Ok(Store::open(OsStorage, dir, lsm::Options::default())?)
}

fn open_bitcask(dir: &Path) -> Outcome<Bitcask<OsStorage>> {
    let options = bitcask::Options::default();
    Ok(Bitcask::open(OsStorage, dir, options)?)
}

fn open_btree(dir: &Path) -> Outcome<Btree<OsStorage>> {
    Ok(Btree::open(OsStorage, dir, btree::Options::default())?)
}

/// Each key is a stream, with one event.
fn open_events(dir: &Path) -> Outcome<EventStore<OsStorage>> {
    let options = event_store::Options::default();
    Ok(EventStore::open(OsStorage, dir, options)?)
}

pub(crate) fn rows() -> [Row; 6] {
    [
        Row {
            name: "lightsout: log",
            open: |dir, _| {
                let log = Mutex::new(open_log(dir)?);
                Ok(Box::new(move |key: &Key, value: &Value| {
                    lock(&log)?.append(&put(key, value))?;
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
                let log = Mutex::new(open_segments(dir)?);
                Ok(Box::new(move |key: &Key, value: &Value| {
                    lock(&log)?.append(&put(key, value))?;
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
        Row {
            name: "lightsout: LSM tree",
            open: |dir, _| {
                let store = open_lsm(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    store.put(key, value)?;
                    Ok(())
                }))
            },
            found: |dir| {
                let store = open_lsm(dir)?;
                Ok(Found::Reads(Box::new(move |key| Ok(store.get(key)?))))
            },
        },
        Row {
            name: "lightsout: Bitcask",
            open: |dir, _| {
                let store = Mutex::new(open_bitcask(dir)?);
                Ok(Box::new(move |key: &Key, value: &Value| {
                    lock(&store)?.put(key, value)?;
                    Ok(())
                }))
            },
            found: |dir| {
                let store = open_bitcask(dir)?;
                Ok(Found::Reads(Box::new(move |key| Ok(store.get(key)?))))
            },
        },
        Row {
            name: "lightsout: B-tree",
            open: |dir, _| {
                let tree = Mutex::new(open_btree(dir)?);
                Ok(Box::new(move |key: &Key, value: &Value| {
                    lock(&tree)?.put(key, value)?;
                    Ok(())
                }))
            },
            found: |dir| {
                let tree = open_btree(dir)?;
                Ok(Found::Reads(Box::new(move |key| Ok(tree.get(key)?))))
            },
        },
        Row {
            name: "lightsout: event store",
            open: |dir, _| {
                let events = Mutex::new(open_events(dir)?);
                Ok(Box::new(move |key: &Key, value: &Value| {
                    let event = NewEvent::new("put", &str::from_utf8(value)?)?;
                    let stream = str::from_utf8(key)?;
                    lock(&events)?.append(stream, Expected::Any, vec![event])?;
                    Ok(())
                }))
            },
            found: |dir| {
                let events = open_events(dir)?;
                Ok(Found::Reads(Box::new(move |key| {
                    let mut stream = events.stream(str::from_utf8(key)?, 0);
                    let event = stream.next().map(|event| event.read::<&str>());
                    Ok(event.transpose()?.map(|data| data.as_bytes().to_vec()))
                })))
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

//! What reads by key.

use crate::durable::{Found, Key, Outcome, Row, Value};
use lightsout::engine::bitcask::{self, Bitcask};
use lightsout::engine::btree::{self, Btree};
use lightsout::engine::event_store::{self, EventStore, Expected, NewEvent};
use lightsout::engine::lsm;
use lightsout::storage::os::OsStorage;
use std::path::Path;
use std::str;

type Store = lsm::Store<OsStorage>;

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

pub(super) fn rows() -> [Row; 4] {
    [
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
                let store = open_bitcask(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    store.put(key, value)?;
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
                let tree = open_btree(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    tree.put(key, value)?;
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
                let events = open_events(dir)?;
                Ok(Box::new(move |key: &Key, value: &Value| {
                    let event = NewEvent::new("put", &str::from_utf8(value)?)?;
                    let stream = str::from_utf8(key)?;
                    events.append(stream, Expected::Any, vec![event])?;
                    Ok(())
                }))
            },
            found: |dir| {
                let events = open_events(dir)?;
                Ok(Found::Reads(Box::new(move |key| {
                    let mut stream = events.stream(str::from_utf8(key)?, 0);
                    let event = stream.next().map(|event| event.read::<String>());
                    Ok(event.transpose()?.map(String::into_bytes))
                })))
            },
        },
    ]
}

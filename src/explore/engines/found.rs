//! Bitcask and the event store as the study found them.

use super::super::contract::{Event, Map, MapWrite, Operation, Streams, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{map_writes, unknown};
use crate::engine::bitcask::as_found::{self as bitcask, AsFound};
use crate::engine::event_store::NewEvent;
use crate::engine::event_store::as_found::{self as lines, JsonLines};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::path::Path;

/// Bitcask as found. Its Ok is taken at its word where `sync_writes` is on.
#[derive(Clone, Debug)]
pub struct FoundBitcaskSubject {
    /// Its settings.
    pub options: bitcask::Options,
}

/// The event store as found: lines of JSON. Its Ok is taken at its word.
#[derive(Clone, Debug)]
pub struct JsonLinesSubject {
    /// Its settings.
    pub options: lines::Options,
}

impl Subject for FoundBitcaskSubject {
    type Contract = Map;
    type Store = AsFound<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(AsFound::open(
            storage.clone(),
            Path::new("store"),
            self.options,
        )?)
    }

    fn apply(
        &self,
        store: &mut Self::Store,
        operation: &Operation<MapWrite>,
    ) -> Result<Told, Failure> {
        match operation {
            Operation::Write(writes) => {
                store.write(&map_writes(writes))?;
                Ok(match self.options.sync_writes {
                    true => Told::Durable,
                    false => Told::Returned,
                })
            }
            Operation::Sync => {
                store.sync()?;
                Ok(Told::Durable)
            }
            Operation::Maintain(name) => {
                match &name[..] {
                    "rotate" => store.rotate()?,
                    "merge" => store.merge()?,
                    _ => return Err(unknown(operation)),
                }
                Ok(Told::Returned)
            }
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, store: &mut Self::Store) -> Result<StateOf<Self>, Failure> {
        Ok(store.contents())
    }
}

impl Subject for JsonLinesSubject {
    type Contract = Streams;
    type Store = JsonLines<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(JsonLines::open(
            storage.clone(),
            Path::new("store"),
            self.options,
        )?)
    }

    fn apply(
        &self,
        store: &mut Self::Store,
        operation: &Operation<Event>,
    ) -> Result<Told, Failure> {
        match operation {
            Operation::Write(events) => {
                for event in events {
                    store.persist(&event.stream, &NewEvent::new("said", &event.data)?)?;
                }
                Ok(Told::Durable)
            }
            Operation::Sync => Ok(Told::Returned),
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, store: &mut Self::Store) -> Result<Vec<Event>, Failure> {
        self.read(store)
    }
}

impl JsonLinesSubject {
    pub(super) fn read<T: Storage>(&self, store: &JsonLines<T>) -> Result<Vec<Event>, Failure> {
        let read = |line: &lines::Line| {
            Ok(Event {
                stream: line.stream.clone(),
                data: serde_json::from_str(&line.data)?,
            })
        };
        store.events().iter().map(read).collect()
    }
}

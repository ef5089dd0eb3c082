//! The event store.

use super::super::contract::{Event, Operation, Streams, Told};
use super::super::subject::{Failure, Subject};
use super::{durable, told, unknown};
use crate::engine::event_store::{EventStore, Expected, NewEvent, Options};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::path::Path;

/// The event store.
#[derive(Clone, Debug)]
pub struct EventStoreSubject {
    /// Its settings.
    pub options: Options,
}

impl Default for EventStoreSubject {
    fn default() -> Self {
        Self {
            options: Options {
                preallocate: 0,
                ..Options::default()
            },
        }
    }
}

impl Subject for EventStoreSubject {
    type Contract = Streams;
    type Store = EventStore<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(EventStore::open(
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
                let stream = &events
                    .first()
                    .ok_or("it knows nothing of an empty batch")?
                    .stream;
                let new = |event: &Event| NewEvent::new("said", &event.data);
                let new = events.iter().map(new).collect::<Result<Vec<_>, _>>()?;
                store.append(stream, Expected::Any, new)?;
                Ok(told(self.options.sync))
            }
            Operation::Sync => durable(store.sync()),
            Operation::Maintain(name) if name == "save" => {
                let events = store.events(None).count();
                durable(store.save("count", store.last(), &events))
            }
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, store: &mut Self::Store) -> Result<Vec<Event>, Failure> {
        self.read(store)
    }

    fn close(&self, store: Self::Store) -> Result<Told, Failure> {
        durable(store.close())
    }
}

impl EventStoreSubject {
    pub(super) fn read<T: Storage>(&self, store: &EventStore<T>) -> Result<Vec<Event>, Failure> {
        if let Some((position, count)) = store.saved::<usize>("count") {
            let counted = store
                .events(None)
                .filter(|event| event.position() <= position);
            if counted.count() != count {
                return Err("a snapshot does not say what the events before it say".into());
            }
        }
        let read = |event: &crate::engine::event_store::Event| {
            Ok(Event {
                stream: event.stream().into(),
                data: event.read()?,
            })
        };
        store.events(None).map(|it| read(&it)).collect()
    }

    /// Twenty operations.
    pub fn workload() -> Vec<Operation<Event>> {
        let event = |stream: &str, number: u8, bytes: usize| {
            let mut data = format!("{number}.");
            while data.len() < bytes {
                data.push(char::from(b'a' + number % 26));
            }
            Event {
                stream: stream.into(),
                data,
            }
        };
        let one =
            |stream: &str, number, bytes| Operation::Write(vec![event(stream, number, bytes)]);
        vec![
            one("a", 1, 40),
            one("b", 2, 40),
            Operation::Write(vec![event("a", 3, 40), event("a", 4, 40)]),
            Operation::maintain("save"),
            one("b", 5, 600),
            one("a", 6, 40),
            one("c", 7, 40),
            Operation::maintain("save"),
            one("a", 8, 40),
            Operation::Reopen,
            one("b", 9, 40),
            Operation::Write(vec![
                event("c", 10, 40),
                event("c", 11, 300),
                event("c", 12, 300),
            ]),
            one("a", 13, 40),
            Operation::maintain("save"),
            one("b", 14, 40),
            one("b", 15, 40),
            one("a", 16, 40),
            Operation::Sync,
            one("c", 17, 40),
            one("a", 18, 40),
        ]
    }
}

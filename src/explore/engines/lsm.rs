//! The LSM tree.

use super::super::contract::{Map, MapWrite, Operation, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{durable, map_writes, one, put, told, unknown};
use crate::engine::Discipline;
use crate::engine::lsm::{Background, Options, Store};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::path::Path;

/// The LSM tree.
#[derive(Clone, Debug)]
pub struct LsmSubject {
    /// Its settings.
    pub options: Options,
}

impl Default for LsmSubject {
    fn default() -> Self {
        Self {
            options: Options {
                flush_at: 600,
                fanout: 2,
                preallocate: 0,
                background: Background::Callers,
                ..Options::default()
            },
        }
    }
}

impl Subject for LsmSubject {
    type Contract = Map;
    type Store = Store<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(Store::open(
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
                // The study's Ok is taken at its word.
                Ok(match self.options.discipline {
                    Discipline::AsFound => Told::Durable,
                    Discipline::Durable => told(self.options.sync),
                })
            }
            Operation::Sync => durable(store.sync()),
            Operation::Maintain(name) if name == "flush" => durable(store.flush()),
            Operation::Maintain(name) if name == "compact" => durable(store.compact()),
            // It promises nothing: what it moves was returned, and may not be acknowledged.
            Operation::Maintain(name) if name == "work" => {
                store.run_one()?;
                Ok(Told::Returned)
            }
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, store: &mut Self::Store) -> Result<StateOf<Self>, Failure> {
        self.read(store)
    }

    fn close(&self, store: Self::Store) -> Result<Told, Failure> {
        durable(store.close())
    }
}

impl LsmSubject {
    pub(super) fn read<T: Storage>(&self, store: &Store<T>) -> Result<StateOf<Self>, Failure> {
        let mut found: StateOf<Self> = store.scan::<[u8]>(..).collect::<Result<_, _>>()?;
        // As found, a key that is deleted reads as an empty value.
        if self.options.discipline == Discipline::AsFound {
            found.retain(|_, value| !value.is_empty());
        }
        Ok(found)
    }

    /// Twenty-two operations, some of which a table or a merge follows or is overtaken by.
    pub fn workload() -> Vec<Operation<MapWrite>> {
        vec![
            one(put("a", 1, 60)),
            one(put("b", 2, 60)),
            Operation::Write(vec![put("a", 3, 60), put("c", 4, 60)]),
            Operation::maintain("flush"),
            one(MapWrite::delete("b")),
            one(put("d", 5, 500)),
            one(put("a", 6, 60)),
            one(put("e", 7, 60)),
            Operation::maintain("work"),
            Operation::maintain("compact"),
            one(MapWrite::delete("a")),
            one(put("f", 8, 600)),
            one(put("a", 15, 60)),
            Operation::Reopen,
            one(put("b", 9, 60)),
            Operation::maintain("work"),
            Operation::Write(vec![
                put("c", 10, 60),
                MapWrite::delete("d"),
                put("g", 11, 60),
            ]),
            one(put("a", 12, 60)),
            one(MapWrite::delete("c")),
            Operation::maintain("compact"),
            one(put("h", 13, 60)),
            one(put("b", 14, 60)),
        ]
    }
}

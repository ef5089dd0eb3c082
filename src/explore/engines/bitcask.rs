//! Bitcask.

use super::super::contract::{Map, MapWrite, Operation, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{durable, map_writes, one, put, told, unknown};
use crate::engine::bitcask::{Bitcask, Options};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::collections::BTreeMap;
use std::path::Path;

/// Bitcask.
#[derive(Clone, Debug)]
pub struct BitcaskSubject {
    /// Its settings.
    pub options: Options,
}

impl Default for BitcaskSubject {
    fn default() -> Self {
        Self {
            options: Options {
                file_bytes: 900,
                preallocate: 0,
                ..Options::default()
            },
        }
    }
}

impl Subject for BitcaskSubject {
    type Contract = Map;
    type Store = Bitcask<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(Bitcask::open(
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
                Ok(told(self.options.sync))
            }
            Operation::Sync => durable(store.sync()),
            Operation::Maintain(name) if name == "rotate" => durable(store.rotate()),
            Operation::Maintain(name) if name == "merge" => durable(store.merge()),
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

impl BitcaskSubject {
    pub(super) fn read<T: Storage>(&self, store: &Bitcask<T>) -> Result<StateOf<Self>, Failure> {
        let take = |mut map: BTreeMap<Vec<u8>, Vec<u8>>, key: &[u8], value: &[u8]| {
            map.insert(key.into(), value.into());
            map
        };
        Ok(store.fold(BTreeMap::new(), take)?)
    }

    /// Twenty operations.
    pub fn workload() -> Vec<Operation<MapWrite>> {
        vec![
            one(put("a", 1, 60)),
            one(put("b", 2, 60)),
            Operation::Write(vec![put("a", 3, 60), put("c", 4, 60)]),
            one(MapWrite::delete("b")),
            one(put("d", 5, 600)),
            one(put("a", 6, 60)),
            Operation::maintain("rotate"),
            one(put("h", 14, 60)),
            one(MapWrite::delete("a")),
            one(put("e", 7, 60)),
            Operation::Reopen,
            one(put("b", 8, 60)),
            one(MapWrite::delete("d")),
            Operation::maintain("rotate"),
            one(put("f", 9, 60)),
            Operation::maintain("merge"),
            Operation::Write(vec![
                put("c", 10, 60),
                MapWrite::delete("e"),
                put("g", 11, 60),
            ]),
            one(put("a", 12, 60)),
            one(MapWrite::delete("c")),
            one(put("b", 13, 60)),
        ]
    }
}

//! The B-tree.

use super::super::contract::{Map, MapWrite, Operation, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{durable, map_writes, one, put, told, unknown};
use crate::engine::btree::{Btree, Options, PAGE_BYTES_MIN};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::path::Path;

/// The B-tree.
#[derive(Clone, Debug)]
pub struct BtreeSubject {
    /// Its settings.
    pub options: Options,
}

impl Default for BtreeSubject {
    fn default() -> Self {
        Self {
            options: Options {
                page_bytes: PAGE_BYTES_MIN,
                preallocate: 0,
                ..Options::default()
            },
        }
    }
}

impl Subject for BtreeSubject {
    type Contract = Map;
    type Store = Btree<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(Btree::open(
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
            Operation::Maintain(name) if name == "checkpoint" => durable(store.checkpoint()),
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

impl BtreeSubject {
    pub(super) fn read<T: Storage>(&self, store: &Btree<T>) -> Result<StateOf<Self>, Failure> {
        Ok(store.range::<[u8]>(..).collect::<Result<_, _>>()?)
    }

    /// Twenty operations: leaves of three entries or so split, the root grows, pages are freed.
    pub fn workload() -> Vec<Operation<MapWrite>> {
        vec![
            one(put("d", 1, 40)),
            one(put("b", 2, 40)),
            one(put("f", 3, 40)),
            one(put("a", 4, 40)),
            one(put("c", 5, 40)),
            Operation::maintain("checkpoint"),
            Operation::Write(vec![put("e", 6, 40), put("g", 7, 40), put("a", 8, 40)]),
            one(put("h", 9, 40)),
            one(MapWrite::delete("b")),
            one(MapWrite::delete("a")),
            Operation::Reopen,
            one(put("i", 10, 40)),
            one(put("j", 11, 40)),
            Operation::maintain("checkpoint"),
            one(MapWrite::delete("c")),
            one(MapWrite::delete("d")),
            one(put("k", 12, 40)),
            Operation::Write(vec![MapWrite::delete("e"), put("l", 13, 40)]),
            Operation::maintain("checkpoint"),
            one(put("b", 14, 40)),
        ]
    }
}

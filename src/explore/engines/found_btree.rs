//! The B-tree as the study found it.

use super::super::contract::{Map, MapWrite, Operation, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{durable, map_writes, unknown};
use crate::engine::btree::as_found::{AsFound, Options};
use crate::storage::simulated::Simulated;
use std::path::Path;

/// The B-tree as found. Its Ok is taken at its word.
#[derive(Clone, Debug)]
pub struct FoundBtreeSubject {
    /// Its settings.
    pub options: Options,
}

impl Subject for FoundBtreeSubject {
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
            Operation::Write(writes) => durable(store.write(&map_writes(writes))),
            // Each write was in the log when it returned.
            Operation::Sync => Ok(Told::Durable),
            Operation::Maintain(name) if name == "commit" => durable(store.commit()),
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, store: &mut Self::Store) -> Result<StateOf<Self>, Failure> {
        Ok(store.contents()?)
    }

    fn close(&self, store: Self::Store) -> Result<Told, Failure> {
        drop(store);
        Ok(Told::Durable)
    }
}

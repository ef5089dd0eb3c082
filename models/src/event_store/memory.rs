//! What the process that runs an event store knows.

use crate::cells::Table;
use crate::contract::{Key, OpId, Value, View};
use crate::wal::memory::{self as log, Change as LogChange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The log: all events.
    pub log: log::Memory,
    /// The snapshot that counts.
    pub snapshot: Option<Arc<Table>>,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The log's part changes.
    Log(LogChange),
    /// This snapshot was taken.
    Snapshot(Arc<Table>),
}

impl Memory {
    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => self.log.apply(change),
            Change::Snapshot(snapshot) => self.snapshot = Some(snapshot.clone()),
        }
    }

    /// What a projection that gathers all events has: those in the snapshot, and those behind it in the log.
    pub fn projection(&self) -> BTreeMap<Key, OpId> {
        let saved = self.snapshot.iter().flat_map(|snapshot| &snapshot.entries);
        let saved = saved.filter_map(|(key, op)| Some((*key, (*op)?)));
        let from = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.hi);
        let later = self.log.records.iter().filter(|record| record.index > from);
        let later = later.flat_map(|record| record.writes.iter().map(|it| (it.key, record.op)));
        saved.chain(later).collect()
    }

    /// What a client can read. Where the projection says another thing than the events, that is no client's.
    pub fn view(&self) -> View {
        let mut view = self.log.view();
        let projection = self.projection();
        let seen = |view: &View, key: Key| match view.value(key) {
            Value::Of(op) => Some(op),
            Value::Absent | Value::Invented => None,
        };
        let keys: Vec<Key> = view
            .values
            .keys()
            .chain(projection.keys())
            .copied()
            .collect();
        for key in keys {
            if seen(&view, key) != projection.get(&key).copied() {
                view.values.insert(key, Value::Invented);
            }
        }
        view
    }
}

//! What the process that runs an LSM tree knows.

use crate::cells::Table;
use crate::contract::{Key, OpId, Value, View};
use crate::wal::memory::{self as log, Change as LogChange};
use crate::wal::record::Floor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the process knows. The memtable is what the log's live records say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The log.
    pub log: log::Memory,
    /// The tables, oldest first.
    pub tables: Vec<Arc<Table>>,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The log's part changes.
    Log(LogChange),
    /// What the log holds is in this table now.
    Flushed(Arc<Table>),
    /// Tables were merged into this one.
    Merged(Arc<Table>),
}

impl Memory {
    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => self.log.apply(change),
            Change::Flushed(table) => self.tables.push(table.clone()),
            Change::Merged(output) => {
                let is_input = |table: &Arc<Table>| output.lo <= table.lo && table.hi <= output.hi;
                let at = self.tables.partition_point(|table| table.hi < output.lo);
                self.tables.retain(|table| !is_input(table));
                self.tables.insert(at, output.clone());
            }
        }
    }

    /// Up to where the tables hold everything.
    pub fn floor(&self) -> Floor {
        floor(&self.tables)
    }

    /// What a client can read. It is told identities, and reads none.
    pub fn view(&self) -> View {
        let mut view = View::default();
        for table in &self.tables {
            apply(table, &mut view);
        }
        for record in &self.log.records {
            view.apply(record.op, &record.writes);
        }
        let invented = self.log.invented.iter();
        view.values
            .extend(invented.map(|&key| (key, Value::Invented)));
        view
    }

    /// The newest write of each key among the log's records; `None`: a delete.
    pub fn memtable(&self) -> BTreeMap<Key, Option<OpId>> {
        let mut newest = BTreeMap::new();
        for record in &self.log.records {
            for write in &record.writes {
                newest.insert(write.key, (!write.delete).then_some(record.op));
            }
        }
        newest
    }
}

/// Up to where these tables, oldest first, hold everything.
pub fn floor(tables: &[Arc<Table>]) -> Floor {
    tables.last().map_or(Floor::default(), |last| Floor {
        generation: last.generation,
        index: last.hi,
    })
}

/// What a table shows over what is under it.
fn apply(table: &Table, view: &mut View) {
    for &(key, op) in &table.entries {
        match op {
            Some(op) => view.values.insert(key, Value::Of(op)),
            None => view.values.remove(&key),
        };
    }
}

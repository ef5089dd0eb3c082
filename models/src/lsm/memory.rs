//! What the process that runs an LSM tree knows.

use crate::cells::{Record, Table};
use crate::contract::{Key, OpId, Value, View};
use crate::wal::LOG;
use crate::wal::memory::{self as log, Change as LogChange};
use crate::wal::record::Floor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The second log.
pub const SECOND: &str = "store/log.2";

/// What the process knows. The memtables are what the live records of the logs say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The active log.
    pub log: log::Memory,
    /// The records of the other log that no table holds yet.
    pub due: Vec<Arc<Record>>,
    /// The tables, oldest first.
    pub tables: Vec<Arc<Table>>,
    /// Somebody makes a table of what is due.
    pub flushing: bool,
    /// Somebody merges tables.
    pub merging: bool,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The log's part changes.
    Log(LogChange),
    /// The logs change places: what the active one holds is due, and the next record goes to the head of the other one.
    Switched,
    /// Somebody makes a table of what is due.
    FlushBegun,
    /// What was due is in this table now.
    Flushed(Arc<Table>),
    /// Somebody merges tables.
    MergeBegun,
    /// Tables were merged into this one.
    Merged(Arc<Table>),
    /// Nobody merges tables any more.
    MergeEnded,
}

impl Memory {
    /// Of a store with these tables, of whose logs this is the active one.
    pub fn new(log: log::Memory, due: Vec<Arc<Record>>, tables: Vec<Arc<Table>>) -> Self {
        Memory {
            log,
            due,
            tables,
            flushing: false,
            merging: false,
        }
    }

    /// The path of the log that is not the active one.
    pub fn other(&self) -> &'static str {
        match &*self.log.file == SECOND {
            true => LOG,
            false => SECOND,
        }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Log(change) => self.log.apply(change),
            Change::Switched => {
                let file = self.other().into();
                self.due = std::mem::take(&mut self.log.records);
                self.log.apply(&LogChange::Moved { file });
            }
            Change::FlushBegun => self.flushing = true,
            Change::Flushed(table) => {
                self.tables.push(table.clone());
                self.due.retain(|record| record.index > table.hi);
                self.flushing = false;
            }
            Change::MergeBegun => self.merging = true,
            Change::MergeEnded => self.merging = false,
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
        for record in self.due.iter().chain(&self.log.records) {
            view.apply(record.op, &record.writes);
        }
        let invented = self.log.invented.iter();
        view.values
            .extend(invented.map(|&key| (key, Value::Invented)));
        view
    }
}

/// The newest write of each key among these records; `None`: a delete.
pub fn memtable(records: &[Arc<Record>]) -> BTreeMap<Key, Option<OpId>> {
    let mut newest = BTreeMap::new();
    for record in records {
        for write in &record.writes {
            newest.insert(write.key, (!write.delete).then_some(record.op));
        }
    }
    newest
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

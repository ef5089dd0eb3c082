//! What the process that runs a Bitcask store knows.

use crate::cells::{Hint, Record, Table};
use crate::contract::{Value, View};
use crate::wal::segments::memory as segments;
use std::sync::Arc;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The data files.
    pub files: segments::Memory,
    /// The merged file that counts.
    pub merged: Option<Arc<Table>>,
    /// Its hint, where that counts.
    pub hint: Option<Arc<Hint>>,
    /// A hint was believed that says nothing.
    pub misled: bool,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The data files' part changes.
    Files(segments::Change),
    /// The closed files were merged into this one, and it has this hint.
    Merged(Arc<Table>, Arc<Hint>),
}

impl Memory {
    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Files(change) => self.files.apply(change),
            Change::Merged(merged, hint) => {
                self.merged = Some(merged.clone());
                self.hint = Some(hint.clone());
                self.misled = false;
            }
        }
    }

    /// Up to which record the merged file holds everything.
    pub fn floor(&self) -> u64 {
        self.merged.as_ref().map_or(0, |merged| merged.hi)
    }

    /// The records that are not in the merged file, oldest first.
    pub fn later(&self) -> impl Iterator<Item = &Arc<Record>> {
        let floor = self.floor();
        let records = self.files.records();
        records.filter(move |record| record.index > floor)
    }

    /// What a client can read. It is told identities, and reads none.
    pub fn view(&self) -> View {
        let mut view = View::default();
        let merged = self.merged.iter().filter(|_| !self.misled);
        for (key, op) in merged.flat_map(|merged| &merged.entries) {
            view.values.extend(op.map(|op| (*key, Value::Of(op))));
        }
        for record in self.later() {
            view.apply(record.op, &record.writes);
        }
        view
    }
}

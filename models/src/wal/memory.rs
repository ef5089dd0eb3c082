//! What the process that runs a log knows.

use super::record::{Parsed, Record};
use crate::contract::{Key, Value, View};
use std::sync::Arc;

/// The key under which a client finds what no client wrote, where the key itself is invented.
const NOBODYS: Key = Key::MAX;

/// What the process knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The file that the log is in.
    pub file: Arc<str>,
    /// Where the next record goes.
    pub tail: usize,
    /// How long the file is, where it is made longer ahead of need; 0: not longer than what is in it.
    pub allocated: usize,
    /// The generation of the records of this life.
    pub generation: u32,
    /// Whether the next record is the first of this life.
    pub first: bool,
    /// The index of the last record.
    pub index: u64,
    /// The index up to which barriers have completed.
    pub mark: u64,
    /// Calls that returned since the last barrier.
    pub since: u32,
    /// A barrier failed: nothing is written any more.
    pub poisoned: bool,
    /// The records that can be read.
    pub records: Vec<Arc<Record>>,
    /// Keys whose latest value no client wrote.
    pub invented: Vec<Key>,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A record was written.
    Appended(Arc<Record>),
    /// Zeros were written behind a record, up to there.
    Allocated(usize),
    /// A barrier completed: it covers all that was written.
    Covered,
    /// All records are in a table: the next one goes to the head of the log.
    Recycled {
        /// The first cell behind the file's header.
        head: usize,
    },
    /// The next record goes into a file of its own.
    Moved {
        /// The file, which holds its header only.
        file: Arc<str>,
    },
    /// A barrier or a write failed.
    Poisoned,
}

impl Memory {
    /// Of a log without records, in this file.
    pub fn empty(file: &str) -> Self {
        let nothing = Parsed {
            tail: 1,
            ..Parsed::default()
        };
        Self::recovered(file, &nothing)
    }

    /// Of a log in this file, of which this was read. All of it is durable once recovery has ended.
    pub fn recovered(file: &str, parsed: &Parsed) -> Self {
        let floor = parsed.floor;
        let (generation, index) = match parsed.records.last() {
            Some(last) => (last.generation.max(floor.generation), last.index),
            None => (floor.generation, floor.index),
        };
        Self {
            file: file.into(),
            tail: parsed.tail,
            allocated: 0,
            generation: generation + 1,
            first: true,
            index,
            mark: index,
            since: 0,
            poisoned: false,
            records: parsed.records.clone(),
            invented: if parsed.invented {
                vec![NOBODYS]
            } else {
                Vec::new()
            },
        }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Appended(record) => {
                self.tail += record.cells;
                self.index = record.index;
                self.since += 1;
                self.first = false;
                self.invented
                    .retain(|key| record.writes.iter().all(|write| write.key != *key));
                self.records.push(record.clone());
            }
            Change::Allocated(to) => self.allocated = *to,
            Change::Covered => {
                self.mark = self.index;
                self.since = 0;
            }
            Change::Recycled { head } => {
                (self.tail, self.records) = (*head, Vec::new());
                self.mark = self.index;
                self.since = 0;
            }
            Change::Moved { file } => {
                self.file = file.clone();
                self.allocated = 0;
                self.apply(&Change::Recycled { head: 1 });
            }
            Change::Poisoned => self.poisoned = true,
        }
    }

    /// What a client can read: the writes of all records, in order.
    pub fn view(&self) -> View {
        let mut view = View::default();
        for record in &self.records {
            view.apply(record.op, &record.writes);
            if record.generation > 0 {
                view.identities.push((record.identity(), record.op));
            }
        }
        view.values
            .extend(self.invented.iter().map(|&key| (key, Value::Invented)));
        view
    }
}

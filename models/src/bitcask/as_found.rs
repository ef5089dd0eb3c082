//! Bitcask as the study found it: synced where somebody asked for it, and merged without waiting.
//!
//! ```text
//!   write     write the record | fsync, if `sync_writes` [study]
//!   rotate    create the next file; no barrier [study]
//!   merge     the newest values of the closed files into merge.tmp | fsync [study]
//!             rename the active file to a higher number, merge.tmp to the number that it had [study]
//!             a hint, no barrier | remove the closed files [study]
//!   recovery  file by file: its hint, if there is one, is believed; else its records up to one that is torn [study]
//! ```
//!
//! What the study leaves open is [`Assumed`], in its favour: records have checksums, a torn tail is cut off, an empty
//! hint is none. A sync is
//! an fsync of the active file. Of several writes each is a record. A handle goes on after an error.
//!
//! Bounds, variants and expected verdicts: `specs/bitcask.toml`; what came out: `specs/findings/bitcask-conditional-sync.md`.

use crate::contract::{Key, OpId, Operation, View, Write};
use crate::disk::{self, Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Step, StepOf};
use crate::wal::STORE;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The setting, what the study leaves open, and how such stores get mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// The setting: each record is synced.
    pub sync_writes: bool,
    /// Recovery appends behind a torn tail.
    pub tail_left: bool,
    /// Mended: names are synced, at rotation, in a merge before anything is removed, and by recovery.
    pub named: bool,
    /// Mended: a hint counts only where it is whole.
    pub hint_checked: bool,
}

/// The store as found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AsFound {
    /// The setting, and what the study leaves open.
    pub assumed: Assumed,
    /// Cells of a record.
    pub cells: usize,
    /// Cells of what a hint says of a record.
    pub hint: usize,
}

/// A record. Its checksum covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The operation that wrote it.
    pub op: OpId,
    /// What it says.
    pub write: Write,
    /// How many cells it takes.
    pub cells: usize,
}

/// One cell of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Zeros.
    Zero,
    /// What no checksum accepts.
    Garbage,
    /// One piece of a record.
    Part {
        /// The record.
        entry: Arc<Entry>,
        /// Which piece, from 0.
        part: usize,
    },
    /// One piece of what a hint says of a record.
    Hint {
        /// The record.
        entry: Arc<Entry>,
        /// Its first cell in its file.
        at: usize,
        /// Which piece, from 0.
        part: usize,
    },
}

impl disk::Cell for Cell {
    fn zero() -> Self {
        Cell::Zero
    }

    fn garbage() -> Self {
        Cell::Garbage
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Zero => write!(f, "0"),
            Cell::Garbage => write!(f, "?"),
            Cell::Part { entry, part } => write!(f, "r{}.{part}", entry.op),
            Cell::Hint { entry, part, .. } => write!(f, "h{}.{part}", entry.op),
        }
    }
}

/// A data file, as the process knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataFile {
    /// Its number.
    pub number: u64,
    /// Its records.
    pub entries: Vec<Arc<Entry>>,
}

/// What the process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The data files, the active one last.
    pub files: Vec<DataFile>,
    /// Where the active one ends.
    pub tail: usize,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A record was written.
    Written(Arc<Entry>),
    /// The next record goes to a file of this number.
    Rotated(u64),
    /// The closed files were merged into these records.
    Merged(Vec<Arc<Entry>>),
}

fn data(number: u64) -> String {
    format!("{STORE}/{number}.data")
}

fn hint(number: u64) -> String {
    format!("{STORE}/{number}.hint")
}

/// A merged file in the making.
const MERGE: &str = "store/merge.tmp";

impl Protocol for AsFound {
    type Cell = Cell;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps = Vec::new();
        match operation {
            Operation::Write(writes) => {
                let mut memory = memory.clone();
                for write in writes {
                    let entry = self.entry(id, *write);
                    steps.extend(self.record(&entry, &memory));
                    memory.apply(&Change::Written(entry));
                }
            }
            Operation::Sync => {
                let barrier = Call::Barrier(data(memory.active()));
                steps.push(Step::call("sync: barrier", barrier));
            }
            Operation::Close => {}
            Operation::Flush => {
                let next = memory.active() + 1;
                steps.push(Step::call("rotate: create", Call::Create(data(next))));
                steps.extend(self.names("rotate: directory barrier", STORE));
                steps.push(Step::Change(Change::Rotated(next)));
            }
            Operation::Compact => steps.extend(self.merge(memory)),
        }
        steps.push(Step::Return {
            durable: true,
            identity: None,
        });
        if *operation == Operation::Close {
            steps.push(Step::Reopen);
        }
        steps
    }

    fn recover(&self, tree: &Tree<Cell>) -> Result<PlanOf<Self>, Refused> {
        let mut steps = Vec::new();
        if tree.lookup(STORE).is_none() {
            let make = Call::CreateDirectory(STORE.into());
            steps.push(Step::call("init: store directory", make));
        }
        if tree.lookup(MERGE).is_some() {
            steps.push(Step::call("recovery: leftover", Call::Remove(MERGE.into())));
        }
        let names = tree.list(STORE).unwrap_or_default();
        let number = |name: &Arc<str>| name.strip_suffix(".data")?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        if numbers.is_empty() {
            steps.push(Step::call("init: create", Call::Create(data(1))));
            numbers.push(1);
        }
        let (mut memory, mut odd) = (Memory::default(), false);
        for number in numbers {
            let cells = tree.file(&data(number)).unwrap_or_default();
            let (scanned, tail) = scan(cells);
            odd |= tail < cells.len();
            let hinted = tree.file(&hint(number)).unwrap_or_default();
            let (said, end) = self.said(hinted, cells);
            let is_whole = end == hinted.len();
            // What stands behind is taken for the end of the hint.
            let believed = !hinted.is_empty() && (is_whole || !self.assumed.hint_checked);
            let entries = if believed { said } else { scanned };
            odd |= !is_whole;
            memory.files.push(DataFile { number, entries });
            memory.tail = tail;
        }
        let active = data(memory.active());
        let length = tree.file(&active).unwrap_or_default().len();
        if memory.tail < length && self.assumed.tail_left {
            memory.tail = length;
        } else if memory.tail < length {
            let (file, to) = (active, memory.tail);
            let cut = Call::SetLen { file, to };
            steps.push(Step::call("recovery: cut the tail", cut));
        }
        steps.extend(self.names("recovery: directory barrier", STORE));
        steps.extend(self.names("recovery: parent directory barrier", ""));
        Ok(Plan { memory, steps, odd })
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    /// The error is returned; the next operation is served as if nothing had been.
    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        vec![Step::Fail]
    }

    /// A checksum tells a record from either.
    fn reads_garbage_as_zeros(&self) -> bool {
        true
    }

    fn observe(&self, memory: &Memory) -> View {
        let mut view = View::default();
        for entry in memory.files.iter().flat_map(|file| &file.entries) {
            view.apply(entry.op, &[entry.write]);
        }
        view
    }

    fn guards(&self, _: &StepOf<Self>, _: &Memory, _: &Disk<Cell>, _: &Profile) -> Vec<(u8, bool)> {
        Vec::new()
    }
}

impl AsFound {
    fn entry(&self, op: OpId, write: Write) -> Arc<Entry> {
        let cells = self.cells;
        Arc::new(Entry { op, write, cells })
    }

    fn record(&self, entry: &Arc<Entry>, memory: &Memory) -> Vec<StepOf<Self>> {
        let (file, at) = (data(memory.active()), memory.tail);
        let cells = cells_of(entry);
        let mut steps = vec![Step::call("write: record", Call::Write { file, at, cells })];
        if self.assumed.sync_writes {
            let barrier = Call::Barrier(data(memory.active()));
            steps.push(Step::call("write: barrier", barrier));
        }
        steps.push(Step::Change(Change::Written(entry.clone())));
        steps
    }

    fn merge(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let Some((active, closed @ [_, ..])) = memory.files.split_last() else {
            return Vec::new();
        };
        let mut newest: BTreeMap<Key, &Arc<Entry>> = BTreeMap::new();
        for entry in closed.iter().flat_map(|file| &file.entries) {
            newest.insert(entry.write.key, entry);
        }
        let live = newest.into_values().filter(|entry| !entry.write.delete);
        let live: Vec<Arc<Entry>> = live.cloned().collect();
        let number = active.number;
        let write = |file: &str, cells: Vec<Cell>| {
            let (file, at) = (file.to_string(), 0);
            Call::Write { file, at, cells }
        };
        let cells: Vec<Cell> = live.iter().flat_map(cells_of).collect();
        let places = (0..).step_by(self.cells);
        let said = live.iter().zip(places);
        let said: Vec<Cell> = said
            .flat_map(|(entry, at)| self.hint_of(entry, at))
            .collect();
        let mut steps = vec![Step::call("merge: create", Call::Create(MERGE.into()))];
        if !live.is_empty() {
            steps.push(Step::call("merge: write", write(MERGE, cells)));
        }
        steps.push(Step::call("merge: barrier", Call::Barrier(MERGE.into())));
        let renames = [
            (data(number), data(number + 1)),
            (MERGE.to_string(), data(number)),
        ];
        for (from, to) in renames {
            steps.push(Step::call("merge: rename", Call::Rename { from, to }));
        }
        let create = Call::Create(hint(number));
        steps.push(Step::call("merge: hint create", create));
        if !live.is_empty() {
            let said = write(&hint(number), said);
            steps.push(Step::call("merge: hint write", said));
        }
        steps.extend(self.names("merge: directory barrier", STORE));
        for file in closed {
            let remove = Call::Remove(data(file.number));
            steps.push(Step::call("merge: remove", remove));
        }
        steps.push(Step::Change(Change::Merged(live)));
        steps
    }

    /// The cells of what a hint says of a record.
    pub fn hint_of(&self, entry: &Arc<Entry>, at: usize) -> Vec<Cell> {
        let parts = 0..self.hint;
        parts
            .map(|part| Cell::Hint {
                entry: entry.clone(),
                at,
                part,
            })
            .collect()
    }

    /// The records that a hint tells of, up to one that does not stand in the data file where it says, and where the hint
    /// ends. A crash can leave the hint of a merge beside another file of that number.
    fn said(&self, hint: &[Cell], data: &[Cell]) -> (Vec<Arc<Entry>>, usize) {
        let (mut entries, mut end, mut stands) = (Vec::new(), 0, true);
        while let Some(Cell::Hint { entry, at, part: 0 }) = hint.get(end)
            && hint.get(end..end + self.hint) == Some(&self.hint_of(entry, *at)[..])
        {
            let found = record_at(data, *at).filter(|found| found.write.key == entry.write.key);
            stands &= found.is_some();
            entries.extend(found.filter(|_| stands).cloned());
            end += self.hint;
        }
        (entries, end)
    }

    fn names(&self, site: crate::protocol::Site, directory: &str) -> Option<StepOf<Self>> {
        let sync = || Step::call(site, Call::DirectoryBarrier(directory.into()));
        self.assumed.named.then(sync)
    }
}

impl Memory {
    fn active(&self) -> u64 {
        self.files.last().map_or(1, |file| file.number)
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Written(entry) => {
                self.tail += entry.cells;
                if let Some(active) = self.files.last_mut() {
                    active.entries.push(entry.clone());
                }
            }
            Change::Rotated(number) => {
                self.tail = 0;
                self.files.push(DataFile {
                    number: *number,
                    entries: Vec::new(),
                });
            }
            Change::Merged(entries) => {
                let active = self.files.pop();
                let number = active.as_ref().map_or(1, |active| active.number);
                self.files = vec![DataFile {
                    number,
                    entries: entries.clone(),
                }];
                self.files.extend(active.map(|active| DataFile {
                    number: number + 1,
                    ..active
                }));
            }
        }
    }
}

/// The cells of a record.
pub fn cells_of(entry: &Arc<Entry>) -> Vec<Cell> {
    let parts = 0..entry.cells;
    parts
        .map(|part| Cell::Part {
            entry: entry.clone(),
            part,
        })
        .collect()
}

/// The record that begins at a cell, if it is whole.
fn record_at(cells: &[Cell], at: usize) -> Option<&Arc<Entry>> {
    match cells.get(at)? {
        Cell::Part { entry, part: 0 } => {
            let is_whole = cells.get(at..at + entry.cells) == Some(&cells_of(entry)[..]);
            is_whole.then_some(entry)
        }
        _ => None,
    }
}

/// The records of a file up to one that is torn, and where they end.
fn scan(cells: &[Cell]) -> (Vec<Arc<Entry>>, usize) {
    let (mut entries, mut tail) = (Vec::new(), 0);
    while let Some(entry) = record_at(cells, tail) {
        entries.push(entry.clone());
        tail += entry.cells;
    }
    (entries, tail)
}

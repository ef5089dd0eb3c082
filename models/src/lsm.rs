//! The LSM tree: two logs change places, what the full one holds moves to a table, and only then is it written over.
//!
//! ```text
//!   write     append to the active log, as the log does (wal.rs); where that is full, switch first
//!   switch    data barrier of the active log | the next record goes to the head of the other one, what this one holds is due
//!   flush     LO-HI.sst.tmp: create, write, barrier | rename to LO-HI.sst | directory barrier      beside the writers
//!             from here on the log that was due is the other one: the next switch goes there
//!   merge     LO-HI.sst.tmp: create, write, barrier | rename to LO-HI.sst | directory barrier | remove the inputs
//!   recovery  directory barriers | each log: rewrite, end mark, barrier | remove leftovers and inputs
//! ```
//!
//! There is no manifest. A table is named by the interval of records that it holds, and intervals
//! follow each other without a gap; one inside another is an input of a merge that was done, whose
//! removal did not last: it is *superseded*, and never read. So a flush and a merge are each committed
//! by one directory barrier, a tombstone can be dropped as soon as nothing older is in its table's
//! way, and a table that is missing shows as a hole.
//!
//! A log is written over, not truncated: no size and no name changes, so no truncation can be lost
//! under later records, and an append overwrites space that is allocated. A reader tells old records
//! from new ones by their indexes: those at or below the last table's are *covered*. Which log came first it
//! tells in the same way: the one whose live records have the lower indexes.
//!
//! W1  The log is durable before the table of what it holds gets its name.
//! W2  A log is overwritten only after the table of what it held, and that table's name, are durable.
//! W3  Nothing is acknowledged that some crash image does not hold.
//! W4  An input of a merge is removed only after the output and its name are durable.
//! W5  A table has its final name only when it is whole.
//!
//! Not modelled here: two writers (the log's are in [`crate::wal::group`]), a flush and a merge that are both beside the
//! operations; readers that hold a table that was removed. Bounds, variants and
//! expected verdicts: `specs/lsm.toml`. Sources: O'Neil et al., The Log-Structured Merge-Tree, Acta
//! Informatica 33, 1996; Mohan et al., ARIES, TODS 17(1), 1992, section 3.

pub mod as_found;
mod guards;
pub mod memory;
mod recovery;

pub use crate::cells::TableSize;
use crate::cells::{Table, Token, cells_of_table};
use crate::contract::{Key, OpId, Operation, View};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Site, Step, StepOf};
use crate::wal::{self, LOG, STORE, Wal, memory::Change as LogChange};
use memory::{Change, Memory, SECOND, memtable};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// The LSM tree of the study: the table is written, the log truncated, nothing synced.
    AsFound(as_found::Assumed),
    /// The log's head is cleared before the table is durable.
    LogClearedFirst,
    /// A table is made under its final name, and recovery does not ask whether it is whole.
    TableUnproved,
    /// The inputs of a merge are removed before the output has its name.
    InputsRemovedFirst,
    /// Recovery reads an input of a merge that came back; tombstones are dropped all the same.
    SupersededServed,
    /// A merge drops tombstones though an older table is not among its inputs.
    TombstonesDroppedEarly,
    /// A table is believed, and the log's head given away, before recovery made the name durable.
    NamesTrusted,
    /// The log that is due may be written over as soon as its table is begun.
    OtherLogFreeTooEarly,
    /// Recovery takes the logs in the order of their names.
    LogsInOrderOfNames,
}

/// The LSM tree's protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lsm {
    /// Which.
    pub variant: Variant,
    /// Its log: variant, sync mode, sizes of records.
    pub log: Wal,
    /// Sizes of tables.
    pub table: TableSize,
    /// That many newest tables of one level are merged.
    pub fanout: usize,
    /// A log with that many live cells is full. `None`: it never is.
    pub flush_at: Option<usize>,
    /// Tables are made and merged beside the operations too.
    pub background: bool,
    /// Cells that one write call of a table has at most.
    pub chunk: usize,
}

/// The path of a table.
pub fn path_of(lo: u64, hi: u64) -> String {
    format!("{STORE}/{lo}-{hi}.sst")
}

/// Where the steps of a table stand: create, write, barrier, rename, directory barrier.
type Sites = [Site; 5];

const FLUSH: Sites = [
    "flush: create",
    "flush: write",
    "flush: table barrier",
    "flush: rename",
    "flush: directory barrier",
];

const COMPACTION: Sites = [
    "compaction: create",
    "compaction: write",
    "compaction: table barrier",
    "compaction: rename",
    "compaction: directory barrier",
];

impl Protocol for Lsm {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.log.poisoned {
            return vec![Step::Refuse];
        }
        if let Variant::AsFound(assumed) = self.variant {
            return as_found::operation(self, assumed, id, operation, memory);
        }
        let done = Step::Return {
            durable: true,
            identity: None,
        };
        match operation {
            Operation::Write(writes) => {
                let mut steps = self.make_room(memory);
                let memory = self.after(memory, &steps);
                steps.extend(self.log_steps(self.log.append(id, writes, &memory.log)));
                steps
            }
            Operation::Sync => self.log_steps(self.log.sync(&memory.log, "sync: data barrier")),
            Operation::Close => {
                let sync = self.log.sync(&memory.log, "close: data barrier");
                let mut steps = self.log_steps(sync);
                steps.push(Step::Reopen);
                steps
            }
            Operation::Flush => {
                let mut steps = self.flush_and_merge(memory);
                steps.push(done);
                steps
            }
            Operation::Compact => {
                let mut steps = self.flush_all(memory);
                let memory = self.after(memory, &steps);
                if memory.tables.len() > 1 {
                    steps.insert(0, Step::Change(Change::MergeBegun));
                    steps.extend(self.merge(&memory.tables));
                    steps.push(Step::Change(Change::MergeEnded));
                }
                steps.push(done);
                steps
            }
        }
    }

    /// Who would have to wait for a table that nobody makes yet makes it.
    fn must_wait(&self, operation: &Operation, memory: &Memory) -> bool {
        if memory.log.poisoned {
            return false;
        }
        match operation {
            Operation::Write(_) => {
                self.is_full(memory) && memory.flushing && !self.is_other_free(memory)
            }
            Operation::Sync => false,
            Operation::Flush => memory.flushing,
            Operation::Compact | Operation::Close => memory.flushing || memory.merging,
        }
    }

    fn beside(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        if !self.background || memory.log.poisoned {
            return Vec::new();
        }
        if !memory.due.is_empty() && !memory.flushing {
            return self.flush(memory);
        }
        match self.inputs(memory) {
            Some(inputs) if !memory.merging => {
                let mut steps = vec![Step::Change(Change::MergeBegun)];
                steps.extend(self.merge(inputs));
                steps.push(Step::Change(Change::MergeEnded));
                steps
            }
            _ => Vec::new(),
        }
    }

    fn failed_beside(&self, _: &StepOf<Self>, _: &Memory) -> Vec<Change> {
        vec![Change::Log(LogChange::Poisoned)]
    }

    fn recover(&self, tree: &Tree<Token>) -> Result<PlanOf<Self>, Refused> {
        match self.variant {
            Variant::AsFound(assumed) => Ok(as_found::recover(self, assumed, tree)),
            _ => recovery::recover(self, tree),
        }
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        vec![Step::Change(Change::Log(LogChange::Poisoned)), Step::Fail]
    }

    /// Records at or below the floor, tables that are not live, and what is no record beyond the
    /// tail are never read as anything again: they read like zeros. What is in the making, and inputs
    /// of merges that were done, are known by their names only.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        if !self.reads_garbage_as_zeros() {
            return image;
        }
        let Ok(plan) = self.recover(image.view()) else {
            return image;
        };
        let memory = plan.memory;
        let records = || memory.due.iter().chain(&memory.log.records);
        let generation = memory.log.generation - 1;
        let is_live = |path: &str| {
            let mut paths = memory
                .tables
                .iter()
                .map(|table| path_of(table.lo, table.hi));
            path == LOG || path == SECOND || paths.any(|live| live == path)
        };
        let image = image.empty_settled(|path| !is_live(path));
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Table { table, .. } if !memory.tables.contains(table) => Token::Zero,
            Token::Part { record, .. }
                if record.generation <= generation && !records().any(|live| live == record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        let reads_tables_blindly = matches!(
            self.variant,
            Variant::AsFound(_) | Variant::TableUnproved | Variant::SupersededServed
        );
        !reads_tables_blindly && self.log.reads_garbage_as_zeros()
    }

    fn observe(&self, memory: &Memory) -> View {
        memory.view()
    }

    fn guards(
        &self,
        step: &StepOf<Self>,
        memory: &Memory,
        disk: &Disk<Token>,
        profile: &Profile,
    ) -> Vec<(u8, bool)> {
        guards::guards(self, step, memory, disk, profile)
    }
}

impl Lsm {
    /// Whether the active log takes no more.
    fn is_full(&self, memory: &Memory) -> bool {
        let is_full = |cells| memory.log.tail > cells && !memory.log.records.is_empty();
        self.flush_at.is_some_and(is_full)
    }

    /// Whether the other log may be written over.
    fn is_other_free(&self, memory: &Memory) -> bool {
        let is_early = self.variant == Variant::OtherLogFreeTooEarly && memory.flushing;
        memory.due.is_empty() || is_early
    }

    /// Where the log is full the two change places, once the other one is free.
    fn make_room(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        if !self.is_full(memory) {
            return Vec::new();
        }
        let mut steps = match self.is_other_free(memory) {
            true => Vec::new(),
            false => self.flush(memory),
        };
        steps.extend(self.switch(&memory.log));
        steps
    }

    /// The two logs change places, where the active one holds anything.
    fn switch(&self, log: &wal::memory::Memory) -> Vec<StepOf<Self>> {
        let mut steps = Vec::new();
        if log.records.is_empty() {
            return steps;
        }
        if log.mark < log.index {
            let barrier = Call::DataBarrier(log.file.to_string());
            steps.push(Step::call("switch: data barrier", barrier));
            steps.push(Step::Change(Change::Log(LogChange::Covered)));
        }
        steps.push(Step::Change(Change::Switched));
        steps
    }

    /// Moves what is due to a table. Nothing where nothing is.
    fn flush(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let Some(last) = memory.due.last() else {
            return Vec::new();
        };
        let entries = memtable(&memory.due).into_iter().collect();
        let (lo, hi) = (memory.due[0].index, last.index);
        let table = self.table(lo, hi, last.generation, 0, entries);
        let mut steps = vec![Step::Change(Change::FlushBegun)];
        if self.variant == Variant::LogClearedFirst {
            let clear = Call::Write {
                file: memory.other().into(),
                at: 1,
                cells: vec![Token::Zero],
            };
            steps.push(Step::call("flush: log cleared", clear));
        }
        steps.extend(self.make(&table, FLUSH));
        steps.extend(self.name(&table, FLUSH));
        steps.push(Step::Change(Change::Flushed(table)));
        steps
    }

    /// Moves what both logs hold to tables.
    fn flush_all(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps = self.flush(memory);
        steps.extend(self.switch(&memory.log));
        let memory = self.after(memory, &steps);
        steps.extend(self.flush(&memory));
        steps
    }

    /// The same, then merges while the newest tables are all of one level.
    fn flush_and_merge(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps = self.flush_all(memory);
        if memory.merging {
            return steps;
        }
        let mut memory = self.after(memory, &steps);
        let mut merges = Vec::new();
        while let Some(inputs) = self.inputs(&memory) {
            let merge = self.merge(inputs);
            memory = self.after(&memory, &merge);
            merges.extend(merge);
        }
        if !merges.is_empty() {
            steps.insert(0, Step::Change(Change::MergeBegun));
            steps.extend(merges);
            steps.push(Step::Change(Change::MergeEnded));
        }
        steps
    }

    /// The tables that are to be merged, oldest first.
    fn inputs<'m>(&self, memory: &'m Memory) -> Option<&'m [Arc<Table>]> {
        let newest = memory.tables.len().checked_sub(self.fanout)?;
        let inputs = &memory.tables[newest..];
        let is_due = inputs.iter().all(|table| table.level == inputs[0].level);
        is_due.then_some(inputs)
    }

    /// Merges tables that follow each other into one, then removes them.
    fn merge(&self, inputs: &[Arc<Table>]) -> Vec<StepOf<Self>> {
        let (oldest, newest) = (&inputs[0], &inputs[inputs.len() - 1]);
        let mut entries: BTreeMap<Key, Option<OpId>> = BTreeMap::new();
        for table in inputs {
            entries.extend(table.entries.iter().copied());
        }
        // Nothing is older than the first table: a tombstone hides nothing any more.
        if oldest.lo == 1 || self.variant == Variant::TombstonesDroppedEarly {
            entries.retain(|_, op| op.is_some());
        }
        let level = 1 + inputs.iter().map(|table| table.level).max().unwrap_or(0);
        let entries = entries.into_iter().collect();
        let output = self.table(oldest.lo, newest.hi, newest.generation, level, entries);
        let merged = Step::Change(Change::Merged(output.clone()));
        let removals = inputs.iter().map(|input| {
            let path = path_of(input.lo, input.hi);
            Step::call("compaction: remove", Call::Remove(path))
        });
        let mut steps = self.make(&output, COMPACTION);
        if self.variant == Variant::InputsRemovedFirst {
            steps.push(merged);
            steps.extend(removals);
            steps.extend(self.name(&output, COMPACTION));
        } else {
            steps.extend(self.name(&output, COMPACTION));
            steps.push(merged);
            steps.extend(removals);
        }
        steps
    }

    fn table(
        &self,
        lo: u64,
        hi: u64,
        generation: u32,
        level: u8,
        entries: Vec<(Key, Option<OpId>)>,
    ) -> Arc<Table> {
        let mut table = Table {
            lo,
            hi,
            generation,
            level,
            entries,
            cells: 0,
        };
        table.cells = self.table.of(&table);
        Arc::new(table)
    }

    /// Makes a table under a temporary name, whole and durable.
    fn make(&self, table: &Arc<Table>, sites: Sites) -> Vec<StepOf<Self>> {
        let path = self.path_in_the_making(table);
        let cells = cells_of_table(table);
        let mut steps = vec![Step::call(sites[0], Call::Create(path.clone()))];
        for (number, cells) in cells.chunks(self.chunk).enumerate() {
            let write = Call::Write {
                file: path.clone(),
                at: number * self.chunk,
                cells: cells.to_vec(),
            };
            steps.push(Step::call(sites[1], write));
        }
        if self.variant != Variant::TableUnproved {
            steps.push(Step::call(sites[2], Call::Barrier(path)));
        }
        steps
    }

    /// Gives a table its name, durably.
    fn name(&self, table: &Table, sites: Sites) -> Vec<StepOf<Self>> {
        let (from, to) = (self.path_in_the_making(table), path_of(table.lo, table.hi));
        let mut steps = Vec::new();
        if from != to {
            steps.push(Step::call(sites[3], Call::Rename { from, to }));
        }
        steps.push(Step::call(sites[4], Call::DirectoryBarrier(STORE.into())));
        steps
    }

    fn path_in_the_making(&self, table: &Table) -> String {
        let path = path_of(table.lo, table.hi);
        match self.variant {
            Variant::TableUnproved => path,
            _ => path + ".tmp",
        }
    }

    /// Steps of the log, as steps of the tree.
    fn log_steps(&self, steps: Vec<StepOf<Wal>>) -> Vec<StepOf<Self>> {
        let steps = steps.into_iter();
        steps.map(|step| step.map_change(&Change::Log)).collect()
    }
}

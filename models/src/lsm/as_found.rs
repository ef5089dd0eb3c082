//! The LSM tree as the study found it: the memtable goes to a table, the log is truncated, and nothing
//! is synced.
//!
//! ```text
//!   put    buffer length, key, length, value | flush | return Ok          [study]
//!   flush  create N.sst | write the memtable, sorted | close              [study]
//!          close the log | reopen it truncated | close | reopen to append [study]   one change: its length
//! ```
//!
//! What the study does not say: a table is made under its final name, numbered \[assumed\]; it holds
//! lengths, keys and values like the log, without a proof that it is whole \[assumed\]; recovery reads
//! the tables in order, then the log over them, each until a record is cut short, and cuts the log's
//! torn tail \[assumed\]. There are no deletes and no compaction here.

use super::memory::{Change, Memory, memtable};
use super::{Lsm, Variant};
use crate::cells::{Table, Token, cells_of_table};
use crate::contract::{Key, OpId, Operation};
use crate::disk::{Call, Tree};
use crate::protocol::Protocol;
use crate::protocol::{Plan, PlanOf, Step, StepOf};
use crate::wal::{self, LOG, STORE, memory::Change as LogChange};
use std::sync::Arc;

/// What is put right, to see which gap a violation hangs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// An append is synced before it returns. The study: it is not.
    pub log_synced: bool,
    /// The table and its name are synced before the log is truncated. The study: they are not.
    pub table_synced: bool,
    /// The truncation is synced before the next append. The study: it is not.
    pub truncation_synced: bool,
}

/// Cells of an entry of a table.
const ENTRY: usize = 2;

/// The steps of an operation.
pub(super) fn operation(
    lsm: &Lsm,
    assumed: Assumed,
    id: OpId,
    operation: &Operation,
    memory: &Memory,
) -> Vec<StepOf<Lsm>> {
    let done = Step::Return {
        durable: true,
        identity: None,
    };
    match operation {
        Operation::Write(writes) => {
            let live = memory.log.tail;
            let mut steps = match lsm.flush_at {
                Some(cells) if live >= cells => flush(assumed, memory),
                _ => Vec::new(),
            };
            let memory = lsm.after(memory, &steps);
            let append = lsm.log.append(id, writes, &memory.log);
            let mut append = lsm.log_steps(append);
            if assumed.log_synced {
                let barrier = Call::DataBarrier(LOG.into());
                let answer = append.pop();
                append.push(Step::call("append: data barrier", barrier));
                append.extend(answer);
            }
            steps.extend(append);
            steps
        }
        Operation::Flush => {
            let mut steps = flush(assumed, memory);
            steps.push(done);
            steps
        }
        Operation::Close => vec![done, Step::Reopen],
        Operation::Sync | Operation::Compact => vec![done],
    }
}

/// Writes the table, and truncates the log.
fn flush(assumed: Assumed, memory: &Memory) -> Vec<StepOf<Lsm>> {
    if memory.log.records.is_empty() {
        return Vec::new();
    }
    let number = memory.tables.last().map_or(1, |last| last.lo + 1);
    let entries: Vec<(Key, Option<OpId>)> = memtable(&memory.log.records).into_iter().collect();
    let table = Arc::new(Table {
        lo: number,
        hi: number,
        generation: 0,
        level: 0,
        cells: entries.len() * ENTRY,
        entries,
    });
    let path = path_of(number);
    let write = Call::Write {
        file: path.clone(),
        at: 0,
        cells: cells_of_table(&table),
    };
    let truncate = Call::SetLen {
        file: LOG.into(),
        to: 0,
    };
    let mut steps = vec![
        Step::call("flush: create", Call::Create(path.clone())),
        Step::call("flush: write", write),
    ];
    if assumed.table_synced {
        let names = Call::DirectoryBarrier(STORE.into());
        steps.push(Step::call("flush: table barrier", Call::Barrier(path)));
        steps.push(Step::call("flush: directory barrier", names));
    }
    steps.push(Step::call("flush: truncate the log", truncate));
    if assumed.truncation_synced {
        let barrier = Call::Barrier(LOG.into());
        steps.push(Step::call("flush: truncation barrier", barrier));
    }
    steps.push(Step::Change(Change::Flushed(table)));
    steps.push(Step::Change(Change::Log(LogChange::Recycled { head: 0 })));
    steps
}

/// Reads the tables, then the log over them.
pub(super) fn recover(lsm: &Lsm, _: Assumed, tree: &Tree<Token>) -> PlanOf<Lsm> {
    let mut odd = false;
    let mut tables = Vec::new();
    let mut invented: Vec<Key> = Vec::new();
    let names = tree.list(STORE).unwrap_or_default();
    let number = |name: &&str| name.strip_suffix(".sst")?.parse::<u64>().ok();
    let mut numbers: Vec<u64> = (names.iter().map(|name| &**name))
        .filter_map(|name| number(&name))
        .collect();
    numbers.sort_unstable();
    for number in numbers {
        let cells = tree.file(&path_of(number)).unwrap_or_default();
        let found = read(cells);
        odd |= !found.whole;
        invented.retain(|key| found.entries.iter().all(|(read, _)| read != key));
        invented.extend(found.invented);
        tables.push(Arc::new(Table {
            lo: number,
            hi: number,
            generation: 0,
            level: 0,
            entries: found.entries,
            cells: cells.len(),
        }));
    }
    let log = lsm.log.recover(tree);
    let (log, steps, torn) = match log {
        Ok(plan) => (plan.memory, lsm.log_steps(plan.steps), plan.odd),
        Err(_) => (wal::memory::Memory::empty(LOG), Vec::new(), false),
    };
    let mut memory = Memory::new(log, Vec::new(), tables);
    let in_the_log = memtable(&memory.log.records);
    invented.retain(|key| !in_the_log.contains_key(key));
    for key in invented {
        if !memory.log.invented.contains(&key) {
            memory.log.invented.push(key);
        }
    }
    Plan {
        memory,
        steps,
        odd: odd || torn,
    }
}

/// What a reader makes of a table.
struct Read {
    entries: Vec<(Key, Option<OpId>)>,
    /// Keys whose value nobody wrote.
    invented: Vec<Key>,
    /// Whether it is what was written.
    whole: bool,
}

fn read(cells: &[Token]) -> Read {
    let (mut entries, mut invented) = (Vec::new(), Vec::new());
    let (mut at, mut whole) = (0, true);
    while let Some(cell) = cells.get(at) {
        match cell {
            Token::Table { table, part } if part % ENTRY == 0 && at + ENTRY <= cells.len() => {
                let entry = table.entries[part / ENTRY];
                let rest = Token::Table {
                    table: table.clone(),
                    part: part + 1,
                };
                if cells[at + 1] == rest {
                    entries.push(entry);
                } else {
                    // The key was read; the value is whatever stands there.
                    invented.push(entry.0);
                    whole = false;
                }
                at += ENTRY;
            }
            // Length zero, key "", length zero, value "".
            Token::Zero => {
                invented.push(Key::MAX);
                whole = false;
                at += 1;
            }
            _ => {
                whole = false;
                break;
            }
        }
    }
    Read {
        entries,
        invented,
        whole,
    }
}

/// The path of a table.
pub fn path_of(number: u64) -> String {
    format!("{STORE}/{number}.sst")
}

impl Lsm {
    /// The tree of the study.
    pub fn as_found(assumed: Assumed) -> Self {
        Self {
            variant: Variant::AsFound(assumed),
            log: wal::Wal {
                variant: wal::Variant::AsFoundLsm(wal::as_found::Assumed::default()),
                sync: wal::SyncMode::Every,
                layout: wal::Layout::Small { head: 1, write: 1 },
                preallocate: 0,
            },
            table: super::TableSize::Fixed(ENTRY),
            fanout: usize::MAX,
            flush_at: None,
            background: false,
            chunk: usize::MAX,
        }
    }
}

//! Group commit: writers of the log share a barrier.
//!
//! ```text
//!   writer 1        writer 2        writer 3      buffer     disk
//!     |--- put ------------------------------------> r1       |
//!     |  leads        |               |                       |
//!     |--- write(r1) ---------------------------------------->|  cached
//!     |               |--- put --------------------> r2       |
//!     |               |               |--- put --->  r3       |
//!     |--- data barrier ------------------------------------->|  durable
//!     |<-- acknowledge|               |                       |
//!                     |  leads        |                       |
//!                     |--- write(r2, r3) -------------------->|  cached, in one call
//!                     |--- data barrier --------------------->|  durable
//!                     |<-- acknowledge|<-- acknowledge
//! ```
//!
//! A writer encodes its record into a shared buffer: the order there is the order of the log, and the record carries the
//! durable mark of that moment. Where no leader is at work it leads: it writes all of the buffer in one call, then comes
//! the barrier, where one is due, and all whose record is covered return. Those who came too late for that batch wait for
//! the next, which one of them leads. A batch that fails fails everybody who waits, and poisons the handle.
//!
//! A batch has a barrier where every call is to be durable, where it fills a group of N calls, where a sync waits, and where
//! it is the first of its life. *The first batch of a life is one record.* With two in one call a crash may take the
//! first and leave the second, and then nothing says that the generation was used: the next life takes it again, and the
//! record that was left behind the tail follows the one that is written there (D2).
//!
//! When the leader takes the buffer is not said: any time before it writes. So a leader may as well wait for others, as a
//! timer makes it do. Answers are given in order, and before the next batch is written. That leaves nothing out: an answer
//! changes no disk, and until it is given less is owed. (A writer that wakes up late may be told Ok after a later barrier
//! failed. D9 does not forbid it, for its own barrier completed; here it is told before.)
//!
//! W1  No operation is acknowledged whose record some crash image does not hold.
//! W3  A second record of a generation is written only after the first one is durable.
//!
//! Not modelled here: how writers are woken, which loom explores in the engine. Bounds, variants and expected verdicts:
//! `specs/wal.toml`. Sources: DeWitt et al., Implementation Techniques for Main Memory Database Systems, SIGMOD '84;
//! Helland et al., Group Commit Timers and High Volume Transaction Systems, HPTS '87.

pub mod memory;

use super::memory::Change as LogChange;
use super::record::parse;
use super::{LOG, SyncMode, Wal};
use crate::cells::{Record, Token, cells_of};
use crate::contract::{OpId, Operation, View, Write};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Site, Step, StepOf};
use memory::{Change, Memory, Waiting};
use std::sync::Arc;

/// Where the barrier stands that is tried again.
const RETRIED: Site = "group: retried barrier";

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// The barrier of a batch is taken to cover what came into the buffer while it ran.
    CoveredByRunning,
    /// All but the leader return once the batch is written.
    AcknowledgedWhenWritten,
    /// After a failed barrier the next writer leads, and its barrier is believed.
    BarrierRetried,
    /// A record carries as durable mark the record before it.
    MarkOfStaged,
    /// The first batch of a life is all of the buffer.
    FirstBatchOfMany,
}

/// The log with several writers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Which.
    pub variant: Variant,
    /// The log below: sync mode, sizes of records.
    pub log: Wal,
}

impl Protocol for Group {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.log.poisoned {
            return vec![Step::of(id, Step::Refuse)];
        }
        match operation {
            Operation::Write(writes) => {
                let record = self.record(id, writes, memory);
                let waiting = Waiting {
                    op: id,
                    index: record.index,
                    identity: Some(record.identity()),
                };
                vec![Step::Change(Change::Joined(waiting, Some(record)))]
            }
            // A log has no tables: maintenance is a sync.
            Operation::Sync | Operation::Flush | Operation::Compact => {
                let waiting = Waiting {
                    op: id,
                    index: memory.last(),
                    identity: None,
                };
                vec![Step::Change(Change::Joined(waiting, None))]
            }
            // Nobody waits, and nobody comes: the handle is given up.
            Operation::Close => {
                let mut steps = log_steps(self.log.sync(&memory.log, "close: data barrier"));
                steps.push(Step::Reopen);
                steps
            }
        }
    }

    /// Where nobody waits, a close runs.
    fn overlaps(&self, operation: &Operation, memory: &Memory) -> bool {
        matches!(operation, Operation::Write(_) | Operation::Sync) && !memory.waiting.is_empty()
    }

    fn next(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let may_return = |waiting| Some((waiting, memory.may_return(waiting)?));
        let mut answers = memory.waiting.iter().filter_map(may_return).peekable();
        if answers.peek().is_some() {
            answers
                .flat_map(|(waiting, durable)| returned(waiting, durable))
                .collect()
        } else if memory.waiting.is_empty() || memory.is_led() || memory.log.poisoned {
            Vec::new()
        } else {
            self.batch(memory)
        }
    }

    fn recover(&self, tree: &Tree<Token>) -> Result<PlanOf<Self>, Refused> {
        let plan = self.log.recover(tree)?;
        Ok(Plan {
            memory: Memory::recovered(plan.memory),
            steps: log_steps(plan.steps),
            odd: plan.odd,
        })
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    fn failed(&self, step: &StepOf<Self>, memory: &Memory) -> Vec<StepOf<Self>> {
        if let (Variant::BarrierRetried, Step::Call { call, site }) = (self.variant, step)
            && call.is_barrier()
            && *site != RETRIED
        {
            let covered = Step::Change(Change::Log(LogChange::Covered));
            return vec![Step::call(RETRIED, call.clone()), covered];
        }
        let mut steps = vec![Step::Change(Change::Poisoned)];
        match memory.waiting.is_empty() {
            true => steps.push(Step::Fail), // a close
            false => {
                let waiting = memory.waiting.iter();
                steps.extend(waiting.flat_map(|it| answer(it.op, Step::Fail)));
            }
        }
        steps
    }

    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        self.log.forget(image)
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        self.log.reads_garbage_as_zeros()
    }

    fn observe(&self, memory: &Memory) -> View {
        memory.log.view()
    }

    fn guards(
        &self,
        step: &StepOf<Self>,
        memory: &Memory,
        disk: &Disk<Token>,
        profile: &Profile,
    ) -> Vec<(u8, bool)> {
        let in_every_image = |holds: &dyn Fn(&[Arc<Record>]) -> bool| {
            let found = |image: &Disk<Token>| {
                let cells = image.view().file(LOG).unwrap_or_default();
                parse(cells, self.log.variant, None).records
            };
            let images = disk.crash_images(profile);
            images.iter().all(|(_, image)| holds(&found(image)))
        };
        match step {
            Step::Of(op, answer) if matches!(**answer, Step::Return { durable: true, .. }) => {
                let mut waiting = memory.waiting.iter();
                let index = waiting.find(|waiting| waiting.op == *op).map(|it| it.index);
                let records = memory.log.records.iter().chain(&memory.buffer);
                let mut owed = records.filter(|record| Some(record.index) <= index);
                vec![(
                    1,
                    owed.all(|record| in_every_image(&|found| found.contains(record))),
                )]
            }
            Step::Call {
                site: "group: write",
                ..
            } if !memory.log.first || self.taken(memory).len() > 1 => {
                let generation = memory.log.generation;
                let begun = |record: &Arc<Record>| record.generation == generation;
                vec![(3, in_every_image(&|found| found.iter().any(begun)))]
            }
            _ => Vec::new(),
        }
    }
}

impl Group {
    /// The next record, behind those that are yet to be written.
    fn record(&self, id: OpId, writes: &[Write], memory: &Memory) -> Arc<Record> {
        let mut log = memory.log.clone();
        log.index = memory.last();
        if self.variant == Variant::MarkOfStaged {
            log.mark = log.index;
        }
        self.log.record(id, writes, None, &log)
    }

    /// What the next leader takes of the buffer.
    fn taken<'a>(&self, memory: &'a Memory) -> &'a [Arc<Record>] {
        let is_one = memory.log.first && self.variant != Variant::FirstBatchOfMany;
        let most = if is_one { 1 } else { usize::MAX };
        &memory.buffer[..memory.buffer.len().min(most)]
    }

    /// What a leader does: writes what it took in one call, and makes it durable where that is due. Nothing is written
    /// where only a sync waits.
    fn batch(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let records = self.taken(memory);
        let mut steps = Vec::new();
        if !records.is_empty() {
            let cells = records.iter().flat_map(cells_of).collect();
            let write = self.log.write_at_tail("group: write", cells, &memory.log);
            steps.extend(log_steps(write));
            steps.push(Step::Change(Change::Written(records.len())));
        }
        if self.variant == Variant::AcknowledgedWhenWritten {
            let last = records.last().map_or(0, |last| last.index);
            let followers = memory.waiting.iter().skip(1);
            let followers = followers.filter(|waiting| waiting.index <= last);
            steps.extend(followers.flat_map(|waiting| returned(waiting, true)));
        }
        let Some(site) = self.barrier(records.len(), memory) else {
            steps.push(Step::Change(Change::Released));
            return steps;
        };
        let barrier = Call::DataBarrier(memory.log.file.to_string());
        let covered = match self.variant {
            Variant::CoveredByRunning => Change::CoveredWithBuffer,
            _ => Change::Log(LogChange::Covered),
        };
        steps.extend([Step::call(site, barrier), Step::Change(covered)]);
        steps
    }

    /// Which barrier a batch of so many records has, if it has one.
    fn barrier(&self, records: usize, memory: &Memory) -> Option<Site> {
        let is_due = match self.log.sync {
            SyncMode::Every => true,
            SyncMode::EveryN(n) => memory.log.since as usize + records >= n as usize,
            SyncMode::Never => false,
        };
        let syncs = memory.waiting.iter().any(|it| it.identity.is_none());
        if is_due {
            Some("group: data barrier")
        } else if memory.log.first && records > 0 {
            Some("group: generation barrier")
        } else {
            syncs.then_some("group: sync barrier")
        }
    }
}

/// An operation returns.
fn returned(waiting: &Waiting, durable: bool) -> [StepOf<Group>; 2] {
    let identity = waiting.identity;
    answer(waiting.op, Step::Return { durable, identity })
}

/// An operation is answered, and waits no more.
fn answer(op: OpId, answer: StepOf<Group>) -> [StepOf<Group>; 2] {
    [Step::of(op, answer), Step::Change(Change::Told(op))]
}

/// Steps of the log, as steps of the group.
fn log_steps(steps: Vec<StepOf<Wal>>) -> Vec<StepOf<Group>> {
    let steps = steps.into_iter();
    steps.map(|step| step.map_change(&Change::Log)).collect()
}

//! The stand-alone log as the study found it: every append is flushed and synced.
//!
//! ```text
//!   append     write | fsync                                      [study]  (batch mode: every Nth)
//!   batch      begin, a record for each write, commit [assumed] | fsync [study]
//!   rotate     fsync [study] | create the next segment [assumed]
//!   truncate   the rest into FIRST.log.tmp | fsync [study] | rename over the segment, remove those before [assumed]
//!   recovery   read, count on from the newest record, append behind the last one [assumed]
//! ```
//!
//! The study says when a file is synced, and nothing else; the rest is [`Assumed`], and `Default` gives it the
//! benefit of the doubt: records have checksums and follow each other by number, what is torn is cut off, names and repairs are synced. Each
//! lesser reading is a variant of its own. In all of them a handle goes on after an error, for the study names
//! no way to stop it; and the next number is one more than the newest record's.
//!
//! A client truncates what it holds elsewhere. What it holds is a ghost here, in a file of the client's
//! own, durable before the truncation begins.
//!
//! Not modelled: checkpoint, which is one more record and one more fsync. Bounds, variants and expected
//! verdicts: `specs/wal.toml`; what came out: `specs/findings/wal-module-syncs-every-write.md`.

pub mod entry;
pub mod memory;
mod recovery;

use super::{STORE, SyncMode};
use crate::contract::{OpId, Operation, View, Write};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Site, Step, StepOf};
use entry::{Cell, Entry, Held, Kind};
use memory::{Change, Memory};
use std::sync::Arc;

/// What recovery does with a torn tail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tail {
    /// Cuts it off.
    #[default]
    Cut,
    /// Appends behind it.
    Left,
    /// Leaves it, and goes on in a new segment; reading stops at the first record that is torn.
    NewSegment,
    /// The same; reading goes on with the next segment.
    NewSegmentPassed,
}

/// What the reader makes of begin and commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Brackets {
    /// Recovery cuts off what is begun in the last segment and not committed.
    #[default]
    Cut,
    /// What is begun counts from its commit on; recovery leaves it where it is.
    Open,
    /// Nothing: each write counts.
    Ignored,
}

/// What the study leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// What recovery does with a torn tail.
    pub tail: Tail,
    /// What the reader makes of begin and commit.
    pub brackets: Brackets,
    /// Directories are not synced.
    pub names_cached: bool,
    /// Recovery does not sync what it found and repaired.
    pub recovery_cached: bool,
    /// A truncated log is empty; else a record in it says which number is next.
    pub numbers_forgotten: bool,
}

/// The log as found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Module {
    /// What the study leaves open.
    pub assumed: Assumed,
    /// When a single append is synced; a batch always is.
    pub sync: SyncMode,
    /// The cells of a record's head; a write takes one more.
    pub head: usize,
    /// A segment is full with so many records. `None`: rotates only when asked to.
    pub rotate_at: Option<u64>,
}

/// The client's directory.
const CLIENT: &str = "client";
/// Where the client holds what it truncates.
const HELD: &str = "client/held";

/// The path of a segment.
fn path_of(number: u64) -> String {
    format!("{STORE}/{number}.log")
}

impl Protocol for Module {
    type Cell = Cell;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        let done = Step::Return {
            durable: true,
            identity: None,
        };
        let mut steps = Vec::new();
        match operation {
            Operation::Write(writes) => return self.append(id, writes, memory),
            Operation::Sync => steps.extend(cover("sync: barrier", memory)),
            Operation::Close => {
                steps.extend(cover("close: barrier", memory));
                steps.push(Step::Reopen);
                return steps;
            }
            Operation::Flush => steps.extend(self.rotate(memory)),
            Operation::Compact => steps.extend(self.truncate(memory)),
        }
        steps.push(done);
        steps
    }

    fn recover(&self, tree: &Tree<Cell>) -> Result<PlanOf<Self>, Refused> {
        Ok(recovery::recover(self, tree))
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
        memory.view.clone()
    }

    fn guards(&self, _: &StepOf<Self>, _: &Memory, _: &Disk<Cell>, _: &Profile) -> Vec<(u8, bool)> {
        Vec::new()
    }
}

impl Module {
    fn append(&self, id: OpId, writes: &[Write], memory: &Memory) -> Vec<StepOf<Self>> {
        let kinds: Vec<Kind> = match writes {
            [write] => vec![Kind::Write(*write)],
            batch => {
                let writes = batch.iter().map(|write| Kind::Write(*write));
                let begin = std::iter::once(Kind::Begin);
                begin.chain(writes).chain([Kind::Commit]).collect()
            }
        };
        let mut memory = memory.clone();
        let mut steps = Vec::new();
        let mut identities = Vec::new();
        for kind in kinds {
            if self.rotate_at.is_some_and(|most| memory.records >= most) {
                let rotated = self.rotate(&memory);
                memory = self.after(&memory, &rotated);
                steps.extend(rotated);
            }
            let entry = self.entry(id, kind, &memory);
            identities.push((entry.number, id));
            let appended = [
                write("append: write", &memory, &entry),
                Step::Change(Change::Appended(entry.cells)),
            ];
            memory = self.after(&memory, &appended);
            steps.extend(appended);
        }
        let identity = identities.last().map(|(number, _)| *number);
        steps.push(Step::Change(Change::Applied {
            op: id,
            writes: writes.to_vec(),
            identities,
        }));
        let durable = match self.sync {
            _ if writes.len() > 1 => true,
            SyncMode::Every => true,
            SyncMode::EveryN(n) => memory.since >= n,
            SyncMode::Never => false,
        };
        if durable {
            steps.extend(cover("append: barrier", &memory));
        }
        steps.push(Step::Return { durable, identity });
        steps
    }

    fn entry(&self, op: OpId, kind: Kind, memory: &Memory) -> Arc<Entry> {
        let payload = usize::from(matches!(kind, Kind::Write(_)));
        Arc::new(Entry {
            number: memory.next,
            op,
            kind,
            cells: self.head + payload,
        })
    }

    fn rotate(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps: Vec<_> = cover("rotate: barrier", memory).into();
        let next = memory.segment() + 1;
        let create = Call::Create(path_of(next));
        steps.push(Step::call("rotate: create", create));
        steps.extend(self.sync_names("rotate: directory barrier"));
        steps.push(Step::Change(Change::Rotated(next)));
        steps
    }

    /// Gives up all records so far.
    fn truncate(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let held = Held {
            up_to: memory.next - 1,
            values: memory.view.values.clone(),
        };
        let (path, last) = (path_of(memory.segment()), memory.segments.len() - 1);
        let made = format!("{path}.tmp");
        let mut steps = hold(held);
        steps.push(Step::call("truncate: create", Call::Create(made.clone())));
        let mut kept = 0;
        if !self.assumed.numbers_forgotten {
            let entry = self.entry(0, Kind::Truncated, memory);
            kept = entry.cells;
            steps.push(Step::call(
                "truncate: write",
                Call::Write {
                    file: made.clone(),
                    at: 0,
                    cells: entry::cells_of(&entry),
                },
            ));
        }
        let (from, to) = (made.clone(), path);
        steps.push(Step::call("truncate: barrier", Call::Barrier(made)));
        steps.push(Step::call("truncate: rename", Call::Rename { from, to }));
        steps.extend(self.sync_names("truncate: directory barrier"));
        for number in &memory.segments[..last] {
            let remove = Call::Remove(path_of(*number));
            steps.push(Step::call("truncate: remove", remove));
        }
        steps.push(Step::Change(Change::Truncated(kept)));
        steps
    }

    fn sync_names(&self, site: Site) -> Option<StepOf<Self>> {
        let sync = || Step::call(site, Call::DirectoryBarrier(STORE.into()));
        (!self.assumed.names_cached).then(sync)
    }
}

/// The client makes durable what it will give up.
fn hold(held: Held) -> Vec<StepOf<Module>> {
    let (file, cells) = (HELD.into(), vec![Cell::Held(Arc::new(held))]);
    let at = 0;
    vec![
        Step::call("client: hold", Call::Write { file, at, cells }),
        Step::call("client: barrier", Call::Barrier(HELD.into())),
    ]
}

fn write(site: Site, memory: &Memory, entry: &Arc<Entry>) -> StepOf<Module> {
    let (file, at) = (path_of(memory.segment()), memory.tail);
    let cells = entry::cells_of(entry);
    Step::call(site, Call::Write { file, at, cells })
}

/// Syncs the last segment.
fn cover(site: Site, memory: &Memory) -> [StepOf<Module>; 2] {
    let barrier = Call::Barrier(path_of(memory.segment()));
    [Step::call(site, barrier), Step::Change(Change::Covered)]
}

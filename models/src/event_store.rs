//! The event store: streams in a log, and snapshots of what projections made of them.
//!
//! ```text
//!   append    the events of one call are one record of the log, appended as the log does (wal.rs)
//!   show      a subscriber: the events up to the durable mark
//!   snapshot  log data barrier | NAME.snapshot.tmp: create, write, barrier | rename to NAME.snapshot | directory barrier
//!   recovery  the log: rewrite, end mark, barrier | directory barriers
//!             remove leftovers, and a snapshot that does not count
//! ```
//!
//! Events are all that there is: the log is never recycled, and a projection is the fold of all events. A
//! snapshot saves the folding. It names the record that it stands at, by LSN, and counts only where it is whole
//! and the log has that very record; else the projection is made from the first event on. So what a client is
//! shown never depends on a snapshot, and losing one costs time.
//!
//! A snapshot is replaced by a rename, so that after any crash it is the old one or the new one. The log's
//! barrier comes first: where a crash took the records that a snapshot stands on, neither would count.
//!
//! A subscriber is shown what is durable and nothing else, in every mode: what it was shown, it acted on.
//!
//! W1  Nothing is acknowledged that some crash image does not hold.
//! W2  The log gets its final name only after its header is durable.
//! W3  A second record of a generation is written only after the first one is durable.
//! W4  A snapshot has its name only when it is whole.
//! W5  Once a snapshot was taken, every crash image holds it or a newer one, and it counts.
//! W6  A subscriber is shown an event only when every crash image holds it.
//!
//! An event is a key here that is written once: the positions of events are the identities that clients are
//! told. Streams and versions are how the engine names events; the log orders all of them. Bounds, variants and
//! expected verdicts: `specs/event_store.toml`. Sources: Mohan et al., ARIES, TODS 17(1), 1992, section 3; Pillai et al.,
//! All File Systems Are Not Created Equal, OSDI '14 (replacing a file by a rename).

mod guards;
pub mod lines;
pub mod memory;
mod recovery;

use crate::cells::{Table, TableSize, Token, cells_of_table};
use crate::contract::{OpId, Operation, View};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Step, StepOf};
use crate::wal::{LOG, STORE, Wal, memory::Change as LogChange, record::parse};
use memory::{Change, Memory};
use std::sync::Arc;

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// A snapshot says at which position it stands, and not of which life: it counts where the log reaches so
    /// far.
    SnapshotByPosition,
    /// The new snapshot is written over the old one.
    SnapshotInPlace,
    /// A subscriber is shown what returned.
    ShownEarly,
}

/// The event store's protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventStore {
    /// Which.
    pub variant: Variant,
    /// Its log: variant, sync mode, sizes of records.
    pub log: Wal,
    /// The size of a snapshot.
    pub snapshot: TableSize,
}

/// The snapshot.
pub const SNAPSHOT: &str = "store/projection.snapshot";
/// The snapshot while it is made.
pub const SNAPSHOT_IN_THE_MAKING: &str = "store/projection.snapshot.tmp";

impl Protocol for EventStore {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.log.poisoned {
            return vec![Step::Refuse];
        }
        let log = &memory.log;
        match operation {
            Operation::Write(writes) => log_steps(self.log.append(id, writes, log)),
            Operation::Sync | Operation::Compact => {
                log_steps(self.log.sync(log, "sync: data barrier"))
            }
            Operation::Close => {
                let mut steps = log_steps(self.log.sync(log, "close: data barrier"));
                steps.push(Step::Reopen);
                steps
            }
            Operation::Flush => {
                let mut steps = self.take_snapshot(memory);
                steps.push(Step::Return {
                    durable: true,
                    identity: None,
                });
                steps
            }
        }
    }

    fn recover(&self, tree: &Tree<Token>) -> Result<PlanOf<Self>, Refused> {
        recovery::recover(self, tree)
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        vec![Step::Change(Change::Log(LogChange::Poisoned)), Step::Fail]
    }

    /// As in the log; a snapshot that does not count, and one in the making, is known by its name only.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        if !self.reads_garbage_as_zeros() {
            return image;
        }
        let Ok(plan) = self.recover(image.view()) else {
            return image;
        };
        let memory = plan.memory;
        let cells = image.view().file(LOG).unwrap_or_default();
        let parsed = parse(cells, self.log.variant, None);
        let generation = parsed.records.last().map_or(0, |last| last.generation);
        let counts = memory.snapshot.is_some();
        let image = image.empty_settled(|path| path != LOG && !(counts && path == SNAPSHOT));
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Table { table, .. } if Some(table) != memory.snapshot.as_ref() => Token::Zero,
            Token::Part { record, .. }
                if record.generation <= generation && !parsed.records.contains(record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        self.variant != Variant::SnapshotByPosition && self.log.reads_garbage_as_zeros()
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

impl EventStore {
    /// Saves what a projection made of all events so far. Nothing where there are none, or none since.
    fn take_snapshot(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let (Some(snapshot), log) = (self.snapshot_of(memory), &memory.log) else {
            return Vec::new();
        };
        if memory.snapshot.as_ref() == Some(&snapshot) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if log.mark < log.index {
            let barrier = Call::DataBarrier(LOG.into());
            steps.push(Step::call("snapshot: log data barrier", barrier));
            steps.push(Step::Change(Change::Log(LogChange::Covered)));
        }
        let is_made_in_place = self.variant == Variant::SnapshotInPlace;
        let made = match is_made_in_place {
            true => SNAPSHOT.to_string(),
            false => SNAPSHOT_IN_THE_MAKING.to_string(),
        };
        if !is_made_in_place || memory.snapshot.is_none() {
            steps.push(Step::call("snapshot: create", Call::Create(made.clone())));
        }
        let (file, cells) = (made.clone(), cells_of_table(&snapshot));
        let write = Call::Write { file, at: 0, cells };
        steps.push(Step::call("snapshot: write", write));
        steps.push(Step::call("snapshot: barrier", Call::Barrier(made.clone())));
        if !is_made_in_place {
            let (from, to) = (made, SNAPSHOT.into());
            steps.push(Step::call("snapshot: rename", Call::Rename { from, to }));
        }
        steps.push(Step::call(
            "snapshot: directory barrier",
            Call::DirectoryBarrier(STORE.into()),
        ));
        steps.push(Step::Change(Change::Snapshot(snapshot)));
        steps
    }

    fn snapshot_of(&self, memory: &Memory) -> Option<Arc<Table>> {
        let last = memory.log.records.last()?;
        let values = memory.projection();
        let mut snapshot = Table {
            lo: 1,
            hi: last.index,
            generation: last.generation,
            level: 0,
            entries: values
                .into_iter()
                .map(|(key, op)| (key, Some(op)))
                .collect(),
            cells: 0,
        };
        snapshot.cells = self.snapshot.of(&snapshot);
        Some(Arc::new(snapshot))
    }

    /// Up to which index a subscriber is shown events.
    pub fn shown(&self, memory: &Memory) -> u64 {
        match self.variant {
            Variant::ShownEarly => memory.log.index,
            _ => memory.log.mark,
        }
    }
}

/// Steps of the log, as steps of the store.
fn log_steps(steps: Vec<StepOf<Wal>>) -> Vec<StepOf<EventStore>> {
    let steps = steps.into_iter();
    steps.map(|step| step.map_change(&Change::Log)).collect()
}

//! The stand-alone log: in segments, which go when the client says that it holds what is in them.
//!
//! ```text
//!   write     append to the last segment, as the log does (wal.rs)
//!   rotate    data barrier of the last segment, where something is not covered
//!             FIRST.log.tmp: create, header, barrier | rename to FIRST.log | directory barrier
//!             from here on records go there
//!   truncate  append a checkpoint that says up to which record | data barrier | remove the segments below
//!   recovery  the last segment, as the log does: rewrite, end mark, barrier | directory barriers
//!             remove leftovers, and segments below the checkpoint
//! ```
//!
//! A segment is named by the index of its first record. One that has a successor is whole and durable, for
//! it was so before the successor got its name: a torn record in it, or a hole behind it, is damage, and is
//! refused. Only the last has a tail.
//!
//! The *truncation point* is what the newest checkpoint says. It is durable before a segment goes, and
//! recovery reads from it on; so whichever removals last, a gap in the names below it means nothing, and what
//! comes back is never read. The last segment never goes, and neither does the segment of the newest
//! checkpoint, which lies above its own point: there is always a record to count on from (D8).
//!
//! A client truncates what it holds elsewhere, durably. Here a checkpoint carries that as a ghost, so that a
//! log that was truncated still shows all that the client knows, and a record too many or too few breaks
//! the contract.
//!
//! W1  Nothing is acknowledged that some crash image does not hold.
//! W2  A segment gets its name only after its header is durable.
//! W3  A second record of a generation is written only after the first one is durable.
//! W4  A segment has a successor only when all of it is durable.
//! W5  A segment is removed only after a checkpoint above it is durable.
//!
//! With `preallocate` a segment has its header only when it gets its name; its first append makes it longer.
//!
//! Not modelled here: truncation into the last segment, but not up to its end; several writers (`group.rs`). Bounds,
//! variants and expected verdicts: `specs/wal.toml`. Source: Mohan et al., ARIES, TODS 17(1), 1992, sections 3 and 4.

pub(crate) mod guards;
pub mod memory;
pub(crate) mod recovery;

use super::memory::Change as LogChange;
use super::{STORE, Wal, cover};
use crate::cells::{Checkpoint, Token, cells_of};
use crate::contract::{OpId, Operation, View};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Site, Step, StepOf};
use memory::{Change, Memory};

/// The protocol in the picture, or with one named mistake. Mistakes of one segment are the log's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// The new segment is made before the last one is durable.
    SuccessorFirst,
    /// Segments are removed before the checkpoint is durable.
    RemovedFirst,
    /// Recovery takes what is whole of each segment, and goes on with the next one; what is torn, it leaves.
    TornSegmentPassed,
}

/// The log in segments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segments {
    /// Which.
    pub variant: Variant,
    /// The log in each: variant, sync mode, sizes of records.
    pub log: Wal,
    /// A write first rotates a segment with that many cells of records. `None`: only when asked to.
    pub rotate_at: Option<usize>,
}

/// The path of the segment whose first record has this index.
pub fn path_of(first: u64) -> String {
    format!("{STORE}/{first}.log")
}

/// Where the steps of making the next segment stand: create, header, header barrier, rename.
const ROTATE: [Site; 4] = [
    "rotate: create",
    "rotate: header",
    "rotate: header barrier",
    "rotate: rename",
];

impl Protocol for Segments {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.log.poisoned {
            return vec![Step::Refuse];
        }
        let done = Step::Return {
            durable: true,
            identity: None,
        };
        match operation {
            Operation::Write(writes) => {
                let cells = memory.log.tail - 1;
                let mut steps = match self.rotate_at {
                    Some(most) if cells >= most => self.rotate(memory),
                    _ => Vec::new(),
                };
                let memory = self.after(memory, &steps);
                steps.extend(log_steps(self.log.append(id, writes, &memory.log)));
                steps
            }
            Operation::Sync => log_steps(self.log.sync(&memory.log, "sync: data barrier")),
            Operation::Close => {
                let mut steps = log_steps(self.log.sync(&memory.log, "close: data barrier"));
                steps.push(Step::Reopen);
                steps
            }
            Operation::Flush => {
                let mut steps = self.rotate(memory);
                steps.push(done);
                steps
            }
            Operation::Compact => {
                let mut steps = self.truncate(id, memory);
                steps.push(done);
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
        let poisoned = Change::Log(LogChange::Poisoned);
        vec![Step::Change(poisoned), Step::Fail]
    }

    /// As in the log: what is no live record reads like zeros. What is in the making, and segments below
    /// the truncation point, are known by their names only.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        if !self.reads_garbage_as_zeros() {
            return image;
        }
        let Ok(found) = recovery::read(self, image.view()) else {
            return image;
        };
        let memory = found.memory;
        let generation = memory.log.generation - 1;
        let live: Vec<String> = memory
            .segments
            .iter()
            .map(|first| path_of(*first))
            .collect();
        let image = image.empty_settled(|path| !live.iter().any(|live| live == path));
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Part { record, .. }
                if record.generation <= generation && !found.records.contains(record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        self.variant != Variant::TornSegmentPassed && self.log.reads_garbage_as_zeros()
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

impl Segments {
    /// Goes on in a new segment. Nothing where the last one has no record.
    fn rotate(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let log = &memory.log;
        let first = log.index + 1;
        if memory.segments.last() == Some(&first) {
            return Vec::new();
        }
        let mut barrier = Vec::new();
        if log.mark < log.index {
            barrier = log_steps(cover("rotate: data barrier", log).into());
        }
        let mut made = log_steps(self.log.make(&path_of(first), ROTATE));
        made.push(Step::call(
            "rotate: directory barrier",
            Call::DirectoryBarrier(STORE.into()),
        ));
        made.push(Step::Change(Change::Rotated(first)));
        match self.variant {
            // The barrier is the old segment's still.
            Variant::SuccessorFirst => {
                let rotated = made.pop();
                made.into_iter().chain(barrier).chain(rotated).collect()
            }
            _ => [barrier, made].concat(),
        }
    }

    /// Gives up all records so far. Nothing where the newest is a checkpoint, or none is left.
    fn truncate(&self, id: OpId, memory: &Memory) -> Vec<StepOf<Self>> {
        let newest = memory.records().last();
        if newest.is_none_or(|newest| newest.checkpoint.is_some()) {
            return Vec::new();
        }
        let checkpoint = Checkpoint {
            up_to: memory.log.index,
            elsewhere: memory.view().values,
        };
        self.truncate_to(id, checkpoint, memory)
    }

    /// Gives up the records that a checkpoint says, all those in the segments before the last among them.
    pub(crate) fn truncate_to(
        &self,
        id: OpId,
        checkpoint: Checkpoint,
        memory: &Memory,
    ) -> Vec<StepOf<Self>> {
        let log = &memory.log;
        let record = self.log.record(id, &[], Some(checkpoint), log);
        let written = self
            .log
            .write_at_tail("truncate: write", cells_of(&record), log);
        let mut steps = log_steps(written);
        steps.push(Step::Change(Change::Log(LogChange::Appended(record))));
        let barrier = log_steps(cover("truncate: data barrier", log).into());
        let (_, closed) = memory.segments.split_last().unwrap_or((&0, &[]));
        let removals = closed.iter().map(|first| {
            let path = path_of(*first);
            Step::call("truncate: remove", Call::Remove(path))
        });
        if self.variant == Variant::RemovedFirst {
            steps.extend(removals);
            steps.extend(barrier);
        } else {
            steps.extend(barrier);
            steps.extend(removals);
        }
        steps.push(Step::Change(Change::Truncated));
        steps
    }
}

/// Steps of the log, as steps of the segments.
fn log_steps(steps: Vec<StepOf<Wal>>) -> Vec<StepOf<Segments>> {
    let steps = steps.into_iter();
    steps.map(|step| step.map_change(&Change::Log)).collect()
}

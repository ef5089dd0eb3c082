//! The log: a write is acknowledged only once a barrier covers its record.
//!
//! ```text
//!   client              log                     disk
//!     |--- put, batch --->|                       |
//!     |                   |--- write(record) ---->|  cached
//!     |                   |--- data barrier ----->|  durable
//!     |<-- acknowledge ---|                       |
//!     |               (crash)                     |  each cached effect: kept or lost
//!     |                   |<-- read --------------|  longest run of whole records
//!     |                   |--- rewrite ---------->|  what is above the durable mark, same bytes
//!     |                   |--- end mark --------->|  what follows becomes unreadable
//!     |                   |--- barriers --------->|  the log, its name, the store's name
//!     |<-- serve ---------|                       |
//! ```
//!
//! A record carries, under its checksum, its *generation* (the life that wrote it), its *index*, and
//! the *durable mark* (the index up to which barriers had completed when it was written). The first
//! record of a life is durable before a second one carries its generation, so no generation is
//! ever used twice: a record that an earlier life left beyond the tail never follows one of a later
//! life (D2), and an LSN that was told is never told again (D8).
//!
//! Recovery trusts neither the cache nor a second barrier: after a failed barrier and a kill it reads
//! doomed data from a warm cache. So what could be cached only is written again (D7).
//!
//! W1  The log is durable before what it protects is changed: no record is acknowledged that
//!     some crash image does not hold.
//! W2  The log gets its final name only after its header is durable.
//! W3  A second record of a generation is written only after the first one is durable.
//!
//! With `preallocate` the file grows by a chunk at a time: the call that writes a record beyond what is allocated writes
//! zeros behind it, and recovery takes the length that it finds. An append within a chunk overwrites, and changes no size.
//!
//! Segments, checkpoints and truncation are in [`segments`], several writers in [`group`]. Bounds, variants and expected
//! verdicts: `specs/wal.toml`. Sources: Mohan et al., ARIES, TODS 17(1), 1992, section 3 (the log
//! before the data); Rebello et al., ATC '20 (failed barriers).

pub mod as_found;
mod file;
pub mod group;
pub mod memory;
pub mod module;
pub mod record;
pub mod segments;

use crate::cells::Checkpoint;
use crate::contract::{OpId, Operation, View, Write};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Site, Step, StepOf};
pub(crate) use file::{INIT, name_barriers};
use memory::{Change, Memory};
use record::{Parsed, Record, Token, cells_of, parse};
use std::sync::Arc;

/// The store's directory.
pub const STORE: &str = "store";
/// The log.
pub const LOG: &str = "store/log";
/// The log while it is made.
pub const TEMPORARY: &str = "store/log.tmp";

/// When an append is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncMode {
    /// Before it returns.
    Every,
    /// At every Nth call since the last barrier.
    EveryN(u32),
    /// At an explicit sync or close only.
    Never,
}

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// The LSM tree's log of the study: write, flush, acknowledge.
    AsFoundLsm(as_found::Assumed),
    /// Acknowledges before the barrier.
    AcknowledgeBeforeBarrier,
    /// Recovery leaves a torn tail in place and appends behind it.
    TornTailLeft,
    /// Records carry no generation.
    NoGeneration,
    /// The checksum does not cover the length: a header of zeros is a valid, empty record.
    ChecksumWithoutLength,
    /// A failed barrier is tried again, and believed.
    RetriedBarrier,
    /// Recovery believes what it reads in the cache, and does not write it again.
    CacheTrusted,
    /// Recovery does not overwrite what follows the tail.
    NoEndMark,
    /// The log is made under its final name.
    MadeInPlace,
}

/// How many cells a record takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A head, and so many for each write.
    Small {
        /// Cells of the head.
        head: usize,
        /// Cells of each write.
        write: usize,
    },
    /// As the engine's records have it, by operation; the first one, which no operation has, is a
    /// checkpoint's.
    Sized(Arc<[usize]>),
}

/// The log protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wal {
    /// Which.
    pub variant: Variant,
    /// When an append is made durable.
    pub sync: SyncMode,
    /// How many cells a record takes.
    pub layout: Layout,
    /// The file grows by so many cells at a time, in the call that writes a record; 0: by that record.
    pub preallocate: usize,
}

impl Protocol for Wal {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.poisoned {
            return vec![Step::Refuse];
        }
        match operation {
            Operation::Write(writes) => self.append(id, writes, memory),
            // A log has no tables: maintenance is a sync.
            Operation::Sync | Operation::Flush | Operation::Compact => {
                self.sync(memory, "sync: data barrier")
            }
            Operation::Close => {
                let mut steps = self.sync(memory, "close: data barrier");
                steps.push(Step::Reopen);
                steps
            }
        }
    }

    fn recover(&self, tree: &Tree<Token>) -> Result<PlanOf<Self>, Refused> {
        let mut steps = Vec::new();
        if tree.lookup(STORE).is_none() {
            steps.push(Step::call(
                "init: store directory",
                Call::CreateDirectory(STORE.into()),
            ));
        }
        if let Variant::AsFoundLsm(assumed) = self.variant {
            return Ok(as_found::recover(assumed, tree, steps));
        }
        if tree.lookup(TEMPORARY).is_some() {
            steps.push(Step::call(
                "recovery: leftover",
                Call::Remove(TEMPORARY.into()),
            ));
        }
        let Some(cells) = tree.file(LOG) else {
            steps.extend(self.initialise(LOG));
            return Ok(Plan {
                memory: Memory::empty(LOG),
                steps,
                odd: false,
            });
        };
        if cells.first() != Some(&Token::Header) {
            return Err(Refused(format!(
                "{LOG} has no valid header: foreign or damaged"
            )));
        }
        let mut parsed = parse(cells, self.variant, None);
        if self.variant == Variant::TornTailLeft && parsed.torn(cells) {
            parsed.tail = cells.len();
        }
        steps.extend(self.repair(LOG, &parsed));
        steps.extend(name_barriers(
            "recovery: directory barrier",
            "recovery: parent directory barrier",
        ));
        let memory = Memory {
            allocated: self.allocated(cells),
            ..Memory::recovered(LOG, &parsed)
        };
        let odd = self.is_odd(&parsed, cells);
        Ok(Plan { memory, steps, odd })
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    fn failed(&self, step: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        match (self.variant, step) {
            (Variant::RetriedBarrier, Step::Call { call, .. }) if call.is_barrier() => vec![
                Step::call("append: retried barrier", call.clone()),
                Step::Change(Change::Covered),
                Step::Return {
                    durable: true,
                    identity: None,
                },
            ],
            _ => vec![Step::Change(Change::Poisoned), Step::Fail],
        }
    }

    /// What an earlier life left beyond the tail is never read as a record again: the end mark
    /// overwrites the first cell of it, and what follows later is of a later generation.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        let Some(cells) = image
            .view()
            .file(LOG)
            .filter(|_| self.reads_garbage_as_zeros())
        else {
            return image;
        };
        let parsed = parse(cells, self.variant, None);
        let generation = parsed.records.last().map_or(0, |last| last.generation);
        // Nothing else beyond the tail is a record either: it reads like zeros.
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Part { record, .. }
                if record.generation <= generation && !parsed.records.contains(record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    /// Neither is a record, to a reader with a checksum that covers all of it.
    fn reads_garbage_as_zeros(&self) -> bool {
        !matches!(
            self.variant,
            Variant::AsFoundLsm(_)
                | Variant::TornTailLeft
                | Variant::NoGeneration
                | Variant::ChecksumWithoutLength
                | Variant::NoEndMark
        )
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
        let all = |holds: &dyn Fn(&Tree<Token>) -> bool| {
            disk.crash_images(profile)
                .iter()
                .all(|(_, image)| holds(image.view()))
        };
        let read = |tree: &Tree<Token>| {
            tree.file(LOG)
                .map_or(Vec::new(), |cells| parse(cells, self.variant, None).records)
        };
        match step {
            Step::Return { durable: true, .. } => {
                let records = &memory.records;
                vec![(1, all(&|tree| read(tree).len() >= records.len()))]
            }
            Step::Call { site, .. } if *site == "init: directory barrier" => {
                let whole = |tree: &Tree<Token>| {
                    tree.file(LOG).is_none_or(|cells| cells == [Token::Header])
                };
                vec![(2, all(&whole))]
            }
            Step::Call {
                site: "append: write",
                ..
            } if !memory.first => {
                let generation = memory.generation;
                let holds = |tree: &Tree<Token>| {
                    read(tree)
                        .iter()
                        .any(|record| record.generation == generation)
                };
                vec![(3, all(&holds))]
            }
            _ => Vec::new(),
        }
    }
}

impl Wal {
    /// Writes a record, makes it durable where that is due, and answers.
    pub(crate) fn append(&self, id: OpId, writes: &[Write], memory: &Memory) -> Vec<StepOf<Self>> {
        self.append_record(self.record(id, writes, None, memory), memory)
    }

    /// The same of a record that is made already.
    pub(crate) fn append_record(&self, record: Arc<Record>, memory: &Memory) -> Vec<StepOf<Self>> {
        let identity = Some(record.identity());
        let appended = Step::Change(Change::Appended(record.clone()));
        if let Variant::AsFoundLsm(assumed) = self.variant {
            let mut steps = as_found::append(assumed, &record, memory.tail);
            steps.extend([
                appended,
                Step::Return {
                    durable: true,
                    identity: None,
                },
            ]);
            return steps;
        }
        let due = match self.sync {
            SyncMode::Every => true,
            SyncMode::EveryN(n) => memory.since + 1 >= n,
            SyncMode::Never => false,
        };
        let mut steps = self.write_at_tail("append: write", cells_of(&record), memory);
        steps.push(appended);
        let returned = |durable| Step::Return { durable, identity };
        if due && self.variant == Variant::AcknowledgeBeforeBarrier {
            steps.push(returned(true));
            steps.extend(cover("append: data barrier", memory));
        } else if due {
            steps.extend(cover("append: data barrier", memory));
            steps.push(returned(true));
        } else if memory.first {
            // The generation is durable before a second record carries it.
            steps.extend(cover("append: generation barrier", memory));
            steps.push(returned(true));
        } else {
            steps.push(returned(false));
        }
        steps
    }

    /// Writes records at the tail. Where they end behind what is allocated, the same call writes zeros up to the next
    /// multiple of a chunk: the appends that follow change no size.
    pub(crate) fn write_at_tail(
        &self,
        site: Site,
        mut cells: Vec<Token>,
        memory: &Memory,
    ) -> Vec<StepOf<Self>> {
        let (file, tail) = (&memory.file, memory.tail);
        let end = tail + cells.len();
        if self.preallocate == 0 || end <= memory.allocated {
            return vec![write(file, site, tail, cells)];
        }
        let to = end.next_multiple_of(self.preallocate);
        cells.resize(to - tail, Token::Zero);
        let allocated = Step::Change(Change::Allocated(to));
        vec![write(file, site, tail, cells), allocated]
    }

    /// How long a file is, where that counts.
    pub(crate) fn allocated(&self, cells: &[Token]) -> usize {
        if self.preallocate > 0 { cells.len() } else { 0 }
    }

    /// Whether something follows the tail that is not a record; zeros that were written ahead are nothing.
    pub(crate) fn is_odd(&self, parsed: &Parsed, cells: &[Token]) -> bool {
        match self.preallocate {
            0 => parsed.odd,
            _ => parsed.torn(cells),
        }
    }

    /// The next record.
    pub(crate) fn record(
        &self,
        id: OpId,
        writes: &[Write],
        checkpoint: Option<Checkpoint>,
        memory: &Memory,
    ) -> Arc<Record> {
        let cells = match (&self.layout, &checkpoint) {
            (Layout::Small { head, write }, None) => head + write * writes.len(),
            (Layout::Small { head, write }, Some(_)) => head + write,
            (Layout::Sized(sizes), None) => sizes[usize::from(id)],
            (Layout::Sized(sizes), Some(_)) => sizes[0],
        };
        let generation = match self.variant {
            Variant::NoGeneration => 0,
            _ => memory.generation,
        };
        Arc::new(Record {
            generation,
            index: memory.index + 1,
            mark: memory.mark,
            op: id,
            writes: writes.to_vec(),
            checkpoint,
            pages: Vec::new(),
            cells,
        })
    }

    /// Makes durable what returned, where something is not.
    pub(crate) fn sync(&self, memory: &Memory, site: Site) -> Vec<StepOf<Self>> {
        let mut steps = Vec::new();
        // The log as found has no barrier to offer [assumed].
        let has_barriers = !matches!(self.variant, Variant::AsFoundLsm(_));
        if has_barriers && memory.mark < memory.index {
            steps.extend(cover(site, memory));
        }
        steps.push(Step::Return {
            durable: true,
            identity: None,
        });
        steps
    }
}

/// Makes durable all that was written.
pub(crate) fn cover(site: Site, memory: &Memory) -> [StepOf<Wal>; 2] {
    let barrier = Call::DataBarrier(memory.file.to_string());
    [Step::call(site, barrier), Step::Change(Change::Covered)]
}

/// Writes cells.
fn write(file: &str, site: Site, at: usize, cells: Vec<Token>) -> StepOf<Wal> {
    let file = file.into();
    Step::call(site, Call::Write { file, at, cells })
}

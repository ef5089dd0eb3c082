//! The B-tree: pages are written in place, and only after the log holds them.
//!
//! ```text
//!   write       one record of the log: every page that the operation changes, as it is after it; appended as the log does
//!   checkpoint  log data barrier | write these pages in place | data barrier of the pages
//!               write the other slot: up to which record the pages hold everything | data barrier of the pages
//!               from here on the next record goes to the head of the log, over what the pages hold
//!   recovery    write the slot that counts again | barrier of the pages | write zeros over the other one | barrier of the pages
//!               the log: rewrite, end mark, barrier | directory barriers
//! ```
//!
//! A record is the commit of its operation: its checksum covers all pages of it, so a split is there or not. Redo is the
//! pages of all live records over those of the data file, whatever a checkpoint that did not end left there: each page
//! that it may have torn is in the log.
//!
//! Two slots take turns. The newest whole one counts; so one that is torn costs nothing, for the log is given away only
//! after the slot is durable. The log is recycled, as the LSM tree's is: a reader tells old records from new ones by the
//! slot.
//!
//! Recovery writes the slot again: after a failed barrier and a kill it is read from a warm cache, and no later barrier
//! would cover it. And it voids the other one: where the cache took a slot back whose barrier failed, the disk may show it
//! yet, after a later power cut, and the log would have gone on by then. The pages need no such care: each that a checkpoint
//! may have torn is in the log, and the slot was written after their barrier.
//!
//! W1  Nothing is acknowledged that some crash image does not hold.
//! W2  The data file gets its final name only after its first pages are durable, the log after its header.
//! W3  A second record of a generation is written only after the first one is durable.
//! W4  A page is written in place only after the record that holds it is durable.
//! W5  A slot is written only after the pages that it tells of are durable.
//! W6  The log is overwritten only after the slot that tells of what it held is durable.
//!
//! The tree itself is a [`Shape`]: which pages an operation changes. The checks have a small one ([`small`]); conformance
//! has the engine's. Not modelled: two writers. Bounds, variants and expected verdicts: `specs/btree.toml`. Sources: Bayer
//! & McCreight, Organization and Maintenance of Large Ordered Indexes, Acta Informatica 1, 1972; Mohan et al., ARIES, TODS
//! 17(1), 1992, section 3; Gray & Reuter, Transaction Processing, 1993, section 10.3 (whole pages in the log).

pub mod as_found;
mod guards;
pub mod memory;
mod recovery;
pub mod small;

use crate::cells::{Content, Page, Record, Token, cells_of_page};
use crate::contract::{Key, OpId, Operation, Value, View, Write};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Site, Step, StepOf};
use crate::wal::memory::Change as LogChange;
use crate::wal::record::{Floor, parse};
use crate::wal::{LOG, Wal};
use memory::{Change, Memory};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The data file.
pub const PAGES: &str = "store/pages";
/// The data file while it is made.
pub const PAGES_IN_THE_MAKING: &str = "store/pages.tmp";
/// The page of the tree's header. Before it are the two slots.
pub const HEADER: u64 = 2;

/// Pages by their number.
pub type Pages = BTreeMap<u64, Arc<Page>>;

/// A tree in pages.
pub trait Shape: Debug + Send + Sync {
    /// The pages of an empty tree.
    fn empty(&self) -> Vec<Page>;

    /// The pages that an operation changes, as they are after it.
    fn apply(&self, pages: &Pages, op: OpId, writes: &[Write]) -> Vec<Page>;

    /// What the tree holds; `None` where a page of it is missing.
    fn values(&self, pages: &Pages) -> Option<BTreeMap<Key, Value>>;
}

/// Which tree, and its sizes.
#[derive(Clone, Debug)]
pub enum Trees {
    /// A small one.
    Small {
        /// Keys in a leaf.
        leaf: usize,
        /// Cells of a page.
        page: usize,
        /// Cells of a slot.
        slot: usize,
        /// Cells of the head of a record, and of each page in it.
        record: (usize, usize),
    },
    /// An engine's.
    Real {
        /// The tree.
        shape: Arc<dyn Shape>,
        /// Cells of a page.
        page: usize,
        /// Cells of a slot.
        slot: usize,
        /// Cells of a record with so many pages.
        record: fn(pages: usize, cells: usize) -> usize,
    },
}

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// There is one slot.
    OneSlot,
    /// Recovery believes the slot that it reads, and does not write it again.
    SlotTrusted,
    /// An operation's pages are written in place before its record is.
    PagesFirst,
    /// Each page is a record of its own.
    RecordForEachPage,
}

/// The B-tree's protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Btree {
    /// Which.
    pub variant: Variant,
    /// Its log: variant and sync mode.
    pub log: Wal,
    /// Its tree.
    pub tree: Trees,
    /// A write first makes a checkpoint of a log with that many live cells. `None`: only when asked to.
    pub checkpoint_at: Option<usize>,
}

impl Protocol for Btree {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.log.poisoned {
            return vec![Step::Refuse];
        }
        match operation {
            Operation::Write(writes) => {
                let live = memory.log.tail - 1;
                let mut steps = match self.checkpoint_at {
                    Some(cells) if live >= cells => self.checkpoint(memory),
                    _ => Vec::new(),
                };
                let memory = self.after(memory, &steps);
                steps.extend(self.write(id, writes, &memory));
                steps
            }
            Operation::Sync => log_steps(self.log.sync(&memory.log, "sync: data barrier")),
            Operation::Close => {
                let mut steps = log_steps(self.log.sync(&memory.log, "close: data barrier"));
                steps.push(Step::Reopen);
                steps
            }
            Operation::Flush | Operation::Compact => {
                let mut steps = self.checkpoint(memory);
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

    /// Records that are not live, and pages that are in the log, are never read as anything again; neither is the slot
    /// that does not count.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        let Ok(plan) = self.recover(image.view()) else {
            return image;
        };
        if self.variant != Variant::Durable {
            return image;
        }
        let memory = plan.memory;
        let floor = memory.floor;
        let cells = image.view().file(LOG).unwrap_or_default();
        let parsed = parse(cells, self.log.variant, Some(floor));
        let last = parsed.records.last();
        let generation = last.map_or(floor.generation, |last| last.generation);
        let image = image.empty_settled(|path| path != LOG && path != PAGES);
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Page { page, .. } => {
                let counts = match page.content {
                    Content::Slot { .. } => page.number == memory.slot && is_of(page, floor),
                    // Where the log holds the page too, redo writes over it.
                    _ => {
                        memory.base.get(&page.number) == Some(page)
                            && !memory.is_in_the_log(page.number)
                    }
                };
                if counts { cell.clone() } else { Token::Zero }
            }
            Token::Part { record, .. }
                if record.generation <= generation && !parsed.records.contains(record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        true
    }

    fn observe(&self, memory: &Memory) -> View {
        self.view(memory)
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

impl Btree {
    fn write(&self, id: OpId, writes: &[Write], memory: &Memory) -> Vec<StepOf<Self>> {
        let changed = self.shape().apply(&memory.pages(), id, writes);
        let changed: Vec<Arc<Page>> = changed.into_iter().map(Arc::new).collect();
        let record = |memory: &Memory, pages: Vec<Arc<Page>>| {
            let record = self.log.record(id, writes, None, &memory.log);
            let cells = self.tree.record(pages.len());
            let record = (*record).clone();
            Arc::new(Record {
                pages,
                cells,
                ..record
            })
        };
        let mut steps = Vec::new();
        match self.variant {
            Variant::PagesFirst => {
                let in_place = |page| self.in_place("write: page", page);
                steps.extend(changed.iter().map(in_place));
            }
            Variant::RecordForEachPage => {
                let mut memory = memory.clone();
                for page in &changed[..changed.len() - 1] {
                    let record = record(&memory, vec![page.clone()]);
                    let mut appended = log_steps(self.log.append_record(record, &memory.log));
                    // The answer comes with the last.
                    appended.pop();
                    memory = self.after(&memory, &appended);
                    steps.extend(appended);
                }
                let last = changed.last().into_iter().cloned().collect();
                let record = record(&memory, last);
                steps.extend(log_steps(self.log.append_record(record, &memory.log)));
                return steps;
            }
            _ => {}
        }
        let record = record(memory, changed);
        steps.extend(log_steps(self.log.append_record(record, &memory.log)));
        steps
    }

    /// Writes in place what the log holds, and gives the log away. Nothing where it holds nothing.
    fn checkpoint(&self, memory: &Memory) -> Vec<StepOf<Self>> {
        let log = &memory.log;
        let Some(last) = log.records.last() else {
            return Vec::new();
        };
        let floor = Floor {
            generation: last.generation,
            index: last.index,
        };
        let mut steps = Vec::new();
        if log.mark < log.index {
            let barrier = Call::DataBarrier(LOG.into());
            steps.push(Step::call("checkpoint: log data barrier", barrier));
            steps.push(Step::Change(Change::Log(LogChange::Covered)));
        }
        let dirty = memory.dirty();
        let in_place = |page| self.in_place("checkpoint: page", page);
        steps.extend(dirty.values().map(in_place));
        let barrier = || Call::DataBarrier(PAGES.into());
        steps.push(Step::call("checkpoint: pages barrier", barrier()));
        let number = match self.variant {
            Variant::OneSlot => 0,
            _ => 1 - memory.slot,
        };
        let slot = self.slot(number, floor);
        steps.push(self.in_place("checkpoint: slot", &slot));
        steps.push(Step::call("checkpoint: slot barrier", barrier()));
        steps.push(Step::Change(Change::Checkpoint(number, floor)));
        let recycled = LogChange::Recycled { head: 1 };
        steps.push(Step::Change(Change::Log(recycled)));
        steps
    }

    /// Writes a page where it belongs.
    fn in_place(&self, site: Site, page: &Arc<Page>) -> StepOf<Self> {
        let at = usize::try_from(page.number).unwrap_or(usize::MAX) * self.tree.page();
        let (file, cells) = (PAGES.into(), cells_of_page(page));
        Step::call(site, Call::Write { file, at, cells })
    }

    /// Makes a slot say nothing.
    fn void(&self, site: Site, number: u64) -> StepOf<Self> {
        let at = usize::try_from(number).unwrap_or(usize::MAX) * self.tree.page();
        let (file, cells) = (PAGES.into(), vec![Token::Zero; self.tree.slot()]);
        Step::call(site, Call::Write { file, at, cells })
    }

    fn slot(&self, number: u64, floor: Floor) -> Arc<Page> {
        let Floor { generation, index } = floor;
        Arc::new(Page {
            number,
            content: Content::Slot { generation, index },
            cells: self.tree.slot(),
        })
    }

    fn shape(&self) -> Arc<dyn Shape> {
        match &self.tree {
            Trees::Small { leaf, page, .. } => Arc::new(small::Small {
                leaf: *leaf,
                page: *page,
                links_checked: true,
            }),
            Trees::Real { shape, .. } => shape.clone(),
        }
    }

    /// What a client can read. It is told identities, and reads none.
    fn view(&self, memory: &Memory) -> View {
        View {
            values: self.shape().values(&memory.pages()).unwrap_or_default(),
            identities: Vec::new(),
        }
    }
}

/// Whether a slot tells of that record.
fn is_of(page: &Page, floor: Floor) -> bool {
    let Floor { generation, index } = floor;
    page.content == Content::Slot { generation, index }
}

/// Steps of the log, as steps of the tree.
fn log_steps(steps: Vec<StepOf<Wal>>) -> Vec<StepOf<Btree>> {
    let steps = steps.into_iter();
    steps.map(|step| step.map_change(&Change::Log)).collect()
}

impl Trees {
    /// Cells of a page.
    pub fn page(&self) -> usize {
        match self {
            Trees::Small { page, .. } | Trees::Real { page, .. } => *page,
        }
    }

    fn slot(&self) -> usize {
        match self {
            Trees::Small { slot, .. } | Trees::Real { slot, .. } => *slot,
        }
    }

    fn record(&self, pages: usize) -> usize {
        match self {
            Trees::Small { record, .. } => record.0 + record.1 * pages,
            Trees::Real { record, page, .. } => record(pages, *page),
        }
    }

    /// All sizes of a small one.
    fn sizes(&self) -> Option<[usize; 5]> {
        match *self {
            Trees::Small {
                leaf,
                page,
                slot,
                record,
            } => Some([leaf, page, slot, record.0, record.1]),
            Trees::Real { .. } => None,
        }
    }
}

impl PartialEq for Trees {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Trees::Real { shape: one, .. }, Trees::Real { shape: other, .. }) => {
                Arc::ptr_eq(one, other)
            }
            _ => self.sizes() == other.sizes(),
        }
    }
}

impl Eq for Trees {}

impl Hash for Trees {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sizes().hash(state);
    }
}

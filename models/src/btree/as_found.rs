//! The B-tree as the study found it: the log is synced, the pages are written in place and only flushed.
//!
//! ```text
//!   write     for each page that changes: append it to the log | fsync [study] | write it in place, flush [study]
//!             the metadata page in place, flush [study]
//!   commit    fsync of the pages | truncate the log | fsync of the log [study]
//!   recovery  write each page of the log in place [study] | as a commit [assumed]
//! ```
//!
//! What the study leaves open is [`Assumed`]: pages have checksums, and a tree with a page that is not whole does not
//! open; leaves that are new come first, the metadata last. An entry's checksum covers the page only, says the study: the number
//! of the page stands in the cell before it. A handle goes on after an error.
//!
//! The second form is the first one as such designs get mended: a commit record ends the entries of an operation, the
//! metadata is in the log too, and the pages are synced with every operation; recovery replays what is committed.
//!
//! Bounds, variants and expected verdicts: `specs/btree.toml`; what came out:
//! `specs/findings/btree-wal-fsync-pagefile-deferred.md`.

use super::small::Small;
use super::{HEADER, PAGES, Pages, Shape};
use crate::cells::Page;
use crate::contract::{OpId, Operation, View};
use crate::disk::{self, Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Site, Step, StepOf};
use crate::wal::STORE;
use std::fmt;
use std::sync::Arc;

/// What the study leaves open, and how such trees get mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// Mended: commit records, logged and synced metadata.
    pub committed: bool,
    /// The checksum of a page of zeros is zero, so that zeros are an entry.
    pub zeros_are_valid: bool,
    /// Recovery truncates the log without syncing what it wrote.
    pub recovery_cached: bool,
}

/// The tree as found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AsFound {
    /// What the study leaves open.
    pub assumed: Assumed,
    /// Keys in a leaf.
    pub leaf: usize,
    /// Cells of a page.
    pub page: usize,
}

/// The log.
const LOG: &str = "store/wal";

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The operation that wrote it.
    pub op: OpId,
    /// The page; `None`: the operation is committed.
    pub page: Option<Arc<Page>>,
}

/// One cell of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Zeros.
    Zero,
    /// What no checksum accepts.
    Garbage,
    /// One piece of a page in place.
    Page {
        /// The page.
        page: Arc<Page>,
        /// Which piece, from 0.
        part: usize,
    },
    /// One piece of an entry: its head, and then the page.
    Entry {
        /// The entry.
        entry: Arc<Entry>,
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
            Cell::Page { page, part } => write!(f, "p{}.{part}", page.number),
            Cell::Entry { entry, part } => match &entry.page {
                Some(page) => write!(f, "e{}p{}.{part}", entry.op, page.number),
                None => write!(f, "c{}", entry.op),
            },
        }
    }
}

/// What the process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The pages as they are.
    pub pages: Pages,
    /// Where the next entry of the log goes.
    pub tail: usize,
}

/// How it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// So many cells were appended to the log.
    Logged(usize),
    /// A page was written.
    Written(Arc<Page>),
    /// The log was truncated.
    Truncated,
}

impl Protocol for AsFound {
    type Cell = Cell;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps = match operation {
            Operation::Write(writes) => {
                let changed = self.shape().apply(&memory.pages, id, writes);
                let changed: Vec<Arc<Page>> = changed.into_iter().map(Arc::new).collect();
                self.write(id, &changed, memory)
            }
            Operation::Flush | Operation::Compact => self.commit(),
            Operation::Sync | Operation::Close => Vec::new(),
        };
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
        let mut memory = Memory::default();
        if tree.lookup(PAGES).is_none() {
            steps.push(Step::call("init: pages create", Call::Create(PAGES.into())));
            for page in self.shape().empty() {
                let page = Arc::new(page);
                steps.push(self.in_place("init: page", &page));
                memory.pages.insert(page.number, page);
            }
        }
        if tree.lookup(LOG).is_none() {
            steps.push(Step::call("init: log create", Call::Create(LOG.into())));
        }
        let cells = tree.file(PAGES).unwrap_or_default();
        memory.pages.extend(self.pages(cells));
        let log = tree.file(LOG).unwrap_or_default();
        let replayed = self.replay(log);
        let odd = !log.is_empty();
        for (number, page) in &replayed {
            match page {
                Some(page) => {
                    steps.push(self.in_place("recovery: page", page));
                    memory.pages.insert(page.number, page.clone());
                }
                None => drop(memory.pages.remove(number)),
            }
        }
        if self.shape().values(&memory.pages).is_none() {
            return Err(Refused(format!("a page of {PAGES} is damaged")));
        }
        if !replayed.is_empty() || !log.is_empty() {
            let truncated = self.commit();
            let keeps = |step: &StepOf<Self>| match step {
                Step::Call { call, .. } => !(self.assumed.recovery_cached && call.is_barrier()),
                _ => true,
            };
            steps.extend(truncated.into_iter().filter(keeps));
        }
        Ok(Plan { memory, steps, odd })
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        match change {
            Change::Logged(cells) => memory.tail += cells,
            Change::Written(page) => drop(memory.pages.insert(page.number, page.clone())),
            Change::Truncated => memory.tail = 0,
        }
    }

    /// The error is returned; the next operation is served as if nothing had been.
    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        vec![Step::Fail]
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        !self.assumed.zeros_are_valid
    }

    fn observe(&self, memory: &Memory) -> View {
        View {
            values: self.shape().values(&memory.pages).unwrap_or_default(),
            identities: Vec::new(),
        }
    }

    fn guards(&self, _: &StepOf<Self>, _: &Memory, _: &Disk<Cell>, _: &Profile) -> Vec<(u8, bool)> {
        Vec::new()
    }
}

impl AsFound {
    fn shape(&self) -> Small {
        Small {
            leaf: self.leaf,
            page: self.page,
            links_checked: false,
        }
    }

    /// Each page to the log, then in place.
    fn write(&self, op: OpId, changed: &[Arc<Page>], memory: &Memory) -> Vec<StepOf<Self>> {
        let mut tail = memory.tail;
        let mut steps = Vec::new();
        let mut log = |page: Option<Arc<Page>>| {
            let cells = cells_of(&Arc::new(Entry { op, page }), self.page);
            let (file, at, count) = (LOG.into(), tail, cells.len());
            tail += count;
            [
                Step::call("write: log entry", Call::Write { file, at, cells }),
                Step::call("write: log barrier", Call::Barrier(LOG.into())),
                Step::Change(Change::Logged(count)),
            ]
        };
        for page in changed {
            let is_metadata = page.number == HEADER;
            if !is_metadata || self.assumed.committed {
                steps.extend(log(Some(page.clone())));
            }
            steps.push(self.in_place("write: page", page));
            steps.push(Step::Change(Change::Written(page.clone())));
        }
        if self.assumed.committed {
            steps.extend(log(None));
            let barrier = Call::Barrier(PAGES.into());
            steps.push(Step::call("write: pages barrier", barrier));
        }
        steps
    }

    fn commit(&self) -> Vec<StepOf<Self>> {
        let (file, to) = (LOG.into(), 0);
        vec![
            Step::call("commit: pages barrier", Call::Barrier(PAGES.into())),
            Step::call("commit: truncate", Call::SetLen { file, to }),
            Step::call("commit: log barrier", Call::Barrier(LOG.into())),
            Step::Change(Change::Truncated),
        ]
    }

    fn in_place(&self, site: Site, page: &Arc<Page>) -> StepOf<Self> {
        let at = usize::try_from(page.number).unwrap_or(usize::MAX) * self.page;
        let (file, cells) = (PAGES.into(), cells_of_page(page));
        Step::call(site, Call::Write { file, at, cells })
    }

    /// The pages that are whole where they belong.
    fn pages(&self, cells: &[Cell]) -> Pages {
        let whole = |number: u64| {
            let at = usize::try_from(number).ok()? * self.page;
            let Some(Cell::Page { page, part: 0 }) = cells.get(at) else {
                return None;
            };
            let whole = cells.get(at..at + page.cells) == Some(&cells_of_page(page)[..]);
            (whole && page.number == number).then(|| (number, page.clone()))
        };
        let numbers = 0..(cells.len() / self.page) as u64 + 1;
        numbers.filter_map(whole).collect()
    }

    /// The pages that the log says are to be written, in order; `None`: zeros over the metadata.
    fn replay(&self, cells: &[Cell]) -> Vec<(u64, Option<Arc<Page>>)> {
        let (mut all, mut open) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(head) = cells.get(at) {
            if let Cell::Entry { entry, .. } = head
                && entry.page.is_none()
            {
                all.append(&mut open);
                at += 1;
                continue;
            }
            let Some(data) = cells.get(at + 1..at + 1 + self.page) else {
                break;
            };
            let zeros = data.iter().all(|cell| *cell == Cell::Zero);
            match (head, data.first()) {
                (Cell::Zero, _) if zeros && self.assumed.zeros_are_valid => {
                    open.push((HEADER, None));
                }
                // The checksum covers the page; the head says which it is.
                (Cell::Entry { entry: said, .. }, Some(Cell::Entry { entry, part: 1 }))
                    if data == &cells_of(entry, self.page)[1..] =>
                {
                    let (Some(said), Some(page)) = (&said.page, &entry.page) else {
                        break;
                    };
                    let number = said.number;
                    let page = Page {
                        number,
                        ..(**page).clone()
                    };
                    open.push((number, Some(Arc::new(page))));
                }
                _ => break,
            }
            at += 1 + self.page;
        }
        if !self.assumed.committed {
            all.append(&mut open);
        }
        all
    }
}

fn cells_of_page(page: &Arc<Page>) -> Vec<Cell> {
    (0..page.cells)
        .map(|part| Cell::Page {
            page: page.clone(),
            part,
        })
        .collect()
}

/// The head, and as many cells as a page has; a commit is a head only.
fn cells_of(entry: &Arc<Entry>, page: usize) -> Vec<Cell> {
    let parts = match entry.page {
        Some(_) => 1 + page,
        None => 1,
    };
    (0..parts)
        .map(|part| Cell::Entry {
            entry: entry.clone(),
            part,
        })
        .collect()
}

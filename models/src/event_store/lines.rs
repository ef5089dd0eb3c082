//! The event store as the study found it: a line of JSON for each event, and no barrier.
//!
//! ```text
//!   persist_event   open | write a line | close | return Ok      [study]
//!   recovery        read the lines                               [study]
//! ```
//!
//! What the study does not say is [`Assumed`]: whether line and newline are one call or two, what recovery makes
//! of a line that is no event. A close makes nothing durable; it leaves the line cached. The file is made by the
//! first event; it is opened to append, so that a line goes to the end of what is there.
//!
//! Not modelled: where a line goes after a failed barrier, which may have taken the size back; a line that is torn
//! and an event all the same, for there is no checksum.
//!
//! Bounds, variants and expected verdicts: `specs/event_store.toml`; what came out:
//! `specs/findings/event-store-persist-no-durability.md`.

use crate::contract::{Key, OpId, Operation, View, Write};
use crate::disk::{self, Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Step, StepOf};
use crate::wal::STORE;
use std::fmt;
use std::sync::Arc;

/// What recovery makes of a line that is no event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Torn {
    /// Skips it, and leaves it where it is.
    #[default]
    Skipped,
    /// Refuses to open.
    Refused,
    /// Reads up to there, and cuts off the rest.
    Cut,
}

/// What the study leaves open, and how such stores get mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// What recovery makes of a line that is no event.
    pub torn: Torn,
    /// The newline is a call of its own.
    pub two_calls: bool,
    /// Each event is synced before it is acknowledged.
    pub synced: bool,
    /// The names are synced, once recovery has made the file.
    pub named: bool,
}

/// The store as found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lines {
    /// What the study leaves open.
    pub assumed: Assumed,
    /// Cells of a line, its newline included; at least two.
    pub cells: usize,
}

/// The events.
const EVENTS: &str = "store/events.jsonl";

/// An event: one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    /// Which event.
    pub key: Key,
    /// The operation that wrote it.
    pub op: OpId,
    /// How many cells its line takes; the newline is the end of the last.
    pub cells: usize,
}

/// One cell of the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Zeros.
    Zero,
    /// What is no JSON.
    Garbage,
    /// One piece of a line.
    Part {
        /// The event.
        event: Arc<Event>,
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
            Cell::Part { event, part } if part + 1 == event.cells => write!(f, "\\n"),
            Cell::Part { event, part } => write!(f, "e{}.{part}", event.key),
        }
    }
}

/// What the process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// Where the file ends.
    pub end: usize,
    /// What a client can read.
    pub view: View,
}

/// How it changes: a line was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Persisted(pub Arc<Event>);

impl Protocol for Lines {
    type Cell = Cell;
    type Memory = Memory;
    type Change = Persisted;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        let mut steps = Vec::new();
        let mut end = memory.end;
        match operation {
            Operation::Write(writes) => {
                for write in writes {
                    steps.extend(self.persist(id, write, end));
                    end += self.cells;
                }
            }
            Operation::Close | Operation::Sync | Operation::Flush | Operation::Compact => {}
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
        if tree.lookup(EVENTS).is_none() {
            steps.push(Step::call("init: create", Call::Create(EVENTS.into())));
        }
        let cells = tree.file(EVENTS).unwrap_or_default();
        let (mut memory, mut odd) = (Memory::default(), false);
        for line in cells.split_inclusive(is_newline) {
            let event = self.event_of(line);
            let is_torn = event.is_none() || !line.last().is_some_and(is_newline);
            odd |= is_torn;
            match (self.assumed.torn, event) {
                (Torn::Refused, None) => {
                    return Err(Refused(format!("{EVENTS} has a line that is no event")));
                }
                // One that is whole but for its newline goes too: nobody was told of it.
                (Torn::Cut, _) if is_torn => break,
                (_, event) => {
                    memory.end += line.len();
                    event.into_iter().for_each(|event| memory.apply(event));
                }
            }
        }
        if memory.end < cells.len() {
            let (file, to) = (EVENTS.into(), memory.end);
            let cut = Call::SetLen { file, to };
            steps.push(Step::call("recovery: cut the tail", cut));
        }
        if self.assumed.synced {
            steps.push(Step::call(
                "recovery: barrier",
                Call::Barrier(EVENTS.into()),
            ));
        }
        if self.assumed.named {
            for (site, directory) in [
                ("recovery: directory barrier", STORE),
                ("recovery: parent directory barrier", ""),
            ] {
                let sync = Call::DirectoryBarrier(directory.into());
                steps.push(Step::call(site, sync));
            }
        }
        Ok(Plan { memory, steps, odd })
    }

    fn change(&self, memory: &mut Memory, Persisted(event): &Persisted) {
        memory.end += event.cells;
        memory.apply(event);
    }

    /// The error is returned; the next event is taken as if nothing had been.
    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        vec![Step::Fail]
    }

    /// Neither is JSON.
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

impl Lines {
    /// The event that a line is. Where the newline is a call of its own, the last cell holds nothing else, and an
    /// event is one without it too.
    fn event_of<'l>(&self, line: &'l [Cell]) -> Option<&'l Arc<Event>> {
        let Some(Cell::Part { event, part: 0 }) = line.first() else {
            return None;
        };
        let whole = cells_of(event);
        let but_for_its_newline = self.assumed.two_calls && line == &whole[..event.cells - 1];
        (line == whole || but_for_its_newline).then_some(event)
    }

    /// Opens, writes the line at the end, closes.
    fn persist(&self, id: OpId, write: &Write, end: usize) -> Vec<StepOf<Self>> {
        let (key, op, cells) = (write.key, id, self.cells);
        let event = Arc::new(Event { key, op, cells });
        let buffer = Step::Buffer {
            file: EVENTS.into(),
            at: end,
            cells: cells_of(&event),
            site: "persist: line",
        };
        let mut steps = vec![buffer];
        if self.assumed.two_calls {
            steps.push(Step::Flush {
                cells: Some(cells - 1),
                site: "persist: write",
            });
        }
        steps.push(Step::Flush {
            cells: None,
            site: "persist: close",
        });
        if self.assumed.synced {
            let barrier = Call::Barrier(EVENTS.into());
            steps.push(Step::call("persist: barrier", barrier));
        }
        steps.push(Step::Change(Persisted(event)));
        steps
    }
}

impl Memory {
    fn apply(&mut self, event: &Event) {
        let (key, delete) = (event.key, false);
        self.view.apply(event.op, &[Write { key, delete }]);
    }
}

/// The cells of a line.
pub fn cells_of(event: &Arc<Event>) -> Vec<Cell> {
    let parts = 0..event.cells;
    parts
        .map(|part| Cell::Part {
            event: event.clone(),
            part,
        })
        .collect()
}

fn is_newline(cell: &Cell) -> bool {
    matches!(cell, Cell::Part { event, part } if part + 1 == event.cells)
}

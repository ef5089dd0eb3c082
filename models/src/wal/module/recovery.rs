//! Recovery: each segment is read until a record is cut short, and the last one is appended to.

use super::entry::{Cell, Entry, Held, Kind, cells_of};
use super::memory::Memory;
use super::{Brackets, CLIENT, HELD, Module, Tail, hold, path_of};
use crate::contract::{Identity, OpId, View, Write};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Site, Step, StepOf};
use crate::wal::STORE;
use std::sync::Arc;

/// What recovery does with what it finds.
pub(super) fn recover(module: &Module, tree: &Tree<Cell>) -> PlanOf<Module> {
    let (held, mut steps) = held(tree);
    let numbers = numbers(tree);
    if numbers.is_empty() {
        steps.extend(initialise(module, tree));
        return plan(empty(&held), steps, false);
    }
    let names = tree.list(STORE).unwrap_or_default();
    for name in names.iter().filter(|name| name.ends_with(".tmp")) {
        let leftover = Call::Remove(format!("{STORE}/{name}"));
        steps.push(Step::call("recovery: leftover", leftover));
    }
    let mut reader = Reader::new(&held, module.assumed.brackets);
    let mut memory = empty(&held);
    memory.segments.clone_from(&numbers);
    let (mut torn, mut stopped) = (false, false);
    for &number in &numbers {
        let cells = tree.file(&path_of(number)).unwrap_or_default();
        (memory.tail, memory.records) = (0, 0);
        reader.next_segment();
        while let Some(entry) = record_at(cells, memory.tail).filter(|_| !stopped)
            && follows(entry, memory.next)
        {
            reader.read(entry, memory.tail);
            memory.tail += entry.cells;
            memory.records += 1;
            memory.next = entry.number + 1;
        }
        torn = memory.tail < cells.len();
        stopped |= torn && module.assumed.tail != Tail::NewSegmentPassed;
    }
    let last = path_of(memory.segment());
    let length = tree.file(&last).unwrap_or_default().len();
    if let Some(begin) = reader
        .begun
        .filter(|_| module.assumed.brackets == Brackets::Cut)
    {
        (memory.tail, memory.next) = (begin.at, begin.number);
        memory.records = begin.before;
    }
    match module.assumed.tail {
        Tail::Cut if memory.tail < length => {
            let (file, to) = (last.clone(), memory.tail);
            let cut = Call::SetLen { file, to };
            steps.push(Step::call("recovery: cut the tail", cut));
        }
        Tail::Left => memory.tail = length,
        _ => {}
    }
    memory.view = reader.view;
    if !module.assumed.recovery_cached {
        steps.push(Step::call("recovery: barrier", Call::Barrier(last)));
        steps.extend(sync_names(
            module,
            "recovery: directory barrier",
            "recovery: parent directory barrier",
        ));
    }
    if torn
        && matches!(
            module.assumed.tail,
            Tail::NewSegment | Tail::NewSegmentPassed
        )
    {
        let next = memory.segment() + 1;
        let create = Call::Create(path_of(next));
        steps.push(Step::call("recovery: create", create));
        steps.extend(module.sync_names("recovery: new directory barrier"));
        memory.segments.push(next);
        (memory.tail, memory.records) = (0, 0);
    }
    plan(memory, steps, torn)
}

fn plan(memory: Memory, steps: Vec<StepOf<Module>>, odd: bool) -> PlanOf<Module> {
    Plan { memory, steps, odd }
}

/// What the client holds; its file is made where it is missing.
fn held(tree: &Tree<Cell>) -> (Held, Vec<StepOf<Module>>) {
    let first = tree.file(HELD).and_then(|cells| cells.first());
    if let Some(Cell::Held(held)) = first {
        return (held.as_ref().clone(), Vec::new());
    }
    let mut steps = Vec::new();
    if tree.lookup(CLIENT).is_none() {
        let make = Call::CreateDirectory(CLIENT.into());
        steps.push(Step::call("client: directory", make));
    }
    if tree.lookup(HELD).is_none() {
        steps.push(Step::call("client: create", Call::Create(HELD.into())));
    }
    steps.extend(hold(Held::default()));
    for (site, directory) in [("client: name", CLIENT), ("client: parent", "")] {
        let sync = Call::DirectoryBarrier(directory.into());
        steps.push(Step::call(site, sync));
    }
    (Held::default(), steps)
}

fn initialise(module: &Module, tree: &Tree<Cell>) -> Vec<StepOf<Module>> {
    let mut steps = Vec::new();
    if tree.lookup(STORE).is_none() {
        let make = Call::CreateDirectory(STORE.into());
        steps.push(Step::call("init: store directory", make));
    }
    steps.push(Step::call("init: create", Call::Create(path_of(1))));
    steps.extend(sync_names(
        module,
        "init: directory barrier",
        "init: parent directory barrier",
    ));
    steps
}

fn sync_names(module: &Module, segments: Site, store: Site) -> Vec<StepOf<Module>> {
    let mut steps: Vec<_> = module.sync_names(segments).into_iter().collect();
    if !module.assumed.names_cached {
        let sync = Call::DirectoryBarrier(String::new());
        steps.push(Step::call(store, sync));
    }
    steps
}

fn empty(held: &Held) -> Memory {
    Memory {
        segments: vec![1],
        tail: 0,
        records: 0,
        next: 1,
        since: 0,
        view: View {
            values: held.values.clone(),
            identities: Vec::new(),
        },
    }
}

fn numbers(tree: &Tree<Cell>) -> Vec<u64> {
    let names = tree.list(STORE).unwrap_or_default();
    let number = |name: &Arc<str>| name.strip_suffix(".log")?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// The whole record that begins there.
fn record_at(cells: &[Cell], at: usize) -> Option<&Arc<Entry>> {
    let Cell::Part { entry, part: 0 } = cells.get(at)? else {
        return None;
    };
    let whole = cells.get(at..at + entry.cells)? == cells_of(entry);
    whole.then_some(entry)
}

/// Whether a record may come next: a truncated log begins anywhere, later ones follow by number.
fn follows(entry: &Entry, next: Identity) -> bool {
    let restarts = entry.kind == Kind::Truncated && entry.number > next;
    next == 1 || entry.number == next || restarts
}

/// Where a batch begins that is not committed.
#[derive(Clone, Copy)]
struct Begun {
    at: usize,
    number: Identity,
    /// Records before it in its segment.
    before: u64,
}

/// Makes a view of records.
struct Reader {
    view: View,
    /// The client holds all up to there.
    up_to: Identity,
    brackets: Brackets,
    /// Records of a batch that is begun and not committed.
    open: Option<Vec<(Identity, OpId, Option<Write>)>>,
    /// Where it begins, if that is in the last segment.
    begun: Option<Begun>,
    records: u64,
}

impl Reader {
    fn new(held: &Held, brackets: Brackets) -> Self {
        Reader {
            view: empty(held).view,
            up_to: held.up_to,
            brackets,
            open: None,
            begun: None,
            records: 0,
        }
    }

    fn next_segment(&mut self) {
        (self.begun, self.records) = (None, 0);
    }

    fn read(&mut self, entry: &Entry, at: usize) {
        let write = match entry.kind {
            Kind::Write(write) => Some(write),
            Kind::Begin | Kind::Commit => None,
            Kind::Truncated => {
                self.records += 1;
                return;
            }
        };
        let record = (entry.number, entry.op, write);
        if self.brackets != Brackets::Ignored && entry.kind == Kind::Begin {
            let (number, before) = (entry.number, self.records);
            self.begun = Some(Begun { at, number, before });
            self.open = Some(Vec::new());
        }
        self.records += 1;
        match &mut self.open {
            Some(open) => open.push(record),
            None => self.apply(record),
        }
        if entry.kind == Kind::Commit {
            self.begun = None;
            for record in self.open.take().unwrap_or_default() {
                self.apply(record);
            }
        }
    }

    fn apply(&mut self, (number, op, write): (Identity, OpId, Option<Write>)) {
        if number > self.up_to {
            self.view.apply(op, write.as_slice());
            self.view.identities.push((number, op));
        }
    }
}

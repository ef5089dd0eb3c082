//! The machine: one `stateright::Model` that runs any protocol on the disk, with crashes at every
//! step.
//!
//! ```text
//!   invoke an operation   take the next step   fail this barrier   power cut, to an image   kill
//! ```
//!
//! Where a protocol lets operations overlap, another one may be invoked between any two steps.
//!
//! A power cut is one action for each distinct image that it can leave, not a race of writeback
//! actions; [`plain`] holds the oracle with explicit writeback. After a crash recovery is planned
//! from what it finds, and its steps are crashed as any others, as often as the bounds say.
//!
//! A state is a handful of numbers: disk, process and oracle are interned, and what a step does to
//! them is computed once. [`plain`] is the same machine without that, as an oracle.

pub mod beside;
pub mod bounds;
pub mod coverage;
pub mod intern;
pub mod plain;
pub mod process;
pub mod script;

use crate::contract::{Event, Oracle, Promise, Terms};
use crate::disk::image::Fates;
use crate::disk::{Disk, Failure};
use crate::protocol::{Protocol, Step};
use bounds::{Bounds, Spent};
use coverage::Coverage;
use intern::{Memo, Table};
use process::{Doing, Ground, Process};
use rustc_hash::FxHashSet;
use stateright::{Model, Property};
use std::sync::Arc;

/// Everything that a machine needs to know.
#[derive(Clone, Debug)]
pub struct Setup<P> {
    /// The protocol and the file system below.
    pub ground: Ground<P>,
    /// What is judged.
    pub terms: Terms,
    /// How far to go.
    pub bounds: Bounds,
}

impl<P: Protocol> Setup<P> {
    /// The disk and the process at the start: after the first recovery, durable; or nothing at all.
    pub fn start(&self) -> (Disk<P::Cell>, Process<P>) {
        let mut disk = Disk::default();
        let mut process = self.ground.recover(disk.view());
        if !self.bounds.start_empty {
            while process.doing == Doing::Recovery {
                (process, disk, _) = self.ground.step(&process, &disk);
            }
            disk = disk.settled(&self.ground.profile);
        }
        (disk, process)
    }
}

/// One thing that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The process takes its next step.
    Step,
    /// The client invokes an operation: its place in [`Bounds::alphabet`].
    Invoke(u16),
    /// The next step, a barrier, fails.
    Fail(Failure),
    /// The process is killed.
    Kill,
    /// The power is cut: which image of the disk is left, and the number of that disk.
    PowerCut {
        /// The place in the list of images.
        image: u32,
        /// The id of the disk; means nothing outside one machine.
        disk: u32,
    },
    /// The next step of what goes on beside the operations is taken.
    Beside,
    /// The next step beside the operations, a barrier, fails.
    FailBeside(Failure),
}

/// Where a run stands: ids of the three components, what was spent of the bounds, and the breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The disk.
    pub disk: u32,
    /// The process.
    pub process: u32,
    /// The oracle.
    pub oracle: u32,
    /// What was spent of the bounds.
    pub spent: Spent,
    /// The promise that was broken; nothing follows.
    pub breach: Option<Promise>,
}

/// Ids of a process, a disk and the events that led there.
type Next = (u32, u32, u32);

/// A protocol as a model that stateright explores.
#[derive(Debug)]
pub struct Machine<P: Protocol> {
    /// What runs, on what, how far.
    pub setup: Setup<P>,
    alphabet: Vec<bounds::Letter>,
    disks: Table<Disk<P::Cell>>,
    processes: Table<Process<P>>,
    oracles: Table<Oracle>,
    events: Table<Vec<Event>>,
    /// Ids of the process and the events, and whether the operation is refused.
    invoked: Memo<(u32, u16, u16), (u32, u32, bool)>,
    stepped: Memo<(u32, u32), Next>,
    failed: Memo<(u32, u32, Failure), Option<Next>>,
    /// What is next beside the operations: how it can fail. `None`: nothing is next.
    next_beside: Memo<u32, Option<&'static [Failure]>>,
    stepped_beside: Memo<(u32, u32), Option<Next>>,
    failed_beside: Memo<(u32, u32, Failure), Option<Next>>,
    images: Memo<u32, Arc<[u32]>>,
    recovered: Memo<(u32, bool), (u32, u32)>,
    judged: Memo<(u32, u32), (u32, Option<Promise>)>,
    /// What was reached: barrier sites, steps that were crashed at, witnesses, kinds of fault.
    pub coverage: Coverage,
}

impl<P: Protocol> Machine<P> {
    /// A machine that starts where the setup says.
    pub fn new(setup: Setup<P>) -> Self {
        Self {
            alphabet: setup.bounds.alphabet(),
            setup,
            disks: Table::default(),
            processes: Table::default(),
            oracles: Table::default(),
            events: Table::default(),
            invoked: Memo::default(),
            stepped: Memo::default(),
            failed: Memo::default(),
            next_beside: Memo::default(),
            stepped_beside: Memo::default(),
            failed_beside: Memo::default(),
            images: Memo::default(),
            recovered: Memo::default(),
            judged: Memo::default(),
            coverage: Coverage::default(),
        }
    }

    /// The disk of a state.
    pub fn disk(&self, state: &State) -> Arc<Disk<P::Cell>> {
        self.disks.value(state.disk)
    }

    /// The process of a state.
    pub fn process(&self, state: &State) -> Arc<Process<P>> {
        self.processes.value(state.process)
    }

    /// What the oracle holds in a state.
    pub fn oracle(&self, state: &State) -> Arc<Oracle> {
        self.oracles.value(state.oracle)
    }

    /// The operation that an action invokes.
    pub fn letter(&self, index: u16) -> &bounds::Letter {
        &self.alphabet[usize::from(index)]
    }

    /// The fates of an image of a state's disk. Worked out anew: to remember them all would take
    /// more than the images do.
    pub fn fates(&self, state: &State, image: u32) -> Fates {
        let wanted = self.images_of(state.disk)[image as usize];
        let disk = self.disks.value(state.disk);
        let images = self.setup.ground.images(&disk).into_iter();
        images
            .map(|(fates, image)| (fates, self.disks.id(image)))
            .find_map(|(fates, id)| (id == wanted).then_some(fates))
            .expect("the images of a disk are the same each time")
    }

    /// The fates of every image of a state's disk, in the order of the images.
    pub fn all_fates(&self, state: &State) -> Vec<Fates> {
        let images = self.setup.ground.images(&self.disks.value(state.disk));
        let mut seen = FxHashSet::default();
        let distinct = images
            .into_iter()
            .filter(|(_, image)| seen.insert(image.clone()));
        distinct.map(|(fates, _)| fates).collect()
    }

    /// How many distinct disks, processes and oracles were met.
    pub fn components(&self) -> (usize, usize, usize) {
        (self.disks.len(), self.processes.len(), self.oracles.len())
    }

    /// The sites of the steps before which a crash was tried.
    pub fn crashed_at(&self) -> Vec<String> {
        let crashed = self.coverage.crashed().into_iter();
        let sites = crashed.flat_map(|id| {
            let process = self.processes.value(id);
            let beside = process.beside.first().map(|step| step.site());
            [Some(process.site()), beside]
        });
        let mut sites: Vec<String> = sites.flatten().map(String::from).collect();
        sites.sort();
        sites.dedup();
        sites
    }

    /// The distinct disks that a power cut can leave, in the order of [`Ground::images`].
    fn images_of(&self, disk: u32) -> Arc<[u32]> {
        self.images.get(disk, || {
            let images = self.setup.ground.images(&self.disks.value(disk));
            let mut seen = FxHashSet::default();
            images
                .into_iter()
                .map(|(_, image)| self.disks.id(image))
                .filter(|image| seen.insert(*image))
                .collect()
        })
    }

    /// How the next step beside the operations can fail. `None`: there is none.
    fn next_beside(&self, process: u32) -> Option<&'static [Failure]> {
        self.next_beside.get(process, || {
            let process = self.processes.value(process);
            let begun = self.setup.ground.begun(&process)?;
            Some(match begun.beside.first() {
                Some(Step::Call { call, .. }) => Failure::of(call),
                _ => &[],
            })
        })
    }

    /// The process that recovers a disk, and the event that brought it there.
    fn recover(&self, disk: u32, power_cut: bool) -> (u32, u32) {
        self.recovered.get((disk, power_cut), || {
            let ground = &self.setup.ground;
            let disk = self.disks.value(disk);
            let event = match power_cut {
                true => Event::PowerCut {
                    after: ground.served(disk.view()),
                },
                false => Event::Kill,
            };
            (
                self.processes.id(ground.recover(disk.view())),
                self.events.id(vec![event]),
            )
        })
    }

    fn took(&self, taken: process::Taken<P>) -> Next {
        let (process, disk, events) = taken;
        (
            self.processes.id(process),
            self.disks.id(disk),
            self.events.id(events),
        )
    }

    fn judge(&self, state: &mut State, events: u32) {
        let (oracle, breach) = self.judged.get((state.oracle, events), || {
            let mut oracle = (*self.oracles.value(state.oracle)).clone();
            let mut breach = None;
            for event in self.events.value(events).iter() {
                let judgement = oracle.observe(event, &self.setup.terms);
                breach = breach.or(judgement.breach);
                self.coverage.witnessed(&judgement.witnesses);
            }
            (self.oracles.id(oracle), breach)
        });
        state.oracle = oracle;
        state.breach = breach;
    }
}

impl<P: Protocol> Model for Machine<P> {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (disk, process) = self.setup.start();
        vec![State {
            disk: self.disks.id(disk),
            process: self.processes.id(process),
            oracle: self.oracles.id(Oracle::default()),
            spent: Spent::default(),
            breach: None,
        }]
    }

    /// What can happen next.
    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.breach.is_some() {
            return;
        }
        let (bounds, spent) = (&self.setup.bounds, &state.spent);
        let process = self.processes.value(state.process);
        if !process.steps.is_empty() {
            actions.push(Action::Step);
        }
        if process.doing == Doing::Idle || bounds.writers > 1 {
            let waiting = || self.oracles.value(state.oracle).in_progress();
            let is_free = || waiting() < usize::from(bounds.writers);
            let admitted = |letter: &bounds::Letter| {
                let ground = &self.setup.ground;
                bounds.allow(spent, letter) && ground.admits(&process, &letter.operation, is_free)
            };
            let letters = (0u16..).zip(&self.alphabet);
            let admitted = letters.filter(|(_, letter)| admitted(letter));
            actions.extend(admitted.map(|(index, _)| Action::Invoke(index)));
        }
        if spent.failures < bounds.failures {
            let kinds = process.failures().iter();
            actions.extend(
                kinds
                    .filter(|k| bounds.fails(**k))
                    .map(|&kind| Action::Fail(kind)),
            );
        }
        if spent.crashes < bounds.crashes {
            self.coverage.crash_at(state.process);
            if bounds.kill {
                actions.push(Action::Kill);
            }
            if bounds.power_cut {
                let images = self.images_of(state.disk);
                let cut = |(image, &disk)| Action::PowerCut { image, disk };
                actions.extend((0u32..).zip(images.iter()).map(cut));
            }
        }
        if let Some(failures) = self.next_beside(state.process) {
            actions.push(Action::Beside);
            if spent.failures < bounds.failures {
                let kinds = failures.iter().filter(|kind| bounds.fails(**kind));
                actions.extend(kinds.map(|&kind| Action::FailBeside(kind)));
            }
        }
    }

    /// What it does.
    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        let ground = &self.setup.ground;
        let events = match action {
            Action::Step => {
                let (process, disk, events) = self.stepped.get((state.process, state.disk), || {
                    let process = self.processes.value(last.process);
                    self.coverage.step(&process);
                    self.took(ground.step(&process, &self.disks.value(last.disk)))
                });
                (state.process, state.disk) = (process, disk);
                events
            }
            Action::Invoke(index) => {
                let letter = self.letter(index);
                state.spent.operation(letter);
                let id = u16::from(state.spent.operations);
                let (process, events, refused) =
                    self.invoked.get((state.process, index, id), || {
                        let process = self.processes.value(last.process);
                        let invoked = ground.invoke(&process, id, &letter.operation);
                        let event = Event::Invoked(id, letter.operation.clone());
                        match invoked.refuses() && !self.setup.bounds.count_refused {
                            true => {
                                let events = vec![event, Event::Refused(id)];
                                (last.process, self.events.id(events), true)
                            }
                            false => {
                                let events = self.events.id(vec![event]);
                                (self.processes.id(invoked), events, false)
                            }
                        }
                    });
                if refused {
                    state.spent = last.spent;
                }
                state.process = process;
                events
            }
            Action::Fail(failure) => {
                state.spent.failures += 1;
                let key = (state.process, state.disk, failure);
                let (process, disk, events) = self.failed.get(key, || {
                    let process = self.processes.value(last.process);
                    self.coverage.fault(failure);
                    let disk = self.disks.value(last.disk);
                    ground
                        .fail(&process, &disk, failure)
                        .map(|taken| self.took(taken))
                })?;
                (state.process, state.disk) = (process, disk);
                events
            }
            Action::Beside => {
                let key = (state.process, state.disk);
                let (process, disk, events) = self.stepped_beside.get(key, || {
                    let process = self.processes.value(last.process);
                    self.coverage.step_beside(ground.begun(&process)?.as_ref());
                    let disk = self.disks.value(last.disk);
                    let taken = ground.step_beside(&process, &disk);
                    taken.map(|taken| self.took(taken))
                })?;
                (state.process, state.disk) = (process, disk);
                events
            }
            Action::FailBeside(failure) => {
                state.spent.failures += 1;
                let key = (state.process, state.disk, failure);
                let (process, disk, events) = self.failed_beside.get(key, || {
                    let process = self.processes.value(last.process);
                    self.coverage.fault(failure);
                    let disk = self.disks.value(last.disk);
                    let taken = ground.failed_beside(&process, &disk, failure);
                    taken.map(|taken| self.took(taken))
                })?;
                (state.process, state.disk) = (process, disk);
                events
            }
            Action::Kill => {
                state.spent.crashes += 1;
                let (process, events) = self.recover(state.disk, false);
                state.process = process;
                events
            }
            Action::PowerCut { disk, .. } => {
                state.spent.crashes += 1;
                let (process, events) = self.recover(disk, true);
                (state.process, state.disk) = (process, disk);
                events
            }
        };
        self.judge(&mut state, events);
        Some(state)
    }

    /// stateright decides whether the contract holds; which promise was broken is in the state.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("contract", |_, state: &State| {
            state.breach.is_none()
        })]
    }
}

//! The same machine without ids, and its twin with explicit writeback: two oracles.
//!
//! [`World`] is a state written out. As [`Crash::Images`] it is the machine itself, one component at
//! a time: equal counts show that interning changes nothing. As [`Crash::Writeback`] the operating
//! system writes cached effects back one at a time, as actions of their own, and a power cut loses
//! the rest: what it recovers and what it violates must be the same sets. (It is not the same where
//! an engine can observe what was written back: without barriers whose failure reverts the cache.)

use super::Setup;
use super::bounds::{Letter, Spent};
use super::process::Process;
use crate::contract::{Event, Oracle, Promise};
use crate::disk::image::Fates;
use crate::disk::{Disk, Failure};
use crate::protocol::{Protocol, Step};
use stateright::{Model, Property};

/// How a power cut is modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// One action for each distinct image.
    Images,
    /// Writeback is an action, and a power cut loses what was not written back.
    Writeback,
}

/// The machine without ids.
#[derive(Debug)]
pub struct Plain<P: Protocol> {
    /// What runs, on what, how far.
    pub setup: Setup<P>,
    /// How a power cut is modelled.
    pub crash: Crash,
    alphabet: Vec<Letter>,
}

/// A state written out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World<P: Protocol> {
    /// The disk.
    pub disk: Disk<P::Cell>,
    /// The process.
    pub process: Process<P>,
    /// The oracle.
    pub oracle: Oracle,
    /// What was spent of the bounds.
    pub spent: Spent,
    /// The promise that was broken; nothing follows.
    pub breach: Option<Promise>,
    /// Whether a recovery has just ended: the states whose sets are compared.
    pub just_recovered: bool,
}

/// One thing that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The process takes its next step.
    Step,
    /// The client invokes an operation of the alphabet.
    Invoke(usize),
    /// The next step, a barrier, fails.
    Fail(Failure),
    /// The process is killed.
    Kill,
    /// The power is cut, with these fates.
    PowerCut(Fates),
    /// The operating system writes this effect back.
    WriteBack(usize),
    /// The next step beside the operations is taken.
    Beside,
    /// The next step beside the operations, a barrier, fails.
    FailBeside(Failure),
}

impl<P: Protocol> Plain<P> {
    /// The machine of a setup.
    pub fn new(setup: Setup<P>, crash: Crash) -> Self {
        Self {
            alphabet: setup.bounds.alphabet(),
            setup,
            crash,
        }
    }

    fn judge(&self, world: &mut World<P>, events: &[Event]) {
        for event in events {
            world.just_recovered |= matches!(event, Event::Served { .. });
            let judgement = world.oracle.observe(event, &self.setup.terms);
            world.breach = world.breach.or(judgement.breach);
        }
    }
}

impl<P: Protocol> Model for Plain<P> {
    type State = World<P>;
    type Action = Act;

    fn init_states(&self) -> Vec<World<P>> {
        let (disk, process) = self.setup.start();
        vec![World {
            disk,
            process,
            oracle: Oracle::default(),
            spent: Spent::default(),
            breach: None,
            just_recovered: false,
        }]
    }

    fn actions(&self, world: &World<P>, actions: &mut Vec<Act>) {
        if world.breach.is_some() {
            return;
        }
        let (bounds, spent) = (&self.setup.bounds, &world.spent);
        if !world.process.steps.is_empty() {
            actions.push(Act::Step);
        }
        let is_free = || world.oracle.in_progress() < usize::from(bounds.writers);
        let admitted = |letter: &Letter| {
            let ground = &self.setup.ground;
            bounds.allow(spent, letter) && ground.admits(&world.process, &letter.operation, is_free)
        };
        let letters = self.alphabet.iter().enumerate();
        let admitted = letters.filter(|(_, letter)| admitted(letter));
        actions.extend(admitted.map(|(index, _)| Act::Invoke(index)));
        if spent.failures < bounds.failures {
            let kinds = world.process.failures().iter().copied();
            actions.extend(kinds.filter(|kind| bounds.fails(*kind)).map(Act::Fail));
        }
        let profile = &self.setup.ground.profile;
        if spent.crashes < bounds.crashes {
            if bounds.kill {
                actions.push(Act::Kill);
            }
            if bounds.power_cut {
                let images = self.setup.ground.images(&world.disk).into_iter();
                actions.extend(
                    images
                        .map(|(fates, _)| fates)
                        .filter(|fates| {
                            self.crash == Crash::Images || world.disk.loses_what_is_cached(fates)
                        })
                        .map(Act::PowerCut),
                );
            }
        }
        if let Some(begun) = self.setup.ground.begun(&world.process) {
            actions.push(Act::Beside);
            if spent.failures < bounds.failures
                && let Some(Step::Call { call, .. }) = begun.beside.first()
            {
                let kinds = Failure::of(call).iter().copied();
                let kinds = kinds.filter(|kind| bounds.fails(*kind));
                actions.extend(kinds.map(Act::FailBeside));
            }
        }
        if self.crash == Crash::Writeback && bounds.power_cut && spent.crashes < bounds.crashes {
            actions.extend(
                world
                    .disk
                    .write_backs(profile)
                    .into_iter()
                    .map(Act::WriteBack),
            );
        }
    }

    fn next_state(&self, last: &World<P>, act: Act) -> Option<World<P>> {
        let ground = &self.setup.ground;
        let mut world = World {
            just_recovered: false,
            ..last.clone()
        };
        let events = match act {
            Act::Step => {
                let (process, disk, events) = ground.step(&world.process, &world.disk);
                (world.process, world.disk) = (process, disk);
                events
            }
            Act::Invoke(index) => {
                let letter = &self.alphabet[index];
                world.spent.operation(letter);
                let id = u16::from(world.spent.operations);
                let invoked = ground.invoke(&world.process, id, &letter.operation);
                let event = Event::Invoked(id, letter.operation.clone());
                if invoked.refuses() && !self.setup.bounds.count_refused {
                    world.spent = last.spent;
                    vec![event, Event::Refused(id)]
                } else {
                    world.process = invoked;
                    vec![event]
                }
            }
            Act::Fail(failure) => {
                world.spent.failures += 1;
                let (process, disk, events) = ground.fail(&world.process, &world.disk, failure)?;
                (world.process, world.disk) = (process, disk);
                events
            }
            Act::Beside => {
                let (process, disk, events) = ground.step_beside(&world.process, &world.disk)?;
                (world.process, world.disk) = (process, disk);
                events
            }
            Act::FailBeside(failure) => {
                world.spent.failures += 1;
                let taken = ground.failed_beside(&world.process, &world.disk, failure)?;
                let (process, disk, events) = taken;
                (world.process, world.disk) = (process, disk);
                events
            }
            Act::Kill => {
                world.spent.crashes += 1;
                world.process = ground.recover(world.disk.view());
                vec![Event::Kill]
            }
            Act::PowerCut(fates) => {
                world.spent.crashes += 1;
                world.disk = ground.cut(&world.disk, &fates);
                world.process = ground.recover(world.disk.view());
                vec![Event::PowerCut {
                    after: ground.served(world.disk.view()),
                }]
            }
            Act::WriteBack(index) => {
                world.disk.write_back(index, &ground.profile);
                Vec::new()
            }
        };
        self.judge(&mut world, &events);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("contract", |_, world: &World<P>| {
            world.breach.is_none()
        })]
    }
}

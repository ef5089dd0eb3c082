//! A script: what happened in one run, as a list of moves that reads without the states.

use super::process::{Ground, Process};
use super::{Action, Machine, Setup, State};
use crate::contract::{Event, Operation, Oracle, Promise, Terms};
use crate::disk::image::Fates;
use crate::disk::{Disk, Failure};
use crate::protocol::Protocol;
use serde::{Deserialize, Serialize};

/// One move of a script. It names no state and no id, so it means the same in every run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// The client invokes an operation.
    Invoke(Operation),
    /// The process takes its next step.
    Step,
    /// The next step, a barrier, fails.
    Fail(Failure),
    /// The process is killed.
    Kill,
    /// The power is cut, with these fates.
    PowerCut(Fates),
    /// The next step of what goes on beside the operations is taken.
    Beside,
    /// The next step beside the operations, a barrier, fails.
    FailBeside(Failure),
}

/// A run along a script.
#[derive(Clone, Debug)]
pub struct Run<P: Protocol> {
    ground: Ground<P>,
    terms: Terms,
    /// Whether an operation that is refused takes a number and a step, as one that is served does.
    count_refused: bool,
    /// Operations in progress at once.
    writers: usize,
    /// The disk.
    pub disk: Disk<P::Cell>,
    /// The process.
    pub process: Process<P>,
    /// The oracle.
    pub oracle: Oracle,
    /// How many operations were invoked, but flushes, compactions and refused ones that do not count.
    pub operations: u16,
    /// The promise that was broken, if one was.
    pub breach: Option<Promise>,
}

impl<P: Protocol> Run<P> {
    /// A run at the start of a setup.
    pub fn new(setup: &Setup<P>) -> Self {
        let (disk, process) = setup.start();
        let (ground, terms) = (setup.ground.clone(), setup.terms.clone());
        let oracle = Oracle::default();
        Self {
            ground,
            terms,
            count_refused: setup.bounds.count_refused,
            writers: setup.bounds.writers.into(),
            disk,
            process,
            oracle,
            operations: 0,
            breach: None,
        }
    }

    /// The protocol, and the file system below.
    pub fn ground(&self) -> &Ground<P> {
        &self.ground
    }

    /// Makes a move, and says what happened. `None`: the move is not possible here.
    pub fn make(&mut self, next: &Move) -> Option<Vec<Event>> {
        let ground = &self.ground;
        let events = match next {
            Move::Step if self.process.steps.is_empty() => return None,
            Move::Step => {
                let (process, disk, events) = ground.step(&self.process, &self.disk);
                (self.process, self.disk) = (process, disk);
                events
            }
            Move::Invoke(operation) => {
                let is_free = || self.oracle.in_progress() < self.writers;
                if !ground.admits(&self.process, operation, is_free) {
                    return None;
                }
                let maintenance = matches!(operation, Operation::Flush | Operation::Compact);
                let id = self.operations + u16::from(!maintenance);
                let invoked = ground.invoke(&self.process, id, operation);
                let event = Event::Invoked(id, operation.clone());
                if invoked.refuses() && !self.count_refused {
                    vec![event, Event::Refused(id)]
                } else {
                    (self.operations, self.process) = (id, invoked);
                    vec![event]
                }
            }
            Move::Fail(failure) => {
                if !self.process.failures().contains(failure) {
                    return None;
                }
                let (process, disk, events) = ground.fail(&self.process, &self.disk, *failure)?;
                (self.process, self.disk) = (process, disk);
                events
            }
            Move::Beside => {
                let (process, disk, events) = ground.step_beside(&self.process, &self.disk)?;
                (self.process, self.disk) = (process, disk);
                events
            }
            Move::FailBeside(failure) => {
                let taken = ground.failed_beside(&self.process, &self.disk, *failure)?;
                let (process, disk, events) = taken;
                (self.process, self.disk) = (process, disk);
                events
            }
            Move::Kill => {
                self.process = ground.recover(self.disk.view());
                vec![Event::Kill]
            }
            Move::PowerCut(fates) => {
                self.disk = ground.cut(&self.disk, fates);
                self.process = ground.recover(self.disk.view());
                vec![Event::PowerCut {
                    after: ground.served(self.disk.view()),
                }]
            }
        };
        for event in &events {
            let judgement = self.oracle.observe(event, &self.terms);
            self.breach = self.breach.or(judgement.breach);
        }
        Some(events)
    }
}

impl<P: Protocol> Machine<P> {
    /// A run that stands where a state does.
    pub fn run_from(&self, state: &State) -> Run<P> {
        Run {
            ground: self.setup.ground.clone(),
            terms: self.setup.terms.clone(),
            count_refused: self.setup.bounds.count_refused,
            writers: self.setup.bounds.writers.into(),
            disk: (*self.disk(state)).clone(),
            process: (*self.process(state)).clone(),
            oracle: (*self.oracle(state)).clone(),
            operations: u16::from(state.spent.operations),
            breach: state.breach,
        }
    }

    /// The move that an action in a state is.
    pub fn to_move(&self, state: &State, action: Action) -> Move {
        match action {
            Action::Step => Move::Step,
            Action::Invoke(index) => Move::Invoke(self.letter(index).operation.clone()),
            Action::Fail(failure) => Move::Fail(failure),
            Action::Kill => Move::Kill,
            Action::PowerCut { image, .. } => Move::PowerCut(self.fates(state, image)),
            Action::Beside => Move::Beside,
            Action::FailBeside(failure) => Move::FailBeside(failure),
        }
    }
}

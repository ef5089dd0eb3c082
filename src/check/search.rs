//! stateright's exploration with a limit, and the search for shortest scripts.
//!
//! stateright decides `holds`; its "done" is not "exhausted", so the wrapper here owns the verdict: an
//! exploration that was stopped says so. Its counterexamples are not shortest; [`Case::shortest`]
//! visits states in the order of fewest operations, then crashes and faults, then actions, ties by
//! the order of actions.

use super::counterexample;
use super::explorer::{Explorer, Sign};
use crate::counterexample::{Counterexample, Step};
use crate::interrupt::Interrupt;
use models::contract::Promise;
use models::disk::Failure;
use models::machine::script::Move;
use models::machine::{Action, Machine, Setup, State};
use models::profile::Profile;
use models::protocol::Protocol;
use rustc_hash::FxHashMap;
use stateright::{Checker, Model, Property};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How far an exploration may go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Threads of stateright's search.
    pub threads: usize,
    /// After that long it stops, and the verdict is `inconclusive`.
    pub time: Option<Duration>,
    /// Counts memory, where the program has an allocator that does.
    pub gauge: Option<Gauge>,
    /// Once that is set it stops, too.
    pub interrupt: Interrupt,
}

impl Limits {
    /// Those of a search for a shortest script.
    pub fn until(&self) -> Until {
        Until {
            time: self.time,
            interrupt: self.interrupt,
        }
    }
}

/// When a search for a shortest script gives up; by default never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Until {
    /// After that long.
    pub time: Option<Duration>,
    /// Once that is set.
    pub interrupt: Interrupt,
}

/// How a program counts its memory.
#[derive(Clone, Copy, Debug)]
pub struct Gauge {
    /// Forgets the peak.
    pub reset: fn(),
    /// The most bytes allocated at one time since.
    pub peak: fn() -> usize,
}

/// What an exploration found; by default it was not run.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// Distinct states.
    pub unique: usize,
    /// States generated, repeated ones included.
    pub generated: usize,
    /// How long it took.
    pub time: Duration,
    /// Whether nothing bounded it but the bounds of the check.
    pub exhausted: bool,
    /// Whether a promise was broken.
    pub breached: bool,
    /// The promises whose witness was reached.
    pub witnesses: Vec<Promise>,
    /// The sites of the barriers that completed.
    pub barriers: Vec<String>,
    /// The sites of the steps that were crashed at.
    pub crashed_at: Vec<String>,
    /// The ways in which barriers failed.
    pub faults: Vec<Failure>,
}

/// One setup to explore, whatever its protocol.
pub trait Case: Send + Sync {
    /// Explores it with stateright, depth first; `progress` hears the number of states so far.
    fn explore(&self, limits: Limits, progress: &dyn Fn(usize)) -> Exploration;

    /// A shortest script to a breach, if there is one; `Err`: it gave up.
    fn shortest(&self, until: Until) -> Result<Option<Counterexample>, TimeUp>;

    /// Whether there is a script to a breach; `Err`: it gave up.
    fn breaks(&self, until: Until) -> Result<bool, TimeUp>;

    /// A script, run again: the promise that it breaks with its last move, and what a reader sees.
    fn again(&self, moves: &[Move]) -> (Option<Promise>, Vec<Step>);

    /// The same for stateright's Explorer; `sign` says whose paths they are.
    fn explorer(&self, sign: Sign) -> Box<dyn Explorer>;

    /// The same on another profile.
    fn on(&self, profile: Profile) -> Box<dyn Case>;
}

/// A search ran out of time, or was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUp;

/// A machine that ends early when told to.
struct Stoppable<P: Protocol> {
    machine: Machine<P>,
    stop: AtomicBool,
}

impl<P: Protocol> Model for Stoppable<P> {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.machine.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !self.stop.load(Ordering::Relaxed) {
            self.machine.actions(state, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.machine.next_state(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("contract", |_, state: &State| {
            state.breach.is_none()
        })]
    }
}

impl<P: Protocol> Case for Setup<P> {
    fn explore(&self, limits: Limits, progress: &dyn Fn(usize)) -> Exploration {
        let started = Instant::now();
        let machine = Machine::new(self.clone());
        let model = Stoppable {
            machine,
            stop: AtomicBool::new(false),
        };
        let checker = model.checker().threads(limits.threads).spawn_dfs();
        let mut stopped = false;
        let mut pause = Duration::from_millis(1);
        while !checker.is_done() {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
            progress(checker.unique_state_count());
            let is_over = limits.time.is_some_and(|time| started.elapsed() > time);
            if (is_over || limits.interrupt.is_set()) && !stopped {
                checker.model().stop.store(true, Ordering::Relaxed);
                stopped = true;
            }
        }
        let checker = checker.join();
        let time = started.elapsed();
        let machine = &checker.model().machine;
        let breached = checker.discovery("contract").is_some();
        Exploration {
            unique: checker.unique_state_count(),
            generated: checker.state_count(),
            time,
            exhausted: !stopped && !breached,
            breached,
            witnesses: machine.coverage.witnesses(),
            barriers: machine.coverage.barriers(),
            crashed_at: machine.crashed_at(),
            faults: machine.coverage.faults(),
        }
    }

    fn shortest(&self, until: Until) -> Result<Option<Counterexample>, TimeUp> {
        let machine = Machine::new(self.clone());
        let moves = shortest(&machine, until)?;
        Ok(moves.map(|moves| counterexample::of(self, moves)))
    }

    fn breaks(&self, until: Until) -> Result<bool, TimeUp> {
        let moves = shortest(&Machine::new(self.clone()), until)?;
        Ok(moves.is_some())
    }

    fn again(&self, moves: &[Move]) -> (Option<Promise>, Vec<Step>) {
        let breach = counterexample::breach(self, moves);
        (breach, counterexample::written(self, moves).0)
    }

    fn explorer(&self, sign: Sign) -> Box<dyn Explorer> {
        super::explorer::of_setup(self, sign)
    }

    fn on(&self, profile: Profile) -> Box<dyn Case> {
        Box::new(counterexample::on(self, &profile))
    }
}

/// What a script costs: operations, then crashes and faults, then actions.
type Cost = (u8, u8, u32);

fn cost(state: &State, actions: u32) -> Cost {
    (
        state.spent.asked(),
        state.spent.crashes + state.spent.failures,
        actions,
    )
}

/// A shortest script to a breach: Dijkstra over costs that only grow.
pub fn shortest<P: Protocol>(
    machine: &Machine<P>,
    until: Until,
) -> Result<Option<Vec<Move>>, TimeUp> {
    let started = Instant::now();
    let mut parents: FxHashMap<State, Option<(State, Action)>> = FxHashMap::default();
    let mut queue = BinaryHeap::new();
    let mut order = 0u64;
    let mut states: Vec<(State, Option<(State, Action)>)> = Vec::new();
    for state in machine.init_states() {
        states.push((state, None));
        queue.push(Reverse((cost(&state, 0), order, states.len() - 1)));
        order += 1;
    }
    let mut actions = Vec::new();
    while let Some(Reverse((reached, _, index))) = queue.pop() {
        let (state, parent) = states[index];
        if parents.contains_key(&state) {
            continue;
        }
        parents.insert(state, parent);
        if state.breach.is_some() {
            return Ok(Some(script(machine, &parents, state)));
        }
        if parents.len().is_multiple_of(4096) {
            let is_over = until.time.is_some_and(|time| started.elapsed() > time);
            if is_over || until.interrupt.is_set() {
                return Err(TimeUp);
            }
        }
        machine.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = machine.next_state(&state, action) else {
                continue;
            };
            if !parents.contains_key(&next) {
                states.push((next, Some((state, action))));
                queue.push(Reverse((
                    cost(&next, reached.2 + 1),
                    order,
                    states.len() - 1,
                )));
                order += 1;
            }
        }
    }
    Ok(None)
}

fn script<P: Protocol>(
    machine: &Machine<P>,
    parents: &FxHashMap<State, Option<(State, Action)>>,
    end: State,
) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut at = end;
    while let Some((from, action)) = parents[&at] {
        moves.push(machine.to_move(&from, action));
        at = from;
    }
    moves.reverse();
    moves
}

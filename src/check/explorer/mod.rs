//! stateright's Explorer on a check: a person walks through its states in a browser.
//!
//! The states of a [`Machine`] are ids, and those of an action or a state alone say nothing. Here each of them brings
//! the machine along, so that it can be put into words when, and only when, somebody looks at it.
//!
//! What stateright's Explorer is like, and what follows: it runs on one thread that answers one request at a time, walks
//! every path again from its start, and asks for the text and the picture of *every* action that is possible next. So what
//! is worked out here is remembered. It opens its address with a panic where that fails, and never ends: whoever starts
//! it tries the address first.

pub mod which;
mod words;

use super::run::sign;
use super::search::Case;
use super::spec::{Check, Spec};
use super::{Error, catalogue};
use crate::counterexample::{Broken, Counterexample};
use models::contract::Promise;
use models::disk::image::Fates;
use models::machine::intern::Memo;
use models::machine::script::{Move, Run};
use models::machine::{Action, Machine, Setup, State};
use models::protocol::Protocol;
use stateright::{Model, Path, Property};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

/// A check that can be walked through, whatever its protocol.
pub trait Explorer: Send + Sync {
    /// What can happen in the state that is reached by these choices; `None` where they lead nowhere.
    fn choices(&self, way: &[usize]) -> Option<Vec<Choice>>;

    /// The state that is reached by these choices, in words.
    fn state(&self, way: &[usize]) -> Option<String>;

    /// The choices that make these moves, or leave the same disk.
    fn way(&self, moves: &[Move]) -> Option<Vec<usize>>;

    /// The names of what is judged in every state.
    fn judged(&self) -> Vec<&'static str>;

    /// Serves stateright's Explorer. It does not return.
    ///
    /// # Panics
    /// Where nobody can listen at the address.
    fn serve(self: Box<Self>, address: SocketAddr);
}

/// Something that can happen in a state, in words, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What happens: `power cut: loses name store/1.sst`.
    pub action: String,
    /// What the client is told, the files after it, the promise that it breaks.
    pub step: String,
    /// The promise that it breaks.
    pub breaks: Option<Promise>,
}

/// Says whose path it is.
pub type Sign = Arc<dyn Fn(&mut Counterexample) + Send + Sync>;

/// The Explorer of a check.
///
/// # Errors
/// Where no machine can be made of the check.
pub fn of(spec: &Spec, check: &Check) -> Result<Box<dyn Explorer>, Error> {
    let case: Box<dyn Case> = catalogue::case(spec, check).map_err(Error::Usage)?;
    let (spec, check) = (spec.clone(), check.clone());
    Ok(case.explorer(Arc::new(move |path| sign(path, &spec, &check))))
}

/// The Explorer of a setup.
pub(super) fn of_setup<P: Protocol>(setup: &Setup<P>, sign: Sign) -> Box<dyn Explorer> {
    let machine = Machine::new(setup.clone());
    let world = Arc::new(World {
        starts: machine.init_states(),
        machine,
        fates: Memo::default(),
        sign,
    });
    let judged = setup.terms.judged.iter().map(|promise| {
        let broken = world.broken(*promise);
        let name = format!("{promise} {}", broken.name);
        (*promise, &*name.trim_end().to_string().leak())
    });
    let judged = judged.collect();
    Box::new(Explored { world, judged })
}

/// A machine, with what it takes to put what it does into words.
struct World<P: Protocol> {
    machine: Machine<P>,
    starts: Vec<State>,
    /// By disk: the fates of each of its images.
    fates: Memo<u32, Arc<[Fates]>>,
    sign: Sign,
}

impl<P: Protocol> World<P> {
    fn fates(&self, at: &State, image: u32) -> Fates {
        let all = self
            .fates
            .get(at.disk, || self.machine.all_fates(at).into());
        all[image as usize].clone()
    }

    fn to_move(&self, at: &State, action: Action) -> Move {
        match action {
            Action::PowerCut { image, .. } => Move::PowerCut(self.fates(at, image)),
            other => self.machine.to_move(at, other),
        }
    }

    fn broken(&self, promise: Promise) -> Broken {
        let mut signed = super::counterexample::as_it_is(&self.machine.setup, Vec::new());
        signed.broken = Broken::of(&promise.to_string());
        (self.sign)(&mut signed);
        signed.broken
    }
}

/// A state that can be put into words.
#[derive(Clone)]
struct Standing<P: Protocol> {
    at: State,
    world: Arc<World<P>>,
}

impl<P: Protocol> PartialEq for Standing<P> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<P: Protocol> Hash for Standing<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

impl<P: Protocol> fmt::Debug for Standing<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.world.state_in_words(&self.at))
    }
}

/// An action, with the state in which it is possible.
#[derive(Clone)]
struct Possible<P: Protocol> {
    action: Action,
    at: State,
    world: Arc<World<P>>,
}

impl<P: Protocol> PartialEq for Possible<P> {
    fn eq(&self, other: &Self) -> bool {
        (self.action, self.at) == (other.action, other.at)
    }
}

impl<P: Protocol> fmt::Debug for Possible<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.world.action_in_words(&self.at, self.action))
    }
}

/// The model that stateright's Explorer serves.
struct Explored<P: Protocol> {
    world: Arc<World<P>>,
    judged: Vec<(Promise, &'static str)>,
}

impl<P: Protocol> Explored<P> {
    fn keeps<const NTH: usize>(&self, standing: &Standing<P>) -> bool {
        let promise = self.judged.get(NTH).map(|(promise, _)| *promise);
        promise.is_none() || standing.at.breach != promise
    }

    fn standing(&self, at: State) -> Standing<P> {
        let world = self.world.clone();
        Standing { at, world }
    }

    /// The state that is reached by choices; the first is that of the initial state.
    fn reached(&self, way: &[usize]) -> Option<State> {
        let (first, rest) = way.split_first()?;
        let machine = &self.world.machine;
        let mut at = *machine.init_states().get(*first)?;
        for choice in rest {
            let mut actions = Vec::new();
            machine.actions(&at, &mut actions);
            at = machine.next_state(&at, *actions.get(*choice)?)?;
        }
        Some(at)
    }
}

impl<P: Protocol> Model for Explored<P> {
    type State = Standing<P>;
    type Action = Possible<P>;

    fn init_states(&self) -> Vec<Standing<P>> {
        let states = self.world.machine.init_states().into_iter();
        states.map(|at| self.standing(at)).collect()
    }

    fn actions(&self, state: &Standing<P>, actions: &mut Vec<Possible<P>>) {
        let mut possible = Vec::new();
        self.world.machine.actions(&state.at, &mut possible);
        actions.extend(possible.into_iter().map(|action| Possible {
            action,
            at: state.at,
            world: self.world.clone(),
        }));
    }

    fn next_state(&self, state: &Standing<P>, action: Possible<P>) -> Option<Standing<P>> {
        let next = self.world.machine.next_state(&state.at, action.action);
        next.map(|at| self.standing(at))
    }

    /// One for each promise, so that all of them are listed.
    fn properties(&self) -> Vec<Property<Self>> {
        macro_rules! keeps {
            ($($nth:literal)*) => { [$(Self::keeps::<$nth>),*] };
        }
        let conditions: [fn(&Self, &Standing<P>) -> bool; MOST_JUDGED] =
            keeps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
        let judged = self.judged.iter().zip(conditions);
        judged
            .map(|((_, name), keeps)| Property::always(name, keeps))
            .collect()
    }

    fn format_action(&self, action: &Possible<P>) -> String {
        self.world.action_in_words(&action.at, action.action)
    }

    fn format_step(&self, last: &Standing<P>, action: Possible<P>) -> Option<String> {
        self.world.step_in_words(&last.at, action.action)
    }

    fn as_svg(&self, path: Path<Standing<P>, Possible<P>>) -> Option<String> {
        let actions = path.into_actions().into_iter();
        let moves = actions.map(|action| self.world.to_move(&action.at, action.action));
        let timeline = crate::report::svg::timeline(&self.world.path(moves.collect()));
        Some(format!("{SCROLLED}{timeline}</div></div>"))
    }
}

/// The Explorer's page puts a picture beside the list of choices, and what is as wide as a long path below it. So the
/// picture takes the room that there is, and is scrolled: from its end, where the last step is.
const SCROLLED: &str = "<div style=\"width:0;min-width:100%;overflow-x:auto;direction:rtl;text-align:left\">\
                        <div style=\"display:inline-block;direction:ltr\">";

/// LIMIT: as many promises and inner invariants one check may judge, to be listed by themselves.
pub const MOST_JUDGED: usize = 20;

impl<P: Protocol> Explorer for Explored<P> {
    fn choices(&self, way: &[usize]) -> Option<Vec<Choice>> {
        let standing = self.standing(self.reached(way)?);
        let mut actions = Vec::new();
        self.actions(&standing, &mut actions);
        let choice = |possible: Possible<P>| Choice {
            action: self.format_action(&possible),
            step: self
                .format_step(&standing, possible.clone())
                .unwrap_or_default(),
            breaks: self
                .next_state(&standing, possible)
                .and_then(|next| next.at.breach),
        };
        Some(actions.into_iter().map(choice).collect())
    }

    fn state(&self, way: &[usize]) -> Option<String> {
        Some(format!("{:?}", self.standing(self.reached(way)?)))
    }

    fn way(&self, moves: &[Move]) -> Option<Vec<usize>> {
        let machine = &self.world.machine;
        let mut at = machine.init_states().into_iter().next()?;
        let mut run = Run::new(&machine.setup);
        let mut way = vec![0];
        for next in moves {
            run.make(next)?;
            let mut actions = Vec::new();
            machine.actions(&at, &mut actions);
            let is_it = |action: &Action| match (next, action) {
                (Move::PowerCut(_), Action::PowerCut { .. }) => {
                    let next = machine.next_state(&at, *action);
                    next.is_some_and(|next| *machine.disk(&next) == run.disk)
                }
                (Move::PowerCut(_), _) | (_, Action::PowerCut { .. }) => false,
                _ => machine.to_move(&at, *action) == *next,
            };
            let choice = actions.iter().position(is_it)?;
            way.push(choice);
            at = machine.next_state(&at, actions[choice])?;
        }
        Some(way)
    }

    fn judged(&self) -> Vec<&'static str> {
        self.properties()
            .iter()
            .map(|property| property.name)
            .collect()
    }

    fn serve(self: Box<Self>, address: SocketAddr) {
        self.checker().serve(address);
    }
}

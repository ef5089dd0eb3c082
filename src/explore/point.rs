//! Crash points, and the ways to them.

use super::bounds::Crash;
use super::contract::Contract;
use super::history::History;
use crate::counterexample::Breach;
use crate::counterexample::Trouble;
use models::disk::lazy::{Canonical, Lazy};
use std::sync::Arc;

/// How a crash point was reached: life by life, the latest first.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) before: Option<Arc<Trail>>,
    pub(super) life: Lived,
}

/// A life that crashed.
#[derive(Clone, Debug)]
pub(super) struct Lived {
    /// What ended the life before; none: there was none.
    pub(super) after: Option<Crash>,
    /// What was chosen in this life.
    pub(super) choices: Vec<usize>,
    /// What went wrong, and with which call.
    pub(super) trouble: Option<(usize, Trouble)>,
    /// Changing calls in this life before it crashes.
    pub(super) calls: usize,
    /// Operations that its client asks for.
    pub(super) operations: usize,
}

/// A violation: the way there, and how the last recovery went.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) trail: Arc<Trail>,
    /// The life that shows it.
    pub(super) last: Lived,
    pub(super) breach: Breach,
    pub(super) promise: &'static str,
    pub(super) says: String,
}

/// A state in which the lights may go out.
pub(super) struct Point<C: Contract> {
    pub(super) disk: Lazy<u8>,
    pub(super) history: Arc<History<C>>,
    /// What a recovery may show.
    pub(super) legal: Arc<Vec<C::State>>,
    /// What the recovery that was interrupted could have ended with.
    pub(super) converges: Option<Arc<Vec<C::State>>>,
    /// A barrier failed since the last power cut: an open may refuse.
    pub(super) excused: bool,
    pub(super) left: Budget,
    /// Crashes since the last recovery that ended.
    pub(super) depth: usize,
    pub(super) trail: Arc<Trail>,
}

/// What may still happen on one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Lives that work, after this one.
    pub(super) lives: u8,
    /// Kills, until the next power cut or until all is durable.
    pub(super) kills: usize,
    /// Calls that go wrong.
    pub(super) faults: usize,
}

/// The disk, what may be shown and what a recovery is to end with by number, and what else tells crash points
/// apart.
pub(super) type Key = (Canonical<u8>, usize, usize, bool, Budget);

/// Why a search ended.
pub(super) enum Stop {
    Violation(Box<Found>),
    Broken(String),
    Budget(String),
    Interrupted(String),
    NoFixpoint(String),
}

pub(super) fn violation(trail: Arc<Trail>, last: Lived, breach: Breach, says: String) -> Stop {
    Stop::Violation(Box::new(Found {
        trail,
        last,
        breach,
        promise: breach.promise(),
        says,
    }))
}

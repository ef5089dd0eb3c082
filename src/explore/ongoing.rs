//! An exploration that is run in parts: where the time is over it is put aside, and gone on with later.

use super::bounds::{Bounds, Workload};
use super::contract::Contract;
use super::point::Stop;
use super::replay;
use super::report::{Report, Verdict};
use super::search::{Limits, Search};
use super::smaller::smaller;
use super::subject::{OperationOf, Subject, WriteOf};
use crate::counterexample::Counterexample;
use crate::storage::simulated::{Plant, Site};
use models::profile::Profile;
use std::fmt;
use std::time::{Duration, Instant};

/// What came of an exploration.
#[derive(Debug)]
pub struct Exploration<C: Contract> {
    /// How far it went, and how it ended.
    pub report: Report,
    /// The way to a violation, if one was found.
    pub counterexample: Option<Counterexample>,
    /// Every state that a recovery showed.
    pub shown: Vec<C::State>,
    /// The call sites of the storage in the subject's code that were met, where the plant keeps them.
    pub sites: Vec<Site>,
}

impl<C: Contract> Exploration<C> {
    /// Nothing was explored.
    pub(super) fn nothing(profile: &str) -> Self {
        Self {
            report: Report::new(profile),
            counterexample: None,
            shown: Vec::new(),
            sites: Vec::new(),
        }
    }
}

/// Explores a workload. A violation comes in as few operations as could be found, and loses no more than it must.
pub fn explore<S: Subject>(
    subject: &S,
    profile: &Profile,
    workload: &Workload<WriteOf<S>>,
    bounds: &Bounds,
) -> Exploration<S::Contract> {
    let exploration = explore_planted(subject, profile, workload, bounds, Plant::nothing());
    smaller(subject, profile, workload, bounds, exploration)
}

/// Explores a workload, with something planted in the subject's code.
pub fn explore_planted<S: Subject>(
    subject: &S,
    profile: &Profile,
    workload: &Workload<WriteOf<S>>,
    bounds: &Bounds,
    plant: &Plant,
) -> Exploration<S::Contract> {
    let ongoing = Ongoing::planted(subject, profile, workload, bounds, plant);
    ongoing.go_on(bounds.recoveries, bounds.time).0
}

/// An exploration that has not ended.
pub struct Ongoing<'s, S: Subject> {
    search: Search<'s, S>,
    operations: &'s [OperationOf<S>],
    time: Duration,
}

impl<S: Subject> fmt::Debug for Ongoing<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ongoing")
            .field("report", &self.search.report)
            .finish_non_exhaustive()
    }
}

impl<'s, S: Subject> Ongoing<'s, S> {
    /// Of this workload; nothing has been run.
    pub fn new(
        subject: &'s S,
        profile: &Profile,
        workload: &'s Workload<WriteOf<S>>,
        bounds: &'s Bounds,
    ) -> Self {
        Self::planted(subject, profile, workload, bounds, Plant::nothing())
    }

    /// Of this workload, with something planted in the subject's code; nothing has been run.
    pub fn planted(
        subject: &'s S,
        profile: &Profile,
        workload: &'s Workload<WriteOf<S>>,
        bounds: &'s Bounds,
        plant: &'s Plant,
    ) -> Self {
        Self {
            search: Search::new(subject, profile, &workload.then, bounds, plant),
            operations: &workload.operations,
            time: Duration::ZERO,
        }
    }

    /// Goes on for so many recoveries more, or for so long, and until one crash point is done that was begun before; the
    /// limits of the bounds do not count here. Says what came of
    /// all up to now, and what is left, if a limit was met.
    pub fn go_on(
        mut self,
        recoveries: Option<usize>,
        time: Option<Duration>,
    ) -> (Exploration<S::Contract>, Option<Self>) {
        let started = Instant::now();
        let search = &mut self.search;
        let limits = Limits {
            recoveries: recoveries.map(|more| search.report.recoveries.saturating_add(more)),
            until: time.and_then(|time| Some((started.checked_add(time)?, self.time + time))),
        };
        let ended = search.explore(self.operations, limits);
        self.time += started.elapsed();
        let mut exploration = Exploration {
            report: search.report.clone(),
            counterexample: None,
            shown: search.shown.iter().cloned().collect(),
            sites: search.sites.iter().copied().collect(),
        };
        exploration.report.time = self.time;
        if let Err(Stop::Budget(_) | Stop::Interrupted(_) | Stop::NoFixpoint(_)) = &ended {
            exploration.report.coverage.states.left = search.left();
        }
        let mut left = None;
        exploration.report.verdict = match ended {
            Ok(()) => Verdict::Holds,
            Err(Stop::Violation(found)) => {
                exploration.counterexample =
                    Some(replay::of(&self.search, self.operations, &found));
                Verdict::Violates {
                    breach: found.breach,
                    promise: found.promise,
                    says: found.says,
                }
            }
            Err(Stop::Broken(why)) => Verdict::Broken(why),
            Err(Stop::Budget(why)) => {
                left = Some(self);
                Verdict::Inconclusive(why)
            }
            Err(Stop::Interrupted(why) | Stop::NoFixpoint(why)) => Verdict::Inconclusive(why),
        };
        (exploration, left)
    }
}

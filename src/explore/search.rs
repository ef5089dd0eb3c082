//! The search: from every crash point of a workload, through every recovery that reads differently, and
//! from every crash point of those, until there is none that was not there before.
//!
//! ```text
//!   work ----x----x----x      a crash point: the disk, and what a recovery may show
//!             \
//!              power cut: fates open; or a kill: the cache stays
//!               \
//!                recovery, once for each way in which what it reads can read
//!                 |  x   x     crash points of its own: what the others of its kind end with is to be shown
//!                 \
//!                  serves: what it shows is settled; then a few operations more, with crash points again
//! ```
//!
//! Crash points are followed in the order in which they were found, so the first violation has as few
//! crashes as any, and among those as few operations. Two with the same future, by
//! [`Canonical`](models::disk::lazy::Canonical) and what may be shown, are followed once.

use super::bounds::{Bounds, Crash, Mode};
use super::contract::Contract;
use super::coverage::{Family, Met};
use super::history::History;
use super::life::{self, Ended, Notes};
use super::notes::Points;
use super::point::{Budget, Key, Lived, Point, Stop};
use super::report::Report;
use super::subject::{OperationOf, StateOf, Subject};
use crate::counterexample::Trouble;
use crate::storage::simulated::{Plant, Point as Place, Simulated, Site};
use models::disk::Disk;
use models::disk::lazy::{Canonical, Choices, GivenUp, Lazy};
use models::profile::Profile;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counting the images of a crash that is left takes no more steps than this, each some microseconds.
const COUNTED_STEPS: usize = 1_000;

/// Of more crashes that are left the images are not counted: each has one, at least.
const COUNTED_POINTS: usize = 1_000;

/// When an exploration stops for now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// After so many recoveries in all.
    pub(super) recoveries: Option<usize>,
    /// At a time, so long after it began.
    pub(super) until: Option<(Instant, Duration)>,
}

pub(super) struct Search<'s, S: Subject> {
    pub(super) subject: &'s S,
    pub(super) profile: Arc<Profile>,
    pub(super) bounds: &'s Bounds,
    pub(super) then: &'s [OperationOf<S>],
    pub(super) plant: &'s Plant,
    /// The crash points that were found, by all that their futures depend on, with what was given up and
    /// their numbers.
    seen: FxHashMap<Key, Vec<(GivenUp<u8>, usize)>>,
    /// Those of them whose futures are also another one's.
    superseded: FxHashSet<usize>,
    /// Recovered states from which work went on.
    pub(super) worked: FxHashSet<(Key, GivenUp<u8>)>,
    /// What recoveries showed.
    pub(super) shown: FxHashSet<StateOf<S>>,
    states: FxHashMap<Arc<Vec<StateOf<S>>>, usize>,
    pending: VecDeque<(usize, Point<S::Contract>)>,
    pub(super) report: Report,
    /// When it is to stop for now.
    budget: Limits,
    /// The first lives were run.
    begun: bool,
    /// The crash point at which a limit was met.
    interrupted: Option<usize>,
    /// The limits are looked at.
    hurries: bool,
    /// States from which work went on since the last crash point was followed to its end.
    pub(super) worked_now: Vec<(Key, GivenUp<u8>)>,
    /// Call sites that were met, where the plant keeps them.
    pub(super) sites: BTreeSet<Site>,
}

impl<'s, S: Subject> Search<'s, S> {
    pub(super) fn new(
        subject: &'s S,
        profile: &Profile,
        then: &'s [OperationOf<S>],
        bounds: &'s Bounds,
        plant: &'s Plant,
    ) -> Self {
        Self {
            subject,
            profile: Arc::new(profile.clone()),
            bounds,
            then,
            plant,
            seen: FxHashMap::default(),
            superseded: FxHashSet::default(),
            worked: FxHashSet::default(),
            shown: FxHashSet::default(),
            states: FxHashMap::default(),
            pending: VecDeque::new(),
            report: Report::new(&profile.name),
            budget: Limits::default(),
            begun: false,
            interrupted: None,
            hurries: true,
            worked_now: Vec::new(),
            sites: BTreeSet::new(),
        }
    }

    /// Explores, or goes on with it, until nothing is left or the limits are met.
    pub(super) fn explore(
        &mut self,
        operations: &[OperationOf<S>],
        budget: Limits,
    ) -> Result<(), Stop> {
        self.budget = budget;
        if !self.begun {
            self.first_lives(operations)?;
            self.begun = true;
        }
        while let Some((number, point)) = self.pending.pop_front() {
            let family = Family::of(&point);
            if self.superseded.remove(&number) {
                self.met(family).superseded += 1;
                continue;
            }
            self.worked_now.clear();
            // One that met a limit before is followed to its end, else parts that are too short would never end.
            self.hurries = self.interrupted != Some(number);
            let (served, crash_points) = (self.report.served, self.report.crash_points);
            let covered = self.report.coverage.states;
            if let Err(stop) = self.follow(&point) {
                if let Stop::Budget(_) | Stop::Interrupted(_) = stop {
                    // It is followed anew when the exploration goes on.
                    for worked in self.worked_now.drain(..) {
                        self.worked.remove(&worked);
                    }
                    self.report.coverage.states = covered;
                    (self.report.served, self.report.crash_points) = (served, crash_points);
                    self.interrupted = Some(number);
                    self.pending.push_front((number, point));
                }
                return Err(stop);
            }
            self.met(family).followed += 1;
        }
        Ok(())
    }

    fn first_lives(&mut self, operations: &[OperationOf<S>]) -> Result<(), Stop> {
        let calls = self.first_life(operations, None)?;
        if self.bounds.faults > 0 {
            for call in calls {
                self.check_interrupt()?;
                for &trouble in &self.bounds.troubles {
                    self.first_life(operations, Some((call, trouble)))?;
                }
            }
        }
        Ok(())
    }

    fn met(&mut self, family: Family) -> &mut Met {
        self.report.coverage.families.entry(family).or_default()
    }

    fn check_interrupt(&self) -> Result<(), Stop> {
        if !self.bounds.interrupt.is_set() {
            return Ok(());
        }
        let text = format!(
            "interrupted after {} recoveries, {} crash points are left",
            self.report.recoveries,
            self.pending.len() + 1
        );
        Err(Stop::Interrupted(text))
    }

    pub(super) fn check_budget(&self) -> Result<(), Stop> {
        self.check_interrupt()?;
        if let Some(progress) = &self.bounds.progress {
            progress.note(self.report.recoveries, self.pending.len() + 1);
        }
        let (recoveries, limits) = (self.report.recoveries, &self.budget);
        let spent = if !self.hurries {
            return Ok(());
        } else if limits.recoveries.is_some_and(|limit| recoveries >= limit) {
            format!("{recoveries} recoveries were run")
        } else if let Some((_, after)) = limits.until.filter(|(time, _)| Instant::now() >= *time) {
            format!("{:.1} s are over", after.as_secs_f64())
        } else {
            return Ok(());
        };
        let left = self.pending.len() + 1;
        Err(Stop::Budget(format!(
            "{spent}, {left} crash points are left"
        )))
    }

    /// A machine with that disk, that is watched.
    pub(super) fn machine(&self, disk: Lazy<u8>, choices: Choices) -> Simulated {
        let storage = Simulated::lazily(disk, self.profile.clone(), choices);
        storage.watch();
        if self.plant != Plant::nothing() {
            storage.plant(self.plant);
        }
        storage
    }

    /// The life before any crash. Says which of its changing calls may go wrong: a store that is there, and durable, was
    /// made without trouble.
    fn first_life(
        &mut self,
        operations: &[OperationOf<S>],
        trouble: Option<(usize, Trouble)>,
    ) -> Result<Range<usize>, Stop> {
        let storage = self.machine(Lazy::from(Disk::default()), Choices::default());
        if let Some((call, trouble)) = trouble {
            storage.plan(Place::Call(call), trouble.fault());
        }
        let mut history = History::after(vec![StateOf::<S>::default()]);
        let left = Budget {
            lives: 1,
            kills: self.bounds.kills,
            faults: self.bounds.faults - usize::from(trouble.is_some()),
        };
        let subject = self.subject;
        let mut points = Points {
            search: self,
            before: None,
            life: Lived {
                after: None,
                choices: Vec::new(),
                trouble,
                calls: 0,
                operations: 0,
            },
            left,
            excused: false,
            common: None,
        };
        let settled = points.search.bounds.settled;
        if !settled {
            points.at(&storage, &history);
        }
        let opened = life::open(subject, &storage);
        let made = if settled { storage.calls() } else { 0 };
        match settled {
            true => {
                storage.settle();
                storage.watched();
                points.at(&storage, &history);
            }
            false => points.worked(&storage, &history),
        }
        let worked = match opened {
            Ok((_, state)) if state != StateOf::<S>::default() => {
                let facts = S::Contract::facts(&state);
                return Err(Stop::Broken(format!("a new store is not empty: {facts:?}")));
            }
            Ok((store, _)) => {
                let may_fail = trouble.is_some();
                life::work(
                    subject,
                    &storage,
                    store,
                    operations,
                    &mut history,
                    &mut points,
                    may_fail,
                )
            }
            Err(_) if trouble.is_some() => Ok(()),
            Err(why) => {
                let text = format!("it does not open on an empty disk: {why}");
                return Err(Stop::Broken(text));
            }
        };
        self.report.promises |= history.promises();
        self.sites.extend(storage.sites());
        match worked {
            Ok(()) => Ok(made..storage.calls()),
            Err(Ended::Wrong(why)) => Err(Stop::Broken(why)),
            Err(Ended::Died) => Err(Stop::Broken("the process died without a fault".into())),
        }
    }

    /// Takes note of a crash point, unless one with the same future is known.
    pub(super) fn reach(&mut self, point: Point<S::Contract>) {
        self.reach_as(self.canonical(&point.disk), point);
    }

    /// The same, of a disk that was told apart already.
    pub(super) fn reach_as(&mut self, canonical: Canonical<u8>, mut point: Point<S::Contract>) {
        self.report.crash_points += 1;
        if point.disk.known().log().is_empty() {
            point.left.kills = self.bounds.kills;
        }
        let legal = self.number(&point.legal);
        let converges = (point.converges.as_ref()).map_or(usize::MAX, |states| self.number(states));
        let key = (canonical, legal, converges, point.excused, point.left);
        let given_up = point.disk.given_up();
        let known = self.seen.entry(key).or_default();
        if known.iter().any(|(more, _)| given_up.is_in(more)) {
            return;
        }
        let superseded = &mut self.superseded;
        known.retain(|(less, point)| {
            let stays = !less.is_in(&given_up);
            superseded.extend((!stays).then_some(*point));
            stays
        });
        known.push((given_up, self.report.distinct));
        self.met(Family::of(&point)).distinct += 1;
        self.pending.push_back((self.report.distinct, point));
        self.report.distinct += 1;
    }

    /// How many crash states the points have that were not followed, at least.
    pub(super) fn left(&self) -> f64 {
        let points = self.pending.iter();
        let points = points.filter(|(number, _)| !self.superseded.contains(number));
        let images = |(i, (_, point)): (usize, &(usize, Point<S::Contract>))| match i {
            ..COUNTED_POINTS if !self.bounds.interrupt.is_set() => {
                let count = point.disk.count_crash_images(&self.profile, COUNTED_STEPS);
                count.images
            }
            _ => 1.0,
        };
        points.enumerate().map(images).sum()
    }

    /// What tells the disk apart, once the subject has masked what is to count as equal.
    pub(super) fn canonical(&self, disk: &Lazy<u8>) -> Canonical<u8> {
        let mask = self.subject.normalise();
        let masked = mask.and_then(|mask| disk.masked(mask));
        masked.as_ref().unwrap_or(disk).canonical()
    }

    pub(super) fn number(&mut self, states: &Arc<Vec<StateOf<S>>>) -> usize {
        let next = self.states.len();
        *self.states.entry(states.clone()).or_insert(next)
    }

    /// Crashes there, and recovers in every way.
    fn follow(&mut self, point: &Point<S::Contract>) -> Result<(), Stop> {
        if point.depth >= self.bounds.crashes {
            let text = format!("no fixpoint after {} crashes in a row", point.depth);
            return Err(Stop::NoFixpoint(text));
        }
        self.report.depth = self.report.depth.max(point.depth + 1);
        match self.bounds.mode {
            Mode::Lazy => {
                let start = point.disk.clone().power_cut(&self.profile);
                self.recover(point, Crash::PowerCut, &start)?;
            }
            Mode::Eager => {
                for (_, image) in point.disk.known().crash_images(&self.profile) {
                    self.recover(point, Crash::PowerCut, &Lazy::from(image))?;
                }
            }
        }
        let known = point.disk.known();
        let is_warm = !known.log().is_empty() || known.is_aborted();
        if point.left.kills > 0 && is_warm {
            self.recover(point, Crash::Kill, &point.disk)?;
        }
        Ok(())
    }
}

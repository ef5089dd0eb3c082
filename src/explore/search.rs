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

use super::contract::{Contract, Operation, Told};
use super::counterexample::{self, Counterexample};
use super::history::{Breach, History};
use super::life::{self, Ended, Notes};
use super::report::{Report, Verdict};
use super::subject::{Failure, OperationOf, StateOf, Subject};
use crate::storage::simulated::{Simulated, Watched};
use models::disk::lazy::{Canonical, Choices, GivenUp, Lazy};
use models::profile::Profile;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crash {
    /// The power is cut: what is cached may be gone.
    PowerCut,
    /// The process is killed: what is cached stays.
    Kill,
}

/// How crash images are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A fate is chosen when something reads what it decides.
    #[default]
    Lazy,
    /// Every crash image is made and recovered. For comparison: it visits the same states.
    Eager,
}

/// How far an exploration goes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How crash images are visited.
    pub mode: Mode,
    /// Crashes in a row without a recovery that ended, beyond which the exploration gives up.
    pub crashes: usize,
    /// Kills between two power cuts, as long as something is cached. Each may leave more in the cache than
    /// the one before, so without a bound there is no fixpoint.
    pub kills: usize,
    /// A recovery that a power cut interrupted is to be followed by one that ends with what it would have ended
    /// with (the second half of D6). Off: with anything that the client may be shown. The two differ in
    /// operations of which nobody was told anything; see `CHECKING.md` for what it takes to keep it on `posix`.
    pub converges: bool,
    /// Recoveries after which the exploration gives up.
    pub recoveries: Option<usize>,
    /// Time after which it gives up.
    pub time: Option<Duration>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            mode: Mode::Lazy,
            crashes: 16,
            kills: 1,
            converges: false,
            recoveries: None,
            time: None,
        }
    }
}

/// A workload: what the client does before the crash, and after a recovery.
#[derive(Debug)]
pub struct Workload<W> {
    /// Before.
    pub operations: Vec<Operation<W>>,
    /// After each recovered state that differs.
    pub then: Vec<Operation<W>>,
}

/// How a crash point was reached: life by life, the latest first.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) before: Option<Arc<Trail>>,
    /// What ended the life before; none: there was none.
    pub(super) crash: Option<Crash>,
    /// What was chosen in this life.
    pub(super) choices: Vec<usize>,
    /// Changing calls in this life before it crashes.
    pub(super) calls: usize,
    /// Operations that its client asks for.
    pub(super) operations: usize,
}

/// A violation: the way there, and how the last recovery went.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) trail: Arc<Trail>,
    pub(super) crash: Crash,
    pub(super) choices: Vec<usize>,
    pub(super) breach: Breach,
    pub(super) says: String,
}

/// A state in which the lights may go out.
struct Point<C: Contract> {
    disk: Lazy<u8>,
    history: Arc<History<C>>,
    legal: Arc<Vec<C::State>>,
    /// What the recovery that was interrupted could have ended with.
    converges: Option<Arc<Vec<C::State>>>,
    /// A barrier failed since the last power cut: an open may refuse.
    excused: bool,
    /// Lives after this one that work.
    lives: u8,
    /// Kills since the last power cut, or since all was durable.
    kills: usize,
    /// Crashes since the last recovery that ended.
    depth: usize,
    trail: Arc<Trail>,
}

struct Search<'s, S: Subject> {
    subject: &'s S,
    profile: Arc<Profile>,
    bounds: &'s Bounds,
    then: &'s [OperationOf<S>],
    /// The crash points that were found, by all that their futures depend on, with what was given up and
    /// their numbers.
    seen: FxHashMap<Key, Vec<(GivenUp<u8>, usize)>>,
    /// Those of them whose futures are also another one's.
    superseded: FxHashSet<usize>,
    /// Recovered states from which work went on.
    worked: FxHashSet<(Key, GivenUp<u8>)>,
    states: FxHashMap<Arc<Vec<StateOf<S>>>, usize>,
    pending: VecDeque<(usize, Point<S::Contract>)>,
    report: Report,
    started: Instant,
}

/// The disk, what may be shown and what a recovery is to end with by number, and what else tells crash points
/// apart.
type Key = (Canonical<u8>, usize, usize, (bool, u8, usize));

/// Why a search ended.
enum Stop {
    Violation(Box<Found>),
    Broken(String),
    Budget(String),
}

/// What came of an exploration.
#[derive(Debug)]
pub struct Exploration<W> {
    /// How far it went, and how it ended.
    pub report: Report,
    /// The way to a violation, if one was found.
    pub counterexample: Option<Counterexample<W>>,
}

/// Explores a workload.
pub fn explore<S: Subject>(
    subject: &S,
    profile: &Profile,
    workload: &Workload<<S::Contract as Contract>::Write>,
    bounds: &Bounds,
) -> Exploration<<S::Contract as Contract>::Write> {
    let mut search = Search {
        subject,
        profile: Arc::new(profile.clone()),
        bounds,
        then: &workload.then,
        seen: FxHashMap::default(),
        superseded: FxHashSet::default(),
        worked: FxHashSet::default(),
        states: FxHashMap::default(),
        pending: VecDeque::new(),
        report: Report::new(&profile.name),
        started: Instant::now(),
    };
    let mut counterexample = None;
    let verdict = match search.run(&workload.operations) {
        Ok(()) => Verdict::Holds,
        Err(Stop::Violation(found)) => {
            let work = (&workload.operations[..], &workload.then[..]);
            counterexample = Some(counterexample::of(subject, profile, work, &found));
            Verdict::Violates {
                breach: found.breach,
                says: found.says,
            }
        }
        Err(Stop::Broken(why)) => Verdict::Broken(why),
        Err(Stop::Budget(why)) => Verdict::Inconclusive(why),
    };
    let mut report = search.report;
    report.time = search.started.elapsed();
    report.verdict = verdict;
    Exploration {
        report,
        counterexample,
    }
}

impl<S: Subject> Search<'_, S> {
    fn run(&mut self, operations: &[OperationOf<S>]) -> Result<(), Stop> {
        self.first_life(operations)?;
        while let Some((number, point)) = self.pending.pop_front() {
            if self.superseded.remove(&number) {
                continue;
            }
            self.report.followed += 1;
            self.check_budget()?;
            self.follow(&point)?;
        }
        Ok(())
    }

    fn check_budget(&self) -> Result<(), Stop> {
        let left = self.pending.len() + 1;
        let over =
            |limit: Option<usize>| limit.is_some_and(|limit| self.report.recoveries >= limit);
        if over(self.bounds.recoveries) {
            let text = format!(
                "{} recoveries were run, {left} crash points are left",
                self.report.recoveries
            );
            return Err(Stop::Budget(text));
        }
        let elapsed = self.started.elapsed();
        match self.bounds.time.is_some_and(|limit| elapsed >= limit) {
            true => {
                let text = format!(
                    "{:.1} s are over, {left} crash points are left",
                    elapsed.as_secs_f64()
                );
                Err(Stop::Budget(text))
            }
            false => Ok(()),
        }
    }

    fn first_life(&mut self, operations: &[OperationOf<S>]) -> Result<(), Stop> {
        let storage = Simulated::lazily(
            Lazy::from(models::disk::Disk::default()),
            self.profile.clone(),
            Choices::default(),
        );
        storage.watch();
        let mut history = History::after(vec![StateOf::<S>::default()]);
        let trail = |calls, operations| Trail {
            before: None,
            crash: None,
            choices: Vec::new(),
            calls,
            operations,
        };
        let mut points = Points {
            search: self,
            trail: &trail,
            asked: 0,
            lives: 1,
            kills: 0,
            common: None,
        };
        points.at(&storage, &history);
        let opened = life::open(points.search.subject, &storage);
        points.worked(&storage, &history);
        let (store, state) = opened
            .map_err(|why| Stop::Broken(format!("it does not open on an empty disk: {why}")))?;
        if state != StateOf::<S>::default() {
            let facts = S::Contract::facts(&state);
            return Err(Stop::Broken(format!("a new store is not empty: {facts:?}")));
        }
        let subject = points.search.subject;
        let worked = life::work(
            subject,
            &storage,
            store,
            operations,
            &mut history,
            &mut points,
            false,
        );
        worked.map_err(|ended| match ended {
            Ended::Wrong(why) => Stop::Broken(why),
            Ended::Died => Stop::Broken("the process died without a fault".into()),
        })
    }

    /// Takes note of a crash point, unless one with the same future is known.
    fn reach(&mut self, point: Point<S::Contract>) {
        self.report.crash_points += 1;
        let legal = self.number(&point.legal);
        let converges = point
            .converges
            .as_ref()
            .map_or(usize::MAX, |states| self.number(states));
        let point = match point.disk.known().log().is_empty() {
            true => Point { kills: 0, ..point },
            false => point,
        };
        let rest = (point.excused, point.lives, point.kills);
        let key = (point.disk.canonical(), legal, converges, rest);
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
        self.pending.push_back((self.report.distinct, point));
        self.report.distinct += 1;
    }

    fn number(&mut self, states: &Arc<Vec<StateOf<S>>>) -> usize {
        let next = self.states.len();
        *self.states.entry(states.clone()).or_insert(next)
    }

    /// Crashes there, and recovers in every way.
    fn follow(&mut self, point: &Point<S::Contract>) -> Result<(), Stop> {
        if point.depth >= self.bounds.crashes {
            let text = format!("no fixpoint after {} crashes in a row", point.depth);
            return Err(Stop::Budget(text));
        }
        self.report.depth = self.report.depth.max(point.depth + 1);
        let starts: Vec<Lazy<u8>> = match self.bounds.mode {
            Mode::Lazy => vec![point.disk.clone().power_cut(&self.profile)],
            Mode::Eager => {
                let images = point.disk.known().crash_images(&self.profile).into_iter();
                images.map(|(_, image)| Lazy::from(image)).collect()
            }
        };
        for start in starts {
            self.recover(point, Crash::PowerCut, start)?;
        }
        let known = point.disk.known();
        if point.kills < self.bounds.kills && !(known.log().is_empty() && !known.is_aborted()) {
            self.recover(point, Crash::Kill, point.disk.clone())?;
        }
        Ok(())
    }

    fn recover(
        &mut self,
        point: &Point<S::Contract>,
        crash: Crash,
        start: Lazy<u8>,
    ) -> Result<(), Stop> {
        let mut choices = Choices::default();
        let mut common = None;
        let mut ends: Vec<(Vec<usize>, Option<StateOf<S>>)> = Vec::new();
        let mut inner: Vec<(Watched, Vec<usize>)> = Vec::new();
        let mut claimed: Vec<Vec<usize>> = Vec::new();
        loop {
            let storage = Simulated::lazily(start.clone(), self.profile.clone(), choices);
            storage.watch();
            self.report.recoveries += 1;
            let opened = life::open(self.subject, &storage);
            let options = storage.choices().options();
            let fresh = storage.watched().into_iter();
            let fresh =
                fresh.filter(|watched| common.is_none_or(|common| watched.choices > common));
            inner.extend(fresh.map(|watched| {
                let taken = options[..watched.choices].to_vec();
                (watched, taken)
            }));
            match opened {
                Ok((store, state)) => {
                    self.judge(point, crash, &options, &state)?;
                    self.served(
                        point,
                        crash,
                        (&storage, store),
                        &state,
                        common,
                        &options,
                        &mut claimed,
                    )?;
                    ends.push((options, Some(state)));
                }
                Err(_) if point.excused && crash == Crash::Kill => ends.push((options, None)),
                Err(why) => {
                    let says = format!("it does not open: {why}");
                    return Err(violation(point, crash, options, Breach::Unopenable, says));
                }
            }
            choices = storage.choices();
            if choices.parted() {
                let text = "two recoveries of one crash image asked for different things: the subject is not \
                            the same in every run";
                return Err(Stop::Broken(text.into()));
            }
            match choices.advance() {
                Some(shared) => common = Some(shared),
                None => break,
            }
        }
        for (watched, taken) in inner {
            self.interrupted(point, crash, watched, taken, &ends);
        }
        Ok(())
    }

    /// Whether a recovery may show that.
    fn judge(
        &self,
        point: &Point<S::Contract>,
        crash: Crash,
        options: &[usize],
        state: &StateOf<S>,
    ) -> Result<(), Stop> {
        if !point.legal.contains(state) {
            let (breach, says) = point.history.breach(state);
            return Err(violation(point, crash, options.to_vec(), breach, says));
        }
        if point
            .converges
            .as_ref()
            .is_some_and(|states| !states.contains(state))
        {
            let says = "the recovery before, had it not been interrupted, would have ended with something else";
            return Err(violation(
                point,
                crash,
                options.to_vec(),
                Breach::Diverged,
                says.into(),
            ));
        }
        Ok(())
    }

    /// What a recovery served is settled: crashes may follow, and more work.
    #[expect(clippy::too_many_arguments)]
    fn served(
        &mut self,
        point: &Point<S::Contract>,
        crash: Crash,
        (storage, store): (&Simulated, S::Store),
        state: &StateOf<S>,
        common: Option<usize>,
        options: &[usize],
        claimed: &mut Vec<Vec<usize>>,
    ) -> Result<(), Stop> {
        let mut history = History::after(vec![state.clone()]);
        let before = point.trail.clone();
        let excused = point.excused && crash == Crash::Kill;
        let trail = |choices: &[usize], calls, operations| Trail {
            before: Some(before.clone()),
            crash: Some(crash),
            choices: choices.to_vec(),
            calls,
            operations,
        };
        let disk = storage.lazy().settled_pieces(&self.profile);
        let is_first = common.is_none_or(|common| options.len() > common);
        if is_first {
            self.report.served += 1;
            self.reach(Point {
                disk: disk.clone(),
                legal: Arc::new(history.legal()),
                history: Arc::new(history.clone()),
                converges: None,
                excused,
                lives: 0,
                kills: after(point.kills, crash),
                depth: 0,
                trail: Arc::new(trail(options, storage.calls(), 0)),
            });
        }
        if point.lives == 0 || self.then.is_empty() {
            return Ok(());
        }
        let legal = self.number(&Arc::new(vec![state.clone()]));
        let kills = after(point.kills, crash);
        let key = (
            disk.canonical(),
            legal,
            usize::MAX,
            (excused, u8::MAX, kills),
        );
        let mine = claimed.iter().any(|taken| taken[..] == *options);
        match mine || self.worked.insert((key, disk.given_up())) {
            true if !mine => claimed.push(options.to_vec()),
            true => {}
            false => return Ok(()),
        }
        let trail = |calls, operations| {
            let choices = storage.choices().options();
            trail(&choices, calls, operations)
        };
        let (subject, then) = (self.subject, self.then);
        let mut points = Points {
            search: self,
            trail: &trail,
            asked: 0,
            lives: 0,
            kills,
            common,
        };
        let worked = life::work(
            subject,
            storage,
            store,
            then,
            &mut history,
            &mut points,
            excused,
        );
        worked.map_err(|ended| match ended {
            Ended::Wrong(why) => {
                let says = format!("after recovery, {why}");
                violation(point, crash, options.to_vec(), Breach::Unopenable, says)
            }
            Ended::Died => Stop::Broken("the process died without a fault".into()),
        })
    }

    /// A crash in the middle of a recovery: what it, and those that went on like it, ended with is to be
    /// shown.
    fn interrupted(
        &mut self,
        point: &Point<S::Contract>,
        crash: Crash,
        watched: Watched,
        taken: Vec<usize>,
        ends: &[(Vec<usize>, Option<StateOf<S>>)],
    ) {
        let mut states: Vec<StateOf<S>> = Vec::new();
        let mut refused = false;
        for (options, state) in ends
            .iter()
            .filter(|(options, _)| options.starts_with(&taken))
        {
            debug_assert!(options.len() >= taken.len());
            match state {
                Some(state) if !states.contains(state) => states.push(state.clone()),
                Some(_) => {}
                None => refused = true,
            }
        }
        self.reach(Point {
            disk: watched.disk.settled_pieces(&self.profile),
            history: point.history.clone(),
            legal: point.legal.clone(),
            // After a kill the cache shows what a later power cut may take.
            converges: match crash {
                _ if !self.bounds.converges => None,
                Crash::PowerCut => (!refused).then(|| Arc::new(states)),
                Crash::Kill => point.converges.clone(),
            },
            excused: point.excused && crash == Crash::Kill,
            lives: point.lives,
            kills: after(point.kills, crash),
            depth: point.depth + 1,
            trail: Arc::new(Trail {
                before: Some(point.trail.clone()),
                crash: Some(crash),
                choices: taken,
                calls: watched.call + 1,
                operations: 0,
            }),
        });
    }
}

/// Kills since the last power cut.
fn after(kills: usize, crash: Crash) -> usize {
    match crash {
        Crash::PowerCut => 0,
        Crash::Kill => kills + 1,
    }
}

fn violation<C: Contract>(
    point: &Point<C>,
    crash: Crash,
    choices: Vec<usize>,
    breach: Breach,
    says: String,
) -> Stop {
    Stop::Violation(Box::new(Found {
        trail: point.trail.clone(),
        crash,
        choices,
        breach,
        says,
    }))
}

/// Notes the crash points of a life that works.
struct Points<'p, 's, S: Subject> {
    search: &'p mut Search<'s, S>,
    trail: &'p dyn Fn(usize, usize) -> Trail,
    /// Operations asked for so far.
    asked: usize,
    lives: u8,
    kills: usize,
    /// Choices that an earlier run had in common with this one: points up to there were noted.
    common: Option<usize>,
}

impl<S: Subject> Points<'_, '_, S> {
    fn at(&mut self, storage: &Simulated, history: &History<S::Contract>) {
        let taken = storage.choices().asked();
        if self.common.is_none_or(|common| taken > common) {
            self.note(storage.lazy(), storage.calls(), history);
        }
    }

    fn note(&mut self, disk: Lazy<u8>, calls: usize, history: &History<S::Contract>) {
        self.search.reach(Point {
            disk: disk.settled_pieces(&self.search.profile),
            legal: Arc::new(history.legal()),
            history: Arc::new(history.clone()),
            converges: None,
            excused: false,
            lives: self.lives,
            kills: self.kills,
            depth: 0,
            trail: Arc::new((self.trail)(calls, self.asked)),
        });
    }
}

impl<S: Subject> Notes<S::Contract> for Points<'_, '_, S> {
    fn asked(&mut self, _: &OperationOf<S>, _: &Simulated, _: &History<S::Contract>) {
        self.asked += 1;
    }

    fn worked(&mut self, storage: &Simulated, history: &History<S::Contract>) {
        for watched in storage.watched() {
            if self.common.is_none_or(|common| watched.choices > common) {
                self.note(watched.disk, watched.call + 1, history);
            }
        }
    }

    fn answered(
        &mut self,
        _operation: &OperationOf<S>,
        _answer: &Result<Told, Failure>,
        storage: &Simulated,
        history: &History<S::Contract>,
    ) {
        self.at(storage, history);
    }
}

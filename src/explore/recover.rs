//! What follows a crash: every recovery that reads differently, what each serves, and the crash points in it.

use super::bounds::Crash;
use super::history::History;
use super::life::{self, Ended};
use super::notes::Points;
use super::point::{Budget, Lived, Point, Stop, Trail, violation};
use super::search::Search;
use super::subject::{StateOf, Subject};
use crate::counterexample::Breach;
use crate::counterexample::Trouble;
use crate::storage::simulated::{Point as Place, Simulated, Watched};
use models::disk::lazy::{Choices, Lazy};
use std::sync::Arc;

/// The recoveries of one crash image, as far as its fates are open.
pub(super) struct Recoveries<'p, S: Subject> {
    point: &'p Point<S::Contract>,
    crash: Crash,
    left: Budget,
    excused: bool,
    /// What goes wrong in each, and with which call.
    trouble: Option<(usize, Trouble)>,
    /// How each ended, by what it chose: with what it served, or refusing to.
    ends: Vec<(Vec<usize>, Option<StateOf<S>>)>,
    /// The crash points in them, with the choices up to there.
    inner: Vec<(Watched, Vec<usize>)>,
    /// What the recoveries chose from which work went on.
    claimed: Vec<Vec<usize>>,
    calls: usize,
}

impl<S: Subject> Search<'_, S> {
    /// Recovers in every way; where calls may go wrong, also with each of them going wrong.
    pub(super) fn recover(
        &mut self,
        point: &Point<S::Contract>,
        crash: Crash,
        start: &Lazy<u8>,
    ) -> Result<(), Stop> {
        let calls = self.recover_with(point, crash, start, None)?;
        if point.left.faults > 0 {
            for call in 0..calls {
                for trouble in self.bounds.troubles.clone() {
                    self.recover_with(point, crash, start, Some((call, trouble)))?;
                }
            }
        }
        Ok(())
    }

    /// Says how many changing calls the longest recovery made.
    fn recover_with(
        &mut self,
        point: &Point<S::Contract>,
        crash: Crash,
        start: &Lazy<u8>,
        trouble: Option<(usize, Trouble)>,
    ) -> Result<usize, Stop> {
        let left = point.left;
        let mut these = Recoveries {
            point,
            crash,
            left: Budget {
                kills: match crash {
                    Crash::PowerCut => self.bounds.kills,
                    Crash::Kill => left.kills - 1,
                },
                faults: left.faults - usize::from(trouble.is_some()),
                ..left
            },
            excused: point.excused && crash == Crash::Kill
                || trouble.is_some_and(|(_, trouble)| trouble.excuses()),
            trouble,
            ends: Vec::new(),
            inner: Vec::new(),
            claimed: Vec::new(),
            calls: 0,
        };
        let (mut choices, mut common) = (Choices::default(), None);
        loop {
            self.check_budget()?;
            let storage = self.machine(start.clone(), choices);
            if let Some((call, trouble)) = trouble {
                storage.plan(Place::Call(call), trouble.fault());
            }
            self.run(&mut these, &storage, common)?;
            self.report.coverage.widen(storage.widest_read());
            these.calls = these.calls.max(storage.calls());
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
        for (watched, taken) in std::mem::take(&mut these.inner) {
            self.interrupted(&these, watched, taken);
        }
        Ok(these.calls)
    }

    /// One recovery.
    fn run(
        &mut self,
        these: &mut Recoveries<'_, S>,
        storage: &Simulated,
        common: Option<usize>,
    ) -> Result<(), Stop> {
        self.report.recoveries += 1;
        let opened = life::open(self.subject, storage);
        if self.plant.keeps_sites {
            self.sites.extend(storage.sites());
        }
        let options = storage.choices().options();
        for watched in storage.watched() {
            let shared = common.is_some_and(|common| watched.choices <= common);
            let before_trouble = these.trouble.is_some_and(|(call, _)| watched.call < call);
            if !shared && !before_trouble {
                let taken = options[..watched.choices].to_vec();
                these.inner.push((watched, taken));
            }
        }
        match opened {
            Ok((store, state)) => {
                if !self.shown.contains(&state) {
                    self.shown.insert(state.clone());
                }
                self.judge(these, &options, &state)?;
                self.served(these, (storage, store), &state, common, &options)?;
                these.ends.push((options, Some(state)));
            }
            // What went wrong may have been told to whoever opens it.
            Err(_)
                if these.excused
                    || these.trouble.is_some()
                    || !self.bounds.judged.contains(&Breach::Unopenable) =>
            {
                if these.trouble.is_none() {
                    let disk = storage.lazy().collapsed(&self.profile);
                    self.report.coverage.states.add(disk.canonical().ways());
                }
                these.ends.push((options, None));
            }
            Err(why) => {
                let says = format!("it does not open: {why}");
                return Err(these.violation(options, 0, Breach::Unopenable, says));
            }
        }
        Ok(())
    }

    /// Whether a recovery may show that.
    fn judge(
        &self,
        these: &Recoveries<'_, S>,
        options: &[usize],
        state: &StateOf<S>,
    ) -> Result<(), Stop> {
        let point = these.point;
        if !point.legal.contains(state) {
            let (breach, says) = point.history.breach(state);
            if !self.bounds.judged.contains(&breach) {
                return Ok(());
            }
            let mut stop = these.violation(options.to_vec(), 0, breach, says);
            if let Stop::Violation(found) = &mut stop
                && breach == Breach::Lost
                && point.history.was_only_served(state)
            {
                found.promise = "D7";
            }
            return Err(stop);
        }
        if (point.converges.as_ref()).is_some_and(|states| !states.contains(state)) {
            let says = "the recovery before, had it not been interrupted, would have ended with something else";
            let options = options.to_vec();
            return Err(these.violation(options, 0, Breach::Diverged, says.into()));
        }
        Ok(())
    }

    /// What a recovery served is settled: crashes may follow, and more work.
    fn served(
        &mut self,
        these: &mut Recoveries<'_, S>,
        (storage, store): (&Simulated, S::Store),
        state: &StateOf<S>,
        common: Option<usize>,
        options: &[usize],
    ) -> Result<(), Stop> {
        let history = History::after(vec![state.clone()]);
        let mut history = history.remembering(&these.point.history);
        let life = Lived {
            after: Some(these.crash),
            choices: options.to_vec(),
            trouble: these.trouble,
            calls: storage.calls(),
            operations: 0,
        };
        let disk = storage.lazy().collapsed(&self.profile);
        let canonical = self.canonical(&disk);
        if common.is_none_or(|common| options.len() > common) {
            self.report.served += 1;
            if these.trouble.is_none() {
                self.report.coverage.states.add(canonical.ways());
            }
            let point = Point {
                disk: disk.clone(),
                legal: Arc::new(history.legal()),
                history: Arc::new(history.clone()),
                converges: None,
                excused: these.excused,
                left: Budget {
                    lives: 0,
                    ..these.left
                },
                depth: 0,
                trail: Arc::new(Trail {
                    before: Some(these.point.trail.clone()),
                    life: life.clone(),
                }),
            };
            self.reach_as(canonical.clone(), point);
        }
        if these.left.lives == 0 || self.then.is_empty() {
            return Ok(());
        }
        let legal = self.number(&Arc::new(vec![state.clone()]));
        let key = (canonical, legal, usize::MAX, these.excused, these.left);
        if !these.claimed.iter().any(|taken| taken[..] == *options) {
            let work = (key, disk.given_up());
            if !self.worked.insert(work.clone()) {
                return Ok(());
            }
            self.worked_now.push(work);
            these.claimed.push(options.to_vec());
        }
        let (subject, then) = (self.subject, self.then);
        let mut points = Points {
            search: self,
            before: Some(these.point.trail.clone()),
            life,
            left: Budget {
                lives: these.left.lives - 1,
                ..these.left
            },
            excused: these.excused,
            common,
        };
        let may_fail = these.excused || these.trouble.is_some();
        let worked = life::work(
            subject,
            storage,
            store,
            then,
            &mut history,
            &mut points,
            may_fail,
        );
        worked.map_err(|ended| match ended {
            Ended::Wrong(why) => {
                let says = format!("after recovery, {why}");
                let options = storage.choices().options();
                these.violation(options, then.len(), Breach::Unopenable, says)
            }
            Ended::Died => Stop::Broken("the process died without a fault".into()),
        })
    }

    /// A crash in the middle of a recovery: what it, and those that went on like it, ended with is to be
    /// shown.
    fn interrupted(&mut self, these: &Recoveries<'_, S>, watched: Watched, taken: Vec<usize>) {
        let point = these.point;
        self.reach(Point {
            disk: watched.disk.collapsed(&self.profile),
            history: point.history.clone(),
            legal: point.legal.clone(),
            // After a kill the cache shows what a later power cut may take.
            converges: match these.crash {
                _ if !self.bounds.converges => None,
                Crash::PowerCut => these.ends_of(&taken),
                Crash::Kill => point.converges.clone(),
            },
            excused: these.excused,
            left: these.left,
            depth: point.depth + 1,
            trail: Arc::new(Trail {
                before: Some(point.trail.clone()),
                life: Lived {
                    after: Some(these.crash),
                    choices: taken,
                    trouble: these.trouble,
                    calls: watched.call + 1,
                    operations: 0,
                },
            }),
        });
    }
}

impl<S: Subject> Recoveries<'_, S> {
    /// A violation that one of them shows, or the work after it.
    fn violation(
        &self,
        choices: Vec<usize>,
        operations: usize,
        breach: Breach,
        says: String,
    ) -> Stop {
        let last = Lived {
            after: Some(self.crash),
            choices,
            trouble: self.trouble,
            calls: usize::MAX,
            operations,
        };
        violation(self.point.trail.clone(), last, breach, says)
    }

    /// What the recoveries that made these choices served; none: one of them refused to.
    fn ends_of(&self, taken: &[usize]) -> Option<Arc<Vec<StateOf<S>>>> {
        let mut states: Vec<StateOf<S>> = Vec::new();
        let ends = self
            .ends
            .iter()
            .filter(|(options, _)| options.starts_with(taken));
        for (_, state) in ends {
            let state = state.as_ref()?;
            if !states.contains(state) {
                states.push(state.clone());
            }
        }
        Some(Arc::new(states))
    }
}

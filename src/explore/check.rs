//! The way in for tests: explore a workload on a file system, with the control that shows that the check can
//! fail, and panic with the counterexample.

use super::bounds::{Bounds, Workload};
use super::contract::{Contract, Operation};
use super::ongoing::{Exploration, explore, explore_planted};
use super::report::Verdict;
use super::same;
use super::sequences::{Refuted, Sequences};
use super::subject::{OperationOf, Subject, WriteOf};
use crate::counterexample::Breach;
use crate::storage::simulated::{BLOCK_BYTES, Plant, SECTOR_BYTES};
use models::profile::{NAMES, Profile};
use std::path::PathBuf;

/// Explores a subject.
#[derive(Debug)]
pub struct Explorer<'s, S> {
    subject: &'s S,
    profile: Profile,
    bounds: Bounds,
    second_life: bool,
    directory: PathBuf,
}

impl<'s, S: Subject> Explorer<'s, S> {
    /// An explorer on `posix`, the weakest file system, with the default bounds. What it finds lands under
    /// `target/lightsout`.
    pub fn new(subject: &'s S) -> Self {
        Self {
            subject,
            profile: Profile::posix().with_sizes(SECTOR_BYTES, BLOCK_BYTES),
            bounds: Bounds::default(),
            second_life: true,
            directory: PathBuf::from("target/lightsout"),
        }
    }

    /// On the named file system: see [`NAMES`].
    ///
    /// # Panics
    /// Where there is none of that name.
    #[must_use]
    pub fn on(self, profile: &str) -> Self {
        let named = Profile::named(profile);
        let Some(profile) = named else {
            panic!(
                "there is no profile `{profile}`: it is one of {}",
                NAMES.join(", ")
            );
        };
        Self {
            profile: profile.with_sizes(SECTOR_BYTES, BLOCK_BYTES),
            ..self
        }
    }

    /// On this file system: sizes of sector and block are in bytes.
    #[must_use]
    pub fn on_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Within these bounds.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// So many calls go wrong along one way, each at every place.
    #[must_use]
    pub fn with_faults(mut self, faults: usize) -> Self {
        self.bounds.faults = faults;
        self
    }

    /// No work follows a recovery: what only a second life shows is not looked for.
    #[must_use]
    pub fn with_one_life(self) -> Self {
        Self {
            second_life: false,
            ..self
        }
    }

    /// Counterexamples land there.
    #[must_use]
    pub fn saving_to(self, directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            ..self
        }
    }

    /// Explores these operations, then a fresh write and a sync after each recovery.
    pub fn explore(&self, operations: &[OperationOf<S>]) -> Exploration<S::Contract> {
        let mut workload = workload::<S>(operations);
        if !self.second_life {
            workload.then.clear();
        }
        self.explore_workload(&workload)
    }

    /// Explores a workload. Two runs of it must make the same calls, else the verdict is broken. Where it holds, it is explored once more on `posix` with every barrier ignored: if
    /// that holds too though something was acknowledged, the check has no teeth, and the verdict is broken.
    pub fn explore_workload(&self, workload: &Workload<WriteOf<S>>) -> Exploration<S::Contract> {
        if let Some(text) =
            same::first_difference(self.subject, &self.profile, &workload.operations)
        {
            let mut exploration = Exploration::nothing(&self.profile.name);
            exploration.report.verdict = Verdict::Broken(text);
            return exploration;
        }
        let mut exploration = explore(self.subject, &self.profile, workload, &self.bounds);
        let report = &mut exploration.report;
        if report.verdict == Verdict::Holds && report.promises {
            match self.without_barriers(workload) {
                Verdict::Violates { .. } => {}
                Verdict::Inconclusive(why) => {
                    let text = format!(
                        "it holds; that it is refuted without barriers is not known: {why}"
                    );
                    report.verdict = Verdict::Inconclusive(text);
                }
                without => {
                    let text = format!(
                        "the check has no teeth: without a single barrier it is {without}; does the store write \
                         what it acknowledges to this storage?"
                    );
                    report.verdict = Verdict::Broken(text);
                }
            }
        }
        exploration
    }

    fn without_barriers(&self, workload: &Workload<WriteOf<S>>) -> Verdict {
        let plant = Plant {
            no_barriers: true,
            ..Plant::default()
        };
        let posix = Profile {
            name: "posix".into(),
            ..Profile::posix().with_sizes(self.profile.sector, self.profile.block)
        };
        let bounds = Bounds {
            faults: 0,
            // Any breach is a tooth.
            judged: Breach::ALL.to_vec(),
            progress: None,
            ..self.bounds.clone()
        };
        explore_planted(self.subject, &posix, workload, &bounds, &plant)
            .report
            .verdict
    }

    /// Explores these operations. An error is the counterexample, or why there is no verdict, to read: for tests that
    /// try many workloads, and shrink one that does not hold.
    pub fn try_check(&self, operations: &[OperationOf<S>]) -> Result<usize, String> {
        let exploration = self.explore(operations);
        let report = &exploration.report;
        match (&report.verdict, &exploration.counterexample) {
            (Verdict::Holds, _) => Ok(report.recoveries),
            (_, Some(found)) => Err(format!("{found}\n{report}")),
            _ => Err(format!("{} on {report}", self.subject.name())),
        }
    }

    /// Explores workloads one after the other, until one does not hold.
    pub fn explore_each(
        &self,
        workloads: impl IntoIterator<Item = Vec<OperationOf<S>>>,
    ) -> Sequences<S::Contract> {
        let mut all = Sequences {
            hold: 0,
            recoveries: 0,
            refuted: None,
        };
        for operations in workloads {
            match self.try_check(&operations) {
                Ok(recoveries) => {
                    all.hold += 1;
                    all.recoveries += recoveries;
                }
                Err(because) => {
                    all.refuted = Some(Refuted {
                        operations,
                        because,
                    });
                    break;
                }
            }
        }
        all
    }

    /// Explores these operations.
    ///
    /// # Panics
    /// Unless the verdict is *holds*: with the counterexample, which is also written down as JSON.
    pub fn check(&self, operations: &[OperationOf<S>]) {
        self.must_hold(self.explore(operations));
    }

    /// Explores a workload.
    ///
    /// # Panics
    /// As [`Explorer::check`].
    pub fn check_workload(&self, workload: &Workload<WriteOf<S>>) {
        self.must_hold(self.explore_workload(workload));
    }

    fn must_hold(&self, exploration: Exploration<S::Contract>) {
        let report = &exploration.report;
        match (&report.verdict, &exploration.counterexample) {
            (Verdict::Holds, _) => {}
            (Verdict::Violates { .. }, Some(found)) => {
                let saved = match found.save(&self.directory) {
                    Ok(path) => format!("written down in {}", path.display()),
                    Err(error) => format!("it could not be written down: {error}"),
                };
                panic!("{found}\n{report}\n{saved}");
            }
            _ => panic!("{} on {report}", self.subject.name()),
        }
    }
}

/// These operations, then a fresh write and a sync after each recovery.
pub fn workload<S: Subject>(operations: &[OperationOf<S>]) -> Workload<WriteOf<S>> {
    Workload {
        operations: operations.to_vec(),
        then: vec![
            Operation::Write(vec![S::Contract::fresh(1)]),
            Operation::Sync,
        ],
    }
}

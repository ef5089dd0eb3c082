//! Our engines by name, each with its work.

mod as_found;

use super::super::audit::{audit, missing};
use super::super::bounds::{Bounds, Workload};
use super::super::check::{Explorer, workload};
use super::super::export::Exported;
use super::super::replay::replay;
use super::super::report::{Report, Shortest, Verdict};
use super::super::subject::{OperationOf, Subject, WriteOf};
use super::super::{Profile, SWITCHES};
use super::{
    BitcaskSubject, BtreeSubject, EventStoreSubject, LogSubject, LsmSubject, OnFiles,
    SegmentsSubject,
};
use crate::counterexample::{Breach, Counterexample, Script, Step, image};
use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::Arc;

/// A subject with its work, and what is to come of it.
pub struct Entry {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// How it breaks the contract on `posix`; none: it does not, on any file system.
    pub breaks: Option<Breach>,
    /// How many operations its work has.
    pub operations: usize,
    run: Box<Run>,
    audit: Box<Audit>,
    replay: Box<Replay>,
    export: Box<Export>,
}

/// Explores the first so many operations.
type Run = dyn Fn(&Profile, &Bounds, usize) -> Outcome + Send + Sync;

/// Audits its barriers, with the first so many operations: a line for each, and the barriers that are missing.
type Audit = dyn Fn(&Profile, &Bounds, usize) -> Vec<String> + Send + Sync;

/// Runs a counterexample again; with a directory, on real files too.
type Replay = dyn Fn(&Counterexample, Option<&Path>) -> Result<Again, String> + Send + Sync;

/// Makes a test of a counterexample.
type Export = dyn Fn(&Counterexample) -> Result<String, String> + Send + Sync;

/// What running a counterexample again came to, whatever the subject.
#[derive(Debug)]
pub struct Again {
    /// What happened.
    pub steps: Vec<Step>,
    /// How it breaks the contract, in a sentence; none: it does not.
    pub breach: Option<(Breach, String)>,
    /// What the last crash left was written as real files; what the real engine shows that opened them, or why
    /// it does not open.
    pub on_files: Option<Result<String, String>>,
}

/// What came of one exploration, whatever the subject.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How far it went, and how it ended.
    pub report: Report,
    /// The way to a violation.
    pub counterexample: Option<Counterexample>,
    /// How long it is.
    pub shortest: Option<Shortest>,
    /// How many operations the work had.
    pub operations: usize,
}

impl Outcome {
    /// Nothing was run: somebody interrupted before.
    fn not_started(profile: &Profile, operations: usize) -> Self {
        let mut report = Report::new(&profile.name);
        report.verdict = Verdict::Inconclusive("not started".into());
        Self {
            report,
            counterexample: None,
            shortest: None,
            operations,
        }
    }
}

/// How long a script is.
fn shortest(found: &Counterexample) -> Option<Shortest> {
    let Script::Code(code) = &found.script else {
        return None;
    };
    Some(Shortest {
        operations: code.lives.iter().map(|life| life.operations).sum(),
        crashes: code.lives.len().saturating_sub(1),
    })
}

/// How a store breaks the contract on `posix`, and what it takes to see it.
#[derive(Clone, Copy)]
struct Finding {
    breach: Breach,
    /// Kills between two power cuts.
    kills: usize,
    /// A client goes on after the recovery: it is what comes back or goes then.
    goes_on: bool,
}

impl Finding {
    /// Shown by power cuts alone, to the first recovery.
    fn of(breach: Breach) -> Self {
        Finding {
            breach,
            kills: 0,
            goes_on: false,
        }
    }
}

impl Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Entry {
    fn new<S: OnFiles + Debug + Send + 'static>(
        (name, about): (&'static str, &'static str),
        finding: Option<Finding>,
        subject: S,
        operations: Vec<OperationOf<S>>,
    ) -> Self {
        let count = operations.len();
        let goes_on = finding.is_none_or(|finding| finding.goes_on);
        let work = Arc::new(Work(subject, operations, goes_on));
        Self {
            name,
            about,
            breaks: finding.map(|finding| finding.breach),
            operations: count,
            run: {
                let work = work.clone();
                Box::new(move |profile, bounds, first| {
                    let (subject, work) = (&work.0, work.first(first));
                    let operations = work.operations.len();
                    if bounds.interrupt.is_set() {
                        return Outcome::not_started(profile, operations);
                    }
                    let explorer = Explorer::new(subject).on_profile(profile.clone());
                    let explorer = explorer.within(bounds_of(bounds, finding));
                    let exploration = explorer.explore_workload(&work);
                    let counterexample = exploration.counterexample.map(|found| Counterexample {
                        name: name.into(),
                        about: about.into(),
                        ..found
                    });
                    Outcome {
                        report: exploration.report,
                        shortest: counterexample.as_ref().and_then(shortest),
                        operations,
                        counterexample,
                    }
                })
            },
            replay: {
                let work = work.clone();
                Box::new(move |found, directory| again(&work.0, found, directory))
            },
            export: {
                let work = work.clone();
                Box::new(move |found| match &found.script {
                    Script::Code(code) => Exported::of(found, code).test(found, &work.0),
                    Script::Model { .. } => Err(format!("{} is a check of a model", found.name)),
                })
            },
            audit: Box::new(move |profile, bounds, first| {
                let bounds = bounds_of(bounds, finding);
                let (subject, work) = (&work.0, work.first(first));
                // What is made before anything else is crashed in a check of its own.
                let mut checks = vec![(work.clone(), bounds.clone())];
                if bounds.settled && finding.is_none() {
                    let from_nothing = Bounds {
                        settled: false,
                        ..bounds.clone()
                    };
                    checks.push((
                        workload::<S>(&work.operations[..work.operations.len().min(1)]),
                        from_nothing,
                    ));
                }
                match audit(subject, profile, &checks) {
                    Some(audited) => audited.iter().map(ToString::to_string).collect(),
                    None => match missing(subject, profile, &work, &bounds) {
                        Some(inserted) => (inserted.iter())
                            .map(|(site, insertion)| format!("{site}\n      missing: {insertion}"))
                            .collect(),
                        None => vec!["no two barriers mend it".into()],
                    },
                }
            }),
        }
    }

    /// The rules of a file system that a violation needs to be off: with any one of them on, it is gone. As
    /// `R5 = no`.
    pub fn needs(&self, profile: &Profile, bounds: &Bounds, first: usize) -> Vec<String> {
        let mut needs = Vec::new();
        for (switch, values) in SWITCHES {
            let strongest = values
                .last()
                .and_then(|value| profile.clone().with(switch, value));
            let Some(strongest) = strongest else { continue };
            let strongest = Profile {
                name: profile.name.clone(),
                ..strongest
            };
            if strongest == *profile {
                continue;
            }
            if self.explore(&strongest, bounds, first).report.verdict == Verdict::Holds {
                let now = values.iter().find(|value| {
                    let with = profile.clone().with(switch, value);
                    with.is_some_and(|with| {
                        Profile {
                            name: profile.name.clone(),
                            ..with
                        } == *profile
                    })
                });
                needs.push(format!("{switch} = {}", now.unwrap_or(&"no")));
            }
        }
        needs
    }

    /// Audits its barriers, with the first so many operations of its work: a line for each, or, where it breaks the
    /// contract, for each that is missing.
    pub fn audit(&self, profile: &Profile, bounds: &Bounds, first: usize) -> Vec<String> {
        (self.audit)(profile, bounds, first)
    }

    /// Runs a counterexample of it again. With a directory, which is made, what the last crash left is written there
    /// as real files, and the engine opens those, too.
    ///
    /// # Errors
    /// Where it is not one of this engine, or the files cannot be written: a sentence.
    pub fn replay(
        &self,
        found: &Counterexample,
        directory: Option<&Path>,
    ) -> Result<Again, String> {
        (self.replay)(found, directory)
    }

    /// A counterexample of it as a test to paste.
    ///
    /// # Errors
    /// Where the engine does not break by it any more, or it is another one's: a sentence.
    pub fn test(&self, found: &Counterexample) -> Result<String, String> {
        (self.export)(found)
    }

    /// Explores the first so many operations of its work.
    pub fn explore(&self, profile: &Profile, bounds: &Bounds, first: usize) -> Outcome {
        (self.run)(profile, bounds, first)
    }
}

fn again<S: OnFiles>(
    subject: &S,
    found: &Counterexample,
    directory: Option<&Path>,
) -> Result<Again, String> {
    let replayed = replay(subject, found)?;
    let on_files = match (directory, &replayed.image) {
        (None, _) => None,
        (Some(directory), Some(image)) => {
            image::write(image.view(), directory)?;
            Some(subject.shown_on_files(directory))
        }
        (Some(_), None) => {
            return Err("no crash left anything that could be written as files".into());
        }
    };
    Ok(Again {
        steps: replayed.steps,
        breach: replayed.breach,
        on_files,
    })
}

/// A subject, its operations, and whether a recovery is followed by more.
struct Work<S: Subject>(S, Vec<OperationOf<S>>, bool);

impl<S: Subject> Work<S> {
    fn first(&self, first: usize) -> Workload<WriteOf<S>> {
        let mut work = workload::<S>(&self.1[..first.min(self.1.len())]);
        if !self.2 {
            work.then.clear();
        }
        work
    }
}

/// A finding is about one promise, of a store that is there.
fn bounds_of(bounds: &Bounds, finding: Option<Finding>) -> Bounds {
    match finding {
        None => bounds.clone(),
        Some(Finding { breach, kills, .. }) => Bounds {
            settled: true,
            judged: vec![breach],
            kills,
            ..bounds.clone()
        },
    }
}

/// All of them: the durable ones, then those as found.
pub fn catalogue() -> Vec<Entry> {
    let mut entries = vec![
        Entry::new(
            ("log", "the write-ahead log in one file"),
            None,
            LogSubject::default(),
            LogSubject::workload(),
        ),
        Entry::new(
            ("log-allocated", "the same, which writes zeros ahead"),
            None,
            LogSubject::with_zeros_ahead(1024),
            LogSubject::workload(),
        ),
        Entry::new(
            ("wal", "the stand-alone log, in segments"),
            None,
            SegmentsSubject::default(),
            SegmentsSubject::workload(),
        ),
        Entry::new(
            ("lsm", "the LSM tree"),
            None,
            LsmSubject::default(),
            LsmSubject::workload(),
        ),
        Entry::new(
            ("btree", "the B-tree"),
            None,
            BtreeSubject::default(),
            BtreeSubject::workload(),
        ),
        Entry::new(
            ("event_store", "the event store"),
            None,
            EventStoreSubject::default(),
            EventStoreSubject::workload(),
        ),
        Entry::new(
            ("bitcask", "Bitcask"),
            None,
            BitcaskSubject::default(),
            BitcaskSubject::workload(),
        ),
    ];
    entries.extend(as_found::entries());
    entries
}

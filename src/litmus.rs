//! Litmus tests: can a crash leave this state?
//!
//! A test is a file of data (`specs/litmus/*.toml`; the format is described beside them): operations
//! that are durable, operations that run, a state to ask for, and profiles to ask. The answer comes
//! from [`models::disk`], the one definition of what a crash can do, and says why: for a state that
//! is allowed, the crash that leaves it; for one that is forbidden, the rules that forbid it.
//!
//! Published verdicts and what was seen on real kernels are such files, so they judge the disk; and
//! someone who wonders about a state writes one without a verdict, and is told.
//!
//! Not asked here: what a program reads before the crash, and what an engine makes of an image.

mod ask;
mod contents;
mod operation;
mod parse;
mod reason;
mod render;
mod state;

use models::disk::Tree;
use models::profile::Profile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub use ask::{Answer, Line, Witness};
pub use operation::Operation;
pub use reason::{Change, Reason};
pub use render::Detail;
pub use state::State;

/// Why a litmus file could not be used. Each is a sentence that says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; name a litmus file or a directory of them", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that has no meaning.
    #[error("{}:{line}: {message}", path.display())]
    Spec {
        /// The file.
        path: PathBuf,
        /// The line, from one.
        line: usize,
        /// What is wrong, and what to do.
        message: String,
    },
}

/// What is said of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Some crash leaves it.
    Allowed,
    /// No crash leaves it.
    Forbidden,
    /// There were more crash images than the bound, and none of those seen was it. Never expected.
    #[serde(skip)]
    Undecided,
}

/// When the power goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crash {
    /// At any point of the program.
    #[default]
    Any,
    /// After its last operation.
    End,
}

/// One litmus file.
#[derive(Clone, Debug)]
pub struct Test {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// What it asks, in a sentence.
    pub question: String,
    /// What is asked, of which programs.
    pub asks: Vec<Ask>,
    /// What the sources say and a litmus test cannot.
    pub inexpressible: Vec<Inexpressible>,
}

/// A program, and a state that a crash may leave.
#[derive(Clone, Debug)]
pub struct Ask {
    /// In a few words, where a file asks several things.
    pub name: String,
    /// Bytes in a sector and in a block.
    pub sizes: (usize, usize),
    /// Durable before the program starts.
    pub setup: Vec<Operation>,
    /// What runs.
    pub program: Vec<Operation>,
    /// When the power goes.
    pub crash: Crash,
    /// The state; empty: only the outcomes are counted.
    pub state: State,
    /// The paths that tell one outcome from another; empty: all.
    pub observe: Vec<String>,
    /// Whom to ask, and what they are expected to say.
    pub rows: Vec<Row>,
}

/// One profile, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The profile, switches set.
    pub profile: Profile,
    /// The verdict, where one is expected.
    pub verdict: Option<Verdict>,
    /// The number of distinct outcomes, where one is expected.
    pub outcomes: Option<usize>,
    /// Who says so.
    pub source: String,
    /// The rows of the sources that it covers.
    pub covers: Vec<String>,
    /// Where sources disagree: which one it leaves.
    pub note: String,
}

/// What a source says and a litmus test cannot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inexpressible {
    /// The rows of the sources.
    pub covers: Vec<String>,
    /// Why not.
    pub reason: String,
}

/// What was found for one row.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The row.
    pub row: Row,
    /// What was found.
    pub answer: Answer,
    /// Why.
    pub reason: Reason,
}

impl Outcome {
    /// Whether all that is expected was found. A row that expects nothing is as expected.
    pub fn is_as_expected(&self) -> bool {
        !self.differs() && !(self.is_judged() && self.is_undecided())
    }

    /// Whether something else was found than is expected.
    pub fn differs(&self) -> bool {
        let found = self.answer.verdict;
        let verdict = self.row.verdict.is_some_and(|v| v != found);
        let outcomes = self.row.outcomes.is_some_and(|n| n != self.answer.outcomes);
        (verdict && found != Verdict::Undecided) || (outcomes && self.answer.exhausted)
    }

    /// Whether the bound was met before the answer was: the verdict, or the number of outcomes where
    /// one is expected.
    pub fn is_undecided(&self) -> bool {
        let counted = self.answer.exhausted || self.row.outcomes.is_none();
        self.answer.verdict == Verdict::Undecided || !counted
    }

    /// Whether anything is expected.
    pub fn is_judged(&self) -> bool {
        self.row.verdict.is_some() || self.row.outcomes.is_some()
    }
}

/// All that was found for some files, in order.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each test, with the outcomes of each of its asks.
    pub tests: Vec<(Test, Vec<Vec<Outcome>>)>,
}

impl Report {
    /// Every outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.tests
            .iter()
            .flat_map(|(_, asks)| asks.iter().flatten())
    }

    /// How many rows were run.
    pub fn rows(&self) -> usize {
        self.outcomes().count()
    }

    /// How many rows did not come out as expected.
    pub fn unexpected(&self) -> usize {
        self.outcomes().filter(|o| !o.is_as_expected()).count()
    }

    /// How many rows came out otherwise than expected.
    pub fn differing(&self) -> usize {
        self.outcomes().filter(|o| o.differs()).count()
    }

    /// How many rows could not be decided within the bound.
    pub fn undecided(&self) -> usize {
        self.outcomes().filter(|o| o.is_undecided()).count()
    }
}

/// Runs litmus files. A directory stands for the `*.toml` in it, in order of their names.
pub fn run(paths: &[PathBuf]) -> Result<Report, Error> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_at(path)?);
    }
    let mut tests = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        let test = Test::parse(&path, &text)?;
        let outcomes = test.run();
        tests.push((test, outcomes));
    }
    Ok(Report { tests })
}

fn files_at(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let failed = |source| Error::Read {
        path: path.into(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|ending| ending == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

impl Test {
    /// Reads a test from the text of the file at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        parse::test(path, text)
    }

    /// Runs every row of every ask.
    pub fn run(&self) -> Vec<Vec<Outcome>> {
        self.asks.iter().map(Ask::run).collect()
    }
}

impl Ask {
    /// Runs every row.
    pub fn run(&self) -> Vec<Outcome> {
        self.rows.iter().map(|row| self.run_row(row)).collect()
    }

    /// Asks one profile, and finds out why it says so.
    pub fn run_row(&self, row: &Row) -> Outcome {
        let answer = self.answer(&row.profile);
        let reason = self.reason(&row.profile, &answer);
        Outcome {
            row: row.clone(),
            answer,
            reason,
        }
    }
}

/// What of an image tells it from another: every path observed, files with their bytes.
pub type Observation = BTreeMap<String, Option<Vec<u8>>>;

/// What is observed of a tree. No paths: everything.
fn observation(tree: &Tree<u8>, paths: &[String]) -> Observation {
    tree.paths()
        .into_iter()
        .filter(|(path, _)| paths.is_empty() || paths.contains(path))
        .map(|(path, bytes)| (path, bytes.map(<[u8]>::to_vec)))
        .collect()
}

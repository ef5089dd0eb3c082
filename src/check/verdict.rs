//! What a check found, and whether that was expected.

use super::search::Exploration;
use crate::counterexample::Counterexample;
use models::contract::Promise;
use std::fmt;

/// What a check found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The space was exhausted, and every promise that is judged held.
    Holds,
    /// A promise is broken; the script is a shortest one.
    Violates(Promise, Box<Counterexample>),
    /// A budget ran out.
    Inconclusive(String),
    /// The harness is the suspect: a witness was not reached.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Holds => write!(f, "holds"),
            Verdict::Violates(promise, _) => write!(f, "violates {promise}"),
            Verdict::Inconclusive(_) => write!(f, "inconclusive"),
            Verdict::Broken(_) => write!(f, "broken"),
        }
    }
}

/// A check with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// `wal/durable/every`.
    pub id: String,
    /// What was expected.
    pub expected: Option<Promise>,
    /// What was found.
    pub verdict: Verdict,
    /// What the exploration measured.
    pub exploration: Exploration,
    /// Peak bytes of memory while it ran, where they were counted.
    pub bytes: Option<usize>,
    /// The ids that were judged.
    pub judges: Vec<String>,
    /// The file system it ran on.
    pub profile: String,
    /// The strongest profiles that still show a violation.
    pub strongest: Vec<String>,
    /// Every profile that shows it.
    pub shown_by: Vec<String>,
    /// The finding that it proves or refutes.
    pub finding: Option<String>,
    /// What the spec adds.
    pub says: Option<String>,
    /// The bounds, as one line.
    pub bounds: String,
    /// What the real engine did with the script, where there is one.
    pub replayed: Option<String>,
}

impl Judged {
    /// Whether the verdict is the expected one.
    pub fn as_expected(&self) -> bool {
        match (&self.verdict, self.expected) {
            (Verdict::Holds, None) => true,
            (Verdict::Violates(found, _), Some(expected)) => *found == expected,
            _ => false,
        }
    }
}

/// The exit code of a run: the worst of its verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Every verdict as expected.
    Expected = 0,
    /// A verdict differs.
    Differs = 1,
    /// A budget ran out.
    Inconclusive = 3,
    /// Usage, spec, I/O, or a harness that cannot be believed.
    Broken = 2,
}

impl Exit {
    /// The exit code that a verdict asks for.
    pub fn of(judged: &Judged) -> Self {
        match judged.verdict {
            Verdict::Broken(_) => Exit::Broken,
            _ if judged.as_expected() => Exit::Expected,
            Verdict::Inconclusive(_) => Exit::Inconclusive,
            _ => Exit::Differs,
        }
    }

    /// The worse of two: broken, then different, then inconclusive.
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Exit| match exit {
            Exit::Expected => 0,
            Exit::Inconclusive => 1,
            Exit::Differs => 2,
            Exit::Broken => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

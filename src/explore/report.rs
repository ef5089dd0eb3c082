//! What an exploration found, and how far it went.

use super::coverage::Coverage;
use crate::counterexample::Breach;
use std::fmt;
use std::time::Duration;

/// How an exploration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every state that a crash could leave was recovered, to a fixpoint, and none breaks the contract.
    Holds,
    /// One does.
    Violates {
        /// How.
        breach: Breach,
        /// The id of the promise that is broken.
        promise: &'static str,
        /// In a sentence.
        says: String,
    },
    /// A bound was met first.
    Inconclusive(String),
    /// The harness, the subject's adapter or its contract is the suspect.
    Broken(String),
}

/// What was explored.
#[derive(Clone, Debug)]
pub struct Report {
    /// On which file system.
    pub profile: String,
    /// Recoveries that were run: open and full observation.
    pub recoveries: usize,
    /// States in which the lights could go out.
    pub crash_points: usize,
    /// Those of them with different futures.
    pub distinct: usize,
    /// What that covers.
    pub coverage: Coverage,
    /// Recoveries that ended, and served.
    pub served: usize,
    /// Crashes in a row without a recovery that ended: the fixpoint was reached there.
    pub depth: usize,
    /// Before the first crash something was acknowledged.
    pub promises: bool,
    /// The time it took.
    pub time: Duration,
    /// How it ended.
    pub verdict: Verdict,
}

/// How long a script is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortest {
    /// Operations that clients asked for, in all lives.
    pub operations: usize,
    /// Power cuts and kills.
    pub crashes: usize,
}

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operations, crashes) = (self.operations, self.crashes);
        let s = if operations == 1 { "" } else { "s" };
        let es = if crashes == 1 { "" } else { "es" };
        write!(f, "{operations} operation{s}, {crashes} crash{es}")
    }
}

impl Report {
    pub(super) fn new(profile: &str) -> Self {
        Self {
            profile: profile.into(),
            recoveries: 0,
            crash_points: 0,
            distinct: 0,
            coverage: Coverage::default(),
            served: 0,
            depth: 0,
            promises: false,
            time: Duration::ZERO,
            verdict: Verdict::Inconclusive("it was not run".into()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        write!(
            f,
            "{}: {} recoveries from {} crash points ({} with different futures) cover {} crash states, depth {}, {:.2} s, {:.0} a second: ",
            self.profile,
            self.recoveries,
            self.crash_points,
            self.distinct,
            self.coverage.states,
            self.depth,
            seconds,
            self.recoveries as f64 / seconds.max(1e-9),
        )?;
        write!(f, "{}", self.verdict)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Holds => write!(f, "holds"),
            Verdict::Violates {
                breach,
                promise,
                says,
            } => write!(f, "violates {promise}: {breach}: {says}"),
            Verdict::Inconclusive(why) => write!(f, "inconclusive: {why}"),
            Verdict::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

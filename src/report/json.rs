//! Verdicts and counterexamples as JSON.

use crate::counterexample::{Counterexample, SCHEMA};
use crate::check::verdict::{Judged, Verdict};
use serde::{Deserialize, Serialize};

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The version of the schema.
    pub schema: u32,
    /// One entry a check, in the order of the specs.
    pub checks: Vec<Entry>,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The id of the check.
    pub id: String,
    /// `holds`, `violates D1`, `inconclusive`, `broken`.
    pub verdict: String,
    /// Whether it is the expected one.
    pub as_expected: bool,
    /// Why it is inconclusive or broken.
    pub because: Option<String>,
    /// The ids that were judged.
    pub judges: Vec<String>,
    /// The file system it ran on.
    pub profile: String,
    /// The bounds, as one line.
    pub bounds: String,
    /// Distinct states.
    pub unique: usize,
    /// States generated.
    pub generated: usize,
    /// Seconds.
    pub seconds: f64,
    /// Peak bytes allocated.
    pub bytes: Option<usize>,
    /// The strongest profiles that show a violation.
    pub strongest_profiles: Vec<String>,
    /// The finding it bears on.
    pub finding: Option<String>,
    /// What the real engine did with the script.
    pub replayed: Option<String>,
    /// A shortest script.
    pub counterexample: Option<Counterexample>,
}

impl Results {
    /// The results of these verdicts.
    pub fn of(judged: &[Judged]) -> Self {
        Self {
            schema: SCHEMA,
            checks: judged.iter().map(Entry::of).collect(),
        }
    }
}

impl Entry {
    fn of(judged: &Judged) -> Self {
        let (because, counterexample) = match &judged.verdict {
            Verdict::Holds => (None, None),
            Verdict::Violates(_, counterexample) => (None, Some((**counterexample).clone())),
            Verdict::Inconclusive(why) | Verdict::Broken(why) => (Some(why.clone()), None),
        };
        Self {
            id: judged.id.clone(),
            verdict: judged.verdict.to_string(),
            as_expected: judged.as_expected(),
            because,
            judges: judged.judges.clone(),
            profile: judged.profile.clone(),
            bounds: judged.bounds.clone(),
            unique: judged.exploration.unique,
            generated: judged.exploration.generated,
            seconds: judged.exploration.time.as_secs_f64(),
            bytes: judged.bytes,
            strongest_profiles: judged.strongest.clone(),
            finding: judged.finding.clone(),
            replayed: judged.replayed.clone(),
            counterexample,
        }
    }
}

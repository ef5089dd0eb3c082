//! What the lock keeps of an exploration of real code.

use super::{counts, sets, verdicts};
use crate::explore::Verdict;
use crate::explore::engines::Outcome;
use serde::{Deserialize, Serialize};

/// What is kept of one exploration. The same on every machine and with any number of threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedExploration {
    /// `holds`, `violates D1: lost`.
    pub verdict: String,
    /// How many operations the work had.
    pub operations: usize,
    /// Recoveries that were run, where none showed a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recoveries: Option<usize>,
    /// Crash points with different futures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<usize>,
    /// The crash states that the recoveries cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<String>,
    /// The families of crash points that were met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<String>,
    /// How short the shortest way to a violation is: operations of clients, power cuts and kills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

impl LockedExploration {
    /// What is kept of an exploration.
    pub fn of(outcome: &Outcome) -> Self {
        let report = &outcome.report;
        let base = Self {
            verdict: verdict(&report.verdict),
            operations: outcome.operations,
            ..Self::default()
        };
        match &report.verdict {
            Verdict::Violates { .. } => Self {
                script: outcome.shortest.map(|script| script.to_string()),
                ..base
            },
            _ => Self {
                recoveries: Some(report.recoveries),
                distinct: Some(report.distinct),
                states: Some(report.coverage.states.to_string()),
                families: (report.coverage.families.keys())
                    .map(ToString::to_string)
                    .collect(),
                ..base
            },
        }
    }

    /// How this differs from what was kept, in sentences.
    pub fn differences(&self, kept: &Self) -> Vec<String> {
        let mut found = verdicts(&kept.verdict, &self.verdict);
        found.extend(counts(
            "operations",
            Some(kept.operations),
            Some(self.operations),
        ));
        found.extend(counts("recoveries", kept.recoveries, self.recoveries));
        found.extend(counts(
            "distinct crash points",
            kept.distinct,
            self.distinct,
        ));
        found.extend(counts(
            "crash states",
            kept.states.as_ref(),
            self.states.as_ref(),
        ));
        found.extend(sets("families", &kept.families, &self.families));
        if let (Some(before), Some(now)) = (&kept.script, &self.script)
            && before != now
        {
            found.push(format!("the shortest script had {before}, now {now}"));
        }
        found
    }
}

/// The verdict, without what it says.
fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds => "holds".into(),
        Verdict::Violates {
            breach, promise, ..
        } => format!("violates {promise}: {breach}"),
        Verdict::Inconclusive(_) => super::INCONCLUSIVE.into(),
        Verdict::Broken(_) => super::BROKEN.into(),
    }
}

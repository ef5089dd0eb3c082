//! The results of a run, of models or of real code: what JSON, JUnit and Markdown are made of, and what parts of a run
//! are merged from.
//!
//! They are the same bytes on every machine and with any number of threads: how long it took, how much memory, and
//! everything else that depends on a machine stands in [`timings`](super::timings). The one exception is what an
//! *inconclusive* verdict covered before a limit or a person ended it.

use super::explain::explain;
use super::plan::{Plan, Shard};
use super::text::plain;
use crate::check::Error;
use crate::check::lock::{BROKEN, Difference, INCONCLUSIVE, Kept, Kind, Locked, LockedExploration};
use crate::check::verdict::{Exit, Judged, Verdict};
use crate::counterexample::Counterexample;
use crate::explore;
use crate::explore::engines;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the schema. A reader refuses any other.
pub const SCHEMA: u32 = 2;

/// The results of a run, or of a part of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// Of models or of real code.
    pub kind: Kind,
    /// What was selected, as arguments of the command line.
    pub selection: Vec<String>,
    /// Tells apart what the verdicts depend on: specs, lock, selection, version.
    pub fingerprint: String,
    /// Which part of the run; none: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How many verdicts there are.
    pub totals: Totals,
    /// One entry a verdict, in the order of the specs, or of the engines.
    pub entries: Vec<Entry>,
    /// How they differ from `specs/verdicts.lock`.
    pub differences: Vec<Difference>,
}

/// How many verdicts there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// All of them.
    pub verdicts: usize,
    /// Those as expected.
    pub as_expected: usize,
    /// Those that differ from what was expected.
    pub differ: usize,
    /// Those that a budget, or a person, ended.
    pub inconclusive: usize,
    /// Those for which the harness is the suspect.
    pub broken: usize,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `wal/durable/every` of a check, `lsm/posix` of an exploration.
    pub id: String,
    /// `holds`, `violates D1`, `violates D1: lost`, `inconclusive`, `broken`.
    pub verdict: String,
    /// What was expected.
    pub expected: String,
    /// Whether it is that.
    pub as_expected: bool,
    /// Why it is inconclusive or broken, or how real code violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The file system it ran on.
    pub profile: String,
    /// The ids of what was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<String>,
    /// The strongest profiles that still show a violation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strongest_profiles: Vec<String>,
    /// The finding it bears on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// What the real engine did with the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<String>,
    /// How far an exploration went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explored: Option<Explored>,
    /// What `specs/verdicts.lock` would keep of it.
    pub kept: Kept,
    /// The counterexample, to run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
}

/// How far an exploration of real code went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explored {
    /// Recoveries that were run.
    pub recoveries: usize,
    /// Those that ended, and served.
    pub served: usize,
    /// States in which the lights could go out.
    pub crash_points: usize,
    /// Those of them with different futures.
    pub distinct: usize,
    /// The crash states that the recoveries cover.
    pub states: String,
    /// Crashes in a row without a recovery that ended.
    pub depth: usize,
    /// The families of crash points, with how many were followed and are left.
    pub families: Vec<String>,
    /// The rules of the file system that a violation needs to be off, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
}

impl Entry {
    /// Of a check.
    pub fn check(judged: &Judged) -> Self {
        let (because, counterexample) = match &judged.verdict {
            Verdict::Holds => (None, None),
            Verdict::Violates(_, found) => (None, Some((**found).clone())),
            Verdict::Inconclusive(why) | Verdict::Broken(why) => (Some(why.clone()), None),
        };
        let expected = judged.expected;
        Self {
            id: judged.id.clone(),
            verdict: judged.verdict.to_string(),
            expected: expected.map_or("holds".into(), |promise| format!("violates {promise}")),
            as_expected: judged.as_expected(),
            because,
            profile: judged.profile.clone(),
            judges: judged.judges.clone(),
            strongest_profiles: judged.strongest.clone(),
            finding: judged.finding.clone(),
            replayed: judged.replayed.clone(),
            explored: None,
            kept: Kept::Check(Locked::of(judged)),
            counterexample,
        }
    }

    /// Of an exploration of real code. A durable engine holds everywhere; one as found breaks on the weakest file system
    /// as the study says, and may hold on stronger ones.
    pub fn exploration(
        entry: &engines::Entry,
        outcome: &engines::Outcome,
        needs: Option<Vec<String>>,
    ) -> Self {
        let report = &outcome.report;
        let (as_expected, because) = match (&report.verdict, entry.breaks) {
            (explore::Verdict::Holds, breaks) => {
                (breaks.is_none() || report.profile != "posix", None)
            }
            (explore::Verdict::Violates { breach, says, .. }, breaks) => {
                (breaks == Some(*breach), Some(says))
            }
            (explore::Verdict::Inconclusive(why) | explore::Verdict::Broken(why), _) => {
                (false, Some(why))
            }
        };
        let kept = Kept::Exploration(LockedExploration::of(outcome));
        Self {
            id: exploration_id(entry.name, &report.profile),
            verdict: kept.verdict().into(),
            expected: match entry.breaks {
                None => "holds".into(),
                Some(breach) if report.profile == "posix" => format!("violates: {breach}"),
                Some(breach) => format!("holds, or violates: {breach}"),
            },
            as_expected,
            because: because.cloned(),
            profile: report.profile.clone(),
            judges: Vec::new(),
            strongest_profiles: Vec::new(),
            finding: None,
            replayed: None,
            explored: Some(Explored {
                recoveries: report.recoveries,
                served: report.served,
                crash_points: report.crash_points,
                distinct: report.distinct,
                states: report.coverage.states.to_string(),
                depth: report.depth,
                families: report.coverage.families(),
                needs,
            }),
            kept,
            counterexample: outcome.counterexample.clone(),
        }
    }

    /// Its counterexample, to read.
    pub fn explained(&self) -> Option<String> {
        let found = self.counterexample.as_ref()?;
        Some(explain(found, None, plain))
    }

    /// The exit code that it asks for.
    pub fn exit(&self) -> Exit {
        match &*self.verdict {
            BROKEN => Exit::Broken,
            _ if self.as_expected => Exit::Expected,
            INCONCLUSIVE => Exit::Inconclusive,
            _ => Exit::Differs,
        }
    }

    /// What there was to do, with its unit; of what is refuted, the length of the script.
    pub fn measure(&self) -> Option<String> {
        match &self.kept {
            Kept::Check(locked) if locked.script.is_empty() => {
                locked.states.map(|states| format!("{states} states"))
            }
            Kept::Check(locked) => Some(format!("{} steps", locked.script.len())),
            Kept::Exploration(locked) => (locked.recoveries)
                .map(|recoveries| format!("{recoveries} recoveries"))
                .or_else(|| locked.script.clone()),
        }
    }

    /// The engine, and the rest of the id.
    pub fn engine(&self) -> (&str, &str) {
        self.id.split_once('/').unwrap_or((&self.id, ""))
    }
}

/// The id of an exploration.
pub fn exploration_id(engine: &str, profile: &str) -> String {
    format!("{engine}/{profile}")
}

/// What the lock would keep of these, by their ids.
pub fn kept(entries: &[Entry]) -> impl Iterator<Item = (&str, &Kept)> + Clone {
    entries.iter().map(|entry| (&*entry.id, &entry.kept))
}

impl Totals {
    /// Those of some entries.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            totals.verdicts += 1;
            *match entry.exit() {
                Exit::Expected => &mut totals.as_expected,
                Exit::Differs => &mut totals.differ,
                Exit::Inconclusive => &mut totals.inconclusive,
                Exit::Broken => &mut totals.broken,
            } += 1;
        }
        totals
    }
}

impl Results {
    /// The results of a plan, or of a part of it.
    pub fn of(
        plan: &Plan,
        shard: Option<Shard>,
        entries: Vec<Entry>,
        differences: Vec<Difference>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            kind: plan.kind,
            selection: plan.selection.clone(),
            fingerprint: plan.fingerprint.clone(),
            shard,
            totals: Totals::of(&entries),
            entries,
            differences,
        }
    }

    /// The exit code that they ask for.
    pub fn exit(&self) -> Exit {
        let entries = self.entries.iter().map(Entry::exit);
        let exit = entries.fold(Exit::Expected, Exit::worse);
        match self.differences.is_empty() {
            true => exit,
            false => exit.worse(Exit::Differs),
        }
    }

    /// The entries by their engines, in their order.
    pub fn by_engine(&self) -> Vec<(&str, Vec<&Entry>)> {
        let mut engines: Vec<(&str, Vec<&Entry>)> = Vec::new();
        for entry in &self.entries {
            let name = entry.engine().0;
            match engines.iter_mut().find(|(engine, _)| *engine == name) {
                Some((_, entries)) => entries.push(entry),
                None => engines.push((name, vec![entry])),
            }
        }
        engines
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Usage(format!("the results are no JSON: {error}")))?;
        Ok(text + "\n")
    }

    /// Reads them back.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
            doing: "read",
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&text).map_err(|because| Error::Spec {
            path: path.to_path_buf(),
            because,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let what = |error: serde_json::Error| match error.classify() {
            serde_json::error::Category::Eof => {
                "it is cut off; run the command that wrote it again".to_string()
            }
            serde_json::error::Category::Data => {
                format!("these are no results of lightsout: {error}")
            }
            _ => format!("it is no JSON: {error}"),
        };
        let head: Head = serde_json::from_str(text).map_err(what)?;
        if head.schema != SCHEMA {
            return Err(format!(
                "its schema is {}, and this version reads {SCHEMA}: write it with this version",
                head.schema
            ));
        }
        serde_json::from_str(text).map_err(what)
    }
}

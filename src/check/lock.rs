//! `specs/verdicts.lock`, the ratchet: what was found when somebody last looked.
//!
//! Written by `--bless` and by nothing else. Of a check that holds it keeps the number of states,
//! where any difference counts, and the sets that must not shrink; of a check that is refuted the
//! name of the breach and the shortest script. The same of each exploration of real code.

mod exploration;

pub use exploration::LockedExploration;

use super::Error;
use super::replace::replace;
use super::verdict::{Judged, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

/// The first lines of the file.
const HEADER: &str = "# Written by `lightsout check --bless` and `lightsout explore --bless`. Commit a change only when you \
                      can explain it.\n\n";

/// The verdict of what a budget ended: it is not compared, and not kept.
pub const INCONCLUSIVE: &str = "inconclusive";
/// The verdict where the harness is the suspect: it is not kept.
pub const BROKEN: &str = "broken";

/// All verdicts, by the id of their check, or of their exploration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Of protocols: `wal/durable/every`.
    #[serde(default)]
    pub verdict: BTreeMap<String, Locked>,
    /// Of real code, by engine and file system: `lsm/posix`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exploration: BTreeMap<String, LockedExploration>,
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A protocol: `lightsout check`.
    Check,
    /// Real code: `lightsout explore`.
    Explore,
}

/// What the lock would keep of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// Of a check.
    Check(Locked),
    /// Of an exploration.
    Exploration(LockedExploration),
}

/// How a verdict differs from the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Which verdict.
    pub id: String,
    /// How, in a sentence.
    pub says: String,
}

/// What is kept of one verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// `holds`, `violates D1`.
    pub verdict: String,
    /// The bounds, as one line.
    pub bounds: String,
    /// Distinct states, of a check that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<usize>,
    /// The promises whose witness was reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
    /// The sites of the barriers that completed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barriers: Vec<String>,
    /// The sites of the steps that were crashed at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crashed_at: Vec<String>,
    /// The ways in which barriers failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The profiles on which it was judged, or which show the violation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// A shortest script, of a check that is refuted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<String>,
}

impl Locked {
    /// What is kept of a verdict.
    pub fn of(judged: &Judged) -> Self {
        let exploration = &judged.exploration;
        let base = Self {
            verdict: judged.verdict.to_string(),
            bounds: judged.bounds.clone(),
            ..Self::default()
        };
        match &judged.verdict {
            Verdict::Violates(_, counterexample) => Self {
                profiles: judged.shown_by.clone(),
                script: counterexample.in_words(),
                ..base
            },
            _ => Self {
                states: Some(exploration.unique),
                witnesses: exploration
                    .witnesses
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                barriers: exploration.barriers.clone(),
                crashed_at: exploration.crashed_at.clone(),
                faults: exploration
                    .faults
                    .iter()
                    .map(|fault| format!("{fault:?}"))
                    .collect(),
                profiles: vec![judged.profile.clone()],
                ..base
            },
        }
    }

    /// How this differs from what was kept, in sentences.
    pub fn differences(&self, kept: &Locked) -> Vec<String> {
        let mut found = verdicts(&kept.verdict, &self.verdict);
        if self.bounds != kept.bounds {
            found.push(format!(
                "the bounds were `{}`, now `{}`",
                kept.bounds, self.bounds
            ));
        }
        found.extend(counts("states", kept.states, self.states));
        if self.script != kept.script {
            found.push(format!(
                "the shortest script had {} steps, now {}{}",
                kept.script.len(),
                self.script.len(),
                if kept.script.len() == self.script.len() {
                    ", other ones"
                } else {
                    ""
                }
            ));
        }
        found.extend(sets("witnesses", &kept.witnesses, &self.witnesses));
        found.extend(sets("barriers", &kept.barriers, &self.barriers));
        found.extend(sets("steps crashed at", &kept.crashed_at, &self.crashed_at));
        found.extend(sets("faults", &kept.faults, &self.faults));
        found.extend(sets("profiles", &kept.profiles, &self.profiles));
        found
    }
}

fn verdicts(before: &str, now: &str) -> Vec<String> {
    let text = || format!("the verdict was `{before}`, now `{now}`");
    Vec::from_iter((before != now).then(text))
}

fn counts<T: PartialEq + Display>(what: &str, before: Option<T>, now: Option<T>) -> Option<String> {
    let count = |count: &Option<T>| count.as_ref().map_or("none".into(), T::to_string);
    (before != now).then(|| format!("it had {} {what}, now {}", count(&before), count(&now)))
}

/// What is gone from a set, and whether there is something new.
fn sets(name: &str, before: &[String], now: &[String]) -> Vec<String> {
    let missing = |of: &[String], from: &[String]| -> Vec<String> {
        let missing = of.iter().filter(|item| !from.contains(item));
        missing.cloned().collect()
    };
    let (gone, new) = (missing(before, now), missing(now, before));
    let said = |items: Vec<String>, how: &str| {
        (!items.is_empty()).then(|| format!("of the {name}, these are {how}: {}", items.join(", ")))
    };
    said(gone, "gone")
        .into_iter()
        .chain(said(new, "new"))
        .collect()
}

impl Kept {
    /// `holds`, `violates D1`.
    pub fn verdict(&self) -> &str {
        match self {
            Kept::Check(locked) => &locked.verdict,
            Kept::Exploration(locked) => &locked.verdict,
        }
    }

    /// How much there was to do, in states or recoveries; none where a violation ended it.
    pub fn size(&self) -> Option<usize> {
        match self {
            Kept::Check(locked) => locked.states,
            Kept::Exploration(locked) => locked.recoveries,
        }
    }

    fn differences(&self, kept: &Kept) -> Vec<String> {
        match (self, kept) {
            (Kept::Check(now), Kept::Check(before)) => now.differences(before),
            (Kept::Exploration(now), Kept::Exploration(before)) => now.differences(before),
            _ => vec!["the lock keeps something else of that name".into()],
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Check => "check",
            Kind::Explore => "explore",
        })
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.says)
    }
}

impl Lock {
    /// Where the lock of a directory of specs is.
    pub fn path(directory: &Path) -> PathBuf {
        directory.join("verdicts.lock")
    }

    /// Reads the lock of a directory of specs. No file: nothing was blessed yet.
    pub fn read(directory: &Path) -> Result<Self, Error> {
        let path = Self::path(directory);
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Io {
                doing: "read the lock",
                path,
                source,
            }),
            Ok(text) => toml::from_str(&text).map_err(|error| Error::Spec {
                because: format!("{}; restore it from version control", error.message()),
                path,
            }),
        }
    }

    /// Writes the lock of a directory of specs, whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let path = Self::path(directory);
        let text = toml::to_string_pretty(self).map_err(|error| Error::Spec {
            path: path.clone(),
            because: error.to_string(),
        })?;
        replace(&path, &format!("{HEADER}{text}"))
    }

    /// What is kept under this id.
    pub fn kept(&self, kind: Kind, id: &str) -> Option<Kept> {
        match kind {
            Kind::Check => self.verdict.get(id).cloned().map(Kept::Check),
            Kind::Explore => self.exploration.get(id).cloned().map(Kept::Exploration),
        }
    }

    fn ids(&self, kind: Kind) -> Vec<&String> {
        match kind {
            Kind::Check => self.verdict.keys().collect(),
            Kind::Explore => self.exploration.keys().collect(),
        }
    }

    /// Takes over what was found, and forgets what is not there any more although it `ought` to be. What is kept of the
    /// other kind stays. Refuses what is no verdict: inconclusive, broken.
    pub fn bless<'f>(
        &mut self,
        kind: Kind,
        found: impl Iterator<Item = (&'f str, &'f Kept)> + Clone,
        ought: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let undecided =
            |(_, kept): &(&str, &Kept)| [INCONCLUSIVE, BROKEN].contains(&kept.verdict());
        if let Some((id, kept)) = found.clone().find(undecided) {
            return Err(Error::Usage(format!(
                "--bless keeps verdicts, and {id} is {}: the lock is as it was",
                kept.verdict()
            )));
        }
        match kind {
            Kind::Check => self.verdict.retain(|id, _| !ought(id)),
            Kind::Explore => self.exploration.retain(|id, _| !ought(id)),
        }
        for (id, kept) in found {
            match kept.clone() {
                Kept::Check(locked) => drop(self.verdict.insert(id.into(), locked)),
                Kept::Exploration(locked) => drop(self.exploration.insert(id.into(), locked)),
            }
        }
        Ok(())
    }

    /// How what was found differs from what was kept. What is kept and not found is gone, if it `ought` to be there.
    /// What is inconclusive is not compared.
    pub fn differences<'f>(
        &self,
        kind: Kind,
        found: impl Iterator<Item = (&'f str, &'f Kept)> + Clone,
        ought: impl Fn(&str) -> bool,
    ) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut differs = |id: &str, says: String| {
            let id = id.to_string();
            differences.push(Difference { id, says });
        };
        for (id, now) in found.clone() {
            match self.kept(kind, id) {
                _ if now.verdict() == INCONCLUSIVE => {}
                None => differs(id, "not in the lock yet; look at it, then --bless".into()),
                Some(kept) => now
                    .differences(&kept)
                    .into_iter()
                    .for_each(|says| differs(id, says)),
            }
        }
        for id in self.ids(kind) {
            if ought(id) && !found.clone().any(|(found, _)| found == id) {
                differs(id, "it is gone".into());
            }
        }
        differences
    }
}

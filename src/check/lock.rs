//! `specs/verdicts.lock`, the ratchet: what was found when somebody last looked.
//!
//! Written by `--bless` and by nothing else. Of a check that holds it keeps the number of states,
//! where any difference counts, and the sets that must not shrink; of a check that is refuted the
//! name of the breach and the shortest script.

use super::Error;
use super::verdict::{Judged, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The first lines of the file.
const HEADER: &str =
    "# Written by `lightsout check --bless`. Commit a change only when you can explain it.\n\n";

/// All verdicts, by the id of their check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// By id.
    #[serde(default)]
    pub verdict: BTreeMap<String, Locked>,
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
        let mut found = Vec::new();
        if self.verdict != kept.verdict {
            found.push(format!(
                "the verdict was `{}`, now `{}`",
                kept.verdict, self.verdict
            ));
        }
        if self.bounds != kept.bounds {
            found.push(format!(
                "the bounds were `{}`, now `{}`",
                kept.bounds, self.bounds
            ));
        }
        if self.states != kept.states {
            let count = |states: Option<usize>| states.map_or("none".into(), |n| n.to_string());
            found.push(format!(
                "it had {} states, now {}",
                count(kept.states),
                count(self.states)
            ));
        }
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
        let sets = [
            ("witnesses", &kept.witnesses, &self.witnesses),
            ("barriers", &kept.barriers, &self.barriers),
            ("steps crashed at", &kept.crashed_at, &self.crashed_at),
            ("faults", &kept.faults, &self.faults),
            ("profiles", &kept.profiles, &self.profiles),
        ];
        for (name, before, now) in sets {
            let gone: Vec<&str> = before
                .iter()
                .filter(|item| !now.contains(item))
                .map(String::as_str)
                .collect();
            if !gone.is_empty() {
                found.push(format!(
                    "of the {name}, these are gone: {}",
                    gone.join(", ")
                ));
            }
            if now.len() > before.len() {
                found.push(format!(
                    "there are more {name}: {} instead of {}",
                    now.len(),
                    before.len()
                ));
            }
        }
        found
    }
}

impl Lock {
    /// Reads the lock of a directory of specs. No file: nothing was blessed yet.
    pub fn read(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("verdicts.lock");
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
        let path = directory.join("verdicts.lock");
        let text = toml::to_string_pretty(self).map_err(|error| Error::Spec {
            path: path.clone(),
            because: error.to_string(),
        })?;
        replace(&path, &format!("{HEADER}{text}"))
    }

    /// Takes over what was found. `whole`: what is not among it is gone.
    pub fn bless(&mut self, judged: &[Judged], whole: bool) {
        if whole {
            self.verdict.clear();
        }
        self.verdict
            .extend(judged.iter().map(|one| (one.id.clone(), Locked::of(one))));
    }

    /// How what was found differs from what was kept. `whole`: a check that is missing is gone.
    pub fn differences(&self, judged: &[Judged], whole: bool) -> Vec<String> {
        let mut found = Vec::new();
        for one in judged {
            match self.verdict.get(&one.id) {
                None => found.push(format!(
                    "{}: not in the lock yet; look at it, then --bless",
                    one.id
                )),
                Some(kept) => found.extend(
                    Locked::of(one)
                        .differences(kept)
                        .into_iter()
                        .map(|d| format!("{}: {d}", one.id)),
                ),
            }
        }
        let gone = |id: &&String| !judged.iter().any(|one| one.id == **id);
        if whole {
            found.extend(
                self.verdict
                    .keys()
                    .filter(gone)
                    .map(|id| format!("{id}: the check is gone")),
            );
        }
        found
    }
}

/// Replaces a file by way of a temporary one beside it, so that it is never half written.
pub fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let error = |source| Error::Io {
        doing: "write",
        path: path.to_path_buf(),
        source,
    };
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, text).map_err(error)?;
    std::fs::rename(&temporary, path).map_err(error)
}

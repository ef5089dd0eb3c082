//! What a file in `specs/` may say. Declarative, by hand; unknown keys are errors.

use super::Error;
use models::contract::Promise;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One engine's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The engine: `wal`.
    pub engine: String,
    /// One sentence about what is checked.
    pub title: String,
    /// Where the protocols come from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Invariants in prose. The contract's stand in `specs/contract.toml`.
    #[serde(default, rename = "invariant")]
    pub invariants: Vec<Invariant>,
    /// Promises that cannot apply to an engine, with the reason.
    #[serde(default)]
    pub not_applicable: BTreeMap<String, String>,
    /// Barriers without a counterexample that stay all the same, with the reason.
    #[serde(default)]
    pub kept_barriers: BTreeMap<String, String>,
    /// Claims to prove or refute.
    #[serde(default, rename = "finding")]
    pub findings: Vec<Finding>,
    /// What to explore.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
}

/// An invariant in prose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    /// `D1`, `W1`.
    pub id: String,
    /// A few words.
    pub name: String,
    /// One sentence.
    pub text: String,
}

/// A claim about a durability protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its name.
    pub id: String,
    /// What the study says.
    pub claim: String,
}

/// One exploration and its expected verdict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name, unique in the engine: `durable/every`.
    pub name: String,
    /// The variant of the protocol.
    pub variant: String,
    /// The site of a barrier that is left out.
    #[serde(default)]
    pub without: Option<String>,
    /// When an append is made durable: `every`, `never`, or `every-N`, such as `every-2`.
    #[serde(default = "every")]
    pub sync: String,
    /// The file system.
    #[serde(default = "posix")]
    pub profile: String,
    /// Axioms of the profile that are set otherwise.
    #[serde(default)]
    pub switches: BTreeMap<String, String>,
    /// Which ids are judged; `contract` stands for D1 to D10.
    pub judges: Vec<String>,
    /// Where it starts: `recovered`, after the first recovery, or `empty`.
    #[serde(default)]
    pub start: Start,
    /// The finite sizes.
    pub bounds: Sizes,
    /// What is different under `--bounds large`, by name. A check without it is not run then.
    #[serde(default)]
    pub large: BTreeMap<String, u8>,
    /// The reason for each.
    pub why: BTreeMap<String, String>,
    /// What is expected: `holds`, or `violates D1`.
    pub expect: String,
    /// The finding that this proves or refutes.
    #[serde(default)]
    pub finding: Option<String>,
    /// A sentence that the verdict adds: which assumed step it hangs on.
    #[serde(default)]
    pub says: Option<String>,
}

/// Where a check starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// After the first recovery.
    #[default]
    Recovered,
    /// On an empty disk: crashes strike the first initialisation.
    Empty,
}

/// The finite sizes of a check. What is left out is none, except where it says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Operations of the client, of any kind.
    pub operations: u8,
    /// Keys.
    pub keys: u8,
    /// Operations that delete.
    #[serde(default)]
    pub deletes: u8,
    /// Batches.
    #[serde(default)]
    pub batches: u8,
    /// Explicit syncs.
    #[serde(default)]
    pub syncs: u8,
    /// Clean closes, each followed by a reopening.
    #[serde(default)]
    pub closes: u8,
    /// Flushes, beside the operations.
    #[serde(default)]
    pub flushes: u8,
    /// Compactions, beside the operations.
    #[serde(default)]
    pub compactions: u8,
    /// Operations in progress at once, of a protocol in which they overlap; 1 if left out.
    #[serde(default = "one_writer")]
    pub writers: u8,
    /// Crashes.
    pub crashes: u8,
    /// Kinds of crash; both if left out.
    #[serde(default = "both_crashes")]
    pub crash_kinds: Vec<CrashKind>,
    /// Failed barriers.
    #[serde(default)]
    pub failures: u8,
    /// Ways in which barriers fail; all three if left out.
    #[serde(default = "all_failures")]
    pub failure_kinds: Vec<models::disk::Failure>,
    /// Cells in the head of a record; 1 if left out.
    #[serde(default = "one")]
    pub head: usize,
    /// Cells of a write in a record, beside the head; 1 if left out.
    #[serde(default = "one")]
    pub write: usize,
    /// Cells by which a log grows at a time; if left out, those of the record that is written.
    #[serde(default)]
    pub preallocate: usize,
    /// Cells in a table; 2 if left out.
    #[serde(default = "two")]
    pub table: usize,
    /// Keys in a leaf; 2 if left out.
    #[serde(default = "two")]
    pub leaf: usize,
    /// Cells in a page; 2 if left out.
    #[serde(default = "two")]
    pub page: usize,
    /// Cells in a slot; 1 if left out.
    #[serde(default = "one")]
    pub slot: usize,
    /// Cells in a hint; 1 if left out.
    #[serde(default = "one")]
    pub hint: usize,
    /// Cells of records in a log at which it is full; if left out, it never is. Then tables are made and merged beside
    /// the operations too.
    #[serde(default)]
    pub flush_at: usize,
    /// Tables of one level that are merged; 4 if left out.
    #[serde(default = "four")]
    pub fanout: usize,
    /// Cells in a sector; 1 if left out.
    #[serde(default = "one")]
    pub sector: usize,
    /// Cells in a block; 2 if left out.
    #[serde(default = "two")]
    pub block: usize,
}

/// A kind of crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashKind {
    /// A crash that may take what is cached.
    PowerCut,
    /// A crash that takes only the process.
    Kill,
}

fn every() -> String {
    "every".into()
}

fn posix() -> String {
    "posix".into()
}

fn both_crashes() -> Vec<CrashKind> {
    vec![CrashKind::PowerCut, CrashKind::Kill]
}

fn all_failures() -> Vec<models::disk::Failure> {
    models::disk::Failure::ALL.to_vec()
}

fn one_writer() -> u8 {
    1
}

fn one() -> usize {
    1
}

fn two() -> usize {
    2
}

fn four() -> usize {
    4
}

/// The invariants of the contract, which every engine is held to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// D1 to D10.
    #[serde(rename = "invariant")]
    pub invariants: Vec<Invariant>,
}

/// All of `specs/`.
#[derive(Clone, Debug)]
pub struct Specs {
    /// Where they stand.
    pub directory: PathBuf,
    /// D1 to D10.
    pub contract: Contract,
    /// The engines' files, in order of their names.
    pub engines: Vec<Spec>,
}

/// Reads all of a directory of specs.
pub fn read(directory: &Path) -> Result<Specs, Error> {
    let io = |doing, path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io {
            doing,
            path,
            source,
        }
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .map_err(io("read the specs in", directory))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    let contract_path = directory.join("contract.toml");
    let contract = parse(&contract_path)?;
    let mut engines: Vec<Spec> = Vec::new();
    for path in paths.iter().filter(|path| **path != contract_path) {
        let spec: Spec = parse(path)?;
        spec.validate(path)?;
        engines.push(spec);
    }
    Ok(Specs {
        directory: directory.to_path_buf(),
        contract,
        engines,
    })
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
        doing: "read the spec",
        path: path.to_path_buf(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start].lines().count().max(1));
        let because = format!("line {line}: {}", error.message().trim_end());
        Error::Spec {
            path: path.to_path_buf(),
            because,
        }
    })
}

impl Spec {
    /// What serde cannot see.
    fn validate(&self, path: &Path) -> Result<(), Error> {
        let wrong = |because: String| Error::Spec {
            path: path.to_path_buf(),
            because,
        };
        for (i, check) in self.checks.iter().enumerate() {
            let name = &check.name;
            if self.checks[..i].iter().any(|other| other.name == *name) {
                return Err(wrong(format!(
                    "two checks are called `{name}`; names are unique"
                )));
            }
            for (bound, value) in check.bounds.named() {
                if value == 0
                    && ["operations", "keys", "crashes", "head", "sector", "block"].contains(&bound)
                {
                    return Err(wrong(format!(
                        "check `{name}`: the bound `{bound}` is 0, so nothing would be checked; \
                         give at least 1"
                    )));
                }
                if value > 0 && bound_needs_a_reason(bound) && !check.why.contains_key(bound) {
                    return Err(wrong(format!(
                        "check `{name}`: the bound `{bound}` has no reason; say it under `why`"
                    )));
                }
            }
            if check.bounds.block % check.bounds.sector.max(1) != 0 {
                return Err(wrong(format!(
                    "check `{name}`: a block of {} cells is no multiple of a sector of {}",
                    check.bounds.block, check.bounds.sector
                )));
            }
            let known: Vec<&str> = check
                .bounds
                .named()
                .iter()
                .map(|(bound, _)| *bound)
                .collect();
            if let Some(unknown) = check.why.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(wrong(format!(
                    "check `{name}`: `why` names `{unknown}`, which is no bound"
                )));
            }
            if let Some(id) = &check.finding
                && !self.findings.iter().any(|finding| finding.id == *id)
            {
                return Err(wrong(format!("check `{name}`: there is no finding `{id}`")));
            }
            let mut large = check.bounds.clone();
            for (bound, value) in &check.large {
                let because = |because| wrong(format!("check `{name}`, `large`: {because}"));
                large.set(bound, *value).map_err(because)?;
            }
            self.judged(check).map_err(wrong)?;
            expected(&check.expect)
                .map_err(|because| wrong(format!("check `{name}`: {because}")))?;
        }
        Ok(())
    }

    /// The promises that a check judges.
    pub fn judged(&self, check: &Check) -> Result<Vec<Promise>, String> {
        let mut judged = Vec::new();
        for id in &check.judges {
            if id == "contract" {
                judged.extend(Promise::CONTRACT);
                continue;
            }
            judged.push(promise(id).ok_or_else(|| {
                format!(
                    "check `{}`: `{id}` is no invariant; use `contract`, D1 to D10, W1",
                    check.name
                )
            })?);
        }
        Ok(judged)
    }
}

fn bound_needs_a_reason(bound: &str) -> bool {
    !["head", "sector", "block"].contains(&bound)
}

/// The promise of an id.
pub fn promise(id: &str) -> Option<Promise> {
    let contract = Promise::CONTRACT
        .into_iter()
        .find(|promise| promise.to_string() == id);
    contract.or_else(|| id.strip_prefix('W')?.parse().ok().map(Promise::Inner))
}

/// What `expect` says: `holds` is `None`, `violates D1` the promise.
pub fn expected(text: &str) -> Result<Option<Promise>, String> {
    if text == "holds" {
        return Ok(None);
    }
    let id = text.strip_prefix("violates ").and_then(promise);
    id.map(Some)
        .ok_or_else(|| format!("`expect = \"{text}\"` is neither `holds` nor `violates ID`"))
}

impl Sizes {
    /// Every size with its name.
    pub fn named(&self) -> Vec<(&'static str, usize)> {
        // One writer is none that a reason could be given for.
        let writers = if self.writers > 1 { self.writers } else { 0 };
        vec![
            ("operations", self.operations.into()),
            ("keys", self.keys.into()),
            ("deletes", self.deletes.into()),
            ("batches", self.batches.into()),
            ("syncs", self.syncs.into()),
            ("closes", self.closes.into()),
            ("flushes", self.flushes.into()),
            ("compactions", self.compactions.into()),
            ("writers", writers.into()),
            ("crashes", self.crashes.into()),
            ("failures", self.failures.into()),
            ("preallocate", self.preallocate),
            ("flush_at", self.flush_at),
            ("head", self.head),
            ("sector", self.sector),
            ("block", self.block),
        ]
    }

    /// Sets a size by name, as `--bounds` does.
    pub fn set(&mut self, name: &str, value: u8) -> Result<(), String> {
        let size = match name {
            "operations" => &mut self.operations,
            "keys" => &mut self.keys,
            "deletes" => &mut self.deletes,
            "batches" => &mut self.batches,
            "syncs" => &mut self.syncs,
            "closes" => &mut self.closes,
            "flushes" => &mut self.flushes,
            "compactions" => &mut self.compactions,
            "writers" => &mut self.writers,
            "crashes" => &mut self.crashes,
            "failures" => &mut self.failures,
            _ => {
                return Err(format!(
                    "`{name}` is no bound; there are operations, keys, deletes, batches, syncs, \
                     closes, flushes, compactions, writers, crashes, failures"
                ));
            }
        };
        if value == 0 && ["operations", "keys", "writers", "crashes"].contains(&name) {
            return Err(format!(
                "the bound `{name}` is 0, so nothing would be checked; give at least 1"
            ));
        }
        *size = value;
        Ok(())
    }
}

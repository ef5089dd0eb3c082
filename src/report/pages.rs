//! A whole run as pages: an index of its verdicts, and a page for each counterexample.

use super::html::{self, Finding, Kind, Row, Run};
use super::results::{Entry, Results};
use crate::check::Error;
use crate::check::lock::{self, Kept};
use crate::check::replace::{make, replace};
use crate::check::spec::Specs;
use crate::counterexample::Broken;
use models::contract::Promise;
use models::profile::NAMES;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the pages of counterexamples stand, beside the index.
const BESIDE: &str = "counterexamples";

/// Writes `index.html` and a folder with a page for each counterexample into a directory, which is made. Says how many
/// pages there are, and which is the first to open.
///
/// # Errors
/// Where they cannot be written.
pub fn write(directory: &Path, specs: &Specs, all: &[Results]) -> Result<(PathBuf, usize), Error> {
    let beside = directory.join(BESIDE);
    make(&beside)?;
    let entries = all.iter().flat_map(|results| &results.entries);
    let mut pages = 1;
    for found in entries.filter_map(|entry| entry.counterexample.as_ref()) {
        let page = beside.join(format!("{}.html", found.file_name()));
        replace(&page, &html::page(found))?;
        pages += 1;
    }
    let index = directory.join("index.html");
    replace(&index, &html::index(&run(specs, all)))?;
    Ok((index, pages))
}

fn run(specs: &Specs, all: &[Results]) -> Run {
    let named = |promise: Promise| (promise.to_string(), Broken::of(&promise.to_string()).name);
    let of = |results: &Results| {
        let kind = match results.kind {
            lock::Kind::Check => Kind::Model,
            lock::Kind::Explore => Kind::Code,
        };
        let rows = results
            .entries
            .iter()
            .map(move |entry| row(specs, kind, entry));
        rows.collect::<Vec<_>>()
    };
    let mut findings: Vec<Finding> = Vec::new();
    for finding in specs.engines.iter().flat_map(|spec| &spec.findings) {
        if !findings.iter().any(|known| known.id == finding.id) {
            findings.push(Finding {
                id: finding.id.clone(),
                claim: finding.claim.clone(),
                outcome: outcome(specs, &finding.id),
            });
        }
    }
    Run {
        profiles: NAMES.map(String::from).to_vec(),
        promises: Promise::CONTRACT.map(named).to_vec(),
        rows: all.iter().flat_map(of).collect(),
        findings,
    }
}

fn row(specs: &Specs, kind: Kind, entry: &Entry) -> Row {
    let (engine, rest) = entry.engine();
    let found = entry.counterexample.as_ref();
    let finding = match kind {
        Kind::Model => entry.finding.clone(),
        Kind::Code => {
            let mut known = specs.engines.iter().flat_map(|spec| &spec.findings);
            known
                .find(|known| known.id == engine)
                .map(|known| known.id.clone())
        }
    };
    let durable = entry.expected == "holds";
    let variant = match (kind, durable) {
        // It is refuted where the file system guarantees less than it is to.
        (Kind::Model, false) if rest.starts_with("durable/") => "durable, on a lesser disk",
        (Kind::Model, _) => rest.split('/').next().unwrap_or(rest),
        (Kind::Code, true) => "durable",
        (Kind::Code, false) => "as found",
    };
    let (states, coverage) = covered(&entry.kept);
    Row {
        id: entry.id.clone(),
        engine: engine.into(),
        variant: variant.into(),
        kind,
        profile: entry.profile.clone(),
        shown_by: found
            .map(|found| found.shown_by.clone())
            .unwrap_or_default(),
        verdict: entry.verdict.clone(),
        expected: entry.as_expected,
        judged: judged(kind, durable, entry),
        violated: found.map(|found| found.broken.promise.clone()),
        finding,
        states: states as u64,
        link: found.map(|found| format!("{BESIDE}/{}.html", found.file_name())),
        coverage,
    }
}

/// The ids that were judged, `contract` in full. Real code is held to what a client can see of the contract; as found,
/// to the promise that it is known to break.
fn judged(kind: Kind, durable: bool, entry: &Entry) -> Vec<String> {
    let ids = |promises: &[Promise]| promises.iter().map(ToString::to_string).collect::<Vec<_>>();
    match kind {
        Kind::Model => {
            let judges = entry.judges.iter();
            let in_full = judges.flat_map(|id| match &id[..] {
                "contract" => ids(&Promise::CONTRACT),
                id => vec![id.to_string()],
            });
            in_full.collect()
        }
        Kind::Code if durable => ids(&Promise::CONTRACT[..7]),
        Kind::Code => Vec::new(),
    }
}

fn covered(kept: &Kept) -> (usize, BTreeMap<String, BTreeSet<String>>) {
    let set = |items: &[String]| items.iter().cloned().collect::<BTreeSet<_>>();
    let (states, sets) = match kept {
        Kept::Check(kept) => (
            kept.states.unwrap_or(0),
            vec![
                ("barriers", set(&kept.barriers)),
                ("steps crashed at", set(&kept.crashed_at)),
                ("ways to fail", set(&kept.faults)),
                ("witnesses", set(&kept.witnesses)),
            ],
        ),
        Kept::Exploration(kept) => (
            kept.recoveries.unwrap_or(0),
            vec![("crash points", set(&kept.families))],
        ),
    };
    let sets = sets.into_iter().filter(|(_, items)| !items.is_empty());
    (
        states,
        sets.map(|(name, items)| (name.into(), items)).collect(),
    )
}

/// The first sentence of what `specs/findings` says of it.
fn outcome(specs: &Specs, id: &str) -> String {
    let path = specs.directory.join("findings").join(format!("{id}.md"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let result = text
        .split_once("**Result.**")
        .map(|(_, result)| result.trim_start());
    let sentence = result
        .and_then(|result| result.split_once('.'))
        .map(|(first, _)| first);
    let sentence = sentence.unwrap_or("no result is written down");
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

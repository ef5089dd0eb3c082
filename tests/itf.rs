//! A counterexample as a trace for other tools, read back by the library that reads those of Apalache and Quint.

use lightsout::counterexample::contents::{Files, Node};
use lightsout::counterexample::itf::itf as trace_of;
use lightsout::counterexample::{Counterexample, Fate, Mark, Script};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A state, as somebody who reads such traces in Rust declares it. `C`: the contents of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct State<C> {
    step: usize,
    mark: Mark,
    recovery: bool,
    what: String,
    site: String,
    client: String,
    buffered: String,
    cached: BTreeMap<String, C>,
    durable: BTreeMap<String, C>,
    cached_directories: BTreeSet<String>,
    durable_directories: BTreeSet<String>,
    lost: Vec<(String, usize, String)>,
    kept: Vec<(String, usize, String)>,
    either: Vec<(String, usize, String)>,
    broken: String,
}

/// The counterexamples that are kept as files, of models and of real code.
fn kept() -> Vec<Counterexample> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterexamples");
    let entries = fs::read_dir(directory).expect("the counterexamples");
    let mut paths = Vec::from_iter(entries.map(|entry| entry.expect("an entry").path()));
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    paths
        .iter()
        .map(|path| Counterexample::read(path).expect("a counterexample"))
        .collect()
}

fn one(name: &str) -> Counterexample {
    let found = kept().into_iter().find(|found| found.name == name);
    found.unwrap_or_else(|| panic!("{name} is kept"))
}

/// The trace says what the frames do. `contents`: what a file holds, as the trace writes it.
fn assert_same<C>(found: &Counterexample, contents: impl Fn(&Node) -> Option<C>)
where
    C: DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = trace_of(found).to_string();
    let trace: itf::Trace<State<C>> = itf::trace_from_str(&text).expect("a trace");
    assert_eq!(trace.meta.format.as_deref(), Some("ITF"));
    assert_eq!(trace.meta.source.as_deref(), Some(&found.name[..]));
    assert_eq!(trace.meta.other["promised"], found.broken.promised);
    assert_eq!(
        Vec::from_iter(trace.meta.var_types.keys()),
        sorted(&trace.vars)
    );
    let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let fields = written["states"][0].as_object().expect("a state").keys();
    let fields = Vec::from_iter(fields.filter(|field| *field != "#meta").cloned());
    assert_eq!(sorted(&fields), sorted(&trace.vars));

    let frames = found.frames();
    assert_eq!(trace.states.len(), frames.len());
    for (state, frame) in trace.states.iter().zip(&frames) {
        let (index, state, step) = (state.meta.index, &state.value, frame.step);
        assert_eq!(index, Some(frame.number as u64));
        assert_eq!(
            (state.step, state.mark, state.recovery),
            (frame.number, step.mark, step.recovery)
        );
        assert_eq!(
            (&state.what, &state.client, &state.buffered),
            (&step.what, &step.client, &step.buffered)
        );
        assert_eq!(state.site, step.site.clone().unwrap_or_default());
        let sides = [
            (&frame.cached, &state.cached, &state.cached_directories),
            (&frame.durable, &state.durable, &state.durable_directories),
        ];
        for (files, shown, directories) in sides {
            let expected = files
                .0
                .iter()
                .filter_map(|(path, node)| Some((path.clone(), contents(node)?)));
            assert_eq!(
                *shown,
                BTreeMap::from_iter(expected),
                "step {}",
                frame.number
            );
            assert_eq!(*directories, directories_of(files));
        }
        let fates = [
            (Fate::Lost, &state.lost),
            (Fate::Kept, &state.kept),
            (Fate::Either, &state.either),
        ];
        for (fate, shown) in fates {
            let effects = step.effects.iter().filter(|effect| effect.fate == fate);
            let expected =
                effects.map(|effect| (effect.what.clone(), effect.since, effect.barrier.clone()));
            assert_eq!(*shown, Vec::from_iter(expected));
        }
        let last = frame.number + 1 == frames.len();
        assert_eq!(
            state.broken,
            if last { &found.broken.promise[..] } else { "" }
        );
    }
}

fn sorted(names: &[String]) -> Vec<&String> {
    BTreeSet::from_iter(names).into_iter().collect()
}

fn directories_of(files: &Files) -> BTreeSet<String> {
    let directories = files.0.iter().filter(|(_, node)| **node == Node::Directory);
    directories.map(|(path, _)| path.clone()).collect()
}

#[test]
fn every_trace_reads_back_of_models_and_of_real_code() {
    let (mut models, mut code) = (0, 0);
    for found in kept() {
        match found.script {
            Script::Model { .. } => {
                models += 1;
                assert_same(&found, |node| match node {
                    Node::Cells(cells) => Some(cells.clone()),
                    _ => None,
                });
            }
            Script::Code(_) => {
                code += 1;
                assert_same(&found, |node| match node {
                    Node::Bytes(bytes) => {
                        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
                        Some(hex.collect::<String>())
                    }
                    _ => None,
                });
            }
        }
    }
    assert!(
        models > 2 && code > 2,
        "{models} of models, {code} of real code"
    );
}

#[test]
fn a_trace_is_typed_as_apalache_types_it() {
    let types = |found: &Counterexample| {
        let trace = trace_of(found);
        let types = &trace["#meta"]["varTypes"];
        assert_eq!(types["step"], "Int");
        assert_eq!(types["lost"], "Seq(<<Str, Int, Str>>)");
        types["durable"].as_str().map(String::from)
    };
    let model = one("lsm/as-found/log-synced");
    assert_eq!(types(&model).as_deref(), Some("Str -> Seq(Str)"));
    assert_eq!(
        trace_of(&model)["states"][0]["durable"].to_string(),
        r##"{"#map":[["store/log",[]]]}"##
    );
    assert_eq!(
        trace_of(&model)["states"][3]["step"].to_string(),
        r##"{"#bigint":"3"}"##
    );
    assert_eq!(
        types(&one("lsm-truncate-before-sstable-sync")).as_deref(),
        Some("Str -> Str")
    );
}

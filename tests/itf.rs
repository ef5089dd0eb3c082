//! A counterexample as a trace for other tools, read back by the library that reads those of Apalache and Quint.

use lightsout::check::spec::read;
use lightsout::check::{catalogue, run::sign};
use lightsout::counterexample::contents::{Files, Node};
use lightsout::counterexample::{Counterexample, Fate, Mark, itf as trace_of};
use lightsout::explore::engines;
use lightsout::explore::{Bounds, Profile};
use lightsout::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
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

fn of_a_model(engine: &str, name: &str) -> Counterexample {
    let specs = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")).expect("the specs");
    let spec = specs.engines.iter().find(|spec| spec.engine == engine).expect("the engine");
    let check = spec.checks.iter().find(|check| check.name == name).expect("the check");
    let case = catalogue::case(spec, check).expect("a case");
    let mut found = case.shortest(None).expect("time").expect("a violation");
    sign(&mut found, spec, check);
    found
}

fn of_code(name: &str) -> Counterexample {
    let entries = engines::catalogue();
    let entry = entries.iter().find(|entry| entry.name == name).expect("the engine");
    let posix = Profile::named("posix").expect("a profile").with_sizes(SECTOR_BYTES, BLOCK_BYTES);
    let bounds = Bounds {
        settled: true,
        ..Bounds::default()
    };
    let outcome = entry.explore(&posix, &bounds, entry.operations);
    outcome.counterexample.expect("a violation")
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
    assert_eq!(Vec::from_iter(trace.meta.var_types.keys()), sorted(&trace.vars));
    let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let fields = written["states"][0].as_object().expect("a state").keys();
    let fields = Vec::from_iter(fields.filter(|field| *field != "#meta").cloned());
    assert_eq!(sorted(&fields), sorted(&trace.vars));

    let frames = found.frames();
    assert_eq!(trace.states.len(), frames.len());
    for (state, frame) in trace.states.iter().zip(&frames) {
        let (index, state, step) = (state.meta.index, &state.value, frame.step);
        assert_eq!(index, Some(frame.number as u64));
        assert_eq!((state.step, state.mark, state.recovery), (frame.number, step.mark, step.recovery));
        assert_eq!((&state.what, &state.client, &state.buffered), (&step.what, &step.client, &step.buffered));
        assert_eq!(state.site, step.site.clone().unwrap_or_default());
        let sides = [
            (&frame.cached, &state.cached, &state.cached_directories),
            (&frame.durable, &state.durable, &state.durable_directories),
        ];
        for (files, shown, directories) in sides {
            let expected = files.0.iter().filter_map(|(path, node)| Some((path.clone(), contents(node)?)));
            assert_eq!(*shown, BTreeMap::from_iter(expected), "step {}", frame.number);
            assert_eq!(*directories, directories_of(files));
        }
        let fates = [(Fate::Lost, &state.lost), (Fate::Kept, &state.kept), (Fate::Either, &state.either)];
        for (fate, shown) in fates {
            let effects = step.effects.iter().filter(|effect| effect.fate == fate);
            let expected = effects.map(|effect| (effect.what.clone(), effect.since, effect.barrier.clone()));
            assert_eq!(*shown, Vec::from_iter(expected));
        }
        let last = frame.number + 1 == frames.len();
        assert_eq!(state.broken, if last { &found.broken.promise[..] } else { "" });
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
fn the_trace_of_a_model_reads_back() {
    for (engine, name) in [("lsm", "as-found/log-synced"), ("wal", "without/append-data-barrier")] {
        let found = of_a_model(engine, name);
        assert!(found.steps.iter().any(|step| !step.effects.is_empty()));
        assert_same(&found, |node| match node {
            Node::Cells(cells) => Some(cells.clone()),
            _ => None,
        });
    }
}

#[test]
fn the_trace_of_real_code_reads_back() {
    let found = of_code("lsm-truncate-before-sstable-sync");
    assert!(found.frames().iter().any(|frame| !frame.durable.0.is_empty()));
    assert_same(&found, |node| match node {
        Node::Bytes(bytes) => {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
            Some(hex.collect::<String>())
        }
        _ => None,
    });
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
    let model = of_a_model("lsm", "as-found/log-synced");
    assert_eq!(types(&model).as_deref(), Some("Str -> Seq(Str)"));
    assert_eq!(trace_of(&model)["states"][0]["durable"].to_string(), r##"{"#map":[["store/log",[]]]}"##);
    assert_eq!(trace_of(&model)["states"][3]["step"].to_string(), r##"{"#bigint":"3"}"##);
    assert_eq!(types(&of_code("lsm-truncate-before-sstable-sync")).as_deref(), Some("Str -> Str"));
}

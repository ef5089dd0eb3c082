//! A counterexample in the Informal Trace Format, which Apalache and Quint write and their viewers read: one state for
//! each step, with all files at it.
//!
//! ```text
//!   step, mark, what, recovery, site       what happens, and where
//!   client, buffered                       what the client is told; what is in the process only
//!   cached, durable                        by path: the cells of each file; of real code its bytes, in hexadecimal digits
//!   cached_directories, durable_directories
//!   lost, kept, either                     of a power cut: each effect, the step that made it, the barrier that covers it
//!   broken                                 the id of the promise, in the last state
//! ```
//!
//! It is for looking at, and for tools that read such traces. What runs again is the counterexample itself: its script is
//! not in here. The format: <https://apalache-mc.org/docs/adr/015adr-trace.html>.

use super::contents::{Files, Node, in_words};
use super::{Counterexample, Fate, Fated, Frame, Script};
use serde_json::{Map, Value, json};

/// The variables of a state, in the order of a table, with their types as Apalache writes them.
const VARIABLES: [(&str, &str); 15] = [
    ("step", "Int"),
    ("mark", "Str"),
    ("recovery", "Bool"),
    ("what", "Str"),
    ("site", "Str"),
    ("client", "Str"),
    ("buffered", "Str"),
    ("cached", FILES),
    ("durable", FILES),
    ("cached_directories", "Set(Str)"),
    ("durable_directories", "Set(Str)"),
    ("lost", EFFECTS),
    ("kept", EFFECTS),
    ("either", EFFECTS),
    ("broken", "Str"),
];

/// Stands for the type of a file's contents: of models and of real code they differ.
const FILES: &str = "files";

const EFFECTS: &str = "Seq(<<Str, Int, Str>>)";

/// A counterexample as a trace.
pub fn itf(found: &Counterexample) -> Value {
    let bytes = matches!(found.script, Script::Code(_));
    let files = if bytes {
        "Str -> Str"
    } else {
        "Str -> Seq(Str)"
    };
    let types = VARIABLES.map(|(name, of)| {
        (
            name.to_string(),
            json!(if of == FILES { files } else { of }),
        )
    });
    let last = found.steps.len().saturating_sub(1);
    let frames = found.frames();
    let states = frames.iter().map(|frame| {
        let broken = if frame.number == last {
            &found.broken.promise[..]
        } else {
            ""
        };
        state(frame, broken, bytes)
    });
    let broken = &found.broken;
    json!({
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "source": found.name,
            "description": format!("{} {} is broken on {}", broken.promise, broken.name, found.profile.name),
            "varTypes": Map::from_iter(types),
            "profile": found.profile.name,
            "promised": broken.promised,
            "there": broken.there,
        },
        "params": [],
        "vars": VARIABLES.map(|(name, _)| name),
        "states": Vec::from_iter(states),
    })
}

fn state(frame: &Frame<'_>, broken: &str, bytes: bool) -> Value {
    let step = frame.step;
    let effects = |fate: Fate| {
        let effects = step.effects.iter().filter(|effect| effect.fate == fate);
        Value::Array(effects.map(effect).collect())
    };
    json!({
        "#meta": { "index": frame.number },
        "step": int(frame.number),
        "mark": step.mark,
        "recovery": step.recovery,
        "what": step.what,
        "site": step.site.as_deref().unwrap_or_default(),
        "client": step.client,
        "buffered": step.buffered,
        "cached": files(&frame.cached, bytes),
        "durable": files(&frame.durable, bytes),
        "cached_directories": directories(&frame.cached),
        "durable_directories": directories(&frame.durable),
        "lost": effects(Fate::Lost),
        "kept": effects(Fate::Kept),
        "either": effects(Fate::Either),
        "broken": broken,
    })
}

fn int(number: usize) -> Value {
    json!({ "#bigint": number.to_string() })
}

fn effect(effect: &Fated) -> Value {
    json!({ "#tup": [effect.what, int(effect.since), effect.barrier] })
}

/// By path, the contents of every file; those of all files are of one type.
fn files(files: &Files, bytes: bool) -> Value {
    let contents = |node: &Node| match (node, bytes) {
        (Node::Directory, _) => None,
        (Node::Bytes(bytes), true) => Some(json!(const_hex::encode(bytes))),
        (Node::Bytes(bytes), false) => Some(json!(Vec::from_iter(
            bytes.iter().map(|byte| format!("{byte:02x}"))
        ))),
        (Node::Cells(cells), true) => Some(json!(in_words(cells))),
        (Node::Cells(cells), false) => Some(json!(cells)),
    };
    let pairs = files
        .0
        .iter()
        .filter_map(|(path, node)| Some(json!([path, contents(node)?])));
    json!({ "#map": Vec::from_iter(pairs) })
}

fn directories(files: &Files) -> Value {
    let directories = files.0.iter().filter(|(_, node)| **node == Node::Directory);
    json!({ "#set": Vec::from_iter(directories.map(|(path, _)| path)) })
}

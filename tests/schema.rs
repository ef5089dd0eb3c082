//! The schema of a counterexample: whatever one holds reads back as it was, what is not known is refused, and every field
//! is documented.

use lightsout::counterexample::contents::{Changed, Changes, Hex};
use lightsout::counterexample::{
    After, Breach, Broken, Code, Counterexample, Fate, Fated, Life, Mark, SCHEMA, Script, Step,
    Trouble,
};
use models::contract::{Operation, Write};
use models::disk::Failure;
use models::disk::image::Fates;
use models::machine::script::Move;
use models::profile::{NAMES, Profile, SWITCHES};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::collections::BTreeSet;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,6}",
        "\\PC{0,6}",
        Just("\u{0}\n\"\\\u{1F4A1}".to_string())
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    let switched = vec((select(&SWITCHES[..]), any::<prop::sample::Index>()), 0..3);
    (select(&NAMES[..]), switched, 1usize..4).prop_map(|(name, switched, sector)| {
        let named = Profile::named(name)
            .expect("a profile")
            .with_sizes(sector, 2 * sector);
        switched
            .into_iter()
            .fold(named, |profile, ((switch, values), value)| {
                profile
                    .with(switch, values[value.index(values.len())])
                    .expect("a switch")
            })
    })
}

fn changed() -> impl Strategy<Value = Changed> {
    let cells = vec((0usize..9, vec(text(), 1..3)), 0..3);
    let bytes = vec((0usize..9, vec(any::<u8>(), 1..5).prop_map(Hex)), 0..3);
    prop_oneof![
        Just(Changed::Directory),
        (0usize..99, cells).prop_map(|(len, runs)| Changed::Cells { len, runs }),
        (0usize..99, bytes).prop_map(|(len, runs)| Changed::Bytes { len, runs }),
    ]
}

fn changes() -> impl Strategy<Value = Changes> {
    let files = btree_map(text(), changed(), 0..3);
    (vec(text(), 0..2), files).prop_map(|(gone, files)| Changes { gone, files })
}

fn mark() -> impl Strategy<Value = Mark> {
    use Mark::*;
    const ALL: [Mark; 14] = [
        Start,
        Asked,
        Memory,
        Buffered,
        Change,
        Barrier,
        Failed,
        Acknowledged,
        Returned,
        Refused,
        Kill,
        PowerCut,
        Served,
        Unopened,
    ];
    select(&ALL[..])
}

fn fated() -> impl Strategy<Value = Fated> {
    let fate = select(&[Fate::Kept, Fate::Lost, Fate::Either][..]);
    (text(), fate, 0usize..99, text(), any::<bool>()).prop_map(
        |(what, fate, since, barrier, doomed)| Fated {
            what,
            fate,
            since,
            barrier,
            doomed,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let first = (mark(), any::<bool>(), text(), of(text()), text(), text());
    let second = (changes(), changes(), vec(fated(), 0..3));
    (first, second).prop_map(
        |((mark, recovery, what, site, client, buffered), (cached, durable, effects))| Step {
            mark,
            recovery,
            what,
            site,
            client,
            buffered,
            cached,
            durable,
            effects,
        },
    )
}

fn fates() -> impl Strategy<Value = Fates> {
    (vec(0usize..9, 0..3), vec(0usize..3, 0..3)).prop_map(|(kept, fills)| Fates { kept, fills })
}

fn made() -> impl Strategy<Value = Move> {
    let write = (any::<u8>(), any::<bool>()).prop_map(|(key, delete)| Write { key, delete });
    let operation = prop_oneof![
        vec(write, 1..3).prop_map(Operation::Write),
        select(
            &[
                Operation::Sync,
                Operation::Close,
                Operation::Flush,
                Operation::Compact
            ][..]
        ),
    ];
    prop_oneof![
        operation.prop_map(Move::Invoke),
        Just(Move::Step),
        select(&Failure::ALL[..]).prop_map(Move::Fail),
        Just(Move::Kill),
        fates().prop_map(Move::PowerCut),
        Just(Move::Beside),
        select(&Failure::ALL[..]).prop_map(Move::FailBeside),
    ]
}

/// An operation of a subject is whatever its contract writes.
fn operation() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no other", |number| number.is_finite())
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(text(), inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn life() -> impl Strategy<Value = Life> {
    let after = prop_oneof![Just(After::Kill), fates().prop_map(After::PowerCut)];
    let trouble = (0usize..99, select(&Trouble::ALL[..]));
    (
        of(after),
        vec(0usize..9, 0..3),
        of(trouble),
        0usize..9,
        of(0usize..9),
    )
        .prop_map(|(after, asked, trouble, operations, calls)| Life {
            after,
            asked,
            trouble,
            operations,
            calls,
        })
}

fn script() -> impl Strategy<Value = Script> {
    let operations = || vec(operation(), 0..3);
    let flags = (select(&Breach::ALL[..]), any::<bool>(), any::<bool>());
    let code = (flags, operations(), operations(), vec(life(), 0..3));
    prop_oneof![
        vec(made(), 0..6).prop_map(|moves| Script::Model { moves }),
        code.prop_map(|((breach, settled, lazily), operations, then, lives)| {
            Script::Code(Code {
                breach,
                settled,
                operations,
                then,
                lazily,
                lives,
            })
        }),
    ]
}

fn counterexample() -> impl Strategy<Value = Counterexample> {
    let texts = || vec(text(), 0..3);
    let head = (text(), text(), of(text()), profile(), of(text()));
    let known = (texts(), texts(), texts(), texts());
    let broken = (text(), text(), text(), text(), text());
    (head, known, broken, script(), vec(step(), 0..4)).prop_map(
        |(head, known, broken, script, steps)| {
            let (name, about, finding, profile, note) = head;
            let (shown_by, strongest, needs, barriers) = known;
            let (promise, broken_name, text, promised, there) = broken;
            Counterexample {
                schema: SCHEMA,
                name,
                about,
                finding,
                profile,
                shown_by,
                strongest,
                needs,
                barriers,
                note,
                broken: Broken {
                    promise,
                    name: broken_name,
                    text,
                    promised,
                    there,
                },
                script,
                steps,
            }
        },
    )
}

proptest! {
    #[test]
    fn whatever_a_counterexample_holds_reads_back(found in counterexample()) {
        let read = Counterexample::parse(found.to_json().as_bytes());
        prop_assert_eq!(read, Ok(found));
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_wherever_it_stands(found in counterexample(), place: prop::sample::Index) {
        let json: Value = serde_json::to_value(&found).expect("JSON");
        let mut places = Vec::new();
        structures(&json, String::new(), &mut places);
        let place = &places[place.index(places.len())];
        let mut strange = json.clone();
        let object = strange.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
        object.insert("not-known".into(), Value::Null);
        let read = Counterexample::parse(strange.to_string().as_bytes());
        prop_assert!(read.is_err(), "{} at {}", strange, place);
    }
}

/// Below these, or of these, the names are not those of fields: operations are their subject's, files have paths.
fn is_free(pointer: &str) -> bool {
    pointer.ends_with("/operations") || pointer.ends_with("/then") || pointer.ends_with("/files")
}

/// The pointers to all objects that have fields.
fn structures(value: &Value, at: String, found: &mut Vec<String>) {
    let of_a_script =
        at.starts_with("/script/code/operations") || at.starts_with("/script/code/then");
    if of_a_script {
        return;
    }
    match value {
        Value::Object(fields) => {
            if !is_free(&at) {
                found.push(at.clone());
            }
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                structures(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                structures(value, format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

/// The fields of a counterexample: `steps.cached.files.PATH.cells.len`.
fn fields(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields_of) => {
            for (name, value) in fields_of {
                let name = if at.ends_with(".files") { "PATH" } else { name };
                let field = format!("{at}.{name}").trim_start_matches('.').to_string();
                found.insert(field.clone());
                if field != "script.code.operations" && field != "script.code.then" {
                    fields(value, &field, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, at, found)),
        _ => {}
    }
}

/// The fields in the first column of the table.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../CHECKING.md");
    let section = text
        .split("## The schema of a counterexample\n")
        .nth(1)
        .expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(String::from).collect()
}

#[test]
fn every_field_is_documented_and_every_documented_field_is_one() {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let found = counterexample()
            .new_tree(&mut runner)
            .expect("a value")
            .current();
        fields(&serde_json::to_value(&found).expect("JSON"), "", &mut seen);
    }
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterexamples");
    for entry in std::fs::read_dir(directory).expect("the counterexamples") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
        fields(&serde_json::from_str(&text).expect("JSON"), "", &mut seen);
    }
    let documented = documented();
    let missing = Vec::from_iter(seen.difference(&documented));
    let stale = Vec::from_iter(documented.difference(&seen));
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not documented: {missing:#?}; no field: {stale:#?}"
    );
}

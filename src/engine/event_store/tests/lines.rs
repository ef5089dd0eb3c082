//! The store as found: what each line that a crash can leave is taken for.

use super::super::as_found::{Fault, JsonLines, Options, TornLine};
use super::*;
use crate::storage::os::OsStorage;
use crate::storage::tests::{OnRealFiles, on_both};
use std::fs;

on_both! {
    events_are_there_in_the_next_life
}

fn events_are_there_in_the_next_life(bench: &impl Bench) {
    let dir = store(bench);
    for life in 1..4 {
        let mut store = JsonLines::open(bench.storage(), &dir, Options::default()).unwrap();
        assert_eq!(store.persist("a", &event("[1]")).unwrap(), life);
        assert_eq!(store.events().len() as u64, life);
        assert!(store.faults().is_empty());
    }
}

const FIRST: &str = "{\"stream\":\"a\",\"version\":1,\"type\":\"t\",\"data\":1}\n";

/// What is found in a file, by each way of dealing with torn lines.
fn found(second: &[u8], torn: TornLine) -> Result<(usize, Vec<Fault>, Vec<u8>), Error> {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    fs::create_dir(&dir).unwrap();
    let path = dir.join("events.jsonl");
    fs::write(&path, [FIRST.as_bytes(), second].concat()).unwrap();
    let options = Options {
        torn,
        ..Options::default()
    };
    let store = JsonLines::open(OsStorage, &dir, options)?;
    let faults = store.faults().to_vec();
    let rest = fs::read(&path).unwrap()[FIRST.len()..].to_vec();
    Ok((store.events().len(), faults, rest))
}

#[test]
fn a_torn_last_line_is_skipped_or_refused_or_cut() {
    let torn = br#"{"stream":"a","version":2,"ty"#;
    let (events, faults, rest) = found(torn, TornLine::Skip).unwrap();
    assert_eq!((events, &rest[..]), (1, &torn[..]));
    assert!(matches!(
        faults[..],
        [Fault::Unreadable {
            line: 2,
            because: Unreadable::NotAnEvent { .. }
        }]
    ));
    let error = found(torn, TornLine::Refuse).unwrap_err();
    assert!(matches!(error, Error::Line { line: 2, .. }), "{error}");
    let (events, _, rest) = found(torn, TornLine::Cut).unwrap();
    assert_eq!((events, rest), (1, Vec::new()));
}

#[test]
fn a_line_whole_but_for_its_newline_is_an_event_or_cut() {
    let line = FIRST.replace("\"version\":1", "\"version\":2");
    let line = line.trim_end().as_bytes();
    for torn in [TornLine::Skip, TornLine::Refuse] {
        let (events, faults, rest) = found(line, torn).unwrap();
        assert_eq!((events, &rest[..]), (2, line));
        assert_eq!(faults, [Fault::NoNewline { line: 2 }]);
    }
    let (events, _, rest) = found(line, TornLine::Cut).unwrap();
    assert_eq!((events, rest), (1, Vec::new()));
}

#[test]
fn half_a_utf_8_sequence_and_an_unknown_field_are_named() {
    let line = b"{\"stream\":\"a\xc3\",\"version\":2}\n";
    let (_, faults, _) = found(line, TornLine::Skip).unwrap();
    let because = Unreadable::NotUtf8 { at: 12 };
    assert_eq!(faults, [Fault::Unreadable { line: 2, because }]);
    let line = FIRST.replace("\"type\"", "\"of\":1,\"type\"");
    let (_, faults, _) = found(line.as_bytes(), TornLine::Skip).unwrap();
    let because = Unreadable::UnknownField { field: "of".into() };
    assert_eq!(faults, [Fault::Unreadable { line: 2, because }]);
}

#[test]
fn a_gap_in_versions_is_served_and_told() {
    let line = FIRST.replace("\"version\":1", "\"version\":4");
    let (events, faults, _) = found(line.as_bytes(), TornLine::Skip).unwrap();
    assert_eq!(events, 2);
    let gap = Fault::VersionGap {
        line: 2,
        stream: "a".into(),
        expected: 2,
        found: 4,
    };
    assert_eq!(faults, [gap]);
}

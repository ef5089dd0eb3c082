//! The log as found, where no power is cut.

use super::super::as_found::{AsFound, Brackets, Options, Tail};
use super::*;
use crate::storage::os::OsStorage;
use crate::storage::tests::{OnRealFiles, on_both};
use std::fs;

on_both! {
    what_was_appended_is_there_in_the_next_life_across_segments
    what_was_truncated_is_gone_and_numbers_go_on_unless_they_are_forgotten
}

fn open_with<S: Storage>(storage: S, dir: &Path, options: Options) -> AsFound<S> {
    AsFound::open(storage, dir, options).unwrap()
}

/// The values, with the numbers of their records.
fn values<S: Storage>(log: &AsFound<S>) -> Vec<(u64, String)> {
    let value = |write: &Write| match write {
        Write::Put { value, .. } => String::from_utf8(value.clone()).unwrap(),
        Write::Delete { .. } => "deleted".into(),
    };
    let records = log.records().iter();
    records
        .map(|(number, write)| (*number, value(write)))
        .collect()
}

fn said(values: &[(u64, &str)]) -> Vec<(u64, String)> {
    let said = |(number, value): &(u64, &str)| (*number, value.to_string());
    values.iter().map(said).collect()
}

fn what_was_appended_is_there_in_the_next_life_across_segments(bench: &impl Bench) {
    let options = Options {
        rotate_at: Some(2),
        ..Options::default()
    };
    let mut log = open_with(bench.storage(), &store(bench), options);
    log.append(&[put("1")]).unwrap();
    let delete = Write::Delete { key: b"k".into() };
    // Begin, two records and a commit, in three segments.
    assert_eq!(log.append(&[put("3"), delete]).unwrap(), 5);
    log.rotate().unwrap();
    log.append(&[put("6")]).unwrap();
    let expected = said(&[(1, "1"), (3, "3"), (4, "deleted"), (6, "6")]);
    assert_eq!(values(&log), expected);
    log.close().unwrap();
    let mut log = open_with(bench.storage(), &store(bench), options);
    assert_eq!(values(&log), expected);
    let names = bench.storage().list(&store(bench)).unwrap();
    assert_eq!(names, ["1.log", "2.log", "3.log", "4.log"]);
    assert_eq!(log.append(&[put("7")]).unwrap(), 7);
}

fn what_was_truncated_is_gone_and_numbers_go_on_unless_they_are_forgotten(bench: &impl Bench) {
    for numbers_forgotten in [false, true] {
        let options = Options {
            numbers_forgotten,
            ..Options::default()
        };
        let dir = bench.dir().join(numbers_forgotten.to_string());
        let mut log = open_with(bench.storage(), &dir, options);
        log.append(&[put("1")]).unwrap();
        log.rotate().unwrap();
        log.append(&[put("2")]).unwrap();
        log.truncate().unwrap();
        assert!(log.records().is_empty());
        drop(log);
        let mut log = open_with(bench.storage(), &dir, options);
        assert!(log.records().is_empty());
        assert_eq!(bench.storage().list(&dir).unwrap(), ["2.log"]);
        // Record 3 says that 3 was next.
        let expected = if numbers_forgotten { 1 } else { 4 };
        assert_eq!(log.append(&[put("3")]).unwrap(), expected);
        drop(log);
        let log = open_with(bench.storage(), &dir, options);
        assert_eq!(values(&log), said(&[(expected, "3")]));
    }
}

#[test]
fn a_torn_tail_is_cut_off_appended_behind_or_passed() {
    let tails = [
        (Tail::Cut, vec![(1, "1"), (2, "3")]),
        (Tail::Left, vec![(1, "1")]),
        (Tail::NewSegment, vec![(1, "1")]),
        (Tail::NewSegmentPassed, vec![(1, "1"), (2, "3")]),
    ];
    for (tail, expected) in tails {
        let bench = OnRealFiles::new();
        let dir = store(&bench);
        let options = Options {
            tail,
            ..Options::default()
        };
        let mut log = open_with(OsStorage, &dir, options);
        log.append(&[put("1")]).unwrap();
        log.append(&[put("2")]).unwrap();
        drop(log);
        let path = dir.join("1.log");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut log = open_with(OsStorage, &dir, options);
        assert_eq!(values(&log), said(&[(1, "1")]), "{tail:?}");
        log.append(&[put("3")]).unwrap();
        drop(log);
        let log = open_with(OsStorage, &dir, options);
        assert_eq!(values(&log), said(&expected), "{tail:?}");
    }
}

#[test]
fn a_batch_without_its_commit_is_cut_off_left_open_or_taken_in_part() {
    let brackets = [
        (Brackets::Cut, vec![], vec![(1, "4")]),
        // What comes behind it is taken for a part of it.
        (Brackets::Open, vec![], vec![]),
        (
            Brackets::Ignored,
            vec![(2, "2"), (3, "3")],
            vec![(2, "2"), (3, "3"), (4, "4")],
        ),
    ];
    for (brackets, found, then) in brackets {
        let bench = OnRealFiles::new();
        let dir = store(&bench);
        let options = Options {
            brackets,
            ..Options::default()
        };
        let mut log = open_with(OsStorage, &dir, options);
        log.append(&[put("2"), put("3")]).unwrap();
        drop(log);
        let path = dir.join("1.log");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut log = open_with(OsStorage, &dir, options);
        assert_eq!(values(&log), said(&found), "{brackets:?}");
        log.append(&[put("4")]).unwrap();
        drop(log);
        let log = open_with(OsStorage, &dir, options);
        assert_eq!(values(&log), said(&then), "{brackets:?}");
    }
}

#[test]
fn a_durable_log_is_refused_and_left_as_it_is() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    let log = open(OsStorage, &dir, 1 << 20).unwrap();
    log.append(&put("1")).unwrap();
    log.close().unwrap();
    let before = fs::read(dir.join("1.log")).unwrap();
    let refused = AsFound::open(OsStorage, &dir, Options::default());
    assert!(matches!(refused, Err(Error::OtherDiscipline { .. })));
    assert_eq!(fs::read(dir.join("1.log")).unwrap(), before);
}

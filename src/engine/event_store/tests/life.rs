//! A store that nothing happens to.

use super::*;
use crate::storage::tests::on_both;

on_both! {
    events_are_there_in_the_next_life_in_order_and_in_their_streams
    a_stream_of_another_version_is_a_conflict_and_nothing_is_written
    an_append_of_no_events_is_refused
    data_is_kept_byte_for_byte
    reading_goes_on_after_a_position_or_a_version
    a_projection_goes_on_from_its_snapshot
    a_second_snapshot_takes_the_place_of_the_first
    a_snapshot_that_cannot_be_read_as_what_is_asked_for_is_none
    a_name_that_is_no_name_of_a_file_is_refused
    a_subscriber_is_shown_what_is_durable_in_order_and_once
    positions_are_not_given_twice_and_versions_have_no_gaps
    one_handle_at_a_time
}

fn events_are_there_in_the_next_life_in_order_and_in_their_streams(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    append(&mut store, "a", &["1", "2"]);
    append(&mut store, "b", &["3"]);
    let appended = append(&mut store, "a", &["4"]);
    assert_eq!(appended.version, 3);
    let expected = told(&[("a", 1, "1"), ("a", 2, "2"), ("b", 1, "3"), ("a", 3, "4")]);
    for _ in 0..3 {
        assert_eq!(all(&store), expected);
        let of_a: Vec<u64> = store.stream("a", 0).map(|it| it.version()).collect();
        assert_eq!((of_a, store.version("a")), (vec![1, 2, 3], 3));
        assert_eq!((store.stream("c", 0).count(), store.version("c")), (0, 0));
        drop(store);
        store = open(bench.storage(), &dir).unwrap();
    }
    assert_eq!(append(&mut store, "b", &["5"]).version, 2);
}

fn a_stream_of_another_version_is_a_conflict_and_nothing_is_written(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    let new = |expected| (Expected::Version(expected), vec![event("1")]);
    let (expected, events) = new(0);
    store.append("a", expected, events).unwrap();
    for wrong in [0, 2] {
        let (expected, events) = new(wrong);
        let error = store.append("a", expected, events).unwrap_err();
        assert!(
            matches!(&error, Error::Conflict { stream, expected, found: 1 } if stream == "a" && *expected == wrong),
            "{error}"
        );
    }
    let (expected, events) = new(1);
    store.append("a", expected, events).unwrap();
    drop(store);
    let store = open(bench.storage(), &dir).unwrap();
    assert_eq!(all(&store), told(&[("a", 1, "1"), ("a", 2, "1")]));
}

fn an_append_of_no_events_is_refused(bench: &impl Bench) {
    let mut store = open(bench.storage(), &store(bench)).unwrap();
    let error = store.append("a", Expected::Any, Vec::new()).unwrap_err();
    assert!(matches!(error, Error::NoEvents), "{error}");
    append(&mut store, "a", &["1"]);
}

fn data_is_kept_byte_for_byte(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    let data = [
        "123456789012345678901234567890.10",
        "1e400",
        "{ \"b\" : 1,\n \"a\":[ ] , \"b\":2}",
        "\"\\u00e9 \u{e9} \\n\"",
        "null",
    ];
    append(&mut store, "", &data);
    let odd = event("0").with_metadata(&[1, 2]).unwrap();
    store.append("é\n", Expected::Any, vec![odd]).unwrap();
    drop(store);
    let store = open(bench.storage(), &dir).unwrap();
    let found: Vec<String> = store.stream("", 0).map(|it| it.data().into()).collect();
    assert_eq!(found, data);
    let odd = store.stream("é\n", 0).next().unwrap();
    assert_eq!((odd.kind(), odd.metadata()), ("t", Some("[1,2]")));
    assert!(NewEvent::from_json("t", "{\"half\":").is_err());
}

fn reading_goes_on_after_a_position_or_a_version(bench: &impl Bench) {
    let mut store = open(bench.storage(), &store(bench)).unwrap();
    append(&mut store, "a", &["1", "2", "3"]);
    append(&mut store, "b", &["4"]);
    let positions: Vec<Position> = store.events(None).map(|it| it.position()).collect();
    for (read, position) in positions.iter().enumerate() {
        assert_eq!(store.events(Some(*position)).count(), 3 - read);
    }
    assert_eq!(store.stream("a", 1).count(), 2);
    assert_eq!(store.stream("a", 9).count(), 0);
}

fn a_projection_goes_on_from_its_snapshot(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    store.snapshot::<Sum>().unwrap();
    append(&mut store, "a", &["1", "2"]);
    store.snapshot::<Sum>().unwrap();
    append(&mut store, "a", &["4", "8"]);
    drop(store);
    let store = open(bench.storage(), &dir).unwrap();
    let (found, rebuilt) = (store.project::<Sum>(), store.rebuild::<Sum>());
    assert_eq!((found.sum, found.applied), (15, 2));
    assert_eq!((rebuilt.sum, rebuilt.applied), (15, 4));
}

fn a_second_snapshot_takes_the_place_of_the_first(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    for number in ["1", "2"] {
        append(&mut store, "a", &[number]);
        store.snapshot::<Sum>().unwrap();
        store.snapshot::<Sum>().unwrap();
    }
    assert_eq!(bench.storage().list(&dir).unwrap(), ["log", "sum.snapshot"]);
    drop(store);
    let store = open(bench.storage(), &dir).unwrap();
    assert_eq!(store.project::<Sum>().applied, 0);
}

fn a_snapshot_that_cannot_be_read_as_what_is_asked_for_is_none(bench: &impl Bench) {
    let mut store = open(bench.storage(), &store(bench)).unwrap();
    append(&mut store, "a", &["1"]);
    store
        .save(Sum::NAME, store.last(), &"another thing")
        .unwrap();
    assert_eq!(store.project::<Sum>().sum, 1);
    assert_eq!(store.saved::<String>(Sum::NAME).unwrap().1, "another thing");
}

fn a_name_that_is_no_name_of_a_file_is_refused(bench: &impl Bench) {
    let mut store = open(bench.storage(), &store(bench)).unwrap();
    append(&mut store, "a", &["1"]);
    for name in ["", "a/b", "..", "A", &"x".repeat(65)] {
        let error = store.save(name, store.last(), &1).unwrap_err();
        assert!(matches!(error, Error::BadName { .. }), "{error}");
    }
}

fn a_subscriber_is_shown_what_is_durable_in_order_and_once(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open_synced_never(bench.storage(), &dir);
    let mut subscription = store.subscribe(None);
    let mut shown = Vec::new();
    let mut drain = |subscription: &mut Subscription, store: &EventStore<_>| {
        while let Some(event) = subscription.next(store) {
            shown.push(event.data().to_string());
        }
        shown.len()
    };
    append(&mut store, "a", &["1", "2"]);
    assert_eq!(
        drain(&mut subscription, &store),
        2,
        "the first of a life is synced"
    );
    append(&mut store, "b", &["3"]);
    append(&mut store, "a", &["4"]);
    assert_eq!(drain(&mut subscription, &store), 2);
    store.sync().unwrap();
    assert_eq!(drain(&mut subscription, &store), 4);
    append(&mut store, "a", &["5"]);
    assert_eq!(drain(&mut subscription, &store), 4);
    drop(store);
    let store = open_synced_never(bench.storage(), &dir);
    let mut subscription = store.subscribe(subscription.position());
    assert_eq!(drain(&mut subscription, &store), 5);
    assert_eq!(shown, ["1", "2", "3", "4", "5"]);
}

fn positions_are_not_given_twice_and_versions_have_no_gaps(bench: &impl Bench) {
    let dir = store(bench);
    let mut positions = Vec::new();
    for _ in 0..3 {
        let mut store = open(bench.storage(), &dir).unwrap();
        append(&mut store, "a", &["1", "2"]);
        positions = store.events(None).map(|it| it.position()).collect();
        let versions: Vec<u64> = store.stream("a", 0).map(|it| it.version()).collect();
        assert!(versions.iter().copied().eq(1..=versions.len() as u64));
    }
    assert_eq!(positions.len(), 6);
    assert!(
        positions.is_sorted_by(|one, other| one < other),
        "{positions:?}"
    );
}

fn one_handle_at_a_time(bench: &impl Bench) {
    let dir = store(bench);
    let first = open(bench.storage(), &dir).unwrap();
    let error = open(bench.storage(), &dir).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(first);
    open(bench.storage(), &dir).unwrap();
}

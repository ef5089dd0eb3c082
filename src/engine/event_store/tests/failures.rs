//! Storage that fails, files that are missing or damaged, events of somebody else: named, nothing is lost.

use super::*;
use crate::engine::wal::format::Owner;
use crate::engine::wal::log::open_file;
use crate::engine::wal::{self, Write};
use crate::storage::claim;
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use crate::storage::tests::OnRealFiles;
use std::fs;
use std::io::ErrorKind;

/// A store whose log holds these values under these streams, as somebody else would write them.
fn written(bench: &OnRealFiles, events: &[(&[u8], &[u8])]) -> PathBuf {
    let dir = store(bench);
    let _lock = claim(&OsStorage, &dir).unwrap().unwrap();
    let mut log = open_file(
        &OsStorage,
        &dir,
        Owner::EventStore,
        SyncMode::EveryWrite.into(),
        None,
    )
    .unwrap();
    for (key, value) in events {
        let (key, value) = (key.to_vec(), value.to_vec());
        log.append(&[Write::Put { key, value }]).unwrap();
    }
    dir
}

fn refused(events: &[(&[u8], &[u8])]) -> Error {
    let bench = OnRealFiles::new();
    let dir = written(&bench, events);
    let error = open(OsStorage, &dir).unwrap_err();
    // Nothing was taken.
    let log = open_file(
        &OsStorage,
        &dir,
        Owner::EventStore,
        SyncMode::EveryWrite.into(),
        None,
    )
    .unwrap();
    assert_eq!(log.read_from(None).count(), events.len());
    error
}

fn unreadable(value: &[u8]) -> Unreadable {
    let first = br#"{"version":1,"type":"t","data":1}"#;
    match refused(&[(b"a", first), (b"a", value)]) {
        Error::Unreadable {
            path,
            position,
            because,
        } => {
            assert!(path.ends_with("log") && position.lsn.index == 2);
            because
        }
        error => panic!("{error}"),
    }
}

#[test]
fn half_a_utf_8_sequence_is_named() {
    let value = b"{\"version\":2,\"type\":\"\xc3\",\"data\":1}";
    assert_eq!(unreadable(value), Unreadable::NotUtf8 { at: 21 });
    let error = refused(&[(b"a\xc3", br#"{"version":1,"type":"t","data":1}"#)]);
    let Error::Unreadable { because, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(because, Unreadable::NotUtf8 { at: 1 });
}

#[test]
fn an_unknown_field_is_named() {
    let value = br#"{"version":2,"type":"t","data":1,"deleted":true}"#;
    let field = "deleted".to_string();
    assert_eq!(unreadable(value), Unreadable::UnknownField { field });
}

#[test]
fn what_is_no_event_is_named() {
    for value in [
        &br#"{"version":2,"type":"t","data":"#[..],
        br#"{"version":2,"type":"t"}"#,
        br#"{"version":-2,"type":"t","data":1}"#,
        br#"{"version":2,"type":"t","data":1,"stream":"a"}"#,
        b"7",
    ] {
        let because = unreadable(value);
        assert!(
            matches!(because, Unreadable::NotAnEvent { .. }),
            "{because}"
        );
    }
}

#[test]
fn a_gap_in_versions_is_named() {
    let event = |version| format!(r#"{{"version":{version},"type":"t","data":1}}"#).into_bytes();
    for (second, expected) in [(3, 2), (1, 2)] {
        let error = refused(&[(b"a", &event(1)), (b"b", &event(1)), (b"a", &event(second))]);
        assert!(
            matches!(&error, Error::VersionGap { stream, expected: e, found, position }
                if stream == "a" && *e == expected && *found == second && position.lsn.index == 3),
            "{error}"
        );
    }
}

#[test]
fn a_log_of_another_engine_is_left_alone() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    wal::Log::open(OsStorage, &dir, wal::Options::default()).unwrap();
    let error = open(OsStorage, &dir).unwrap_err();
    assert!(error.to_string().contains("engine with tag 1"), "{error}");
}

#[test]
fn snapshots_without_a_log_are_refused() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    let mut store = open(OsStorage, &dir).unwrap();
    append(&mut store, "a", &["1"]);
    store.snapshot::<Sum>().unwrap();
    drop(store);
    fs::remove_file(dir.join("log")).unwrap();
    let error = open(OsStorage, &dir).unwrap_err();
    assert!(matches!(error, Error::LogMissing { .. }), "{error}");
    assert!(dir.join("sum.snapshot").exists());
}

#[test]
fn a_snapshot_that_does_not_count_is_removed_and_the_projection_is_made_anew() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    let mut store = open(OsStorage, &dir).unwrap();
    append(&mut store, "a", &["1"]);
    append(&mut store, "a", &["2"]);
    store.snapshot::<Sum>().unwrap();
    drop(store);
    let path = dir.join("sum.snapshot");
    let good = fs::read(&path).unwrap();
    let torn = good[..good.len() - 16].to_vec();
    let other_life = encode_snapshot(
        crate::engine::wal::Lsn {
            generation: 9,
            index: 2,
        },
        b"7",
    );
    let ahead = encode_snapshot(
        crate::engine::wal::Lsn {
            generation: 1,
            index: 3,
        },
        b"7",
    );
    for bytes in [torn, other_life, ahead, Vec::new()] {
        fs::write(&path, bytes).unwrap();
        fs::write(dir.join("sum.snapshot.tmp"), b"half").unwrap();
        let store = open(OsStorage, &dir).unwrap();
        assert_eq!(store.project::<Sum>().sum, 3);
        assert_eq!(OsStorage.list(&dir).unwrap(), ["log"]);
    }
    fs::write(&path, good).unwrap();
    assert_eq!(open(OsStorage, &dir).unwrap().project::<Sum>().applied, 0);
}

#[test]
fn a_failed_barrier_is_final_and_reads_go_on() {
    for (method, is_append) in [
        ("data_barrier", true),
        ("write_at", true),
        ("create", false),
        ("write_at", false),
        ("barrier", false),
        ("rename", false),
        ("directory_barrier", false),
    ] {
        let bench = OnRealFiles::new();
        let (dir, storage) = (store(&bench), Faulty::default());
        let mut store = open(storage.clone(), &dir).unwrap();
        append(&mut store, "a", &["1"]);
        storage.fail_next(method, ErrorKind::Other, 0);
        let append = |store: &mut EventStore<Faulty>| {
            let appended = store.append("a", Expected::Any, vec![event("2")]);
            appended.map(drop)
        };
        let failed = match is_append {
            true => append(&mut store),
            false => store.snapshot::<Sum>(),
        };
        assert!(matches!(failed, Err(Error::Poisoned { .. })), "{method}");
        storage.take_calls();
        for refused in [append(&mut store), store.snapshot::<Sum>(), store.sync()] {
            assert!(matches!(refused, Err(Error::Poisoned { .. })), "{method}");
        }
        assert_eq!(all(&store), told(&[("a", 1, "1")]));
        assert!(store.close().is_err());
        assert!(storage.take_calls().is_empty(), "{method}");
        let found = all(&open(OsStorage, &dir).unwrap());
        assert_eq!(found[..1], told(&[("a", 1, "1")]));
    }
}

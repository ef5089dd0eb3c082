//! The as-found store: its bytes, its calls, and what it believes.

use super::*;
use crate::engine::Discipline;
use crate::engine::lsm::{AsFoundOptions, TornTail};
use std::io::ErrorKind;

fn as_found(flush_at: u64, as_found: AsFoundOptions) -> Options {
    Options {
        discipline: Discipline::AsFound,
        as_found,
        ..options(flush_at, 2)
    }
}

fn open(home: &Home, storage: &Faulty) -> Store<Faulty> {
    let options = as_found(1 << 20, AsFoundOptions::default());
    Store::open(storage.clone(), &home.store(), options).unwrap()
}

#[test]
fn it_writes_a_table_and_truncates_the_log_and_syncs_neither() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = open(&home, &storage);
    assert_eq!(store.put(b"k", b"vw").unwrap(), lsn(0, 1));
    store.write(&[put("a", "1"), delete("k")]).unwrap();
    store.sync().unwrap();
    store.flush().unwrap();
    store.compact().unwrap();
    store.put(b"b", b"").unwrap();
    store.close().unwrap();
    let calls = [
        "create_dir store",
        "create log",
        "append log 11",
        "append log 10",
        "append log 9",
        "create 1.sst",
        "append 1.sst 19",
        "set_len log 0",
        "append log 9",
    ];
    assert_eq!(storage.take_calls(), calls);
    assert_eq!(
        std::fs::read(home.file("1.sst")).unwrap(),
        b"\x01\0\0\0a\x01\0\0\x001\x01\0\0\0k\0\0\0\0"
    );
    let store = open(&home, &storage);
    assert!(storage.take_calls().is_empty());
    let expected = pairs(&[("a", "1"), ("b", ""), ("k", "")]);
    assert_eq!(all(&store), expected, "a deleted key has an empty value");
}

#[test]
fn its_settings_add_a_barrier_each() {
    let (home, storage) = (Home::new(), Faulty::default());
    let settings = AsFoundOptions {
        log_synced: true,
        table_synced: true,
        ..AsFoundOptions::default()
    };
    let options = as_found(0, settings);
    let store = Store::open(storage.clone(), &home.store(), options).unwrap();
    storage.take_calls();
    store.put(b"k", b"v").unwrap();
    store.flush().unwrap();
    let calls = [
        "append log 10",
        "data_barrier log",
        "create 1.sst",
        "append 1.sst 10",
        "barrier 1.sst",
        "directory_barrier store",
        "set_len log 0",
    ];
    assert_eq!(storage.take_calls(), calls);
}

#[test]
fn newer_tables_and_the_log_win_and_numbers_go_on_as_numbers() {
    let (home, storage) = (Home::new(), Faulty::default());
    for value in 1..=11u8 {
        let store = open(&home, &storage);
        store.put(b"a", &[value]).unwrap();
        store.flush().unwrap();
    }
    let store = open(&home, &storage);
    assert_eq!(store.get(b"a").unwrap(), Some(vec![11]));
    store.put(b"a", &[12]).unwrap();
    drop(store);
    let store = open(&home, &storage);
    assert_eq!(store.get(b"a").unwrap(), Some(vec![12]));
    store.flush().unwrap();
    assert!(home.file("12.sst").exists());
}

#[test]
fn a_full_log_is_flushed_before_the_next_append_in_chunks() {
    let (home, storage) = (Home::new(), Faulty::default());
    let options = as_found(100_000, AsFoundOptions::default());
    let store = Store::open(storage.clone(), &home.store(), options).unwrap();
    for key in ["a", "b"] {
        store.put(key.as_bytes(), &[7; 60_000]).unwrap();
    }
    storage.take_calls();
    store.put(b"c", b"").unwrap();
    assert_eq!(
        storage.take_calls(),
        [
            "create 1.sst",
            "append 1.sst 65536",
            &format!("append 1.sst {}", 2 * 60_009 - 65_536),
            "set_len log 0",
            "append log 9",
        ]
    );
    assert_eq!(store.stats().unwrap().flushes, 1);
}

#[test]
fn a_torn_tail_of_the_log_is_cut_or_left() {
    for (torn_tail, calls) in [
        (TornTail::Cut, &["set_len log 10"][..]),
        (TornTail::Leave, &[]),
    ] {
        let (home, storage) = (Home::new(), Faulty::default());
        std::fs::create_dir(home.store()).unwrap();
        let torn = b"\x01\0\0\0a\x01\0\0\0A\x01\0\0\0b\x04\0\0\0BBB";
        std::fs::write(home.file("log"), torn).unwrap();
        std::fs::write(home.file("1.sst"), torn).unwrap();
        let settings = AsFoundOptions {
            torn_tail,
            ..AsFoundOptions::default()
        };
        let options = as_found(1 << 20, settings);
        let store = Store::open(storage.clone(), &home.store(), options).unwrap();
        assert_eq!(storage.take_calls(), calls);
        assert_eq!(all(&store), pairs(&[("a", "A")]));
    }
}

#[test]
fn a_failed_flush_does_not_stop_it() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = open(&home, &storage);
    store.put(b"a", b"1").unwrap();
    storage.fail_next("append", ErrorKind::StorageFull, 3);
    assert!(store.flush().is_err());
    store.put(b"b", b"2").unwrap();
    store.flush().unwrap();
    let store = {
        drop(store);
        open(&home, &storage)
    };
    assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
}

#[test]
fn neither_discipline_touches_the_files_of_the_other() {
    let (home, storage) = (Home::new(), Faulty::default());
    let durable = home.open_on(&storage).unwrap();
    durable.put(b"a", b"1").unwrap();
    let options = as_found(1 << 20, AsFoundOptions::default());
    let refused = |home: &Home| {
        let error = Store::open(storage.clone(), &home.store(), options).unwrap_err();
        assert!(matches!(error, Error::OtherDiscipline { .. }), "{error}");
        assert!(storage.take_calls().is_empty());
    };
    drop(durable);
    storage.take_calls();
    refused(&home);
    home.open().unwrap().flush().unwrap();
    refused(&home);

    let home = Home::new();
    let store = open(&home, &storage);
    store.put(b"a", b"1").unwrap();
    let durable = |home: &Home| home.open_on(&storage).unwrap_err();
    assert!(matches!(durable(&home), Error::Locked { .. }));
    drop(store);
    assert!(matches!(durable(&home), Error::Foreign { .. }));
    open(&home, &storage).flush().unwrap();
    assert!(matches!(durable(&home), Error::OtherDiscipline { .. }));
}

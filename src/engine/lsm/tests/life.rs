//! A store that nothing happens to: what it keeps, and which calls it makes, in which order.

use super::*;
use crate::engine::lsm::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// What a store goes through; the same on every storage.
fn a_life<S: Storage>(storage: S, dir: &Path) {
    let open = || Store::open(storage.clone(), dir, options(1 << 20, 2)).unwrap();
    let store = open();
    assert_eq!(store.put(b"a", b"1").unwrap(), lsn(1, 1));
    assert_eq!(
        store
            .write(&[put("b", "2"), put("c", "3"), put("b", "4")])
            .unwrap(),
        lsn(1, 2)
    );
    store.flush().unwrap();
    assert_eq!(store.delete(b"a").unwrap(), lsn(1, 3));
    assert_eq!(all(&store), pairs(&[("b", "4"), ("c", "3")]));
    store.close().unwrap();

    let store = open();
    assert_eq!(store.get(b"a").unwrap(), None);
    assert_eq!(store.get(b"b").unwrap(), Some(b"4".to_vec()));
    assert_eq!(store.put(b"d", b"").unwrap(), lsn(2, 4));
    store.flush().unwrap();
    assert_eq!(
        tables(&store),
        [(1, 4, 1, 3)],
        "two tables of level 0 were merged"
    );
    assert_eq!(store.put(b"e", b"5").unwrap(), lsn(2, 5));
    drop(store);

    let store = open();
    assert_eq!(store.put(b"f", b"6").unwrap(), lsn(3, 6));
    let from_b: Vec<_> = store.scan("b".."f").rev().map(Result::unwrap).collect();
    assert_eq!(
        from_b,
        pairs(&[("e", "5"), ("d", ""), ("c", "3"), ("b", "4")])
    );
    store.compact().unwrap();
    assert_eq!(tables(&store), [(1, 6, 2, 5)]);
    assert_eq!(open_again(store, open).put(b"g", b"").unwrap(), lsn(4, 7));
}

fn open_again<S: Storage>(store: Store<S>, open: impl Fn() -> Store<S>) -> Store<S> {
    let before = all(&store);
    store.close().unwrap();
    let store = open();
    assert_eq!(all(&store), before);
    store
}

#[test]
fn a_store_keeps_what_was_written_on_real_files() {
    a_life(OsStorage, &Home::new().store());
}

#[test]
fn a_store_keeps_what_was_written_on_the_simulated_disk() {
    a_life(machine(), Path::new("store"));
}

#[test]
fn a_new_store_is_two_logs_with_durable_headers_and_durable_names() {
    let (home, storage) = (Home::new(), Faulty::default());
    home.open_on(&storage).unwrap();
    assert_eq!(
        storage.take_calls(),
        [
            "create_dir store",
            "create log.tmp",
            "write_at log.tmp 0 16",
            "barrier log.tmp",
            "rename log.tmp",
            "create log.2.tmp",
            "write_at log.2.tmp 0 16",
            "barrier log.2.tmp",
            "rename log.2.tmp",
            "directory_barrier store",
            &format!("directory_barrier {}", home.name()),
            "write_at log 16 16",
            "barrier log",
            "write_at log.2 16 16",
            "barrier log.2",
        ]
    );
}

#[test]
fn a_creation_goes_on_where_a_crash_ended_it() {
    for (missing, kept) in [("log", "log.2"), ("log.2", "log")] {
        let (home, storage) = (Home::new(), Faulty::default());
        home.open_on(&storage).unwrap();
        std::fs::remove_file(home.file(missing)).unwrap();
        std::fs::write(home.file("log.2.tmp"), "half a header").unwrap();
        storage.take_calls();
        let store = home.open_on(&storage).unwrap();
        let made = format!("create {missing}.tmp");
        assert_eq!(storage.take_calls()[..2], ["remove log.2.tmp", &made]);
        assert_eq!(store.put(b"a", b"1").unwrap(), lsn(1, 1));
        drop(store);
        std::fs::remove_file(home.file(kept)).unwrap();
        let has_records = missing == "log";
        let refused = matches!(home.open(), Err(Error::LogMissing { .. }));
        assert_eq!(refused, has_records, "the record is in the first log");
    }
}

#[test]
fn a_write_is_one_write_and_one_data_barrier() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    storage.take_calls();
    store.write(&[put("k", "v"), delete("l")]).unwrap();
    assert_eq!(
        storage.take_calls(),
        ["write_at log 16 64", "data_barrier log"]
    );
}

#[test]
fn a_flush_makes_the_table_durable_and_the_next_record_goes_to_the_head_of_the_other_log() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = Store::open(
        storage.clone(),
        &home.store(),
        Options {
            sync: SyncMode::Never,
            ..options(1 << 20, 4)
        },
    )
    .unwrap();
    store.put(b"a", b"1").unwrap();
    store.put(b"b", b"2").unwrap();
    storage.take_calls();
    store.flush().unwrap();
    let mut calls = storage.take_calls();
    assert!(calls.remove(2).starts_with("write_at 1-2.sst.tmp 0 "));
    assert_eq!(
        calls,
        [
            "data_barrier log",
            "create 1-2.sst.tmp",
            "barrier 1-2.sst.tmp",
            "rename 1-2.sst.tmp",
            "directory_barrier store",
        ]
    );
    store.flush().unwrap();
    store.put(b"c", b"3").unwrap();
    assert_eq!(storage.take_calls(), ["write_at log.2 16 48"]);
    let len = |log| std::fs::metadata(home.file(log)).unwrap().len();
    assert_eq!(len("log"), 16 + 2 * 48, "nothing is truncated");
    store.flush().unwrap();
    store.put(b"d", b"4").unwrap();
    assert!(storage.take_calls().contains(&"write_at log 16 48".into()));
    assert_eq!(len("log"), 16 + 2 * 48);
}

#[test]
fn a_synced_log_needs_no_barrier_before_its_table() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    store.put(b"a", b"1").unwrap();
    storage.take_calls();
    store.flush().unwrap();
    assert_eq!(storage.take_calls()[0], "create 1-1.sst.tmp");
}

#[test]
fn the_newest_tables_of_one_level_are_merged_and_their_inputs_removed_oldest_first() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    for key in ["a", "b", "c"] {
        store.put(key.as_bytes(), b"").unwrap();
        store.flush().unwrap();
    }
    assert_eq!(tables(&store), [(3, 3, 0, 1), (1, 2, 1, 2)]);
    store.put(b"d", b"").unwrap();
    storage.take_calls();
    store.flush().unwrap();
    let calls = storage.take_calls();
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| !call.starts_with("write"))
        .collect();
    assert_eq!(
        calls,
        [
            "create 4-4.sst.tmp",
            "barrier 4-4.sst.tmp",
            "rename 4-4.sst.tmp",
            "directory_barrier store",
            "create 3-4.sst.tmp",
            "barrier 3-4.sst.tmp",
            "rename 3-4.sst.tmp",
            "directory_barrier store",
            "remove 3-3.sst",
            "remove 4-4.sst",
            "create 1-4.sst.tmp",
            "barrier 1-4.sst.tmp",
            "rename 1-4.sst.tmp",
            "directory_barrier store",
            "remove 1-2.sst",
            "remove 3-4.sst",
        ]
    );
    assert_eq!(tables(&store), [(1, 4, 2, 4)]);
    assert_eq!(home.names(), ["1-4.sst", "log", "log.2"]);
}

#[test]
fn the_write_that_finds_the_log_full_goes_to_the_other_one_and_a_table_is_made_beside() {
    let home = Home::new();
    let store = Store::open(OsStorage, &home.store(), options(96, 4)).unwrap();
    for key in ["a", "b", "c"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    assert_eq!(store.stats().unwrap().log_bytes, 3 * 48);
    assert!(tables(&store).is_empty());
    assert!(store.run_one().unwrap());
    assert_eq!(tables(&store), [(1, 2, 0, 2)]);
    assert_eq!(store.stats().unwrap().log_bytes, 48);
    assert_eq!(store.stats().unwrap().flushes, 1);
    assert!(!store.run_one().unwrap());
}

#[test]
fn the_write_that_finds_both_logs_full_makes_the_table_itself() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = Store::open(storage.clone(), &home.store(), options(96, 4)).unwrap();
    for key in ["a", "b", "c", "d"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    storage.take_calls();
    store.put(b"e", b"").unwrap();
    let mut calls = storage.take_calls();
    assert!(calls.remove(1).starts_with("write_at 1-2.sst.tmp 0 "));
    assert_eq!(
        calls,
        [
            "create 1-2.sst.tmp",
            "barrier 1-2.sst.tmp",
            "rename 1-2.sst.tmp",
            "directory_barrier store",
            "write_at log 16 48",
            "data_barrier log",
        ]
    );
    assert_eq!(tables(&store), [(1, 2, 0, 2)]);
    assert_eq!(store.stats().unwrap().log_bytes, 3 * 48);
}

#[test]
fn logs_that_are_always_full_take_one_record_each() {
    let home = Home::new();
    let store = Store::open(OsStorage, &home.store(), options(0, 9)).unwrap();
    for key in ["a", "b", "c"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    assert_eq!(tables(&store), [(1, 1, 0, 1)]);
    store.flush().unwrap();
    assert_eq!(tables(&store), [(3, 3, 0, 1), (2, 2, 0, 1), (1, 1, 0, 1)]);
    store.flush().unwrap();
    assert_eq!(store.stats().unwrap().flushes, 3, "nothing is nothing");
}

#[test]
fn an_open_tells_the_log_that_is_due_from_the_active_one() {
    let home = Home::new();
    let open = || Store::open(OsStorage, &home.store(), options(96, 4)).unwrap();
    let mut store = open();
    for key in ["a", "b", "c"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    // Twice, so that either log is the one that is due.
    for (table, more) in [((1, 2), ["d", "e"]), ((3, 4), ["f", "g"])] {
        store = open_again(store, open);
        assert!(store.run_one().unwrap());
        assert_eq!((tables(&store)[0].0, tables(&store)[0].1), table);
        for key in more {
            store.put(key.as_bytes(), b"").unwrap();
        }
    }
}

#[test]
fn a_tombstone_stays_as_long_as_an_older_table_may_hold_what_it_hides() {
    let home = Home::new();
    let store = home.open().unwrap();
    for _ in 0..2 {
        store.put(b"a", b"1").unwrap();
        store.flush().unwrap();
    }
    assert_eq!(tables(&store), [(1, 2, 1, 1)]);
    store.delete(b"a").unwrap();
    store.flush().unwrap();
    assert_eq!(tables(&store)[0], (3, 3, 0, 1), "the tombstone");
    assert_eq!(store.get(b"a").unwrap(), None);
    store.compact().unwrap();
    assert_eq!(tables(&store), [(1, 3, 2, 0)], "an empty table");
    assert_eq!(home.open_after(store).get(b"a").unwrap(), None);
}

#[test]
fn a_tombstone_survives_a_merge_above_an_older_table() {
    let home = Home::new();
    let store = home.open().unwrap();
    let flushed = |write: Write| {
        store.write(&[write]).unwrap();
        store.flush().unwrap();
    };
    // The tables of level 0 are 1 to 2 and merged; then 3, and 3 to 4 at level 1, are above it.
    flushed(put("a", "1"));
    flushed(put("b", "1"));
    store.compact().unwrap();
    assert_eq!(tables(&store), [(1, 2, 1, 2)]);
    drop(store);
    let store = Store::open(OsStorage, &home.store(), options(1 << 20, 3)).unwrap();
    for write in [delete("a"), put("c", "1"), delete("c")] {
        store.write(&[write]).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(tables(&store), [(3, 5, 1, 2), (1, 2, 1, 2)]);
    assert_eq!(all(&store), pairs(&[("b", "1")]));
}

#[test]
fn an_open_syncs_the_names_first_and_removes_what_is_left_over_last() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    for key in ["a", "b"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    let saved = std::fs::read(home.file("log")).unwrap();
    store.flush().unwrap();
    let table = std::fs::read(home.file("1-2.sst")).unwrap();
    store.put(b"c", b"").unwrap();
    store.compact().unwrap();
    drop(store);
    for (name, bytes) in [
        ("1-2.sst", &table),
        ("1-9.sst.tmp", &saved),
        ("1-10.sst.tmp", &saved),
        ("log.tmp", &saved),
        ("log", &saved),
    ] {
        std::fs::write(home.file(name), bytes).unwrap();
    }
    storage.take_calls();
    let store = home.open_on(&storage).unwrap();
    assert_eq!(
        storage.take_calls(),
        [
            "directory_barrier store",
            &format!("directory_barrier {}", home.name()),
            "write_at log 16 16",
            "barrier log",
            "write_at log.2 16 16",
            "barrier log.2",
            "remove 1-10.sst.tmp",
            "remove 1-9.sst.tmp",
            "remove log.tmp",
            "remove 1-2.sst",
        ]
    );
    assert_eq!(all(&store), pairs(&[("a", ""), ("b", ""), ("c", "")]));
    assert_eq!(store.put(b"d", b"").unwrap(), lsn(2, 4));
}

#[test]
fn an_open_writes_live_records_that_no_mark_covers_again() {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    store.put(b"a", b"").unwrap();
    store.flush().unwrap();
    for key in ["b", "c"] {
        store.put(key.as_bytes(), b"").unwrap();
    }
    drop(store);
    storage.take_calls();
    let store = home.open_on(&storage).unwrap();
    assert_eq!(
        storage.take_calls()[2..],
        [
            "write_at log 16 16",
            "barrier log",
            "write_at log.2 64 48",
            "write_at log.2 112 16",
            "barrier log.2",
        ]
    );
    assert_eq!(store.stats().unwrap().durable_mark, 3);
}

#[test]
fn sync_and_close_cover_what_is_not_covered_and_nothing_else() {
    let (home, storage) = (Home::new(), Faulty::default());
    let options = Options {
        sync: SyncMode::Never,
        ..options(1 << 20, 4)
    };
    let store = Store::open(storage.clone(), &home.store(), options).unwrap();
    store.put(b"a", b"").unwrap();
    storage.take_calls();
    store.sync().unwrap();
    assert!(
        storage.take_calls().is_empty(),
        "the first of a life is synced"
    );
    store.put(b"b", b"").unwrap();
    storage.take_calls();
    store.close().unwrap();
    assert_eq!(storage.take_calls(), ["data_barrier log"]);
}

#[test]
fn keys_and_values_are_bytes_of_any_kind_and_size() {
    let home = Home::new();
    let expected = [
        (vec![], vec![]),
        (vec![0xFF, 0xC0, 0], vec![0x80; 3]),
        (b"larger than a block".to_vec(), vec![b'x'; 10_000]),
        (vec![b'z'; KEY_BYTES_MAX], vec![7; VALUE_BYTES_MAX]),
    ];
    let store = home.open().unwrap();
    for (key, value) in &expected {
        store.put(key, value).unwrap();
    }
    let check = |store: &Store<OsStorage>| {
        for (key, value) in &expected {
            assert!(store.get(key).unwrap().as_ref() == Some(value));
        }
        assert_eq!(store.scan::<[u8]>(..).count(), expected.len());
    };
    check(&store);
    let store = home.open_after(store);
    check(&store);
    store.compact().unwrap();
    check(&store);
    check(&home.open_after(store));
}

#[test]
fn a_write_over_a_limit_is_refused_and_the_store_goes_on() {
    let home = Home::new();
    let store = Store::open(OsStorage, &home.store(), options(0, 2)).unwrap();
    store.put(b"a", b"").unwrap();
    let key = vec![0; KEY_BYTES_MAX + 1];
    for refused in [store.delete(&key), store.put(&key, b"")] {
        assert!(matches!(refused, Err(Error::TooLarge { what: "key", .. })));
    }
    let value = vec![0; VALUE_BYTES_MAX + 1];
    assert!(matches!(
        store.put(b"", &value),
        Err(Error::TooLarge { what: "value", .. })
    ));
    assert!(matches!(store.write(&[]), Err(Error::EmptyBatch)));
    assert!(tables(&store).is_empty(), "nothing was flushed for it");
    assert_eq!(store.put(b"b", b"").unwrap(), lsn(1, 2));
}

impl Home {
    fn open_after(&self, store: Store<OsStorage>) -> Store<OsStorage> {
        drop(store);
        self.open().unwrap()
    }
}

//! A log that nothing happens to: what it keeps, and which calls it makes, in which order.

use super::format::any_write;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn what_was_appended_is_there_in_the_next_life() {
    let home = Home::new();
    let log = home.open().unwrap();
    let batch = [put("b", "2"), delete("a"), put("", "")];
    assert_eq!(log.append(&put("a", "1")).unwrap(), lsn(1, 1));
    assert_eq!(log.append_batch(&batch).unwrap(), lsn(1, 2));
    let expected = [
        Record {
            lsn: lsn(1, 1),
            writes: vec![put("a", "1")],
        },
        Record {
            lsn: lsn(1, 2),
            writes: batch.to_vec(),
        },
    ];
    assert_eq!(all(&log), expected);
    drop(log);
    assert_eq!(home.recovered(), expected);
}

#[test]
fn a_life_that_appends_has_a_generation_and_one_that_does_not_has_none() {
    let home = Home::new();
    for _ in 0..3 {
        home.open().unwrap().close().unwrap();
    }
    assert_eq!(
        home.open().unwrap().append(&put("a", "")).unwrap(),
        lsn(1, 1)
    );
    home.open().unwrap();
    assert_eq!(
        home.open().unwrap().append(&put("b", "")).unwrap(),
        lsn(2, 2)
    );
    assert_eq!(home.open().unwrap().last(), Some(lsn(2, 2)));
}

#[test]
fn reading_goes_on_after_a_position_even_one_that_was_lost() {
    let home = Home::new();
    home.open().unwrap().append(&put("a", "")).unwrap();
    let log = home.open().unwrap();
    log.append(&put("b", "")).unwrap();
    let after = |at| {
        log.read_from(Some(at))
            .map(|record| record.unwrap().lsn)
            .collect::<Vec<_>>()
    };
    assert_eq!(after(lsn(1, 1)), [lsn(2, 2)]);
    assert_eq!(after(lsn(1, 9)), [lsn(2, 2)]);
    assert_eq!(after(lsn(2, 2)), []);
}

#[test]
fn keys_and_values_are_bytes_of_any_kind_and_size() {
    let home = Home::new();
    let writes = [
        Write::Put {
            key: vec![0xFF, 0xC0, 0],
            value: vec![0x80; 3],
        },
        put("larger than a block", &"x".repeat(10_000)),
        Write::Put {
            key: vec![b'k'; super::super::KEY_BYTES_MAX],
            value: vec![],
        },
        Write::Put {
            key: vec![],
            value: vec![7; super::super::VALUE_BYTES_MAX],
        },
        delete(""),
    ];
    let log = home.open().unwrap();
    for write in &writes {
        log.append(write).unwrap();
    }
    drop(log);
    let recovered: Vec<_> = home
        .recovered()
        .into_iter()
        .flat_map(|r| r.writes)
        .collect();
    assert!(recovered == writes);
}

#[test]
fn a_write_over_a_limit_is_refused_and_the_log_goes_on() {
    let home = Home::new();
    let log = home.open().unwrap();
    let too_large = Write::Delete {
        key: vec![0; super::super::KEY_BYTES_MAX + 1],
    };
    assert!(matches!(
        log.append(&too_large),
        Err(Error::TooLarge { what: "key", .. })
    ));
    assert!(matches!(log.append_batch(&[]), Err(Error::EmptyBatch)));
    assert_eq!(log.append(&put("a", "")).unwrap(), lsn(1, 1));
}

#[test]
fn recovering_twice_leaves_the_same_bytes() {
    let home = Home::new();
    for key in ["a", "b"] {
        home.open().unwrap().append(&put(key, "value")).unwrap();
    }
    home.open().unwrap();
    let once = home.bytes();
    home.open().unwrap();
    assert_eq!(home.bytes(), once);
}

#[test]
fn the_file_gets_its_name_after_its_header_is_durable() {
    let (home, storage) = (Home::new(), Faulty::default());
    home.open_with(&storage, SyncMode::EveryWrite).unwrap();
    assert_eq!(
        storage.take_calls(),
        [
            "create_dir store",
            "create log.tmp",
            "write_at log.tmp 0 16",
            "barrier log.tmp",
            "rename log.tmp",
            "directory_barrier store",
            &format!("directory_barrier {}", name(home.0.path())),
        ]
    );
}

#[test]
fn a_leftover_of_a_creation_is_removed_with_or_without_a_log() {
    let home = Home::new();
    std::fs::create_dir(home.store()).unwrap();
    let leftover = home.store().join("log.tmp");
    for _ in 0..2 {
        std::fs::write(&leftover, "half a hea").unwrap();
        home.open().unwrap();
        assert!(!leftover.exists());
    }
}

#[test]
fn recovery_writes_what_no_mark_covers_again_then_the_end_mark_then_syncs() {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = home.open_with(&storage, every(3)).unwrap();
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        log.append(&put(key, "")).unwrap();
    }
    drop(log);
    // a is synced as the first of its life, d as the third after it; e, f and g carry the mark 4.
    storage.take_calls();
    home.open_with(&storage, every(3)).unwrap();
    assert_eq!(
        storage.take_calls(),
        [
            "write_at log 208 48",
            "write_at log 256 48",
            "write_at log 304 48",
            "write_at log 352 16",
            "barrier log",
            "directory_barrier store",
            &format!("directory_barrier {}", name(home.0.path())),
        ]
    );
}

/// The barriers among these calls: for each append whether it had one.
fn barriers(sync: SyncMode, appends: usize) -> (Vec<bool>, Log<Faulty>, Faulty, Home) {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = home.open_with(&storage, sync).unwrap();
    let had = (0..appends).map(|_| {
        storage.take_calls();
        log.append(&put("k", "v")).unwrap();
        storage
            .take_calls()
            .contains(&"data_barrier log".to_owned())
    });
    (had.collect(), log, storage, home)
}

#[test]
fn each_mode_has_its_barriers_and_every_life_has_a_first() {
    assert_eq!(barriers(SyncMode::EveryWrite, 3).0, [true; 3]);
    assert_eq!(barriers(every(1), 3).0, [true; 3]);
    assert_eq!(
        barriers(every(2), 6).0,
        [true, false, true, false, true, false]
    );
    assert_eq!(barriers(SyncMode::Never, 4).0, [true, false, false, false]);
}

#[test]
fn sync_and_close_cover_what_is_not_covered_and_nothing_else() {
    let (_, log, storage, _home) = barriers(SyncMode::Never, 3);
    assert_eq!(log.durable_mark(), 1);
    log.sync().unwrap();
    assert_eq!(
        (storage.take_calls(), log.durable_mark()),
        (vec!["data_barrier log".into()], 3)
    );
    log.sync().unwrap();
    assert!(storage.take_calls().is_empty());
    log.append(&put("k", "v")).unwrap();
    storage.take_calls();
    log.close().unwrap();
    assert_eq!(storage.take_calls(), ["data_barrier log"]);
}

#[test]
fn a_sync_starts_the_count_of_every_n_again() {
    let (_, log, storage, _home) = barriers(every(2), 2);
    log.sync().unwrap();
    storage.take_calls();
    log.append(&put("k", "v")).unwrap();
    assert_eq!(storage.take_calls().len(), 1);
}

#[test]
fn nothing_is_synced_by_a_drop() {
    let (_, log, storage, _home) = barriers(SyncMode::Never, 3);
    storage.take_calls();
    drop(log);
    assert!(storage.take_calls().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>),
    Sync,
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(any_write(), 1..4).prop_map(Step::Append),
        1 => Just(Step::Sync),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_life_reads_what_all_lives_wrote(
        steps in vec(any_step(), 0..30),
        sync in prop_oneof![Just(SyncMode::EveryWrite), (1u32..4).prop_map(every), Just(SyncMode::Never)],
    ) {
        let (home, storage) = (Home::new(), Faulty::default());
        let mut log = home.open_with(&storage, sync).unwrap();
        let mut expected: Vec<Record> = Vec::new();
        for step in steps {
            match step {
                Step::Append(writes) => {
                    let lsn = log.append_batch(&writes).unwrap();
                    prop_assert!(expected.last().is_none_or(|last| last.lsn < lsn));
                    expected.push(Record { lsn, writes });
                }
                Step::Sync => log.sync().unwrap(),
                Step::Reopen => {
                    drop(log);
                    log = home.open_with(&storage, sync).unwrap();
                }
            }
            prop_assert_eq!(&all(&log), &expected);
        }
    }
}

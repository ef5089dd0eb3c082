//! Storage that fails, files that are missing, damaged or not ours, and openers that are refused: a
//! typed error, nothing is changed, and nothing is lost.

use super::*;
use crate::engine::wal;
use crate::storage::simulated::{Fault, Point};
use std::fs;
use std::io::ErrorKind;

/// A store with `a` in a table and `b` in the log.
fn two_records() -> (Home, Faulty, Store<Faulty>) {
    let (home, storage) = (Home::new(), Faulty::default());
    let store = home.open_on(&storage).unwrap();
    store.put(b"a", b"1").unwrap();
    store.flush().unwrap();
    store.put(b"b", b"2").unwrap();
    storage.take_calls();
    (home, storage, store)
}

/// Every file with its bytes.
fn files(home: &Home) -> Vec<(String, Vec<u8>)> {
    let names = home.names().into_iter();
    names
        .map(|name| (name.clone(), fs::read(home.file(&name)).unwrap()))
        .collect()
}

fn is_poisoned(error: &Error, kind: ErrorKind) -> bool {
    let Error::Poisoned { because } = error else {
        return false;
    };
    match &**because {
        Error::Storage { source, .. } => source.kind() == kind,
        Error::Log(wal::Error::Poisoned { because }) => match &**because {
            wal::Error::Io { source, .. } | wal::Error::DiskFull { source, .. } => {
                source.kind() == kind
            }
            _ => false,
        },
        _ => false,
    }
}

#[test]
fn a_failed_barrier_is_final_and_reads_go_on() {
    for (method, is_write) in [
        ("data_barrier", true),
        ("barrier", false),
        ("directory_barrier", false),
        ("rename", false),
        ("create", false),
        ("remove", false),
    ] {
        let (home, storage, store) = two_records();
        let snapshot = store.snapshot();
        storage.fail_next(method, ErrorKind::Other, 0);
        let failed = match is_write {
            true => store.put(b"c", b"3").map(drop),
            false => store.flush(),
        };
        let failed = failed.unwrap_err();
        assert!(is_poisoned(&failed, ErrorKind::Other), "{method}: {failed}");
        storage.take_calls();
        for refused in [
            store.put(b"c", b"3").map(drop),
            store.flush(),
            store.compact(),
            store.sync(),
        ] {
            assert!(is_poisoned(&refused.unwrap_err(), ErrorKind::Other));
        }
        let expected = pairs(&[("a", "1"), ("b", "2")]);
        assert_eq!(all(&store), expected);
        assert_eq!(snapshot.get(b"b").unwrap(), Some(b"2".to_vec()));
        assert!(store.close().is_err());
        assert!(storage.take_calls().is_empty(), "{method}");
        // c was written whole: it may be found, and then it is durable.
        let found = all(&home.open().unwrap());
        assert_eq!(found[..2], expected);
        assert_eq!(found.len(), if is_write { 3 } else { 2 });
    }
}

#[test]
fn nothing_is_lost_by_a_full_disk_whenever_it_fills() {
    let steps = |store: &Store<Simulated>| -> Result<usize, Error> {
        let mut acknowledged = 0;
        for number in 0..12u8 {
            if let Err(error) = store.put(&[number % 5], &[number; 30]) {
                assert!(is_poisoned(&error, ErrorKind::StorageFull), "{error}");
                return Ok(acknowledged);
            }
            acknowledged += 1;
        }
        store.compact().map(|()| acknowledged)
    };
    let expected = |writes: usize| {
        let map = (0..writes as u8).map(|number| (vec![number % 5], vec![number; 30]));
        let map: std::collections::BTreeMap<_, _> = map.collect();
        map.into_iter().collect::<Pairs>()
    };
    let open = |machine: &Simulated| {
        let options = options(200, 2);
        Store::open(machine.clone(), Path::new("store"), options)
    };
    let mut struck = 0;
    for call in 0.. {
        let machine = machine();
        let store = open(&machine).unwrap();
        let point = Point::Call(machine.calls() + call);
        let kind = ErrorKind::StorageFull;
        machine.plan(point, Fault::Error { kind, written: 20 });
        let done = steps(&store);
        let writes = match done {
            Ok(12) => {
                assert_eq!(all(&store), expected(12));
                break;
            }
            Ok(writes) => writes,
            Err(error) => {
                assert!(is_poisoned(&error, kind), "{error}");
                12
            }
        };
        struck += 1;
        assert_eq!(all(&store), expected(writes), "reads go on");
        drop(store);
        let store = open(&machine).unwrap();
        let found = all(&store);
        assert!(found == expected(writes) || found == expected(writes + 1));
        store.put(b"after", b"").unwrap();
    }
    assert!(struck > 40, "{struck} calls");
}

#[test]
fn a_failure_of_an_open_is_an_error_and_the_next_open_does_all_of_it_again() {
    for method in ["write_at", "barrier", "directory_barrier", "remove"] {
        let (home, storage, store) = two_records();
        drop(store);
        fs::write(home.file("5-9.sst.tmp"), "half a tab").unwrap();
        storage.fail_next(method, ErrorKind::StorageFull, 7);
        let error = home.open_on(&storage).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Storage { .. } | Error::Log(wal::Error::DiskFull { .. })
            ),
            "{error}"
        );
        let store = home.open_on(&storage).unwrap();
        assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
        assert_eq!(home.names(), ["1-1.sst", "log", "log.2"]);
    }
}

#[test]
fn a_store_and_a_log_do_not_take_each_other_for_their_own() {
    let home = Home::new();
    home.open().unwrap().put(b"a", b"1").unwrap();
    let log = || wal::Log::open(OsStorage, &home.store(), wal::Options::default());
    let error = log().unwrap_err();
    assert!(
        matches!(error, wal::Error::OtherEngine { found: 2, .. }),
        "{error}"
    );
    fs::remove_file(home.file("log")).unwrap();
    log().unwrap();
    let error = home.open().unwrap_err();
    assert!(
        matches!(error, Error::OtherEngine { found: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_second_opener_is_told_that_the_store_is_open() {
    let home = Home::new();
    let first = home.open().unwrap();
    let error = home.open().unwrap_err();
    assert!(
        matches!(&error, Error::Locked { dir } if *dir == home.store()),
        "{error}"
    );
    let scan = first.scan::<[u8]>(..);
    drop(first);
    home.open().unwrap();
    drop(scan);
}

#[test]
fn a_store_that_is_not_as_it_was_left_is_refused_and_left_alone() {
    type Change = fn(&Home);
    let cases: [(&str, Change, &str); 14] = [
        (
            "a log of somebody else",
            |home| fs::write(home.file("log"), "a diary").unwrap(),
            "Foreign",
        ),
        (
            "a log of the log engine",
            |home| edit(home, "log", 8, 1),
            "OtherEngine",
        ),
        (
            "a newer log",
            |home| edit(home, "log", 10, 9),
            "OtherVersion",
        ),
        (
            "a damaged header of the log",
            |home| edit(home, "log", 12, 0),
            "Log(DamagedHeader",
        ),
        (
            "no log",
            |home| fs::remove_file(home.file("log")).unwrap(),
            "LogMissing",
        ),
        (
            "no second log",
            |home| fs::remove_file(home.file("log.2")).unwrap(),
            "LogMissing",
        ),
        (
            "a second log of somebody else",
            |home| fs::write(home.file("log.2"), "a diary").unwrap(),
            "Foreign",
        ),
        (
            "a table of somebody else",
            |home| fs::write(home.file("1-1.sst"), "a diary").unwrap(),
            "Foreign",
        ),
        (
            "a table of another engine",
            |home| edit(home, "1-1.sst", 8, 1),
            "OtherEngine",
        ),
        (
            "a newer table",
            |home| edit(home, "1-1.sst", 10, 9),
            "OtherVersion",
        ),
        (
            "a table cut short",
            |home| {
                let bytes = fs::read(home.file("1-1.sst")).unwrap();
                fs::write(home.file("1-1.sst"), &bytes[..bytes.len() - 16]).unwrap();
            },
            "Damaged",
        ),
        (
            "a table under another name",
            |home| {
                fs::rename(home.file("1-1.sst"), home.file("1-2.sst")).unwrap();
            },
            "Damaged",
        ),
        (
            "no table, and its log is written over",
            |home| {
                let store = home.open().unwrap();
                store.flush().unwrap();
                store.put(b"c", b"3").unwrap();
                drop(store);
                fs::remove_file(home.file("1-2.sst")).unwrap();
            },
            "Hole",
        ),
        (
            "a hole between tables",
            |home| {
                fs::copy(home.file("1-1.sst"), home.file("5-6.sst")).unwrap();
            },
            "Hole",
        ),
    ];
    for (what, change, expected) in cases {
        let (home, storage, store) = two_records();
        drop(store);
        change(&home);
        fs::write(home.file("5-9.sst.tmp"), "perhaps theirs").unwrap();
        fs::write(home.file("log.tmp"), "perhaps theirs").unwrap();
        let before = files(&home);
        let error = home.open_on(&storage).unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{what}: {error:?}"
        );
        let dir = home.store().display().to_string();
        assert!(error.to_string().contains(&dir), "{what}: {error}");
        assert!(storage.take_calls().is_empty(), "{what}");
        assert_eq!(files(&home), before, "{what}");
    }
}

/// Sets one byte of a file.
fn edit(home: &Home, name: &str, at: usize, byte: u8) {
    let mut bytes = fs::read(home.file(name)).unwrap();
    bytes[at] = byte;
    fs::write(home.file(name), bytes).unwrap();
}

#[test]
fn a_table_that_is_missing_is_made_again_where_its_log_is_still_there() {
    let (home, _, store) = two_records();
    drop(store);
    fs::remove_file(home.file("1-1.sst")).unwrap();
    let store = home.open().unwrap();
    assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
    assert!(store.run_one().unwrap());
    assert_eq!(tables(&store), [(1, 1, 0, 1)]);
}

#[test]
fn any_flipped_bit_of_a_footer_is_refused() {
    let (home, _, store) = two_records();
    drop(store);
    let whole = fs::read(home.file("1-1.sst")).unwrap();
    for bit in 0..48 * 8 {
        let mut bytes = whole.clone();
        let at = whole.len() - 1 - bit / 8;
        bytes[at] ^= 1 << (bit % 8);
        fs::write(home.file("1-1.sst"), bytes).unwrap();
        let error = home.open().unwrap_err();
        assert!(
            matches!(error, Error::Damaged { .. }),
            "bit {bit}: {error:?}"
        );
    }
}

#[test]
fn a_damaged_superseded_table_is_removed_as_any_other() {
    let (home, _, store) = two_records();
    store.compact().unwrap();
    drop(store);
    fs::write(home.file("2-2.sst"), "came back, in part").unwrap();
    assert_eq!(all(&home.open().unwrap()), pairs(&[("a", "1"), ("b", "2")]));
    assert_eq!(home.names(), ["1-2.sst", "log", "log.2"]);
}

#[test]
fn a_damaged_block_is_an_error_where_it_is_read_and_poisons_nothing() {
    let (home, _, store) = two_records();
    drop(store);
    edit(&home, "1-1.sst", 40, 0xEE);
    let store = home.open().unwrap();
    assert!(matches!(store.get(b"a"), Err(Error::Damaged { .. })));
    assert_eq!(store.get(b"b").unwrap(), Some(b"2".to_vec()));
    store.put(b"a", b"3").unwrap();
    assert_eq!(store.get(b"a").unwrap(), Some(b"3".to_vec()));
}

#[test]
fn a_file_where_the_store_should_be_is_left_alone() {
    let home = Home::new();
    fs::write(home.store(), "mine").unwrap();
    assert!(matches!(home.open(), Err(Error::Storage { .. })));
    assert_eq!(fs::read(home.store()).unwrap(), b"mine");
}

#[test]
fn errors_are_one_sentence_for_the_person_at_the_terminal() {
    let (_home, storage, store) = two_records();
    storage.fail_next("create", ErrorKind::StorageFull, 0);
    assert_eq!(
        store.flush().unwrap_err().to_string(),
        "what was acknowledged is safe, but the store takes no more writes: could not make a table: no storage \
         space; put that right and open the store again"
    );
}

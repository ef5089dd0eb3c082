//! Storage that fails, and openers that are refused: a typed error, and what is known about the
//! data holds.

use super::*;
use std::io::ErrorKind;

/// A log with `a` acknowledged, on storage that can be made to fail.
fn one_record(sync: SyncMode) -> (Home, Faulty, Log<Faulty>) {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = home.open_with(&storage, sync).unwrap();
    log.append(&put("a", "1")).unwrap();
    storage.take_calls();
    (home, storage, log)
}

fn cause(error: Error) -> String {
    match error {
        Error::Poisoned { because } => format!("{because:?}").split(' ').next().unwrap().to_owned(),
        other => panic!("{other:?} is not Poisoned"),
    }
}

#[test]
fn a_failed_barrier_is_final() {
    let (home, storage, log) = one_record(SyncMode::EveryWrite);
    storage.fail_next("data_barrier", ErrorKind::Other, 0);
    assert_eq!(cause(log.append(&put("b", "")).unwrap_err()), "Io");
    storage.take_calls();
    for _ in 0..2 {
        assert_eq!(cause(log.append(&put("c", "")).unwrap_err()), "Io");
        assert_eq!(cause(log.sync().unwrap_err()), "Io");
    }
    assert_eq!(keys(&all(&log)), ["a"]);
    assert_eq!(cause(log.close().unwrap_err()), "Io");
    assert!(storage.take_calls().is_empty());
    // b was written whole: it may be found, and then it is durable.
    assert_eq!(keys(&home.recovered()), ["a", "b"]);
}

#[test]
fn a_failed_sync_is_final_and_what_returned_can_still_be_read() {
    let (_home, storage, log) = one_record(SyncMode::Never);
    log.append(&put("b", "")).unwrap();
    storage.fail_next("data_barrier", ErrorKind::Other, 0);
    assert_eq!(cause(log.sync().unwrap_err()), "Io");
    assert_eq!(cause(log.sync().unwrap_err()), "Io");
    assert_eq!(keys(&all(&log)), ["a", "b"]);
    assert_eq!(log.durable_mark(), 1);
}

#[test]
fn a_full_disk_is_said_to_be_full_and_a_short_write_is_no_record() {
    for short in [0, 1, 16, 47, 48] {
        let (home, storage, log) = one_record(SyncMode::EveryWrite);
        storage.fail_next("write_at", ErrorKind::StorageFull, short);
        assert_eq!(cause(log.append(&put("b", "")).unwrap_err()), "DiskFull");
        assert_eq!(
            storage.take_calls().len(),
            1,
            "no barrier after a failed write"
        );
        assert_eq!(cause(log.append(&put("c", "")).unwrap_err()), "DiskFull");
        assert!(storage.take_calls().is_empty());
        assert_eq!(keys(&all(&log)), ["a"]);
        drop(log);
        let log = home.open_with(&storage, SyncMode::EveryWrite).unwrap();
        assert_eq!(keys(&all(&log)).len(), if short == 48 { 2 } else { 1 });
        log.append(&put("d", "")).unwrap();
        drop(log);
        assert_eq!(keys(&home.recovered()).last().unwrap(), "d");
    }
}

#[test]
fn a_failure_in_recovery_is_an_error_and_the_next_open_does_all_of_it_again() {
    for method in ["write_at", "barrier", "directory_barrier"] {
        let (home, storage, log) = one_record(SyncMode::EveryWrite);
        drop(log);
        home.open_with(&storage, SyncMode::EveryWrite).unwrap();
        let whole = storage.take_calls();
        storage.fail_next(method, ErrorKind::StorageFull, 7);
        let error = home.open_with(&storage, SyncMode::EveryWrite).unwrap_err();
        assert!(matches!(error, Error::DiskFull { .. }), "{error}");
        storage.take_calls();
        let log = home.open_with(&storage, SyncMode::EveryWrite).unwrap();
        assert_eq!(storage.take_calls(), whole);
        assert_eq!(keys(&all(&log)), ["a"]);
    }
}

#[test]
fn a_failure_in_the_creation_is_an_error_and_the_next_open_makes_the_log() {
    let calls = [
        "create_dir",
        "create",
        "write_at",
        "barrier",
        "rename",
        "directory_barrier",
    ];
    for method in calls {
        let (home, storage) = (Home::new(), Faulty::default());
        storage.fail_next(method, ErrorKind::PermissionDenied, 3);
        let error = home.open_with(&storage, SyncMode::EveryWrite).unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        let log = home.open_with(&storage, SyncMode::EveryWrite).unwrap();
        assert_eq!(log.append(&put("a", "")).unwrap(), lsn(1, 1));
    }
}

#[test]
fn a_second_opener_is_told_that_the_log_is_open() {
    let home = Home::new();
    let first = home.open().unwrap();
    let error = home.open().unwrap_err();
    assert!(
        matches!(&error, Error::Locked { dir } if *dir == home.store()),
        "{error}"
    );
    drop(first);
    home.open().unwrap();
}

#[test]
fn a_file_where_the_store_should_be_is_left_alone() {
    let home = Home::new();
    std::fs::write(home.store(), "mine").unwrap();
    let error = home.open().unwrap_err();
    assert!(matches!(error, Error::NotADirectory { .. }), "{error}");
    assert_eq!(std::fs::read(home.store()).unwrap(), b"mine");
}

#[test]
fn a_store_in_a_directory_that_is_not_there_is_an_error_with_the_path() {
    let home = Home::new();
    let deep = home.store().join("a/b");
    let error = Log::open(OsStorage, &deep, Options::default()).unwrap_err();
    assert!(
        error.to_string().contains(&deep.display().to_string()),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_ours_is_left_alone_and_so_is_all_around_it() {
    let header = crate::engine::wal::format::file_header();
    let with = |at: usize, byte: u8| {
        let mut bytes = [&header[..], b"records"].concat();
        bytes[at] = byte;
        bytes
    };
    let cases: [(Vec<u8>, &str); 6] = [
        (b"a diary, and none of your business".to_vec(), "Foreign"),
        (vec![0; 64], "Foreign"),
        (with(8, 9), "OtherEngine"),
        (with(10, 2), "OtherVersion"),
        (with(13, 0xA5), "DamagedHeader"),
        (header[..9].to_vec(), "DamagedHeader"),
    ];
    for (bytes, expected) in cases {
        let (home, storage) = (Home::new(), Faulty::default());
        home.set_bytes(&bytes);
        std::fs::write(home.store().join("log.tmp"), "theirs, too").unwrap();
        let error = home.open_with(&storage, SyncMode::EveryWrite).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        assert!(
            error
                .to_string()
                .contains(&home.log().display().to_string()),
            "{error}"
        );
        assert!(storage.take_calls().is_empty());
        assert_eq!(home.bytes(), bytes);
    }
}

#[test]
fn errors_are_one_sentence_for_the_person_at_the_terminal() {
    let (_home, storage, log) = one_record(SyncMode::EveryWrite);
    storage.fail_next("write_at", ErrorKind::StorageFull, 0);
    assert_eq!(
        log.append(&put("b", "")).unwrap_err().to_string(),
        "what was acknowledged is safe, but the log takes no more writes: no space to write to the log: \
         no storage space; make room and open the log again"
    );
}

//! The as-found log: its bytes, its calls, and what it believes.

use super::*;
use crate::engine::Discipline;
use crate::engine::wal::{AsFoundOptions, TornTail};
use std::io::ErrorKind;

fn open(home: &Home, storage: &Faulty, as_found: AsFoundOptions) -> Result<Log<Faulty>, Error> {
    let discipline = Discipline::AsFound;
    let options = Options {
        preallocate: 0,
        discipline,
        as_found,
        ..Options::default()
    };
    Log::open(storage.clone(), &home.store(), options)
}

const DEFAULT: AsFoundOptions = AsFoundOptions {
    torn_tail: TornTail::Cut,
    split_flush: false,
};

#[test]
fn it_flushes_each_write_and_never_syncs() {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = open(&home, &storage, DEFAULT).unwrap();
    assert_eq!(log.append(&put("k", "vw")).unwrap(), lsn(0, 1));
    assert_eq!(
        log.append_batch(&[delete("k"), put("", "")]).unwrap(),
        lsn(0, 3)
    );
    log.sync().unwrap();
    log.close().unwrap();
    let calls = [
        "create_dir store",
        "create log",
        "append log 11",
        "append log 9",
        "append log 8",
    ];
    assert_eq!(storage.take_calls(), calls);
    assert_eq!(
        home.bytes(),
        b"\x01\0\0\0k\x02\0\0\0vw\x01\0\0\0k\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\0"
    );
    let log = open(&home, &storage, DEFAULT).unwrap();
    let read: Vec<_> = all(&log)
        .into_iter()
        .flat_map(|record| record.writes)
        .collect();
    assert_eq!(read, [put("k", "vw"), delete("k"), put("", "")]);
    assert!(storage.take_calls().is_empty());
}

#[test]
fn a_split_flush_is_two_calls() {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = open(
        &home,
        &storage,
        AsFoundOptions {
            split_flush: true,
            ..DEFAULT
        },
    )
    .unwrap();
    log.append(&put("key", "value")).unwrap();
    assert_eq!(storage.take_calls()[2..], ["append log 7", "append log 9"]);
}

/// Two records, the second one byte short.
fn torn() -> Home {
    let home = Home::new();
    home.set_bytes(b"\x01\0\0\0a\x01\0\0\0A\x01\0\0\0b\x04\0\0\0BBB");
    home
}

#[test]
fn a_torn_tail_is_cut_and_what_is_appended_then_is_found() {
    let (home, storage) = (torn(), Faulty::default());
    let log = open(&home, &storage, DEFAULT).unwrap();
    assert_eq!(storage.take_calls(), ["set_len log 10"]);
    log.append(&put("c", "")).unwrap();
    drop(log);
    assert_eq!(
        keys(&all(&open(&home, &storage, DEFAULT).unwrap())),
        ["a", "c"]
    );
}

#[test]
fn a_torn_tail_that_is_left_swallows_what_is_appended_then() {
    let (home, storage) = (torn(), Faulty::default());
    let options = AsFoundOptions {
        torn_tail: TornTail::Leave,
        ..DEFAULT
    };
    let log = open(&home, &storage, options).unwrap();
    assert!(storage.take_calls().is_empty());
    log.append(&put("c", "")).unwrap();
    drop(log);
    let records = all(&open(&home, &storage, options).unwrap());
    assert_eq!(
        records[1].writes,
        [put("b", "BBB\x01")],
        "a value that nobody wrote"
    );
}

#[test]
fn a_short_write_does_not_stop_it() {
    let (home, storage) = (Home::new(), Faulty::default());
    let log = open(&home, &storage, DEFAULT).unwrap();
    storage.fail_next("append", ErrorKind::StorageFull, 9);
    assert!(matches!(
        log.append(&put("a", "A")),
        Err(Error::DiskFull { .. })
    ));
    assert!(log.append(&put("b", "B")).is_ok());
}

#[test]
fn neither_discipline_touches_the_file_of_the_other() {
    let (home, storage) = (Home::new(), Faulty::default());
    home.open().unwrap().append(&put("a", "")).unwrap();
    let bytes = home.bytes();
    assert!(matches!(
        open(&home, &storage, DEFAULT),
        Err(Error::OtherDiscipline { .. })
    ));
    assert_eq!(home.bytes(), bytes);

    let home = torn();
    let bytes = home.bytes();
    assert!(matches!(home.open(), Err(Error::Foreign { .. })));
    assert_eq!(home.bytes(), bytes);
}

//! Tables that are made and merged beside the writers: who goes on, who waits, and who is told of what fails there.

use super::gated::{Behind, Gated, Opener};
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A store with threads of its own, whose logs are full with two records; a table of `a` and `b` waits for its
/// barrier, and `c` is in the other log.
fn a_flush_that_waits(home: &Home) -> (Gated, Store<Gated>) {
    let storage = Gated::default();
    let options = Options {
        background: Background::Threads,
        ..options(96, 2)
    };
    let store = Store::open(storage.clone(), &home.store(), options).unwrap();
    storage.shut("barrier", ".sst.tmp");
    for key in [b"a", b"b", b"c"] {
        store.put(key, b"").unwrap();
    }
    storage.wait_for_somebody();
    (storage, store)
}

/// Waits for what another thread is about to do.
fn soon(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never is");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn because(error: &Error) -> &Error {
    match error {
        Error::Poisoned { because } => because,
        other => panic!("{other}"),
    }
}

#[test]
fn writers_and_readers_go_on_while_a_table_is_made_until_both_logs_are_full() {
    let home = Home::new();
    let (storage, store) = a_flush_that_waits(&home);
    store.put(b"d", b"").unwrap();
    assert_eq!(all(&store).len(), 4);
    assert!(tables(&store).is_empty());
    let returned = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        threads.spawn(|| {
            store.put(b"e", b"").unwrap();
            returned.store(true, Ordering::SeqCst);
        });
        soon(|| store.waiting() == 1);
        assert!(!returned.load(Ordering::SeqCst));
        assert_eq!(all(&store).len(), 4, "readers do not wait");
        storage.open_up();
    });
    assert_eq!(all(&store).len(), 5);
    assert!(store.stats().unwrap().flushes >= 1);
    store.flush().unwrap();
    store.close().unwrap();
    assert_eq!(all(&home.open().unwrap()).len(), 5);
}

#[test]
fn flush_waits_for_the_table_that_is_being_made_and_makes_the_next_one() {
    let home = Home::new();
    let (storage, store) = a_flush_that_waits(&home);
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        let flushed = threads.spawn(|| store.flush());
        soon(|| store.waiting() == 1);
        storage.open_up();
        flushed.join().unwrap().unwrap();
    });
    let stats = store.stats().unwrap();
    assert_eq!((stats.flushes, stats.log_bytes), (2, 0));
}

#[test]
fn a_flush_that_fails_beside_the_writers_is_told_to_who_waits_and_to_the_next_caller() {
    let home = Home::new();
    let (storage, store) = a_flush_that_waits(&home);
    store.put(b"d", b"").unwrap();
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        let waits = threads.spawn(|| store.put(b"e", b""));
        soon(|| store.waiting() == 1);
        storage.open_to(Behind::Fails);
        let told = waits.join().unwrap().unwrap_err();
        assert!(matches!(because(&told), Error::Storage { .. }), "{told}");
    });
    for told in [
        store.put(b"f", b"").map(drop),
        store.flush(),
        store.compact(),
        store.sync(),
        store.run_one().map(drop),
    ] {
        let told = told.unwrap_err();
        assert!(matches!(because(&told), Error::Storage { .. }), "{told}");
    }
    assert_eq!(all(&store).len(), 4, "reading goes on");
    assert!(store.close().is_err());
    let store = home.open().unwrap();
    assert_eq!(all(&store).len(), 4, "what was acknowledged is in the logs");
}

#[test]
fn a_panic_beside_the_writers_is_told_and_nobody_hangs() {
    let home = Home::new();
    let (storage, store) = a_flush_that_waits(&home);
    store.put(b"d", b"").unwrap();
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        let waits = threads.spawn(|| store.put(b"e", b""));
        soon(|| store.waiting() == 1);
        storage.open_to(Behind::Panics);
        let told = waits.join().unwrap().unwrap_err();
        assert!(matches!(because(&told), Error::Panicked), "{told}");
    });
    let told = store.flush().unwrap_err();
    assert!(matches!(because(&told), Error::Panicked), "{told}");
    drop(store);
    assert_eq!(all(&home.open().unwrap()).len(), 4);
}

#[test]
fn a_store_that_is_dropped_waits_for_the_table_that_is_being_made() {
    let home = Home::new();
    let (storage, store) = a_flush_that_waits(&home);
    let dropped = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        threads.spawn(|| {
            drop(store);
            dropped.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(!dropped.load(Ordering::SeqCst));
        assert!(matches!(home.open(), Err(Error::Locked { .. })));
        storage.open_up();
    });
    let store = home.open().unwrap();
    assert_eq!(tables(&store), [(1, 2, 0, 2)]);
    assert_eq!(all(&store).len(), 3);
}

#[test]
fn a_store_that_is_dropped_waits_for_no_merge() {
    let (home, storage) = (Home::new(), Gated::default());
    let options = Options {
        background: Background::Threads,
        ..options(1 << 20, 2)
    };
    let store = Store::open(storage.clone(), &home.store(), options).unwrap();
    let keys = (0..4_000u32).map(|key| key.to_be_bytes().to_vec());
    let puts = keys.map(|key| Write::Put {
        key,
        value: vec![7; 40],
    });
    let puts: Vec<_> = puts.collect();
    for (lo, hi) in [(1, 1), (2, 2)] {
        store.write(&puts).unwrap();
        // The merge of both waits before its first write.
        storage.shut("write", "1-2.sst.tmp");
        store.flush().unwrap();
        assert_eq!((tables(&store)[0].0, tables(&store)[0].1), (lo, hi));
    }
    storage.wait_for_somebody();
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        threads.spawn(|| drop(store));
        std::thread::sleep(Duration::from_millis(20));
        storage.open_up();
    });
    let left = ["1-1.sst", "1-2.sst.tmp", "2-2.sst", "log", "log.2"];
    assert_eq!(home.names(), left, "the merge ended where it was");
    assert_eq!(all(&home.open().unwrap()).len(), 4_000);
}

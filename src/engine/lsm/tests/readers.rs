//! Readers: what they see stays, and no writer holds them up.

use super::gated::{Gated, Opener};
use super::*;

#[test]
fn a_snapshot_stays_as_it_was_through_flush_merge_and_the_end_of_the_store() {
    let home = Home::new();
    let store = home.open().unwrap();
    store.write(&[put("a", "1"), put("b", "1")]).unwrap();
    store.flush().unwrap();
    store.put(b"a", b"2").unwrap();
    let snapshot = store.snapshot();
    let mut scan = snapshot.scan::<[u8]>(..);
    assert_eq!(scan.next().unwrap().unwrap().1, b"2");
    store.write(&[delete("a"), put("c", "3")]).unwrap();
    store.compact().unwrap();
    assert_eq!(home.names(), ["1-3.sst", "log", "log.2"]);
    assert_eq!(all(&store), pairs(&[("b", "1"), ("c", "3")]));
    store.close().unwrap();
    assert_eq!(snapshot.get(b"a").unwrap(), Some(b"2".to_vec()));
    assert_eq!(snapshot.clone().get(b"c").unwrap(), None);
    assert_eq!(
        scan.next().unwrap().unwrap(),
        (b"b".to_vec(), b"1".to_vec())
    );
    assert!(scan.next().is_none());
}

#[test]
fn a_store_and_what_reads_it_may_be_shared_and_sent() {
    fn check<T: Send + Sync>() {}
    check::<Store<OsStorage>>();
    check::<crate::engine::lsm::Snapshot<OsStorage>>();
    check::<crate::engine::lsm::Scan<OsStorage>>();
}

#[test]
fn a_reader_does_not_wait_for_a_barrier_and_sees_nothing_before_it_completed() {
    let (home, storage) = (Home::new(), Gated::default());
    let store = Store::open(storage.clone(), &home.store(), options(1 << 20, 2)).unwrap();
    store.put(b"a", b"1").unwrap();
    store.flush().unwrap();
    store.put(b"a", b"2").unwrap();
    storage.shut("barrier", "");
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        // Its data barrier waits; then the barrier of a table does.
        for (write, seen) in [(true, "2"), (false, "3")] {
            let store = &store;
            let writer = threads.spawn(move || match write {
                true => store.put(b"a", b"3").map(drop),
                false => store.flush(),
            });
            storage.wait_for_somebody();
            assert_eq!(store.get(b"a").unwrap(), Some(seen.into()));
            assert_eq!(all(store), pairs(&[("a", seen)]));
            storage.open_up();
            writer.join().unwrap().unwrap();
            storage.shut("barrier", "");
        }
    });
    assert_eq!(all(&store), pairs(&[("a", "3")]));
}

#[test]
fn readers_beside_a_writer_see_whole_batches_that_never_go_back() {
    let home = Home::new();
    let options = Options {
        background: Background::Threads,
        ..options(400, 2)
    };
    let store = Store::open(OsStorage, &home.store(), options).unwrap();
    let number = |value: Option<Vec<u8>>| value.map_or(0, |it| it[0]);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut last = 0;
                while last < 60 {
                    let snapshot = store.snapshot();
                    let (a, b) = (snapshot.get(b"a").unwrap(), snapshot.get(b"b").unwrap());
                    let scanned = snapshot
                        .scan::<[u8]>(..)
                        .map(|pair| number(Some(pair.unwrap().1)));
                    let scanned: Vec<u8> = scanned.collect();
                    let (a, b) = (number(a), number(b));
                    assert_eq!(a, b);
                    assert!(scanned.iter().all(|value| *value == a));
                    assert!(last <= a);
                    last = a;
                }
            });
        }
        for value in 1..=60u8 {
            let put = |key: &[u8]| Write::Put {
                key: key.to_vec(),
                value: vec![value],
            };
            store.write(&[put(b"a"), put(b"b")]).unwrap();
        }
    });
    store.compact().unwrap();
    assert!(store.stats().unwrap().flushes > 5);
    assert_eq!(tables(&store).len(), 1);
}

//! A store that nothing happens to.

use super::*;
use crate::storage::tests::on_both;

on_both! {
    what_was_put_is_there_in_the_next_life
    a_delete_takes_the_key_and_a_key_that_is_not_there_too
    empty_keys_and_values_are_keys_and_values
    several_writes_are_one_record
    a_merge_keeps_the_newest_values_of_the_closed_files
    a_merge_without_closed_files_does_nothing
    a_second_merge_takes_the_first_one_in_and_its_place
    a_deleted_key_is_not_in_a_merged_file_and_does_not_come_back
    what_the_active_file_says_stays_there
    a_merged_file_of_many_pieces_reads_back
    dead_bytes_go_with_a_merge
    in_the_mode_that_never_syncs_a_rotation_does
    one_handle_at_a_time
}

fn reopened<S: Storage>(storage: S, dir: &Path, store: Bitcask<S>) -> Bitcask<S> {
    let before = all(&store);
    drop(store);
    let store = open(storage, dir).unwrap();
    assert_eq!(all(&store), before);
    store
}

fn what_was_put_is_there_in_the_next_life(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.put(b"b", b"2").unwrap();
    store.put(b"a", b"3").unwrap();
    assert_eq!(all(&store), pairs(&[("a", "3"), ("b", "2")]));
    let store = reopened(bench.storage(), &dir, store);
    assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!(store.get(b"c").unwrap(), None);
    assert_eq!(store.keys(), [b"a", b"b"]);
}

fn a_delete_takes_the_key_and_a_key_that_is_not_there_too(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.delete(b"a").unwrap();
    store.delete(b"b").unwrap();
    assert!(all(&store).is_empty());
    let store = reopened(bench.storage(), &dir, store);
    assert_eq!(store.stats().keys, 0);
}

fn empty_keys_and_values_are_keys_and_values(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    store.put(b"", b"").unwrap();
    store.put(b"k", b"").unwrap();
    for _ in 0..2 {
        assert_eq!(all(&store), pairs(&[("", ""), ("k", "")]));
        store.rotate().unwrap();
        store.merge().unwrap();
        store = reopened(bench.storage(), &dir, store);
    }
}

fn several_writes_are_one_record(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    let put = |key: &str, value: &str| Write::Put {
        key: key.into(),
        value: value.into(),
    };
    let delete = Write::Delete { key: b"a".into() };
    let lsn = store.write(&[put("a", "1"), put("b", "2"), delete, put("b", "3")]);
    assert_eq!(lsn.unwrap().index, 1);
    assert_eq!(all(&store), pairs(&[("b", "3")]));
    assert!(store.write(&[]).is_err());
    reopened(bench.storage(), &dir, store);
}

fn a_merge_keeps_the_newest_values_of_the_closed_files(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.put(b"b", b"2").unwrap();
    store.rotate().unwrap();
    store.put(b"a", b"3").unwrap();
    store.rotate().unwrap();
    store.put(b"c", b"4").unwrap();
    store.merge().unwrap();
    assert_eq!(all(&store), pairs(&[("a", "3"), ("b", "2"), ("c", "4")]));
    assert_eq!(store.merged_up_to(), Some((3, true)));
    let names = bench.storage().list(&dir).unwrap();
    assert_eq!(names, ["3.hint", "3.merged", "4.log"]);
    let store = reopened(bench.storage(), &dir, store);
    assert_eq!(store.merged_up_to(), Some((3, true)));
}

fn a_merge_without_closed_files_does_nothing(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.merge().unwrap();
    store.put(b"a", b"1").unwrap();
    store.merge().unwrap();
    assert_eq!(bench.storage().list(&dir).unwrap(), ["1.log"]);
}

fn a_second_merge_takes_the_first_one_in_and_its_place(bench: &impl Bench) {
    let dir = store(bench);
    let mut store = open(bench.storage(), &dir).unwrap();
    for (key, value) in [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")] {
        store.put(key, value).unwrap();
        store.rotate().unwrap();
        store.merge().unwrap();
        store = reopened(bench.storage(), &dir, store);
    }
    assert_eq!(all(&store), pairs(&[("a", "3"), ("b", "2")]));
    // Each merge but the last left a checkpoint, which is a record too.
    assert_eq!(
        bench.storage().list(&dir).unwrap(),
        ["5.hint", "5.merged", "6.log"]
    );
}

fn a_deleted_key_is_not_in_a_merged_file_and_does_not_come_back(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.rotate().unwrap();
    store.merge().unwrap();
    store.delete(b"a").unwrap();
    store.rotate().unwrap();
    store.merge().unwrap();
    assert!(all(&store).is_empty());
    let store = reopened(bench.storage(), &dir, store);
    assert_eq!(store.stats().live_bytes, 0);
}

fn what_the_active_file_says_stays_there(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.put(b"b", b"2").unwrap();
    store.rotate().unwrap();
    store.put(b"a", b"3").unwrap();
    store.delete(b"b").unwrap();
    store.merge().unwrap();
    assert_eq!(all(&store), pairs(&[("a", "3")]));
    reopened(bench.storage(), &dir, store);
}

fn a_merged_file_of_many_pieces_reads_back(bench: &impl Bench) {
    let dir = store(bench);
    let store = open(bench.storage(), &dir).unwrap();
    let value = |number: u32| number.to_string().repeat(900);
    for number in 0..200_u32 {
        store
            .put(&number.to_be_bytes(), value(number).as_bytes())
            .unwrap();
    }
    store.rotate().unwrap();
    store.merge().unwrap();
    drop(store);
    for hinted in [true, false] {
        if !hinted {
            bench.storage().remove(&dir.join("200.hint")).unwrap();
        }
        let store = open(bench.storage(), &dir).unwrap();
        assert_eq!(store.merged_up_to(), Some((200, hinted)));
        for number in 0..200_u32 {
            let found = store.get(&number.to_be_bytes()).unwrap();
            assert_eq!(found.as_deref(), Some(value(number).as_bytes()));
        }
    }
}

fn dead_bytes_go_with_a_merge(bench: &impl Bench) {
    let store = open(bench.storage(), &store(bench)).unwrap();
    for _ in 0..50 {
        store.put(b"a", &[b'v'; 100]).unwrap();
    }
    let before = store.stats();
    assert_eq!(
        (before.keys, before.live_bytes, before.data_files),
        (1, 101, 1)
    );
    assert!(before.dead_bytes() > 49 * 101);
    store.rotate().unwrap();
    store.merge().unwrap();
    let after = store.stats();
    assert_eq!(after.live_bytes, 101);
    assert!(after.dead_bytes() < 200, "{after:?}");
}

fn in_the_mode_that_never_syncs_a_rotation_does(bench: &impl Bench) {
    let dir = store(bench);
    let options = Options {
        preallocate: 0,
        sync: SyncMode::Never,
        ..Options::default()
    };
    let store = Bitcask::open(bench.storage(), &dir, options).unwrap();
    store.put(b"a", b"1").unwrap();
    store.put(b"a", b"2").unwrap();
    assert_eq!(store.last().unwrap().index, 2);
    store.rotate().unwrap();
    reopened(bench.storage(), &dir, store);
}

fn one_handle_at_a_time(bench: &impl Bench) {
    let dir = store(bench);
    let first = open(bench.storage(), &dir).unwrap();
    let error = open(bench.storage(), &dir).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(first);
    open(bench.storage(), &dir).unwrap();
}

//! A tree that nothing happens to.

use super::*;
use crate::storage::tests::on_both;

on_both! {
    what_was_put_is_there_in_the_next_life
    empty_keys_and_values_are_keys_and_values
    several_writes_are_one_record
    a_tree_grows_by_splits_and_shrinks_by_deletes
    pages_that_were_freed_are_used_again
    a_range_has_any_bounds_and_crosses_leaves
    a_checkpoint_changes_nothing_and_the_log_begins_anew
    a_log_that_is_full_makes_a_checkpoint
    an_entry_over_the_limit_is_refused
    pages_of_another_size_are_refused
    a_write_that_changes_nothing_is_a_write
    one_handle_at_a_time
}

fn reopened<S: Storage>(storage: S, dir: &Path, tree: Btree<S>) -> Btree<S> {
    let before = all(&tree);
    drop(tree);
    let tree = open(storage, dir).unwrap();
    assert_eq!(all(&tree), before);
    tree
}

fn what_was_put_is_there_in_the_next_life(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    tree.put(b"b", b"1").unwrap();
    tree.put(b"a", b"2").unwrap();
    tree.put(b"b", b"3").unwrap();
    tree.delete(b"c").unwrap();
    assert_eq!(all(&tree), pairs(&[("a", "2"), ("b", "3")]));
    let tree = reopened(bench.storage(), &dir, tree);
    assert_eq!(tree.get(b"b").unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!(tree.get(b"c").unwrap(), None);
    tree.checkpoint().unwrap();
    let tree = reopened(bench.storage(), &dir, tree);
    tree.delete(b"b").unwrap();
    reopened(bench.storage(), &dir, tree);
}

fn empty_keys_and_values_are_keys_and_values(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    tree.put(b"", b"").unwrap();
    tree.put(b"k", b"").unwrap();
    let tree = reopened(bench.storage(), &dir, tree);
    assert_eq!(tree.get(b"").unwrap().as_deref(), Some(&b""[..]));
    tree.delete(b"").unwrap();
    assert_eq!(all(&tree), pairs(&[("k", "")]));
}

fn several_writes_are_one_record(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    let put = |key: &str, value: &str| Write::Put {
        key: key.into(),
        value: value.into(),
    };
    let delete = Write::Delete { key: b"a".into() };
    let lsn = tree.write(&[put("a", "1"), put("b", "2"), delete, put("b", "3")]);
    assert_eq!(lsn.unwrap().index, 1);
    assert_eq!(all(&tree), pairs(&[("b", "3")]));
    assert!(matches!(tree.write(&[]), Err(Error::EmptyBatch)));
    reopened(bench.storage(), &dir, tree);
}

fn a_tree_grows_by_splits_and_shrinks_by_deletes(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    for number in (0..400).map(|number| number * 7 % 400) {
        let (key, value) = numbered(number);
        tree.put(&key, &value).unwrap();
        if number % 90 == 0 {
            tree.checkpoint().unwrap();
        }
    }
    let grown = tree.stats().unwrap();
    assert_eq!(grown.keys, 400);
    assert!(grown.height >= 3 && grown.pages > 50, "{grown:?}");
    let tree = reopened(bench.storage(), &dir, tree);
    for number in (0..400).map(|number| number * 11 % 400) {
        tree.delete(&numbered(number).0).unwrap();
    }
    let shrunk = tree.stats().unwrap();
    assert_eq!((shrunk.keys, shrunk.height), (0, 1));
    // Slots, header and the root are not free.
    assert_eq!(shrunk.free_pages, shrunk.pages - 4);
    reopened(bench.storage(), &dir, tree);
}

fn pages_that_were_freed_are_used_again(bench: &impl Bench) {
    let dir = store(bench);
    let mut tree = open(bench.storage(), &dir).unwrap();
    let mut pages = Vec::new();
    for _ in 0..4 {
        for number in 0..100 {
            let (key, value) = numbered(number);
            tree.put(&key, &value).unwrap();
        }
        for number in 0..100 {
            tree.delete(&numbered(number).0).unwrap();
        }
        pages.push(tree.stats().unwrap().pages);
        tree.checkpoint().unwrap();
        tree = reopened(bench.storage(), &dir, tree);
    }
    assert_eq!(pages[1], pages[3], "{pages:?}");
}

fn a_range_has_any_bounds_and_crosses_leaves(bench: &impl Bench) {
    use std::ops::Bound::{Excluded, Unbounded};
    let tree = open(bench.storage(), &store(bench)).unwrap();
    for number in 0..60 {
        let (key, value) = numbered(number * 2);
        tree.put(&key, &value).unwrap();
    }
    let keys = |range: Range<'_, _>| -> Vec<u32> {
        let keys = range.map(|pair| text(&pair.unwrap().0));
        keys.map(|key| key.parse().unwrap()).collect()
    };
    let key = |number: u32| numbered(number).0;
    let expected = |from: u32, to: u32| (from..=to).step_by(2).collect::<Vec<_>>();
    assert_eq!(keys(tree.range(key(10)..key(80))), expected(10, 78));
    assert_eq!(keys(tree.range(key(11)..=key(80))), expected(12, 80));
    assert_eq!(
        keys(tree.range((Excluded(key(10)), Unbounded))),
        expected(12, 118)
    );
    assert_eq!(keys(tree.range(..key(7))), expected(0, 6));
    assert!(keys(tree.range(key(80)..key(10))).is_empty());
    assert!(keys(tree.range(key(900)..)).is_empty());
}

fn a_checkpoint_changes_nothing_and_the_log_begins_anew(bench: &impl Bench) {
    let dir = store(bench);
    let mut tree = open(bench.storage(), &dir).unwrap();
    for number in 0..30 {
        let (key, value) = numbered(number);
        tree.put(&key, &value).unwrap();
        if number % 10 == 9 {
            tree.checkpoint().unwrap();
            tree.checkpoint().unwrap();
            tree = reopened(bench.storage(), &dir, tree);
        }
    }
    let stats = tree.stats().unwrap();
    assert_eq!((stats.keys, stats.pages_written), (30, 0));
    let last = tree.last().unwrap();
    assert_eq!((last.generation, last.index), (3, 30));
}

fn a_log_that_is_full_makes_a_checkpoint(bench: &impl Bench) {
    let options = Options {
        checkpoint_at: 2_000,
        ..SMALL
    };
    let dir = store(bench);
    let tree = Btree::open(bench.storage(), &dir, options).unwrap();
    for number in 0..100 {
        let (key, value) = numbered(number);
        tree.put(&key, &value).unwrap();
    }
    assert!(tree.stats().unwrap().pages_written > 20);
    reopened(bench.storage(), &dir, tree);
}

fn an_entry_over_the_limit_is_refused(bench: &impl Bench) {
    let tree = open(bench.storage(), &store(bench)).unwrap();
    let most = tree.entry_bytes_max();
    for number in 0..30_u8 {
        tree.put(&[number; 8], &vec![number; most - 8]).unwrap();
    }
    let error = tree.put(b"key", &vec![0; most - 2]).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { bytes, bytes_max } if bytes == most + 1 && bytes_max == most)
    );
    for number in 0..30_u8 {
        let found = tree.get(&[number; 8]).unwrap();
        assert_eq!(found, Some(vec![number; most - 8]));
    }
}

fn pages_of_another_size_are_refused(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    tree.put(b"a", b"1").unwrap();
    tree.checkpoint().unwrap();
    drop(tree);
    // The second slot counts; opening makes the first one void.
    drop(open(bench.storage(), &dir).unwrap());
    for (page_bytes, expected) in [(4096, false), (512, false), (256, true)] {
        let options = Options {
            page_bytes,
            ..SMALL
        };
        let opened = Btree::open(bench.storage(), &dir, options);
        assert_eq!(opened.is_ok(), expected, "{page_bytes}");
        if let Err(error) = opened {
            let named = matches!(error, Error::OtherPageSize { found: 256, asked, .. } if asked == page_bytes);
            assert!(named, "{error}");
        }
    }
    for page_bytes in [0, 255, 257, 128 << 10] {
        let options = Options {
            page_bytes,
            ..SMALL
        };
        let error = Btree::open(bench.storage(), &dir, options).unwrap_err();
        assert!(matches!(error, Error::BadPageSize { .. }), "{error}");
    }
}

fn a_write_that_changes_nothing_is_a_write(bench: &impl Bench) {
    let dir = store(bench);
    let tree = open(bench.storage(), &dir).unwrap();
    tree.delete(b"a").unwrap();
    tree.put(b"a", b"1").unwrap();
    let lsn = tree.put(b"a", b"1").unwrap();
    assert_eq!(lsn.index, 3);
    reopened(bench.storage(), &dir, tree);
}

fn one_handle_at_a_time(bench: &impl Bench) {
    let dir = store(bench);
    let first = open(bench.storage(), &dir).unwrap();
    let error = open(bench.storage(), &dir).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(first);
    open(bench.storage(), &dir).unwrap();
}

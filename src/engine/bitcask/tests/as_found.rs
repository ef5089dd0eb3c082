//! The store as found, where no power is cut.

use super::super::as_found::{AsFound, Options};
use super::*;
use crate::storage::os::OsStorage;
use crate::storage::tests::{OnRealFiles, on_both};
use std::fs;

on_both! {
    what_was_written_is_there_in_the_next_life_and_after_merges
}

fn put(key: &str, value: &str) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn what_was_written_is_there_in_the_next_life_and_after_merges(bench: &impl Bench) {
    let dir = store(bench);
    let mut expected = Vec::new();
    for life in 0..4 {
        let mut store = AsFound::open(bench.storage(), &dir, Options::default()).unwrap();
        let found: Vec<_> = store.contents().into_iter().collect();
        assert_eq!(found, expected);
        let key = format!("key {life}");
        store.write(&[put(&key, "1"), put("same", &key)]).unwrap();
        store.rotate().unwrap();
        store
            .write(&[Write::Delete {
                key: b"key 0".into(),
            }])
            .unwrap();
        store.merge().unwrap();
        store.merge().unwrap();
        store.sync().unwrap();
        expected = store.contents().into_iter().collect();
        assert!(!expected.iter().any(|(key, _)| key == b"key 0"));
    }
    assert_eq!(expected.len(), 4);
}

#[test]
fn a_torn_tail_is_cut_off_or_left() {
    for tail_left in [false, true] {
        let bench = OnRealFiles::new();
        let dir = store(&bench);
        let options = Options {
            tail_left,
            ..Options::default()
        };
        let mut store = AsFound::open(OsStorage, &dir, options).unwrap();
        store.write(&[put("a", "1"), put("b", "2")]).unwrap();
        drop(store);
        let path = dir.join("1.data");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut store = AsFound::open(OsStorage, &dir, options).unwrap();
        store.write(&[put("c", "3")]).unwrap();
        drop(store);
        let store = AsFound::open(OsStorage, &dir, options).unwrap();
        assert_eq!(store.contents().contains_key(&b"c"[..]), !tail_left);
    }
}

//! The tree as found, where no power is cut.

use super::super::as_found::{AsFound, Options};
use super::*;
use crate::storage::os::OsStorage;
use crate::storage::tests::{OnRealFiles, on_both};
use std::collections::BTreeMap;
use std::fs;

on_both! {
    what_was_written_is_there_in_the_next_life_through_splits_and_deletes
}

const SMALL: Options = Options {
    leaf_keys: 2,
    page_bytes: 256,
    committed: false,
    zeros_are_valid: false,
    recovery_cached: false,
};

fn put(key: &str, value: &str) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn opened<S: Storage>(storage: S, dir: &Path, options: Options) -> AsFound<S> {
    AsFound::open(storage, dir, options).unwrap()
}

fn what_was_written_is_there_in_the_next_life_through_splits_and_deletes(bench: &impl Bench) {
    for committed in [false, true] {
        let options = Options { committed, ..SMALL };
        let dir = bench.dir().join(committed.to_string());
        let mut expected = BTreeMap::new();
        let mut tree = opened(bench.storage(), &dir, options);
        for step in 0..60_u32 {
            // Up and down again, so that leaves are split, freed and taken again.
            let key = format!("{:02}", step * 7 % 12).into_bytes();
            let write = match step / 12 % 2 {
                0 => {
                    let value = step.to_string().into_bytes();
                    expected.insert(key.clone(), value.clone());
                    Write::Put { key, value }
                }
                _ => {
                    expected.remove(&key);
                    Write::Delete { key }
                }
            };
            tree.write(&[write]).unwrap();
            assert_eq!(tree.contents().unwrap(), expected, "{step}");
            if step % 9 == 0 {
                tree.commit().unwrap();
            }
            if step % 5 == 0 {
                drop(tree);
                tree = opened(bench.storage(), &dir, options);
                assert_eq!(tree.contents().unwrap(), expected, "{step}");
            }
        }
        assert_eq!(expected.len(), 12);
    }
}

/// Writes one key, and gives the log and the pages another end.
fn after(options: Options, change: impl Fn(&mut Vec<u8>, &mut Vec<u8>)) -> Result<String, Error> {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    let mut tree = opened(OsStorage, &dir, options);
    tree.commit().unwrap();
    tree.write(&[put("a", &"1".repeat(150))]).unwrap();
    drop(tree);
    let (log, pages) = (dir.join("wal"), dir.join("pages"));
    let (mut logged, mut found) = (fs::read(&log).unwrap(), fs::read(&pages).unwrap());
    change(&mut logged, &mut found);
    fs::write(&log, logged).unwrap();
    fs::write(&pages, found).unwrap();
    let contents = AsFound::open(OsStorage, &dir, options)?.contents()?;
    assert_eq!(fs::read(&log).unwrap(), b"");
    Ok(contents
        .keys()
        .map(|key| text(key))
        .collect::<Vec<_>>()
        .join(" "))
}

#[test]
fn a_page_that_is_torn_in_place_is_redone_from_the_log_and_refused_without_it() {
    let torn = |pages: &mut Vec<u8>| pages[300..400].fill(0);
    let redone = after(SMALL, |_, pages| torn(pages));
    assert_eq!(redone.unwrap(), "a");
    let refused = after(SMALL, |log, pages| {
        log.clear();
        torn(pages);
    });
    assert!(matches!(refused, Err(Error::NotWhole { .. })));
}

#[test]
fn an_entry_without_its_commit_is_not_redone() {
    let uncommitted = |log: &mut Vec<u8>, pages: &mut Vec<u8>| {
        log.truncate(log.len() - 1);
        pages[300..400].fill(0);
    };
    let options = Options {
        committed: true,
        ..SMALL
    };
    let refused = after(options, uncommitted);
    assert!(matches!(refused, Err(Error::NotWhole { .. })));
}

#[test]
fn a_tail_of_zeros_is_an_entry_only_where_zeros_are_valid() {
    for zeros_are_valid in [false, true] {
        let options = Options {
            zeros_are_valid,
            ..SMALL
        };
        let found = after(options, |log, _| log.resize(log.len() + 16 + 256, 0));
        match zeros_are_valid {
            false => assert_eq!(found.unwrap(), "a"),
            true => assert!(matches!(found, Err(Error::NotWhole { .. }))),
        }
    }
}

#[test]
fn a_page_that_would_be_too_full_is_refused_before_anything_is_written() {
    let bench = OnRealFiles::new();
    let mut tree = opened(OsStorage, &store(&bench), SMALL);
    let refused = tree.write(&[put("a", &"1".repeat(300))]);
    assert!(matches!(refused, Err(Error::PageFull { .. })));
    assert_eq!(fs::read(store(&bench).join("wal")).unwrap(), b"");
    assert!(tree.contents().unwrap().is_empty());
}

#[test]
fn metadata_that_goes_back_takes_a_page_that_was_freed_and_taken_again_for_what_it_was() {
    let bench = OnRealFiles::new();
    let (dir, options) = (
        store(&bench),
        Options {
            leaf_keys: 1,
            ..SMALL
        },
    );
    let mut tree = opened(OsStorage, &dir, options);
    tree.write(&[put("a", "1")]).unwrap();
    tree.write(&[put("b", "1")]).unwrap();
    tree.commit().unwrap();
    let path = dir.join("pages");
    let before = fs::read(&path).unwrap();
    let delete = Write::Delete { key: b"b".into() };
    tree.write(&[delete]).unwrap();
    tree.write(&[put("c", "1")]).unwrap();
    drop(tree);
    // A power cut takes the metadata, which is flushed and in no log.
    let mut after = fs::read(&path).unwrap();
    after[..256].copy_from_slice(&before[..256]);
    fs::write(&path, after).unwrap();
    let tree = opened(OsStorage, &dir, options);
    let found = tree.contents().unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [b"c"]);
}

//! Storage that fails, files that are missing or damaged: named, nothing is lost.

use super::*;
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use crate::storage::tests::OnRealFiles;
use std::fs;
use std::io::ErrorKind;

/// A tree with `a` in place and `b` in the log.
fn checkpointed(bench: &OnRealFiles) -> PathBuf {
    let dir = store(bench);
    let tree = open(OsStorage, &dir).unwrap();
    tree.put(b"a", b"1").unwrap();
    tree.checkpoint().unwrap();
    tree.put(b"b", b"2").unwrap();
    dir
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn refused(dir: &Path) -> Error {
    let before = files(dir);
    let error = open(OsStorage, dir).unwrap_err();
    assert_eq!(files(dir), before, "a tree that is refused is untouched");
    error
}

#[test]
fn pages_that_are_missing_foreign_or_without_a_slot_are_refused() {
    let bench = OnRealFiles::new();
    let dir = checkpointed(&bench);
    let path = dir.join("pages");
    let good = fs::read(&path).unwrap();
    let mut no_slot = good.clone();
    no_slot[40] ^= 1;
    no_slot[256 + 40] ^= 1;
    fs::write(&path, &no_slot).unwrap();
    assert!(matches!(refused(&dir), Error::Damaged { page: 0, .. }));
    fs::write(&path, [7; 1000]).unwrap();
    assert!(matches!(refused(&dir), Error::Foreign { .. }));
    fs::remove_file(&path).unwrap();
    // The log goes on from a record that no page says is in place.
    refused(&dir);
    fs::write(&path, &good).unwrap();
    assert_eq!(
        all(&open(OsStorage, &dir).unwrap()),
        pairs(&[("a", "1"), ("b", "2")])
    );
}

#[test]
fn a_log_that_is_missing_is_refused() {
    let bench = OnRealFiles::new();
    let dir = checkpointed(&bench);
    fs::remove_file(dir.join("log")).unwrap();
    assert!(matches!(refused(&dir), Error::LogMissing { .. }));
}

#[test]
fn a_page_that_is_damaged_is_an_error_when_it_is_read_unless_the_log_has_it() {
    let bench = OnRealFiles::new();
    let dir = checkpointed(&bench);
    let path = dir.join("pages");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3 * 256 + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    // The log has the leaf, with b in it.
    let tree = open(OsStorage, &dir).unwrap();
    assert_eq!(all(&tree), pairs(&[("a", "1"), ("b", "2")]));
    tree.checkpoint().unwrap();
    drop(tree);
    let mut bytes = fs::read(&path).unwrap();
    bytes[3 * 256 + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let tree = open(OsStorage, &dir).unwrap();
    let error = tree.get(b"a").unwrap_err();
    assert!(matches!(error, Error::Damaged { page: 3, .. }), "{error}");
    assert!(tree.range::<[u8]>(..).next().unwrap().is_err());
}

#[test]
fn what_a_crash_left_of_a_tree_in_the_making_is_removed() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("pages.tmp"), b"half").unwrap();
    fs::write(dir.join("log.tmp"), b"half").unwrap();
    let tree = open(OsStorage, &dir).unwrap();
    tree.put(b"a", b"1").unwrap();
    assert_eq!(OsStorage.list(&dir).unwrap(), ["log", "pages"]);
}

#[test]
fn a_failed_checkpoint_is_final_and_reads_go_on() {
    for (method, nth) in [("write_at", 0), ("data_barrier", 0)] {
        let bench = OnRealFiles::new();
        let (dir, storage) = (checkpointed(&bench), Faulty::default());
        let tree = open(storage.clone(), &dir).unwrap();
        storage.fail_next(method, ErrorKind::Other, nth);
        let failed = tree.checkpoint();
        assert!(matches!(failed, Err(Error::Poisoned { .. })), "{method}");
        storage.take_calls();
        let refused = [
            tree.put(b"c", b"3").map(drop),
            tree.checkpoint(),
            tree.sync(),
        ];
        assert!(refused.iter().all(Result::is_err), "{method}");
        let expected = pairs(&[("a", "1"), ("b", "2")]);
        assert_eq!(all(&tree), expected, "{method}");
        assert!(tree.close().is_err());
        assert!(storage.take_calls().is_empty(), "{method}");
        let tree = open(OsStorage, &dir).unwrap();
        assert_eq!(all(&tree), expected, "{method}");
        tree.checkpoint().unwrap();
        assert_eq!(all(&tree), expected, "{method}");
    }
}

#[test]
fn a_failed_write_is_final_and_not_read() {
    for method in ["write_at", "data_barrier"] {
        let bench = OnRealFiles::new();
        let (dir, storage) = (checkpointed(&bench), Faulty::default());
        let tree = open(storage.clone(), &dir).unwrap();
        storage.fail_next(method, ErrorKind::Other, 0);
        assert!(tree.put(b"b", b"3").is_err());
        assert!(tree.put(b"b", b"4").is_err());
        assert!(tree.checkpoint().is_err());
        assert_eq!(all(&tree), pairs(&[("a", "1"), ("b", "2")]));
    }
}

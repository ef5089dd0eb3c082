//! Storage that fails, files that are missing or damaged: named, nothing is lost.

use super::*;
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use crate::storage::tests::OnRealFiles;
use std::fs;
use std::io::ErrorKind;

/// A store with `a` in a merged file and `b` in a data file.
fn merged(bench: &OnRealFiles) -> PathBuf {
    let dir = store(bench);
    let store = open(OsStorage, &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    store.rotate().unwrap();
    store.merge().unwrap();
    store.put(b"b", b"2").unwrap();
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

fn refused(dir: &Path) -> String {
    let before = files(dir);
    let error = open(OsStorage, dir).unwrap_err().to_string();
    assert_eq!(files(dir), before, "a store that is refused is untouched");
    error
}

#[test]
fn a_merged_file_that_is_missing_or_torn_is_refused() {
    let bench = OnRealFiles::new();
    let dir = merged(&bench);
    let path = dir.join("1.merged");
    let good = fs::read(&path).unwrap();
    for bad in [&good[..good.len() - 16], &good[..0], &[7; 100]] {
        fs::write(&path, bad).unwrap();
        assert!(refused(&dir).contains("1.merged is damaged"));
    }
    fs::remove_file(&path).unwrap();
    assert!(refused(&dir).contains("records up to 1"));
    fs::write(&path, &good).unwrap();
    assert_eq!(
        all(&open(OsStorage, &dir).unwrap()),
        pairs(&[("a", "1"), ("b", "2")])
    );
}

#[test]
fn data_files_that_are_missing_behind_a_merged_one_are_refused() {
    let bench = OnRealFiles::new();
    let dir = store(&bench);
    let store = open(OsStorage, &dir).unwrap();
    store.put(b"a", b"1").unwrap();
    let first = fs::read(dir.join("1.log")).unwrap();
    store.rotate().unwrap();
    store.put(b"b", b"2").unwrap();
    store.rotate().unwrap();
    store.merge().unwrap();
    drop(store);
    fs::remove_file(dir.join("3.log")).unwrap();
    assert!(matches!(
        open(OsStorage, &dir),
        Err(Error::DataMissing { .. })
    ));
    // One that was merged does not do: what is appended to it would not be read again.
    fs::write(dir.join("1.log"), first).unwrap();
    let error = refused(&dir);
    assert!(error.contains("no data files behind it"), "{error}");
}

fn store_names(dir: &Path) -> Vec<String> {
    OsStorage.list(dir).unwrap()
}

#[test]
fn names_of_somebody_else_are_left_alone() {
    let bench = OnRealFiles::new();
    let dir = merged(&bench);
    for name in ["+9.merged", "007.hint", "0011.merged", "mine.merged.tmp"] {
        fs::write(dir.join(name), b"mine").unwrap();
    }
    let store = open(OsStorage, &dir).unwrap();
    assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
    assert_eq!(store_names(&dir).len(), 7);
}

#[test]
fn a_hint_that_does_not_count_is_removed_and_the_merged_file_is_read() {
    let bench = OnRealFiles::new();
    let dir = merged(&bench);
    let path = dir.join("1.hint");
    let good = fs::read(&path).unwrap();
    let torn = good[..good.len() - 16].to_vec();
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    for bad in [torn, flipped, Vec::new()] {
        fs::write(&path, bad).unwrap();
        fs::write(dir.join("9.hint"), &good).unwrap();
        fs::write(dir.join("9.merged.tmp"), b"half").unwrap();
        let store = open(OsStorage, &dir).unwrap();
        assert_eq!(store.merged_up_to(), Some((1, false)));
        assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
        assert_eq!(OsStorage.list(&dir).unwrap(), ["1.merged", "2.log"]);
    }
    fs::write(&path, good).unwrap();
    assert_eq!(
        open(OsStorage, &dir).unwrap().merged_up_to(),
        Some((1, true))
    );
}

#[test]
fn an_entry_that_is_damaged_behind_a_hint_is_an_error_when_it_is_read() {
    let bench = OnRealFiles::new();
    let dir = merged(&bench);
    let path = dir.join("1.merged");
    let mut bytes = fs::read(&path).unwrap();
    bytes[16 + 12] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = open(OsStorage, &dir).unwrap();
    let error = store.get(b"a").unwrap_err().to_string();
    assert!(error.contains("1.merged is damaged at byte 16"), "{error}");
    assert_eq!(store.get(b"b").unwrap().as_deref(), Some(&b"2"[..]));
    store.rotate().unwrap();
    let error = store.merge().unwrap_err().to_string();
    assert!(error.contains("1.merged is damaged"), "{error}");
}

#[test]
fn a_failed_merge_is_final_and_reads_go_on() {
    for method in [
        "create",
        "write_at",
        "barrier",
        "rename",
        "directory_barrier",
        "data_barrier",
        "remove",
    ] {
        let bench = OnRealFiles::new();
        let (dir, storage) = (merged(&bench), Faulty::default());
        let store = open(storage.clone(), &dir).unwrap();
        store.rotate().unwrap();
        storage.fail_next(method, ErrorKind::Other, 0);
        let failed = store.merge();
        assert!(matches!(failed, Err(Error::Poisoned { .. })), "{method}");
        storage.take_calls();
        let refused = [
            store.put(b"c", b"3").map(drop),
            store.merge(),
            store.rotate(),
            store.sync(),
        ];
        assert!(refused.iter().all(Result::is_err), "{method}");
        let expected = pairs(&[("a", "1"), ("b", "2")]);
        assert_eq!(all(&store), expected, "{method}");
        assert!(store.close().is_err());
        assert!(storage.take_calls().is_empty(), "{method}");
        let store = open(OsStorage, &dir).unwrap();
        assert_eq!(all(&store), expected, "{method}");
        store.merge().unwrap();
        assert_eq!(all(&store), expected, "{method}");
    }
}

#[test]
fn a_failed_write_is_final_and_not_read() {
    for method in ["write_at", "data_barrier"] {
        let bench = OnRealFiles::new();
        let (dir, storage) = (merged(&bench), Faulty::default());
        let store = open(storage.clone(), &dir).unwrap();
        storage.fail_next(method, ErrorKind::Other, 0);
        assert!(store.put(b"b", b"3").is_err());
        assert!(store.put(b"b", b"4").is_err());
        assert_eq!(all(&store), pairs(&[("a", "1"), ("b", "2")]));
    }
}

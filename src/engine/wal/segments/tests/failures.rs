//! What no crash does, and what a disk may do at any time: refused, told, nothing lost.

use super::*;
use crate::storage::File;
use crate::storage::faulty::Faulty;
use crate::storage::os::OsStorage;
use crate::storage::tests::OnRealFiles;
use std::fs;
use std::io::ErrorKind;

/// Three segments of one record each, closed.
fn three(bench: &OnRealFiles) -> PathBuf {
    let dir = store(bench);
    let log = open(OsStorage, &dir, 1).unwrap();
    for value in ["1", "2", "3"] {
        log.append(&put(value)).unwrap();
    }
    log.close().unwrap();
    dir
}

fn refused(dir: &Path) -> String {
    let before = files(dir);
    let error = open(OsStorage, dir, 1).unwrap_err().to_string();
    assert_eq!(files(dir), before, "a store that is refused is untouched");
    error
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_record_that_is_damaged_in_a_segment_with_a_successor_is_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    let path = dir.join("2.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[50] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = refused(&dir);
    assert!(
        error.contains("2.log") && error.contains("record 2"),
        "{error}"
    );
}

#[test]
fn a_segment_with_a_successor_that_is_cut_short_is_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    OsStorage
        .open(&dir.join("2.log"))
        .unwrap()
        .set_len(16)
        .unwrap();
    assert!(refused(&dir).contains("record 2"));
}

#[test]
fn a_segment_that_is_missing_is_refused_unless_it_was_truncated() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    fs::remove_file(dir.join("1.log")).unwrap();
    let error = refused(&dir);
    assert!(error.contains("records 1 to 1 are nowhere"), "{error}");
    fs::remove_file(dir.join("2.log")).unwrap();
    assert!(refused(&dir).contains("records 1 to 2 are nowhere"));
}

#[test]
fn a_hole_among_the_segments_is_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    fs::remove_file(dir.join("2.log")).unwrap();
    let error = refused(&dir);
    assert!(
        error.contains("record 2 of") && error.contains("1.log"),
        "{error}"
    );
}

#[test]
fn a_truncated_segment_that_comes_back_is_not_read_whatever_is_missing_beside_it() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    let first = fs::read(dir.join("1.log")).unwrap();
    let log = open(OsStorage, &dir, 1 << 20).unwrap();
    log.truncate(2).unwrap();
    drop(log);
    fs::write(dir.join("1.log"), first).unwrap();
    let log = open(OsStorage, &dir, 1).unwrap();
    assert_eq!(all(&log), [(3, writes(&["3"])), (4, checkpoint(2))]);
    assert_eq!(names(&log), ["3.log"]);
    assert!(!dir.join("1.log").exists());
}

#[test]
fn a_segment_of_another_life_between_two_others_is_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    let old = fs::read(dir.join("3.log")).unwrap();
    fs::remove_file(dir.join("3.log")).unwrap();
    // Two lives later, on what is left.
    for value in ["4", "5"] {
        let log = open(OsStorage, &dir, 1 << 20).unwrap();
        if log.last().unwrap().index < 3 {
            log.append(&put(value)).unwrap();
        }
        drop(log);
    }
    let newer = fs::read(dir.join("2.log")).unwrap();
    assert!(newer.len() > old.len());
    fs::write(dir.join("4.log"), old).unwrap();
    // Record 3 of the first life is no record 4.
    let log = open(OsStorage, &dir, 1).unwrap();
    assert_eq!(log.last().unwrap().index, 3);
}

#[test]
fn files_of_others_are_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    fs::write(dir.join("x.log"), b"hello").unwrap();
    assert!(refused(&dir).contains("not a lightsout log"));
    fs::remove_file(dir.join("x.log")).unwrap();
    fs::write(dir.join("log"), b"hello").unwrap();
    assert!(refused(&dir).contains("in one file"));
    fs::remove_file(dir.join("log")).unwrap();
    fs::write(dir.join("notes.txt"), b"hello").unwrap();
    fs::write(dir.join("9.log.tmp"), b"").unwrap();
    open(OsStorage, &dir, 1).unwrap();
    assert!(dir.join("notes.txt").exists() && !dir.join("9.log.tmp").exists());
}

#[test]
fn a_newer_version_is_refused() {
    let bench = OnRealFiles::new();
    let dir = three(&bench);
    let path = dir.join("3.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] = 9;
    fs::write(&path, &bytes).unwrap();
    assert!(refused(&dir).contains("format version 9"));
}

#[test]
fn any_failure_of_a_rotation_or_a_truncation_is_final_and_loses_nothing() {
    for method in [
        "create",
        "write_at",
        "barrier",
        "rename",
        "directory_barrier",
        "remove",
    ] {
        let bench = OnRealFiles::new();
        let dir = store(&bench);
        let faulty = Faulty::default();
        let log = open(faulty.clone(), &dir, 1 << 20).unwrap();
        log.append(&put("1")).unwrap();
        log.rotate().unwrap();
        log.append(&put("2")).unwrap();
        faulty.fail_next(method, ErrorKind::StorageFull, 0);
        let failed = match method {
            "remove" => log.truncate(1),
            _ => log.rotate(),
        };
        let error = failed.unwrap_err().to_string();
        assert!(error.contains("takes no more writes"), "{method}: {error}");
        assert!(log.append(&put("3")).is_err(), "{method}");
        assert!(
            log.rotate().is_err() && log.truncate(2).is_err(),
            "{method}"
        );
        drop(log);
        let log = open(OsStorage, &dir, 1 << 20).unwrap();
        let values: Vec<Entry> = all(&log).into_iter().map(|(_, entry)| entry).collect();
        assert!(values.contains(&writes(&["2"])), "{method}: {values:?}");
        log.append(&put("4")).unwrap();
    }
}

#[test]
fn a_full_disk_is_told_as_such() {
    let bench = OnRealFiles::new();
    let faulty = Faulty::default();
    let log = open(faulty.clone(), &store(&bench), 1 << 20).unwrap();
    faulty.fail_next("write_at", ErrorKind::StorageFull, 7);
    let error = log.append(&put("1")).unwrap_err().to_string();
    assert!(error.contains("make room"), "{error}");
}

//! What every storage does, one body each for real files and for the simulated disk.

use super::os::OsStorage;
use super::simulated::Simulated;
use super::{File, Storage, parent};
use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A storage with an empty directory to work in.
pub(crate) trait Bench {
    type Storage: Storage;
    fn new() -> Self;
    fn storage(&self) -> Self::Storage;
    fn dir(&self) -> PathBuf;
}

pub(crate) struct OnRealFiles(TempDir);

impl Bench for OnRealFiles {
    type Storage = OsStorage;
    fn new() -> Self {
        OnRealFiles(tempfile::tempdir().unwrap())
    }
    fn storage(&self) -> OsStorage {
        OsStorage
    }
    fn dir(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }
}

pub(crate) struct OnSimulated(Simulated);

impl Bench for OnSimulated {
    type Storage = Simulated;
    fn new() -> Self {
        let storage = Simulated::named("posix").unwrap();
        storage.create_dir(Path::new("home")).unwrap();
        OnSimulated(storage)
    }
    fn storage(&self) -> Simulated {
        self.0.clone()
    }
    fn dir(&self) -> PathBuf {
        PathBuf::from("home")
    }
}

/// Runs each body on both.
macro_rules! on_both {
    ($($body:ident)*) => {
        mod on_real_files {
            $(#[test] fn $body() { super::$body(&<crate::storage::tests::OnRealFiles as crate::storage::tests::Bench>::new()) })*
        }
        mod on_simulated_storage {
            $(#[test] fn $body() { super::$body(&<crate::storage::tests::OnSimulated as crate::storage::tests::Bench>::new()) })*
        }
    };
}
pub(crate) use on_both;

on_both! {
    what_is_written_is_read_and_a_read_is_short_only_at_the_end
    names_are_made_renamed_listed_and_removed
    an_open_file_outlives_its_name
    a_directory_has_one_holder_and_the_hold_ends_with_it
    an_error_names_the_path_and_keeps_its_kind_and_its_cause
    a_file_is_no_directory_to_lock_and_no_parent
}

fn what_is_written_is_read_and_a_read_is_short_only_at_the_end(bench: &impl Bench) {
    let file = bench.storage().create(&bench.dir().join("f")).unwrap();
    assert!(file.is_empty().unwrap());
    file.append(b"hello").unwrap();
    file.write_at(7, b"!").unwrap();
    file.append(b"?").unwrap();
    let mut buffer = [1; 16];
    assert_eq!(file.read_at(0, &mut buffer).unwrap(), 9);
    assert_eq!(&buffer[..9], b"hello\0\0!?");
    assert_eq!(file.read_at(9, &mut buffer).unwrap(), 0);
    file.set_len(2).unwrap();
    assert_eq!(file.len().unwrap(), 2);
    file.barrier().unwrap();
    file.data_barrier().unwrap();
}

fn names_are_made_renamed_listed_and_removed(bench: &impl Bench) {
    let (storage, dir) = (bench.storage(), bench.dir());
    let (a, b) = (dir.join("a"), dir.join("b"));
    storage.create(&a).unwrap();
    assert_eq!(
        storage.create(&a).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    storage.create_dir(&dir.join("0")).unwrap();
    storage.rename(&a, &b).unwrap();
    storage.directory_barrier(&dir).unwrap();
    assert_eq!(storage.list(&dir).unwrap(), ["0", "b"]);
    assert!(!storage.exists(&a).unwrap());
    storage.remove(&b).unwrap();
    assert_eq!(storage.open(&b).unwrap_err().kind(), ErrorKind::NotFound);
}

fn an_open_file_outlives_its_name(bench: &impl Bench) {
    let (storage, dir) = (bench.storage(), bench.dir());
    let (a, b) = (dir.join("a"), dir.join("b"));
    let file = storage.create(&a).unwrap();
    storage.rename(&a, &b).unwrap();
    file.append(b"after the rename").unwrap();
    assert_eq!(storage.open(&b).unwrap().len().unwrap(), 16);
    storage.remove(&b).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(file.len().unwrap(), 17);
}

fn a_directory_has_one_holder_and_the_hold_ends_with_it(bench: &impl Bench) {
    let (storage, dir) = (bench.storage(), bench.dir());
    let held = storage.lock(&dir).unwrap();
    assert!(held.is_some());
    assert!(storage.lock(&dir).unwrap().is_none());
    drop(held);
    assert!(storage.lock(&dir).unwrap().is_some());
    assert!(storage.list(&dir).unwrap().is_empty());
}

#[test]
fn a_hold_that_ended_is_not_kept_by_a_process_that_is_being_started() {
    let dir = tempfile::tempdir().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                Command::new("true").status().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let mut kept = 0;
        while !is_over.load(Ordering::Relaxed) {
            kept += usize::from(OsStorage.lock(dir.path()).unwrap().is_none());
        }
        assert_eq!(kept, 0);
    });
}

fn an_error_names_the_path_and_keeps_its_kind_and_its_cause(bench: &impl Bench) {
    let path = bench.dir().join("not-there");
    let error = bench.storage().open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    assert!(error.get_ref().and_then(Error::source).is_some());
}

fn a_file_is_no_directory_to_lock_and_no_parent(bench: &impl Bench) {
    let (storage, file) = (bench.storage(), bench.dir().join("f"));
    storage.create(&file).unwrap();
    assert_eq!(
        storage.lock(&file).unwrap_err().kind(),
        ErrorKind::NotADirectory
    );
    assert!(storage.create(&bench.dir().join("none/f")).is_err());
}

#[test]
fn the_parent_of_a_bare_name_is_the_current_directory() {
    assert_eq!(parent(Path::new("store")), Path::new("."));
    assert_eq!(parent(Path::new("a/store")), Path::new("a"));
    assert_eq!(parent(Path::new("/store")), Path::new("/"));
    assert_eq!(parent(Path::new("/")), Path::new("/"));
    assert_eq!(parent(Path::new("a/.")), Path::new("."));
}

#[test]
fn the_parent_of_a_path_without_a_name_is_one_up() {
    assert_eq!(parent(Path::new(".")), Path::new("./.."));
    assert_eq!(parent(Path::new("..")), Path::new("../.."));
    assert_eq!(parent(Path::new("a/..")), Path::new("a/../.."));
}

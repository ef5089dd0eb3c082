//! Against `std::fs`, and under exploration.

// Which of two errors comes first is a matter of the system.
#[cfg(target_os = "linux")]
mod random;
mod same;
mod store;

use super::*;
use std::io::{ErrorKind, Write as _};
use std::panic::catch_unwind;
use std::path::Path;

fn machine() -> Simulated {
    Simulated::named("posix").unwrap()
}

#[test]
fn a_guard_within_another_restores_the_one_before() {
    let (one, two) = (machine(), machine());
    let outer = enter(&one);
    write("f", "one").unwrap();
    within(&two, || {
        assert!(!exists("f").unwrap());
        write("f", "two").unwrap();
    });
    assert_eq!(read("f").unwrap(), b"one");
    assert!(catch_unwind(|| within(&two, || panic!("a failing store"))).is_err());
    assert_eq!(read("f").unwrap(), b"one");
    drop(outer);
    let said = catch_unwind(|| exists("f")).unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("lightsout::simfs::enter"), "{said}");
}

#[test]
fn an_open_file_works_without_the_guard_and_dies_with_its_process() {
    let storage = machine();
    let (mut file, dir) = within(&storage, || {
        (File::create_new("f").unwrap(), File::open("/").unwrap())
    });
    file.write_all(b"x").unwrap();
    file.sync_all().unwrap();
    dir.sync_all().unwrap();
    storage.power_cut_by(|_| Default::default());
    assert_eq!(within(&storage, || read("f")).unwrap(), b"x");
    assert!(file.write_all(b"y").is_err());
    assert!(dir.sync_all().is_err());
}

#[test]
fn the_barrier_of_an_open_directory_covers_the_names_in_it_and_follows_it_through_a_rename() {
    for untraced in [false, true] {
        let storage = machine();
        let _entered = enter(&storage);
        create_dir_all("a/b").unwrap();
        File::open("/").unwrap().sync_all().unwrap();
        File::open("a").unwrap().sync_all().unwrap();
        let dir = File::open("a/b").unwrap();
        File::create("a/b/f").unwrap();
        rename("a/b", "a/c").unwrap();
        if untraced {
            storage.untraced();
        }
        dir.sync_data().unwrap();
        storage.power_cut_by(|_| Default::default());
        assert!(exists("a/b/f").unwrap());
        assert!(!exists("a/c").unwrap());
    }
}

#[test]
fn a_write_of_nothing_and_a_look_are_no_calls() {
    let storage = machine();
    let _entered = enter(&storage);
    let mut file = File::create_new("f").unwrap();
    let calls = storage.calls();
    file.write_all(b"").unwrap();
    file.write_all_at(b"", 10).unwrap();
    file.metadata().unwrap();
    create_dir_all("/").unwrap();
    drop(read_dir(".").unwrap());
    assert_eq!(storage.calls(), calls);
}

#[test]
fn a_removed_directory_may_be_back_until_its_parent_was_synced() {
    let storage = machine();
    let _entered = enter(&storage);
    create_dir("d").unwrap();
    File::open("/").unwrap().sync_all().unwrap();
    remove_dir("d").unwrap();
    storage.power_cut_by(|_| Default::default());
    assert!(exists("d").unwrap());
    remove_dir("d").unwrap();
    File::open("/").unwrap().sync_all().unwrap();
    storage.power_cut_by(|_| Default::default());
    assert!(!exists("d").unwrap());
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let storage = machine();
    let _entered = enter(&storage);
    create_dir_all("d/e").unwrap();
    create_dir("empty").unwrap();
    let kind = |done: std::io::Result<()>| done.unwrap_err().kind();
    assert_eq!(kind(rename("d", "empty")), ErrorKind::Unsupported);
    assert_eq!(kind(create_dir("d/../f")), ErrorKind::InvalidInput);
    let (one, other) = (File::create("f").unwrap(), File::open("f").unwrap());
    one.lock().unwrap();
    assert_eq!(kind(other.lock()), ErrorKind::Deadlock);
    storage.kill();
    let next = File::open(Path::new("f")).unwrap();
    drop(one);
    next.lock().unwrap();
}

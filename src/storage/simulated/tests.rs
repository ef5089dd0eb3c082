//! What only a simulated machine can do: crashes, failures, and calls that go astray.

use super::*;
use crate::storage::{File, Storage};
use models::disk::image::Fates;

const DIR: &str = "dir";

fn path() -> &'static Path {
    Path::new("dir/f")
}

/// A machine with an empty file whose name is durable, and the file, open.
fn machine(profile: &str) -> (Simulated, SimulatedFile) {
    let storage = Simulated::named(profile).unwrap();
    storage.create_dir(Path::new(DIR)).unwrap();
    let file = storage.create(path()).unwrap();
    storage.directory_barrier(Path::new(DIR)).unwrap();
    storage.directory_barrier(Path::new(".")).unwrap();
    storage.take_trace();
    (storage, file)
}

fn contents(storage: &Simulated) -> Vec<u8> {
    let disk = storage.disk();
    disk.view().file("dir/f").unwrap().to_vec()
}

fn keeping_nothing() -> Fates {
    Fates::default()
}

#[test]
fn a_kill_leaves_what_is_cached_and_takes_the_handles_and_the_locks() {
    let (storage, file) = machine("posix");
    let lock = storage.lock(Path::new(DIR)).unwrap();
    file.append(b"cached").unwrap();
    storage.kill();
    assert!(file.append(b"late").is_err());
    assert!(file.len().is_err());
    assert_eq!(contents(&storage), b"cached");
    let again = storage.lock(Path::new(DIR)).unwrap();
    assert!(again.is_some());
    drop(lock);
    assert!(storage.lock(Path::new(DIR)).unwrap().is_none());
}

#[test]
fn a_power_cut_takes_what_the_fates_say_and_nothing_that_a_barrier_covered() {
    let (storage, file) = machine("strict");
    file.append(b"durable").unwrap();
    file.data_barrier().unwrap();
    file.append(b" cached").unwrap();
    assert_eq!(storage.crash_images(), 2);
    storage.power_cut_by(|disk| {
        assert_eq!(disk.log().len(), 2);
        keeping_nothing()
    });
    assert_eq!(contents(&storage), b"durable");
    assert!(file.len().is_err());
}

#[test]
fn the_process_dies_before_the_call_that_is_planned_and_opens_nothing_either() {
    let (storage, file) = machine("posix");
    storage.plan(Point::Call(storage.calls() + 1), Fault::Die);
    file.append(b"a").unwrap();
    assert!(file.append(b"b").is_err());
    assert!(storage.is_dead());
    assert!(storage.open(path()).is_err());
    assert!(storage.create_dir(Path::new("d")).is_err());
    storage.kill();
    assert_eq!(contents(&storage), b"a");
    assert!(storage.open(path()).is_ok());
}

#[test]
fn what_is_planned_for_a_call_before_which_the_process_dies_strikes_the_next_process() {
    let (storage, file) = machine("posix");
    let next = Point::Call(storage.calls());
    storage.plan(next, Fault::Drop);
    storage.plan(next, Fault::Die);
    assert!(file.append(b"a").is_err());
    storage.kill();
    let file = storage.open(path()).unwrap();
    file.append(b"b").unwrap();
    file.append(b"c").unwrap();
    assert_eq!(contents(&storage), b"c");
}

#[test]
fn a_barrier_fails_as_planned_and_what_it_was_to_cover_may_go() {
    for (failure, visible) in [
        (Failure::DataStays, &b"xy"[..]),
        (Failure::DataReverts, &b""[..]),
    ] {
        let (storage, file) = machine("posix");
        file.append(b"xy").unwrap();
        storage.plan(Point::Barrier(storage.barriers()), Fault::Barrier(failure));
        assert!(file.barrier().is_err());
        assert_eq!(contents(&storage), visible);
        file.barrier().unwrap();
        storage.power_cut(&keeping_nothing());
        assert_eq!(contents(&storage).iter().filter(|b| **b != 0).count(), 0);
    }
}

#[test]
fn after_an_abort_every_change_fails_until_the_power_is_cut() {
    let (storage, file) = machine("posix");
    let barrier = Point::Barrier(storage.barriers());
    storage.plan(barrier, Fault::Barrier(Failure::DataStays));
    // A directory barrier fails in one way only.
    assert!(storage.directory_barrier(Path::new(DIR)).is_err());
    let refused = |error: io::Error| assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
    refused(file.append(b"x").unwrap_err());
    refused(file.barrier().unwrap_err());
    refused(storage.create_dir(Path::new("d")).unwrap_err());
    storage.kill();
    refused(storage.remove(path()).unwrap_err());
    storage.power_cut(&keeping_nothing());
    storage.remove(path()).unwrap();
    let last = storage.take_trace().pop().unwrap();
    assert_eq!(last.call, Call::Remove("dir/f".into()));
}

#[test]
fn a_full_disk_writes_a_part_and_says_so() {
    let (storage, file) = machine("posix");
    let kind = ErrorKind::StorageFull;
    let fault = Fault::Error { kind, written: 3 };
    storage.plan(Point::Call(storage.calls()), fault);
    assert_eq!(file.append(b"hello").unwrap_err().kind(), kind);
    assert_eq!(contents(&storage), b"hel");
    let outcome = Outcome::Failed { kind, written: 3 };
    assert_eq!(storage.take_trace()[0].outcome, outcome);
    file.append(b"p").unwrap();
    assert_eq!(contents(&storage), b"help");
}

#[test]
fn a_dropped_call_is_not_there_and_nobody_is_told() {
    let (storage, file) = machine("posix");
    storage.plan(Point::Call(storage.calls()), Fault::Drop);
    storage.plan(Point::Call(storage.calls() + 2), Fault::Drop);
    file.append(b"a").unwrap();
    file.append(b"b").unwrap();
    let lost = storage.create(Path::new("dir/g")).unwrap();
    lost.append(b"into nothing").unwrap();
    assert_eq!(lost.len().unwrap(), 0);
    assert_eq!(contents(&storage), b"b");
    assert!(!storage.exists(Path::new("dir/g")).unwrap());
    assert_eq!(storage.take_trace().len(), 2);
}

#[test]
fn swapped_calls_are_seen_in_the_other_order() {
    let (storage, file) = machine("posix");
    storage.plan(Point::Call(storage.calls()), Fault::SwapWithNext);
    file.append(b"a").unwrap();
    file.barrier().unwrap();
    let trace: Vec<_> = storage
        .take_trace()
        .into_iter()
        .map(|traced| traced.call)
        .collect();
    assert!(trace[0].is_barrier() && !trace[1].is_barrier());
    storage.power_cut(&keeping_nothing());
    assert_eq!(contents(&storage).len(), 0);
}

#[test]
fn a_traced_call_has_the_path_of_the_time() {
    let (storage, file) = machine("posix");
    storage.rename(path(), Path::new("dir/g")).unwrap();
    file.barrier().unwrap();
    storage.remove(Path::new("dir/g")).unwrap();
    file.barrier().unwrap();
    let trace = storage.take_trace();
    assert_eq!(trace[1].call, Call::Barrier("dir/g".into()));
    assert_eq!(trace[3].call, Call::Barrier("dir/g".into()));
}

#[test]
fn handles_stay_good_when_all_is_settled_whatever_order_the_files_were_made_in() {
    let storage = Simulated::named("posix").unwrap();
    let files = ["b", "a"].map(|name| storage.create(Path::new(name)).unwrap());
    files[0].append(b"of b").unwrap();
    files[1].append(b"of a").unwrap();
    storage.settle();
    for (file, expected) in files.iter().zip([b"of b", b"of a"]) {
        let mut bytes = [0; 4];
        file.read_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, expected);
    }
}

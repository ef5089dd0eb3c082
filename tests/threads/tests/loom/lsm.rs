//! The LSM tree: a flush against writers, a merge against writers and readers, in every order.

use lightsout::engine::lsm::{self, Background, Error, Options, Store};
use lightsout::storage::simulated::{Fault, Point, Simulated};
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use models::disk::Failure;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";

type Tree = Arc<Store<Simulated>>;

/// A machine with a store whose logs are full with so many bytes, which merges two tables, and holds these keys.
fn begin(flush_at: u64, keys: &[&str]) -> (Simulated, Tree) {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        flush_at,
        fanout: 2,
        preallocate: 0,
        background: Background::Callers,
        ..Options::default()
    };
    let store = Store::open(machine.clone(), Path::new(DIR), options).expect("opened");
    for key in keys {
        store.put(key.as_bytes(), b"").expect("put");
    }
    (machine, Arc::new(store))
}

/// Whatever a power cut leaves now, these keys are there.
fn survive(machine: &Simulated, counts: &Counts, keys: &[&str]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let found = lsm::recovered(left, Path::new(DIR)).expect("it opens");
        for key in keys {
            let is_there = found.iter().any(|(found, _)| found == key.as_bytes());
            assert!(is_there, "D1: {key} was acknowledged and is lost");
        }
    });
}

/// A thread that puts a key and cuts the power once it is told Ok.
fn putting(
    machine: &Simulated,
    store: &Tree,
    counts: &Counts,
    key: &'static str,
    before: &'static [&'static str],
) -> thread::JoinHandle<()> {
    let (machine, store, counts) = (machine.clone(), store.clone(), counts.clone());
    thread::spawn(move || {
        store.put(key.as_bytes(), b"").expect("put");
        survive(&machine, &counts, &[before, &[key]].concat());
    })
}

fn working(store: &Tree) -> thread::JoinHandle<()> {
    let store = store.clone();
    thread::spawn(move || {
        store.run_one().expect("worked");
    })
}

fn all_there(store: &Tree, keys: &[&str]) {
    for key in keys {
        let value = store.get(key.as_bytes()).expect("read");
        assert_eq!(value, Some(Vec::new()), "{key} is not read");
    }
}

/// Each record fills a log: `old` is due, and its table is made while somebody writes, who needs the log of it.
fn a_flush_and_a_writer(counts: &Counts) {
    let (machine, store) = begin(1, &["old", "older"]);
    let writer = putting(&machine, &store, counts, "new", &["old", "older"]);
    let flush = working(&store);
    writer.join().unwrap();
    flush.join().unwrap();
    all_there(&store, &["old", "older", "new"]);
    survive(&machine, counts, &["old", "older", "new"]);
}

/// Two tables are merged while somebody writes and reads.
fn a_merge_and_a_writer(counts: &Counts) {
    let (machine, store) = begin(1, &["a", "b", "c", "d"]);
    // `a` and `b` are in tables by now, `c` is due.
    assert!(store.run_one().expect("worked"));
    let writer = putting(&machine, &store, counts, "e", &["a", "b", "c", "d"]);
    let merge = working(&store);
    all_there(&store, &["a", "b", "c", "d"]);
    writer.join().unwrap();
    merge.join().unwrap();
    all_there(&store, &["a", "b", "c", "d", "e"]);
    survive(&machine, counts, &["a", "b", "c", "d", "e"]);
}

/// Who asks for a flush is alone while the logs change places.
fn a_switch_and_a_writer(counts: &Counts) {
    let (machine, store) = begin(1 << 20, &["old"]);
    let writer = putting(&machine, &store, counts, "new", &["old"]);
    let flush = {
        let store = store.clone();
        thread::spawn(move || store.flush().expect("flushed"))
    };
    writer.join().unwrap();
    flush.join().unwrap();
    all_there(&store, &["old", "new"]);
    survive(&machine, counts, &["old", "new"]);
}

#[test]
fn a_flush_beside_a_writer() {
    let depth = Depth::Preemptions(3);
    assert!(explore("a flush and a writer", depth, a_flush_and_a_writer) > 100);
}

#[test]
fn a_merge_beside_a_writer_and_a_reader() {
    let depth = Depth::Preemptions(2);
    assert!(
        explore(
            "a merge, a writer and a reader",
            depth,
            a_merge_and_a_writer
        ) > 100
    );
}

#[test]
fn a_switch_among_writers() {
    let depth = Depth::Preemptions(3);
    assert!(explore("a switch and a writer", depth, a_switch_and_a_writer) > 100);
}

/// A store with threads of its own, the third put of which waits for them. The barrier of this number fails, whoever
/// asks for it; then nobody is told Ok any more, and nobody waits for ever, also not who drops the store.
fn threads_of_its_own(fails: Option<(usize, Failure)>) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let machine = Simulated::named("posix").expect("a profile").scheduled();
        let options = Options {
            flush_at: 1,
            preallocate: 0,
            background: Background::Threads,
            ..Options::default()
        };
        let store = Store::open(machine.clone(), Path::new(DIR), options).expect("opened");
        if let Some((number, failure)) = fails {
            let barrier = Point::Barrier(machine.barriers() + number);
            machine.plan(barrier, Fault::Barrier(failure));
        }
        let mut told = Vec::new();
        for key in ["a", "b", "c"] {
            match store.put(key.as_bytes(), b"") {
                Ok(_) => told.push(key),
                Err(Error::Poisoned { because }) => {
                    let because = because.to_string();
                    let is_told = because.contains("sync") || because.contains("read-only");
                    assert!(fails.is_some() && is_told, "{because}");
                    let next = store.put(b"d", b"").expect_err("it takes no more");
                    assert!(matches!(next, Error::Poisoned { .. }), "{next}");
                    break;
                }
                Err(other) => panic!("{other}"),
            }
            survive(&machine, counts, &told);
        }
        drop(store);
        assert!(fails.is_some() || told.len() == 3);
        survive(&machine, counts, &told);
    }
}

#[test]
fn a_writer_who_waits_for_the_threads_of_the_store() {
    let depth = Depth::Preemptions(2);
    assert!(
        explore(
            "a writer and two threads of the store",
            depth,
            threads_of_its_own(None)
        ) > 100
    );
}

#[test]
fn a_failed_barrier_of_a_thread_of_the_store_is_told_to_who_waits() {
    for number in 0..5 {
        let name = format!("the same, barrier {number} fails");
        let threads = threads_of_its_own(Some((number, Failure::DataStays)));
        assert!(explore(&name, Depth::Preemptions(1), threads) > 10);
    }
}

#[test]
fn a_table_that_frees_its_log_before_its_name_is_durable_is_found() {
    let depth = Depth::Preemptions(2);
    let said = found(Race::SwappedTooEarly, depth, a_flush_and_a_writer);
    assert!(said.contains("it opens") || said.contains("D1: "), "{said}");
}

#[test]
fn a_table_that_replaces_others_before_its_name_is_durable_is_found() {
    let depth = Depth::Preemptions(2);
    let said = found(Race::SwappedTooEarly, depth, a_merge_and_a_writer);
    assert!(said.contains("it opens") || said.contains("D1: "), "{said}");
}

#[test]
fn a_record_that_is_staged_while_the_logs_change_places_is_found() {
    let depth = Depth::Preemptions(2);
    let said = found(Race::StagedWhileAlone, depth, a_switch_and_a_writer);
    assert!(
        said.contains("D1: ") || said.contains("what is not written"),
        "{said}"
    );
}

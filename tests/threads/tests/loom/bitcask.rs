//! Bitcask: a merge against writers and readers, in every order.

use lightsout::engine::bitcask::{self, Bitcask, Options};
use lightsout::storage::simulated::Simulated;
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";

type Keys = Arc<Bitcask<Simulated>>;

/// A machine with a store whose one closed file has these keys.
fn begin(keys: &[&str]) -> (Simulated, Keys) {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        preallocate: 0,
        ..Options::default()
    };
    let store = Bitcask::open(machine.clone(), Path::new(DIR), options).expect("opened");
    for key in keys {
        store.put(key.as_bytes(), b"old").expect("put");
    }
    store.rotate().expect("rotated");
    (machine, Arc::new(store))
}

/// Whatever a power cut leaves now, these keys have these values.
fn survive(machine: &Simulated, counts: &Counts, pairs: &[(&str, &str)]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let found = bitcask::recovered(left, Path::new(DIR)).expect("it opens");
        for (key, value) in pairs {
            let pair = (key.as_bytes().to_vec(), value.as_bytes().to_vec());
            assert!(
                found.contains(&pair),
                "D1: {key} = {value} was acknowledged and is lost"
            );
        }
    });
}

fn reads(store: &Keys, key: &str) -> Option<Vec<u8>> {
    store.get(key.as_bytes()).expect("read")
}

/// A key is put again while the file that has its old value is merged, and another one is read.
fn a_merge_and_a_writer(counts: &Counts) {
    let (machine, store) = begin(&["a", "b"]);
    let writer = {
        let (machine, store, counts) = (machine.clone(), store.clone(), counts.clone());
        thread::spawn(move || {
            store.put(b"a", b"new").expect("put");
            assert_eq!(reads(&store, "a"), Some(b"new".to_vec()), "D7");
            survive(&machine, &counts, &[("a", "new"), ("b", "old")]);
        })
    };
    let merge = {
        let store = store.clone();
        thread::spawn(move || store.merge().expect("merged"))
    };
    assert_eq!(reads(&store, "b"), Some(b"old".to_vec()));
    writer.join().unwrap();
    merge.join().unwrap();
    assert_eq!(reads(&store, "a"), Some(b"new".to_vec()));
    assert_eq!(reads(&store, "b"), Some(b"old".to_vec()));
    assert_eq!(store.stats().data_files, 1);
    survive(&machine, counts, &[("a", "new"), ("b", "old")]);
}

#[test]
fn a_merge_beside_a_writer_and_a_reader() {
    // Two: one to come between a merge and its truncation, one to come back in the middle of an append.
    let depth = Depth::Preemptions(2);
    let executions = explore("bitcask, a merge and a writer", depth, a_merge_and_a_writer);
    assert!(executions > 100);
}

#[test]
fn data_files_that_go_before_their_merge_is_durable_are_found() {
    let depth = Depth::Preemptions(1);
    let said = found(Race::SwappedTooEarly, depth, a_merge_and_a_writer);
    assert!(said.contains("it opens") || said.contains("D1: "), "{said}");
}

//! The LSM tree with its own threads: many writers, readers, flushes and merges, and the store is dropped in the end.

use super::{at_random, found};
use lightsout::engine::lsm::{self, Background, Options, Store};
use lightsout::storage::simulated::Simulated;
use lightsout::sync::Race;
use shuttle::thread;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";
const WRITERS: usize = 4;
const KEYS: usize = 8;
const ORDERS: usize = 400;

fn key(writer: usize, number: usize) -> Vec<u8> {
    format!("{writer}.{number}").into_bytes()
}

/// Each writer puts its keys, reads what it has put, and cuts the power now and then; a log is full after three records,
/// and two tables are merged.
fn many() {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        flush_at: 200,
        fanout: 2,
        preallocate: 128,
        background: Background::Threads,
        ..Options::default()
    };
    let store = Store::open(machine.clone(), Path::new(DIR), options).expect("opened");
    let store = Arc::new(store);
    let writer = |writer: usize| {
        let (machine, store) = (machine.clone(), store.clone());
        thread::spawn(move || {
            for number in 0..KEYS {
                store.put(&key(writer, number), &[b'.'; 20]).expect("put");
                let before = number / 2;
                let read = store.get(&key(writer, before)).expect("read");
                assert_eq!(read.as_deref(), Some(&[b'.'; 20][..]), "D7: not read");
                if number % 4 == writer {
                    survive(&machine, (0..=number).map(|number| key(writer, number)));
                }
            }
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    for writer in writers {
        writer.join().expect("it ends");
    }
    let all = || (0..WRITERS).flat_map(|writer| (0..KEYS).map(move |number| key(writer, number)));
    survive(&machine, all());
    let found = store.scan::<[u8]>(..).map(|pair| pair.expect("read").0);
    assert!(found.eq(all()), "what was put is not what is there");
    drop(store);
    survive(&machine, all());
}

/// Whatever a power cut leaves now, these keys are there.
fn survive(machine: &Simulated, keys: impl Iterator<Item = Vec<u8>>) {
    let keys: Vec<_> = keys.collect();
    machine.after_power_cut(|left| {
        let found = lsm::recovered(left, Path::new(DIR)).expect("it opens");
        for key in &keys {
            let is_there = found.iter().any(|(found, _)| found == key);
            assert!(is_there, "D1: a key was acknowledged and is lost");
        }
    });
}

#[test]
fn many_writers_of_a_tree_that_flushes_and_merges() {
    at_random(ORDERS, many);
}

#[test]
fn a_table_that_takes_its_place_before_its_name_is_durable_is_found() {
    let said = found(Race::SwappedTooEarly, ORDERS, many);
    assert!(said.contains("it opens") || said.contains("D1: "), "{said}");
}

//! The log in segments: many writers, rotations, truncations.

use super::{at_random, found};
use lightsout::engine::wal::segments::{self, Options, SegmentedLog};
use lightsout::engine::wal::{Entry, Write};
use lightsout::storage::simulated::Simulated;
use lightsout::sync::Race;
use shuttle::thread;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";
const WRITERS: usize = 8;
const RECORDS: usize = 6;
const ORDERS: usize = 1_000;

fn write(writer: usize, number: usize) -> Write {
    let key = format!("{writer}.{number}").into();
    Write::Put {
        key,
        value: vec![b'.'; 40 * (number % 3)],
    }
}

/// Many writers, whose records fill a segment every few appends, and one who truncates meanwhile.
fn many() {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        segment_bytes: 400,
        preallocate: 128,
        ..Options::default()
    };
    let log = SegmentedLog::open(machine.clone(), Path::new(DIR), options).expect("opened");
    let log = Arc::new(log);
    let writer = |writer: usize| {
        let (machine, log) = (machine.clone(), log.clone());
        thread::spawn(move || {
            let append = |number| {
                let write = write(writer, number);
                let lsn = log.append(&write).expect("appended");
                if number % 3 == writer % 3 {
                    survives(&machine, &[(lsn.index, write.clone())]);
                }
                (lsn.index, write)
            };
            (0..RECORDS).map(append).collect::<Vec<_>>()
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    for up_to in [3, 9, 20] {
        if log.last().is_some_and(|last| last.index >= up_to) {
            log.truncate(up_to).expect("truncated");
        }
    }
    let mut told: Vec<(u64, Write)> = Vec::new();
    for writer in writers {
        let of_one = writer.join().expect("it ends");
        assert!(
            of_one.is_sorted_by_key(|(index, _)| *index),
            "D2: out of order"
        );
        told.extend(of_one);
    }
    survives(&machine, &told);
    told.sort_by_key(|(index, _)| *index);
    assert!(
        told.windows(2).all(|two| two[0].0 < two[1].0),
        "D8: one number, two records"
    );
    assert_eq!(log.waiting(), 0);
}

/// Whatever a power cut leaves now: the records follow each other, and these are there or were truncated.
fn survives(machine: &Simulated, acknowledged: &[(u64, Write)]) {
    machine.after_power_cut(|left| {
        let (point, found) = segments::recovered(left, Path::new(DIR)).expect("it opens");
        let found: Vec<_> = (point + 1..).zip(found).collect();
        for (index, record) in &found {
            assert_eq!(record.lsn.index, *index, "D2: a gap");
        }
        for (index, write) in acknowledged {
            let entry = Entry::Writes(vec![write.clone()]);
            let is_there = *index <= point
                || found
                    .iter()
                    .any(|(at, it)| at == index && it.entry == entry);
            assert!(is_there, "D1: record {index} was acknowledged and is lost");
        }
    });
}

#[test]
fn many_writers_of_a_log_in_segments() {
    at_random(ORDERS, many);
}

#[test]
fn planted_races_are_found_among_many_writers() {
    for race in [Race::CoveredByRunning, Race::AcknowledgedWhenWritten] {
        let said = found(race, ORDERS, many);
        assert!(said.contains("D1: "), "{said}");
    }
}

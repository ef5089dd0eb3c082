//! The log in segments: rotation against append, truncation against append, in every order.

use lightsout::engine::wal::segments::{self, Options, SegmentedLog};
use lightsout::engine::wal::{Entry, Write};
use lightsout::storage::simulated::Simulated;
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";

fn write(name: &str) -> Write {
    let (key, value) = (name.into(), Vec::new());
    Write::Put { key, value }
}

/// A machine with a log that holds so many records, and begins a segment where one has so many bytes.
fn begin(segment_bytes: u64, records: usize) -> (Simulated, Arc<SegmentedLog<Simulated>>) {
    let machine = Simulated::named("posix").expect("a profile");
    let options = Options {
        segment_bytes,
        preallocate: 0,
        ..Options::default()
    };
    let machine = machine.scheduled();
    let log = SegmentedLog::open(machine.clone(), Path::new(DIR), options).expect("opened");
    for number in 0..records {
        log.append(&write(&format!("old {number}")))
            .expect("appended");
        log.rotate().expect("rotated");
    }
    (machine, Arc::new(log))
}

/// Whatever a power cut leaves now: the records follow each other from the truncation point on, and these are there.
fn survive(machine: &Simulated, counts: &Counts, acknowledged: &[(u64, &str)]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let (point, found) = segments::recovered(left, Path::new(DIR)).expect("it opens");
        for (index, record) in (point + 1..).zip(&found) {
            assert_eq!(record.lsn.index, index, "D2: a gap");
        }
        for (index, name) in acknowledged {
            let entry = Entry::Writes(vec![write(name)]);
            let is_there = |it: &segments::Record| it.lsn.index == *index && it.entry == entry;
            let is_there = *index <= point || found.iter().any(is_there);
            assert!(is_there, "D1: {name} was acknowledged and is lost");
        }
    });
}

/// Two writers, and one who does something else.
fn against(
    segment_bytes: u64,
    other: impl Fn(&SegmentedLog<Simulated>) + Clone + Send + Sync + 'static,
) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let (machine, log) = begin(segment_bytes, 1);
        let append = |name: &'static str| {
            let (machine, log, counts) = (machine.clone(), log.clone(), counts.clone());
            thread::spawn(move || {
                let lsn = log.append(&write(name)).expect("appended");
                survive(&machine, &counts, &[(lsn.index, name)]);
                (lsn.index, name)
            })
        };
        let threads = ["a", "b"].map(append);
        let (this, other) = (log.clone(), other.clone());
        let other = thread::spawn(move || other(&this));
        let mut told = threads.map(|thread| thread.join().unwrap());
        other.join().unwrap();
        survive(&machine, counts, &told);
        told.sort_unstable();
        assert_ne!(told[0].0, told[1].0, "D8: two records of one number");
        let there = log.records().map(|it| it.expect("read").lsn.index);
        let there: Vec<u64> = there.collect();
        assert!(
            told.iter().all(|(index, _)| there.contains(index)),
            "{there:?}"
        );
    }
}

fn rotate(log: &SegmentedLog<Simulated>) {
    log.rotate().expect("rotated");
}

fn truncate(log: &SegmentedLog<Simulated>) {
    log.truncate(1).expect("truncated");
    assert_eq!(log.truncation_point(), 1);
}

#[test]
fn a_rotation_among_writers() {
    let depth = Depth::Preemptions(3);
    let executions = explore(
        "two writers and a rotation",
        depth,
        against(1 << 20, rotate),
    );
    assert!(executions > 100);
}

#[test]
fn writers_who_rotate_for_want_of_room() {
    // Each record fills a segment, so both writers want another one, and one of them makes it.
    let depth = Depth::Preemptions(3);
    let executions = explore("two writers, full segments", depth, against(1, |_| ()));
    assert!(executions > 100);
}

#[test]
fn a_truncation_among_writers() {
    let depth = Depth::Preemptions(3);
    let executions = explore(
        "two writers and a truncation",
        depth,
        against(1 << 20, truncate),
    );
    assert!(executions > 100);
}

#[test]
fn a_record_that_is_staged_into_a_segment_that_is_closed_is_found() {
    let said = found(
        Race::StagedWhileAlone,
        Depth::Preemptions(2),
        against(1 << 20, rotate),
    );
    assert!(
        said.contains("D1: ") || said.contains("what is not written"),
        "{said}"
    );
}

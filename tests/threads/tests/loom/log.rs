//! Group commit in the log: the leader's hand-over, poisoning against waiters.

use lightsout::engine::wal::{self, Error, Log, Lsn, Options, Record, SyncMode, Write};
use lightsout::storage::simulated::{Fault, Point, Simulated};
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use models::disk::Failure;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";

fn write(name: &str) -> Write {
    let (key, value) = (name.into(), b"value".to_vec());
    Write::Put { key, value }
}

/// A machine with an empty log, durable, and the log.
fn begin(sync: SyncMode) -> (Simulated, Arc<Log<Simulated>>) {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        sync,
        preallocate: 0,
        ..Options::default()
    };
    let log = Log::open(machine.clone(), Path::new(DIR), options).expect("opened");
    (machine, Arc::new(log))
}

/// Whatever a power cut leaves now: the records follow each other, and these are there.
fn survive(machine: &Simulated, counts: &Counts, acknowledged: &[(Lsn, &str)]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let found = wal::recovered(left, Path::new(DIR)).expect("it opens");
        for (nth, record) in (1..).zip(&found) {
            assert_eq!(record.lsn.index, nth, "D2: a gap");
        }
        for (lsn, name) in acknowledged {
            let [writes] = [vec![write(name)]];
            let record = Record { lsn: *lsn, writes };
            assert!(
                found.contains(&record),
                "D1: {name} was acknowledged and is lost"
            );
        }
    });
}

/// So many writers, each with one record.
fn writers(names: &'static [&'static str]) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let (machine, log) = begin(SyncMode::EveryWrite);
        let threads: Vec<_> = names
            .iter()
            .map(|name| {
                let (machine, log, counts) = (machine.clone(), log.clone(), counts.clone());
                thread::spawn(move || {
                    let lsn = log.append(&write(name)).expect("appended");
                    survive(&machine, &counts, &[(lsn, name)]);
                    (lsn, *name)
                })
            })
            .collect();
        let told: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        survive(&machine, counts, &told);
        assert_eq!(log.waiting(), 0);
    }
}

#[test]
fn two_writers_hand_over_the_lead() {
    let executions = explore("two writers", Depth::Exhaustive, writers(&["a", "b"]));
    assert!(executions > 10);
}

#[test]
fn three_writers_hand_over_the_lead() {
    // Exhaustive it takes hours: three who wait and wake have very many orders. Two preemptions reach every pair of
    // moments of two threads, with the third anywhere between its own steps.
    let depth = Depth::Preemptions(2);
    let executions = explore("three writers", depth, writers(&["a", "b", "c"]));
    assert!(executions > 100);
}

#[test]
fn whoever_is_covered_by_a_barrier_that_began_before_is_found() {
    let said = found(
        Race::CoveredByRunning,
        Depth::Exhaustive,
        writers(&["a", "b"]),
    );
    assert!(said.contains("D1: "), "{said}");
}

#[test]
fn an_acknowledgement_before_the_barrier_is_found() {
    let said = found(
        Race::AcknowledgedWhenWritten,
        Depth::Exhaustive,
        writers(&["a", "b"]),
    );
    assert!(said.contains("D1: "), "{said}");
}

/// Two writers, and the first barrier fails: nobody is told Ok after that, nobody waits for ever, and both know why.
fn poisoned(counts: &Counts) {
    let (machine, log) = begin(SyncMode::EveryWrite);
    let barrier = Point::Barrier(machine.barriers());
    machine.plan(barrier, Fault::Barrier(Failure::Abort));
    let threads: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|name| {
            let log = log.clone();
            thread::spawn(move || log.append(&write(name)))
        })
        .collect();
    for thread in threads {
        let Err(Error::Poisoned { because }) = thread.join().unwrap() else {
            panic!("D9: a write was acknowledged after a failed barrier");
        };
        assert!(matches!(*because, Error::Io { .. }), "{because}");
    }
    survive(&machine, counts, &[]);
}

#[test]
fn a_failed_barrier_wakes_everybody() {
    let executions = explore("a failed barrier", Depth::Exhaustive, poisoned);
    assert!(executions > 10);
}

#[test]
fn a_barrier_that_is_retried_is_found() {
    let said = found(Race::BarrierRetried, Depth::Exhaustive, poisoned);
    assert!(said.contains("D9: "), "{said}");
}

#[test]
fn waiters_who_are_forgotten_are_found() {
    let said = found(Race::WaitersForgotten, Depth::Exhaustive, poisoned);
    assert!(said.contains("deadlock"), "{said}");
}

//! Group commit in the log: the leader's hand-over, poisoning against waiters.

use lightsout::engine::wal::{self, Error, Log, Lsn, Options, Record, SyncMode, Write};
use lightsout::storage::simulated::{Fault, Point, Simulated};
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use models::disk::Failure;
use std::num::NonZeroU32;
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

/// Whatever a power cut leaves now, these are there.
fn durable(machine: &Simulated, counts: &Counts, records: &[Record]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let found = wal::recovered(left, Path::new(DIR)).expect("it opens");
        let lost = records.iter().find(|record| !found.contains(record));
        assert_eq!(lost, None, "D1: a record was synced and is lost");
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
    // All orders take minutes: three who wait and wake have very many. A preemption is needed to stage while another
    // leads, one more to stage in time for the batch of that second one.
    let depth = Depth::Preemptions(3);
    let executions = explore("three writers", depth, writers(&["a", "b", "c"]));
    assert!(executions > 1_000);
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
    // With two, nobody follows: whoever leads has only its own record, or the other one's left behind.
    let said = found(
        Race::AcknowledgedWhenWritten,
        Depth::Preemptions(2),
        writers(&["a", "b", "c"]),
    );
    assert!(said.contains("D1: "), "{said}");
}

/// Writers, and the first barrier fails: nobody is told Ok after that, nobody waits for ever, and all know why.
fn poisoned(
    names: &'static [&'static str],
    failure: Failure,
) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let (machine, log) = begin(SyncMode::EveryWrite);
        let barrier = Point::Barrier(machine.barriers());
        machine.plan(barrier, Fault::Barrier(failure));
        let append = |name: &'static &'static str| {
            let log = log.clone();
            thread::spawn(move || log.append(&write(name)))
        };
        let threads: Vec<_> = names.iter().map(append).collect();
        for thread in threads {
            let Err(Error::Poisoned { because }) = thread.join().unwrap() else {
                panic!("D9: a write was acknowledged after a failed barrier");
            };
            assert!(because.to_string().contains("sync the log"), "{because}");
        }
        survive(&machine, counts, &[]);
    }
}

#[test]
fn a_failed_barrier_wakes_everybody() {
    for failure in Failure::ALL {
        let name = format!("two writers, a barrier fails: {}", failure.says());
        explore(&name, Depth::Exhaustive, poisoned(&["a", "b"], failure));
        let name = format!("three writers, a barrier fails: {}", failure.says());
        let executions = explore(
            &name,
            Depth::Exhaustive,
            poisoned(&["a", "b", "c"], failure),
        );
        assert!(executions > 100);
    }
}

#[test]
fn a_barrier_that_is_retried_is_found() {
    let threads = poisoned(&["a", "b"], Failure::DataStays);
    let said = found(Race::BarrierRetried, Depth::Exhaustive, threads);
    assert!(said.contains("D9: "), "{said}");
}

#[test]
fn waiters_who_are_forgotten_are_found() {
    let threads = poisoned(&["a", "b"], Failure::DataStays);
    let said = found(Race::WaitersForgotten, Depth::Exhaustive, threads);
    assert!(said.contains("deadlock"), "{said}");
}

/// Two writers whose Ok promises nothing yet, and one who syncs.
fn synced(sync: SyncMode) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let (machine, log) = begin(sync);
        let append = |name: &'static str| {
            let log = log.clone();
            thread::spawn(move || (log.append(&write(name)).expect("appended"), name))
        };
        let threads = ["a", "b"].map(append);
        let syncs = {
            let (machine, log, counts) = (machine.clone(), log.clone(), counts.clone());
            thread::spawn(move || {
                let returned = log.last();
                log.sync().expect("synced");
                assert!(Some(log.durable_mark()) >= returned.map(|lsn| lsn.index));
                let there: Vec<_> = log.records().map(|it| it.expect("read")).collect();
                let returned = there.into_iter().filter(|it| Some(it.lsn) <= returned);
                durable(&machine, &counts, &returned.collect::<Vec<_>>());
            })
        };
        let told = threads.map(|thread| thread.join().unwrap());
        syncs.join().unwrap();
        // At most so many calls since the last barrier are lost, the newest.
        if let SyncMode::EveryN(n) = sync {
            let mark = log.durable_mark();
            let lost = told.iter().filter(|(lsn, _)| lsn.index > mark).count();
            assert!(
                lost < n.get() as usize,
                "D10: {lost} calls without a barrier"
            );
        }
        log.sync().expect("synced");
        survive(&machine, counts, &told);
    }
}

#[test]
fn a_sync_covers_what_returned_before_it_in_every_mode() {
    let two = NonZeroU32::new(2).expect("not zero");
    for sync in [SyncMode::EveryN(two), SyncMode::Never] {
        let name = format!("two writers and a sync, {sync:?}");
        // As for three writers.
        let executions = explore(&name, Depth::Preemptions(3), synced(sync));
        assert!(executions > 1_000);
    }
}

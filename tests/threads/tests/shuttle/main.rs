//! Threads in orders at random, on simulated storage, with power cuts: shuttle. For what loom cannot reach, many writers
//! and long runs.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --package lightsout-threads --target-dir target/shuttle -- --nocapture`
//!
//! Each test says its seed; `LIGHTSOUT_SEED` gives another one. An order that fails is printed as a *schedule*, and
//! `LIGHTSOUT_SCHEDULE` runs that one again.

#![cfg(shuttle)]

use lightsout::engine::wal::segments::{self, Options, SegmentedLog};
use lightsout::engine::wal::{Entry, Write};
use lightsout::storage::simulated::Simulated;
use lightsout::sync::{Race, plant};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, Runner, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";
const WRITERS: usize = 8;
const RECORDS: usize = 6;
/// Orders at random, and as many in which few threads are held up for long (Burckhardt et al., ASPLOS '10).
const ORDERS: usize = 150;
/// How often a thread is held up in one of those.
const HELD_UP: usize = 4;

/// Runs it in orders at random, or in the one that the environment names.
#[allow(clippy::print_stderr)] // The seed, which repeats a run.
fn at_random(orders: usize, threads: impl Fn() + Send + Sync + Clone + 'static) {
    if let Ok(schedule) = std::env::var("LIGHTSOUT_SCHEDULE") {
        let scheduler = ReplayScheduler::new_from_encoded(&schedule);
        Runner::new(scheduler, Config::default()).run(threads);
        return;
    }
    let seed = std::env::var("LIGHTSOUT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand_like);
    eprintln!("shuttle: {orders} orders of each kind, LIGHTSOUT_SEED={seed}");
    let scheduler = RandomScheduler::new_from_seed(seed, orders);
    Runner::new(scheduler, Config::default()).run(threads.clone());
    let scheduler = PctScheduler::new_from_seed(seed, HELD_UP, orders);
    Runner::new(scheduler, Config::default()).run(threads);
}

/// Another number each time.
fn rand_like() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64)
}

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
    for (race, said) in [
        (Race::CoveredByRunning, "D1: "),
        (Race::AcknowledgedWhenWritten, "D1: "),
    ] {
        plant(Some(race));
        let ran = catch_unwind(AssertUnwindSafe(|| at_random(ORDERS, many)));
        plant(None);
        let panic = ran.expect_err("a race that was planted is found");
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains(said), "{text}");
    }
}

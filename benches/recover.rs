//! How fast real recoveries are: open and full observation of the disk that twenty operations leave, on one
//! thread, in one run; and the rate of a whole exploration beside it.
//!
//! `cargo bench --bench recover`

use lightsout::explore::engines::{
    BitcaskSubject, BtreeSubject, EventStoreSubject, LogSubject, LsmSubject, SegmentsSubject,
};
use lightsout::explore::{
    Bounds, Contract, Operation, PROFILES, Profile, Subject, explore, workload,
};
use lightsout::storage::simulated::Simulated;
use models::disk::lazy::Choices;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Work<S> = Vec<Operation<<<S as Subject>::Contract as Contract>::Write>>;

fn posix() -> Profile {
    let posix = Profile::named(PROFILES[5]).unwrap_or_else(Profile::posix);
    posix.with_sizes(512, 4096)
}

/// Recoveries a second of the disk that the work leaves.
fn recoveries<S: Subject>(subject: &S, work: &Work<S>) -> Result<f64, Box<dyn std::error::Error>> {
    let storage = Simulated::new(posix());
    let mut store = subject.open(&storage).map_err(|error| error.to_string())?;
    for operation in work {
        match operation {
            Operation::Reopen => {
                subject.close(store).map_err(|error| error.to_string())?;
                store = subject.open(&storage).map_err(|error| error.to_string())?;
            }
            operation => {
                subject
                    .apply(&mut store, operation)
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    drop(store);
    let profile = Arc::new(posix());
    let left = storage.lazy().power_cut(&profile);
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < Duration::from_secs(1) {
        for _ in 0..200 {
            let storage = Simulated::lazily(left.clone(), profile.clone(), Choices::default());
            storage.untraced();
            let mut store = subject.open(&storage).map_err(|error| error.to_string())?;
            let state = subject
                .observe(&mut store)
                .map_err(|error| error.to_string())?;
            std::hint::black_box(state);
            count += 1;
        }
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn measure<S: Subject>(
    name: &str,
    subject: &S,
    work: &Work<S>,
) -> Result<(), Box<dyn std::error::Error>> {
    let rate = recoveries(subject, work)?;
    let bounds = Bounds {
        settled: true,
        ..Bounds::default()
    };
    let report = explore(subject, &posix(), &workload::<S>(&work[..6]), &bounds).report;
    let explored = report.recoveries as f64 / report.time.as_secs_f64();
    println!(
        "{name:<14} {rate:>10.0} {explored:>12.0} {:>8} {:>10}",
        report.distinct, report.crash_points
    );
    Ok(())
}

#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<14} {:>10} {:>12} {:>8} {:>10}",
        "one thread", "recoveries", "exploration", "states", "points"
    );
    measure("log", &LogSubject::default(), &LogSubject::workload())?;
    measure(
        "log, segments",
        &SegmentsSubject::default(),
        &SegmentsSubject::workload(),
    )?;
    measure("LSM tree", &LsmSubject::default(), &LsmSubject::workload())?;
    measure(
        "B-tree",
        &BtreeSubject::default(),
        &BtreeSubject::workload(),
    )?;
    measure(
        "event store",
        &EventStoreSubject::default(),
        &EventStoreSubject::workload(),
    )?;
    measure(
        "Bitcask",
        &BitcaskSubject::default(),
        &BitcaskSubject::workload(),
    )?;
    Ok(())
}

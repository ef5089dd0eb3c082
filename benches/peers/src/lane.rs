//! One row while it is measured: rounds of puts from some threads, then what was kept.

use crate::durable::{Durable, Outcome, Row, key, number, value};
use crate::kept::Kept;
use hdrhistogram::Histogram;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// A store, and how fast it was.
pub(crate) struct Lane {
    row: Row,
    dir: PathBuf,
    store: Box<dyn Durable>,
    /// How many puts of each thread returned.
    written: Vec<u64>,
    rates: Vec<f64>,
    latencies: Histogram<u64>,
}

/// What came of it.
pub(crate) struct Ended {
    pub(crate) name: &'static str,
    /// Puts a second, round by round.
    pub(crate) rates: Vec<f64>,
    /// Of a put, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) kept: Kept,
}

/// What one thread did in a round: puts, seconds, and how long each took.
type Round = (u64, f64, Histogram<u64>);

impl Lane {
    pub(crate) fn open(row: Row, dir: &Path, threads: usize) -> Outcome<Lane> {
        std::fs::create_dir(dir)?;
        let store = (row.open)(dir, threads);
        let store = store.map_err(|error| format!("{}: cannot be made: {error}", row.name))?;
        Ok(Lane {
            row,
            dir: dir.into(),
            store,
            written: vec![0; threads],
            rates: Vec::new(),
            latencies: latencies(),
        })
    }

    /// Puts, from all threads, for so long.
    pub(crate) fn turn(&mut self, time: Duration) -> Outcome {
        let (store, written, start) = (
            &*self.store,
            &self.written,
            Barrier::new(self.written.len()),
        );
        let (mut rate, mut done) = (0.0, Vec::new());
        thread::scope(|scope| {
            let writer = |thread| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    puts(store, written, thread, time)
                })
            };
            let writers: Vec<_> = (0..written.len()).map(writer).collect();
            let ended = writers.into_iter().map(|writer| writer.join());
            done.extend(
                ended.map(|ended| ended.unwrap_or_else(|_| Err("a writer panicked".into()))),
            );
        });
        for (thread, done) in done.into_iter().enumerate() {
            let name = self.row.name;
            let done = done.map_err(|error| format!("{name}: a put failed: {error}"))?;
            let (puts, seconds, latencies) = done;
            self.written[thread] += puts;
            self.latencies.add(latencies)?;
            rate += puts as f64 / seconds;
        }
        self.rates.push(rate);
        Ok(())
    }

    /// Closes the store, opens it again, and looks.
    pub(crate) fn end(self) -> Outcome<Ended> {
        let name = self.row.name;
        drop(self.store);
        let kept = (self.row.found)(&self.dir).and_then(|found| Kept::of(&found, &self.written));
        Ok(Ended {
            name,
            rates: self.rates,
            latencies: self.latencies,
            kept: kept.map_err(|error| format!("{name}: cannot be read again: {error}"))?,
        })
    }
}

fn latencies() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are not too many")
}

fn puts(store: &dyn Durable, written: &[u64], thread: usize, time: Duration) -> Outcome<Round> {
    let mut latencies = latencies();
    let (began, mut puts) = (Instant::now(), 0);
    let mut last = began;
    while last - began < time {
        let key = key(number(written[thread] + puts, thread, written.len()));
        store.put(&key, &value(&key))?;
        let now = Instant::now();
        latencies.record((now - last).as_nanos() as u64)?;
        (last, puts) = (now, puts + 1);
    }
    Ok((puts, (last - began).as_secs_f64(), latencies))
}

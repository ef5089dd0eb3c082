//! One row while it is measured: rounds of puts from some threads, then what was kept.

use crate::durable::{Durable, Found, Outcome, Row, key, value};
use hdrhistogram::Histogram;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// So many of each thread's puts are read again, and its last one.
const SAMPLE: u64 = 500;

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

/// What the store had when it was opened again: so many of those that it was asked for.
pub(crate) enum Kept {
    Unasked,
    Counted { found: u64, of: u64 },
    Read { found: u64, of: u64 },
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
        let kept = (self.row.found)(&self.dir).and_then(|found| kept(&found, &self.written));
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

/// No two threads have a number in common.
fn number(nth: u64, thread: usize, threads: usize) -> u64 {
    nth * threads as u64 + thread as u64
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

/// Whether what returned is there. That it is durable this does not show: nobody cut the power.
fn kept(found: &Found, written: &[u64]) -> Outcome<Kept> {
    let of = written.iter().sum();
    let is_there = |number| {
        let key = key(number);
        let read = match found {
            Found::Pairs(pairs) => pairs.get(&key).cloned(),
            Found::Reads(read) => read(&key)?,
            Found::Unasked | Found::Counted(_) => None,
        };
        Outcome::Ok(read.is_some_and(|read| read == value(&key)))
    };
    match found {
        Found::Unasked => Ok(Kept::Unasked),
        Found::Counted(found) => Ok(Kept::Counted { found: *found, of }),
        Found::Pairs(pairs) if pairs.len() as u64 != of => Ok(Kept::Counted {
            found: pairs.len() as u64,
            of,
        }),
        Found::Pairs(_) | Found::Reads(_) => {
            let (mut found, mut of) = (0, 0);
            for (thread, &count) in written.iter().enumerate() {
                let step = (count / SAMPLE).max(1) as usize;
                for nth in (0..count).step_by(step).chain(count.checked_sub(1)) {
                    of += 1;
                    found += u64::from(is_there(number(nth, thread, written.len()))?);
                }
            }
            Ok(Kept::Read { found, of })
        }
    }
}

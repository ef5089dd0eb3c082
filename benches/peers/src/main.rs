//! How fast lightsout's engines put where every put is durable before it returns, beside the raw limit of the disk
//! and engines that others wrote. Read the ratios.
#![forbid(unsafe_code)]

mod durable;
mod kept;
mod lane;
mod others;
mod ours;
mod peers;
mod place;
mod raw;
mod table;

use clap::{Parser, value_parser};
use durable::{Outcome, Row};
use lane::Lane;
use others::Ticks;
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Short, so that each row meets the same moods of the disk.
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS_A_SECOND: u64 = 4;

/// Puts pairs of 16 + 100 bytes into each store, durably, and compares how many.
///
/// The rows take turns in rounds of a quarter of a second. Each is compared with the raw limit, round against
/// round: on one thread a write over zeros and an fdatasync, on more a group commit on such a file. Each store is opened again
/// at the end, and asked for what it was given.
///
/// Exit code 1 where a store lost something, or is faster on one thread than a sync allows.
///
/// Where others keep the processors busy, each sync waits for a processor, and all rows look alike: the table says so. As
/// root, `chrt --fifo 1` before the command makes it wait less.
///
/// To build it needs a C compiler, for SQLite and for lz4 (Debian: apt-get install gcc).
#[derive(Debug, Parser)]
#[command(version)]
struct Asked {
    /// Seconds that each row has, for each number of threads.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How many threads put at once.
    #[arg(long, value_delimiter = ',', default_value = "1,8", value_parser = value_parser!(u16).range(1..=256))]
    threads: Vec<u16>,
    /// Only rows that have one of these in their name, and the raw limit.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// The stores are made in a temporary directory in this one: it says which disk is measured. If none is
    /// given, ./target, or else the current directory.
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Asked::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say("");
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Says whether all is as it should be.
fn run(asked: &Asked) -> Outcome<bool> {
    asked.rows(1)?;
    let home = place::home(asked.dir.as_deref())?;
    let mut good = true;
    for (place, &threads) in asked.threads.iter().enumerate() {
        let dir = home.path().join(place.to_string());
        let table = asked.measure(&dir, threads.into())?;
        print!("{table}");
        good &= table.is_good();
    }
    Ok(good)
}

impl Asked {
    /// The raw limit of so many threads, and what was asked for.
    fn rows(&self, threads: usize) -> Outcome<Vec<Row>> {
        let (limit, other) = match threads {
            1 => (raw::OVERWRITE, raw::GROUP),
            _ => (raw::GROUP, raw::OVERWRITE),
        };
        let mut rows = vec![other, raw::APPEND];
        rows.extend(ours::rows());
        rows.extend(peers::rows());
        let wanted = |row: &Row| {
            let name = row.name.to_lowercase();
            let has = |part: &String| name.contains(&part.to_lowercase());
            self.only.is_empty() || self.only.iter().any(has)
        };
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        let known = names.join("; ");
        rows.retain(wanted);
        if rows.is_empty() {
            return Err(format!("no row has a name like that, they are: {known}").into());
        }
        rows.insert(0, limit);
        Ok(rows)
    }

    fn measure(&self, dir: &Path, threads: usize) -> Outcome<table::Table> {
        std::fs::create_dir(dir)?;
        let rows = self.rows(threads)?.into_iter().enumerate();
        let mut lanes = rows
            .map(|(place, row)| Lane::open(row, &dir.join(place.to_string()), threads))
            .collect::<Outcome<Vec<_>>>()?;
        let rounds = self.seconds * ROUNDS_A_SECOND;
        let before = Ticks::now();
        for round in 0..rounds {
            say(&format!(
                "{threads} at once, round {} of {rounds}",
                round + 1
            ));
            // There and back, so that nobody always follows the same one.
            match round % 2 {
                0 => lanes.iter_mut().try_for_each(|lane| lane.turn(ROUND))?,
                _ => lanes
                    .iter_mut()
                    .rev()
                    .try_for_each(|lane| lane.turn(ROUND))?,
            }
        }
        let others = Ticks::now().zip(before);
        let others = others.map_or(0.0, |(now, before)| now.share_since(&before));
        say("");
        let ended = lanes
            .into_iter()
            .map(Lane::end)
            .collect::<Outcome<Vec<_>>>()?;
        Ok(table::Table::of(threads, ended, others))
    }
}

/// How far it is, where somebody watches.
fn say(what: &str) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{what}");
        let _ = stderr.flush();
    }
}

//! What fdatasync saves over fsync, by the kind of space that a record is written to.
//!
//! `cargo bench --bench barriers`; `TMPDIR` says on which disk.

use rustix::fs::{FallocateFlags, fallocate};
use std::error::Error;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

const RECORD: [u8; 128] = [b'r'; 128];
const ROUNDS: usize = 15;
const RECORDS_A_ROUND: u64 = 100;
const BYTES: u64 = ROUNDS as u64 * RECORDS_A_ROUND * RECORD.len() as u64;

/// Gives a new file its space.
type Prepare = fn(&File) -> io::Result<()>;

/// Makes a file durable.
type Barrier = fn(&File) -> io::Result<()>;

const SPACES: [(&str, Prepare); 4] = [
    ("append: the size grows", |_| Ok(())),
    ("set_len before: sparse, size fixed", |file| {
        file.set_len(BYTES)
    }),
    ("fallocate before: allocated, unwritten", |file| {
        Ok(fallocate(file, FallocateFlags::empty(), 0, BYTES)?)
    }),
    ("zeros written before: allocated, written", |file| {
        file.write_all_at(&vec![0; BYTES as usize], 0)
    }),
];

const BARRIERS: [(&str, Barrier); 2] = [("fsync", File::sync_all), ("fdatasync", File::sync_data)];

/// All take turns, so that each meets the same moods of the disk.
#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn main() -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (space, prepare) in SPACES {
        for (name, barrier) in BARRIERS {
            let file = File::create_new(home.path().join(format!("{}", files.len())))?;
            prepare(&file)?;
            file.sync_all()?;
            files.push((space, name, file, barrier, Duration::ZERO));
        }
    }
    sync_directory(home.path())?;
    for round in 0..ROUNDS as u64 {
        for (.., file, barrier, time) in &mut files {
            let began = Instant::now();
            for number in 0..RECORDS_A_ROUND {
                let at = (round * RECORDS_A_ROUND + number) * RECORD.len() as u64;
                file.write_all_at(&RECORD, at)?;
                barrier(file)?;
            }
            *time += began.elapsed();
        }
    }
    println!(
        "{ROUNDS} rounds of {RECORDS_A_ROUND} records of 128 bytes, each written and made durable"
    );
    println!(
        "{:<42} {:<10} {:>11} {:>24}",
        "", "", "", "of append and fsync"
    );
    let base = files[0].4.as_secs_f64();
    for (space, name, .., time) in &files {
        let time = time.as_secs_f64();
        let rate = (ROUNDS as u64 * RECORDS_A_ROUND) as f64 / time;
        println!("{space:<42} {name:<10} {rate:>9.0}/s {:>24.2}", base / time);
    }
    Ok(())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

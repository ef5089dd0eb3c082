//! How fast each engine is on one thread where every put is durable before it returns, on real files in a
//! temporary directory, beside a raw loop that appends and syncs. Quote ratios.
//!
//! `cargo bench --bench durable`; `TMPDIR` says on which disk.

use lightsout::engine::bitcask::{self, Bitcask};
use lightsout::engine::btree::{self, Btree};
use lightsout::engine::event_store::{self, EventStore, Expected, NewEvent};
use lightsout::engine::lsm;
use lightsout::engine::wal::segments::SegmentedLog;
use lightsout::engine::wal::{self, Log};
use lightsout::storage::os::OsStorage;
use lightsout::storage::{File, Storage};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

const VALUE: [u8; 100] = [b'v'; 100];
const ROUNDS: usize = 15;
const PUTS_A_ROUND: u64 = 200;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Makes one put durable: that of a number.
type Put = Box<dyn FnMut(u64) -> Outcome>;

/// Keys of 16 bytes, all different, in no order.
fn key(number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// All take turns, so that each meets the same moods of the disk.
#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn main() -> Outcome {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let mut rows: Vec<(&str, Put, Vec<Duration>)> = Vec::new();
    let mut row = |title, put| rows.push((title, put, Vec::new()));
    row("append and fdatasync, a raw loop", raw_append(home)?);
    row("the same over old bytes", raw_overwrite(home)?);
    row("log", log(home)?);
    row("log in segments", segments(home)?);
    row("LSM tree", lsm_tree(home)?);
    row("Bitcask", bitcask(home)?);
    row("event store", event_store(home)?);
    row("B-tree", btree(home)?);
    for round in 0..ROUNDS as u64 {
        for (_, put, times) in &mut rows {
            let began = Instant::now();
            for number in 0..PUTS_A_ROUND {
                put(round * PUTS_A_ROUND + number)?;
            }
            times.push(began.elapsed());
        }
    }
    println!(
        "{ROUNDS} rounds of {PUTS_A_ROUND} puts of 16 + 100 bytes, each durable before it returns"
    );
    println!(
        "{:<42} {:>10} {:>14} {:>20}",
        "", "", "of the raw loop", "round against round"
    );
    let raw = rows[0].2.clone();
    for (title, _, times) in &rows {
        let seconds = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64();
        let rate = (ROUNDS as u64 * PUTS_A_ROUND) as f64 / seconds(times);
        let ratio = seconds(&raw) / seconds(times);
        let each = raw.iter().zip(times);
        let mut each: Vec<f64> = each
            .map(|(raw, put)| raw.as_secs_f64() / put.as_secs_f64())
            .collect();
        each.sort_by(f64::total_cmp);
        let median = each[ROUNDS / 2];
        println!("{title:<42} {rate:>8.0}/s {ratio:>15.2} {median:>20.2}");
    }
    Ok(())
}

fn raw_append(home: &Path) -> Outcome<Put> {
    let file = OsStorage.create(&home.join("appended"))?;
    OsStorage.directory_barrier(home)?;
    let record = [key(0).as_slice(), &VALUE].concat();
    Ok(Box::new(move |_| {
        file.append(&record)?;
        Ok(file.data_barrier()?)
    }))
}

/// The best that a disk gives: no size changes.
fn raw_overwrite(home: &Path) -> Outcome<Put> {
    let file = OsStorage.create(&home.join("over"))?;
    let record = [key(0).as_slice(), &VALUE].concat();
    file.write_at(0, &vec![0; record.len() * PUTS_A_ROUND as usize])?;
    file.barrier()?;
    OsStorage.directory_barrier(home)?;
    Ok(Box::new(move |number| {
        file.write_at(number % PUTS_A_ROUND * record.len() as u64, &record)?;
        Ok(file.data_barrier()?)
    }))
}

fn log(home: &Path) -> Outcome<Put> {
    let log = Log::open(OsStorage, &home.join("log"), wal::Options::default())?;
    Ok(Box::new(move |number| {
        let (key, value) = (key(number).to_vec(), VALUE.to_vec());
        log.append(&wal::Write::Put { key, value })?;
        Ok(())
    }))
}

/// It rotates every two rounds or so.
fn segments(home: &Path) -> Outcome<Put> {
    let options = wal::segments::Options {
        segment_bytes: 2 * PUTS_A_ROUND * 160,
        ..wal::segments::Options::default()
    };
    let log = SegmentedLog::open(OsStorage, &home.join("segments"), options)?;
    Ok(Box::new(move |number| {
        let (key, value) = (key(number).to_vec(), VALUE.to_vec());
        log.append(&wal::Write::Put { key, value })?;
        Ok(())
    }))
}

/// It rotates every two rounds or so, and merges with every second rotation.
fn bitcask(home: &Path) -> Outcome<Put> {
    let options = bitcask::Options {
        file_bytes: 2 * PUTS_A_ROUND * 160,
        ..bitcask::Options::default()
    };
    let store = Bitcask::open(OsStorage, &home.join("bitcask"), options)?;
    Ok(Box::new(move |number| {
        store.put(&key(number), &VALUE)?;
        if number % (4 * PUTS_A_ROUND) == 0 {
            store.merge()?;
        }
        Ok(())
    }))
}

/// One barrier for each put; whole pages of 4096 bytes in the log, and a checkpoint every few rounds.
fn btree(home: &Path) -> Outcome<Put> {
    let options = btree::Options {
        checkpoint_at: 4 << 20,
        ..btree::Options::default()
    };
    let tree = Btree::open(OsStorage, &home.join("btree"), options)?;
    Ok(Box::new(move |number| {
        tree.put(&key(number), &VALUE)?;
        Ok(())
    }))
}

/// An event of as many bytes, to one of a few streams.
fn event_store(home: &Path) -> Outcome<Put> {
    let options = event_store::Options::default();
    let store = EventStore::open(OsStorage, &home.join("event_store"), options)?;
    let data = "v".repeat(VALUE.len() - 2);
    Ok(Box::new(move |number| {
        let event = NewEvent::new("put", &data)?;
        store.append(
            &format!("stream {:09}", number % 50),
            Expected::Any,
            vec![event],
        )?;
        Ok(())
    }))
}

/// It flushes every four rounds or so, and then writes over old records.
fn lsm_tree(home: &Path) -> Outcome<Put> {
    let options = lsm::Options {
        flush_at: 4 * PUTS_A_ROUND * 160,
        ..lsm::Options::default()
    };
    let store = lsm::Store::open(OsStorage, &home.join("lsm"), options)?;
    Ok(Box::new(move |number| {
        store.put(&key(number), &VALUE)?;
        Ok(())
    }))
}

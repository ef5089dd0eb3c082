//! How fast the LSM tree is with a million keys, on real files in a temporary directory. Durable puts are
//! in `durable.rs`, beside those of the other engines.
//!
//! `cargo bench --bench lsm`; `TMPDIR` says on which disk.

use lightsout::engine::lsm::{Options, Store, SyncMode};
use lightsout::storage::os::{OsFile, OsLock, OsStorage};
use lightsout::storage::{File, Storage};
use peak_alloc::PeakAlloc;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const VALUE: [u8; 100] = [b'v'; 100];
const KEYS: u64 = 1_000_000;
const READS: u64 = 200_000;

/// Keys of 16 bytes, all different, in no order. Even numbers are loaded, odd ones are missing.
fn key(number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

fn main() -> Result<(), Box<dyn Error>> {
    many_keys(tempfile::tempdir()?.path())
}

#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn many_keys(home: &Path) -> Result<(), Box<dyn Error>> {
    let dir = home.join("many");
    let storage = Counting::default();
    let options = Options {
        sync: SyncMode::Never,
        ..Options::default()
    };
    println!("{KEYS} keys of 16 bytes with values of 100, in no order, sync never");
    let row = |title: &str, figure: String| println!("{title:<42} {figure}");
    let per_second = |count: u64, began: Instant| {
        format!("{:>9.0}/s", count as f64 / began.elapsed().as_secs_f64())
    };

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let began = Instant::now();
    let store = Store::open(storage.clone(), &dir, options)?;
    for number in 0..KEYS {
        store.put(&key(2 * number), &VALUE)?;
    }
    let stats = store.stats()?;
    store.close()?;
    row("loading, close included", per_second(KEYS, began));
    let peak = (MEMORY.peak_usage() - before) as f64 / (1 << 20) as f64;
    row("  most memory allocated", format!("{peak:>9.1} MiB"));
    let written = storage.counts.bytes_written.load(Ordering::Relaxed);
    row(
        "  written for each byte of key and value",
        format!("{:>9.2}", written as f64 / (KEYS * 116) as f64),
    );
    row(
        "  flushes, merges, tables then",
        format!(
            "{}, {}, {}",
            stats.flushes,
            stats.merges,
            stats.tables.len()
        ),
    );

    let before = MEMORY.current_usage();
    let began = Instant::now();
    let store = Store::open(storage.clone(), &dir, options)?;
    row(
        "opening it again",
        format!("{:>9.1} ms", began.elapsed().as_secs_f64() * 1e3),
    );
    let open = (MEMORY.current_usage() - before) as f64 / KEYS as f64;
    row("  memory, open", format!("{open:>9.2} bytes a key"));
    let tables = store.stats()?.tables.len();

    let reads = |odd: u64| -> Result<(u64, String, f64), Box<dyn Error>> {
        let before = storage.counts.reads.load(Ordering::Relaxed);
        let began = Instant::now();
        let mut found = 0;
        for number in 0..READS {
            let number = number.wrapping_mul(7_919) % KEYS;
            found += u64::from(store.get(&key(2 * number + odd))?.is_some());
        }
        let rate = per_second(READS, began);
        let touched = storage.counts.reads.load(Ordering::Relaxed) - before;
        Ok((found, rate, touched as f64 / READS as f64))
    };
    let (found, rate, touched) = reads(0)?;
    assert_eq!(found, READS, "each loaded key is there");
    row("reading keys that are there", rate);
    row(
        "  blocks read for one",
        format!("{touched:>9.3} of {tables} tables"),
    );
    let (found, rate, touched) = reads(1)?;
    assert_eq!(found, 0, "no other key is");
    row("reading keys that are not", rate);
    row(
        "  blocks read for one",
        format!("{touched:>9.3} of {tables} tables"),
    );

    let scan = |title, backward| -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        let scan = store.scan::<[u8]>(..);
        let mut count = 0;
        if backward {
            for pair in scan.rev() {
                pair?;
                count += 1;
            }
        } else {
            for pair in scan {
                pair?;
                count += 1;
            }
        }
        assert_eq!(count, KEYS);
        row(title, per_second(KEYS, began));
        Ok(())
    };
    scan("scanning all of them", false)?;
    scan("  from the back", true)?;

    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let began = Instant::now();
    store.compact()?;
    row("merging all into one table", per_second(KEYS, began));
    let peak = (MEMORY.peak_usage() - before) as f64 / KEYS as f64;
    row(
        "  most memory allocated",
        format!("{peak:>9.2} bytes a key"),
    );
    scan("scanning all of them again", false)?;
    store.close()?;

    let before = MEMORY.current_usage();
    let _store = Store::open(storage.clone(), &dir, options)?;
    let open = (MEMORY.current_usage() - before) as f64 / KEYS as f64;
    row(
        "memory, open, one table",
        format!("{open:>9.2} bytes a key"),
    );
    Ok(())
}

#[derive(Debug, Default)]
struct Counts {
    reads: AtomicU64,
    bytes_written: AtomicU64,
}

/// Real files, and how much they are read and written.
#[derive(Clone, Debug, Default)]
struct Counting {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct CountingFile {
    file: OsFile,
    counts: Arc<Counts>,
}

impl Counting {
    fn counted(&self, file: io::Result<OsFile>) -> io::Result<CountingFile> {
        Ok(CountingFile {
            file: file?,
            counts: self.counts.clone(),
        })
    }
}

impl Storage for Counting {
    type File = CountingFile;
    type Lock = OsLock;

    fn open(&self, path: &Path) -> io::Result<CountingFile> {
        self.counted(OsStorage.open(path))
    }
    fn create(&self, path: &Path) -> io::Result<CountingFile> {
        self.counted(OsStorage.create(path))
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsStorage.exists(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsStorage.create_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        OsStorage.remove(path)
    }
    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        OsStorage.directory_barrier(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Option<OsLock>> {
        OsStorage.lock(dir)
    }
}

impl File for CountingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(at, buffer)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let written = &self.counts.bytes_written;
        written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_at(at, bytes)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_at(self.len()?, bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn barrier(&self) -> io::Result<()> {
        self.file.barrier()
    }
    fn data_barrier(&self) -> io::Result<()> {
        self.file.data_barrier()
    }
}

//! A store in a process of its own, killed with SIGKILL at random points of its life, again and
//! again: while it is made, written, flushed, merged, recovered.
//!
//! The child is this very program; it does one operation after another and says on a pipe when one
//! has returned. The parent reads the pipe to its end and opens the store. Operations follow from
//! their number, so the parent knows what the store must hold: what all that returned left, and
//! perhaps the one operation that was under way, whole.
//!
//! LIMIT: a kill takes the process and leaves what is cached. Whether barriers are where they should
//! be is not seen here; power cuts are explored on the simulated disk.

use lightsout::engine::lsm::{Options, Store, SyncMode, Write};
use lightsout::storage::os::OsStorage;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STORE: &str = "LIGHTSOUT_KILL_STORE";
const FIRST: &str = "LIGHTSOUT_KILL_FIRST";
const EVERY: &str = "LIGHTSOUT_KILL_EVERY";
const LIES: &str = "LIGHTSOUT_KILL_LIES";

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

enum Operation {
    Write(Vec<Write>),
    Flush,
    Compact,
}

/// Numbers that look random and are the same each time.
fn scattered(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn operation(number: u64) -> Operation {
    let chance = scattered(number);
    match chance % 60 {
        0 => return Operation::Compact,
        1 => return Operation::Flush,
        _ => {}
    }
    let writes = if chance.is_multiple_of(5) { 4 } else { 1 };
    let write = |part: u64| {
        let chance = scattered(number << 8 | part);
        let key = format!("key {}", chance % 40).into_bytes();
        if chance.is_multiple_of(7) {
            return Write::Delete { key };
        }
        let mut value = format!("written by {number}").into_bytes();
        value.resize(20 + (chance >> 32) as usize % 150, b'.');
        Write::Put { key, value }
    };
    Operation::Write((0..writes).map(write).collect())
}

fn apply(operation: Operation, contents: &mut Contents) {
    if let Operation::Write(writes) = operation {
        for write in writes {
            match write {
                Write::Put { key, value } => contents.insert(key, value),
                Write::Delete { key } => contents.remove(&key),
            };
        }
    }
}

fn options(sync: SyncMode) -> Options {
    Options {
        sync,
        flush_at: 2_000,
        fanout: 3,
        ..Options::default()
    }
}

fn sync_mode(every: u32) -> SyncMode {
    match NonZeroU32::new(every) {
        Some(n) if every > 1 => SyncMode::EveryN(n),
        _ => SyncMode::EveryWrite,
    }
}

/// Not a test of its own: what the others start and kill. It never ends by itself.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(STORE) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let sync = sync_mode(number(EVERY) as u32);
    let lies = std::env::var_os(LIES).is_some();
    let store = Store::open(OsStorage, Path::new(&dir), options(sync)).unwrap();
    let say = |number: u64| {
        // The test harness has begun a line of its own.
        let mut pipe = std::io::stdout().lock();
        pipe.write_all(format!("\n+{number}\n").as_bytes()).unwrap();
        pipe.flush().unwrap();
    };
    for number in number(FIRST).. {
        if lies {
            say(number);
        }
        match operation(number) {
            Operation::Write(writes) => store.write(&writes).map(|_| ()),
            Operation::Flush => store.flush(),
            Operation::Compact => store.compact(),
        }
        .unwrap();
        if !lies {
            say(number);
        }
    }
}

/// A store, what it must hold, and what the kills have met so far.
struct Victim {
    home: TempDir,
    every: u32,
    lies: bool,
    contents: Contents,
    /// The first operation of the next life.
    next: u64,
    kills: u64,
    returned: u64,
    under_way_found: u64,
    made: u64,
    in_a_flush_or_merge: u64,
    in_a_removal: u64,
}

impl Victim {
    fn new(every: u32, lies: bool) -> Victim {
        Victim {
            home: tempfile::tempdir().unwrap(),
            every,
            lies,
            contents: Contents::new(),
            next: 1,
            kills: 0,
            returned: 0,
            under_way_found: 0,
            made: 1,
            in_a_flush_or_merge: 0,
            in_a_removal: 0,
        }
    }

    /// One life and its end. What is wrong with what it leaves, if anything.
    fn live_and_die(&mut self) -> Result<(), String> {
        if self.kills % 25 == 24 {
            // So that the making of a store is struck too.
            self.home = tempfile::tempdir().unwrap();
            self.contents.clear();
            self.made += 1;
        }
        self.kills += 1;
        let dir = self.home.path().join("store");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
            .env(STORE, &dir)
            .env(FIRST, self.next.to_string())
            .env(EVERY, self.every.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.lies {
            command.env(LIES, "yes");
        }
        let mut child = command.spawn().unwrap();
        let chance = scattered(self.next ^ u64::from(self.every) << 40 ^ self.kills << 20);
        sleep(Duration::from_micros(1_500 + chance % 25_000));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.signal() != Some(9) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("the child ended by itself: {said}"));
        }
        let pipe = String::from_utf8(output.stdout).unwrap();
        for line in pipe.lines() {
            if let Some(number) = line.strip_prefix('+') {
                assert_eq!(number, self.next.to_string(), "the child counts");
                apply(operation(self.next), &mut self.contents);
                self.next += 1;
                self.returned += 1;
            }
        }
        self.look_at_the_names(&dir);
        self.check(&dir)
    }

    fn look_at_the_names(&mut self, dir: &Path) {
        let Ok(entries) = std::fs::read_dir(dir) else {
            return;
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.collect();
        self.in_a_flush_or_merge += u64::from(names.iter().any(|name| name.ends_with(".sst.tmp")));
        let interval = |name: &String| {
            let (lo, hi) = name.strip_suffix(".sst")?.split_once('-')?;
            Some((lo.parse::<u64>().ok()?, hi.parse::<u64>().ok()?))
        };
        let tables: Vec<(u64, u64)> = names.iter().filter_map(interval).collect();
        let superseded = tables.iter().any(|one| {
            let holds = |other: &(u64, u64)| other != one && other.0 <= one.0 && one.1 <= other.1;
            tables.iter().any(holds)
        });
        self.in_a_removal += u64::from(superseded);
    }

    /// Opens the store. It holds what everything that returned left, or what the operation under way
    /// left on top of it.
    fn check(&mut self, dir: &Path) -> Result<(), String> {
        if self.next == 1 && !dir.exists() {
            return Ok(());
        }
        let store = Store::open(OsStorage, dir, options(sync_mode(self.every)))
            .map_err(|error| format!("it does not open: {error}"))?;
        let found: Result<Contents, _> = store.scan::<[u8]>(..).collect();
        let found = found.map_err(|error| format!("it cannot be read: {error}"))?;
        for key in 0..40 {
            let key = format!("key {key}").into_bytes();
            if store.get(&key).ok() != Some(found.get(&key).cloned()) {
                return Err(format!("a scan and a read of {key:?} differ"));
            }
        }
        let returned = self.contents.clone();
        apply(operation(self.next), &mut self.contents);
        self.next += 1;
        if found == self.contents {
            self.under_way_found += u64::from(found != returned);
            return Ok(());
        }
        self.contents = returned;
        if found == self.contents {
            return Ok(());
        }
        Err(format!(
            "kill {}: after operation {} it holds {found:#?}, and not {:#?}",
            self.kills,
            self.next - 2,
            self.contents
        ))
    }

    /// Whether the kills have met what they are to meet.
    fn has_seen_it_all(&self) -> bool {
        self.returned > 1_000
            && self.under_way_found > 0
            && self.in_a_flush_or_merge > 0
            && self.in_a_removal > 0
    }
}

#[allow(clippy::print_stderr)] // What was met, for who asks with --nocapture.
fn kill_hundreds_of_times(every: u32) {
    let began = Instant::now();
    let mut victim = Victim::new(every, false);
    // On a slow disk a life has fewer operations, and it takes more lives.
    while victim.kills < 250 || !victim.has_seen_it_all() && victim.kills < 2_500 {
        let wrong = victim.live_and_die().err();
        assert_eq!(wrong, None);
    }
    eprintln!(
        "every {every}: {} kills of {} stores in {:.1} s, {} operations returned, {} under way were found; {} kills \
         left a table in the making, {} a superseded one",
        victim.kills,
        victim.made,
        began.elapsed().as_secs_f64(),
        victim.returned,
        victim.under_way_found,
        victim.in_a_flush_or_merge,
        victim.in_a_removal
    );
    assert!(victim.has_seen_it_all());
}

#[test]
fn what_returned_survives_a_kill_where_every_write_is_synced() {
    kill_hundreds_of_times(1);
}

#[test]
fn what_returned_survives_a_kill_where_every_tenth_write_is_synced() {
    kill_hundreds_of_times(10);
}

#[test]
fn a_child_that_says_so_before_it_writes_is_found_out() {
    let mut victim = Victim::new(1, true);
    let found_out = (0..250).find_map(|_| victim.live_and_die().err());
    let wrong = found_out.expect("a write that was announced and lost");
    assert!(wrong.contains("after operation"), "{wrong}");
}

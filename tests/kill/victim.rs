//! The harness, which knows no engine.
//!
//! The child is this very program; it does one operation after another and says on a pipe when one
//! has returned. The parent reads the pipe to its end and opens the store. Operations follow from
//! their number, so the parent knows what the store must hold: what all that returned left, and
//! perhaps the one operation that was under way, whole.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
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

/// An engine's store, open.
pub(crate) trait Store: Sized {
    /// The test that is [`child`] for this engine.
    const CHILD: &str;
    /// What the names that a kill leaves can show, each of which must be met.
    const SIGHTS: &[&str];
    /// All that a client reads.
    type Contents: Clone + Debug + Default + PartialEq;

    /// Opens it, synced every so many writes.
    fn open(dir: &Path, every: u32) -> Result<Self, String>;
    /// Does an operation.
    fn take(&mut self, number: u64) -> Result<(), String>;
    /// What that operation does to what is there.
    fn apply(number: u64, contents: &mut Self::Contents);
    /// Reads all, in each way that there is.
    fn read(&mut self) -> Result<Self::Contents, String>;
    /// Which of [`Store::SIGHTS`] the names in the store's directory show.
    fn sights(names: &[String]) -> Vec<&'static str>;
}

/// Numbers that look random and are the same each time.
pub(crate) fn scattered(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Not a test of its own: what the others start and kill. It never ends by itself.
pub(crate) fn child<S: Store>() {
    let Some(dir) = std::env::var_os(STORE) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let lies = std::env::var_os(LIES).is_some();
    let mut store = S::open(Path::new(&dir), number(EVERY) as u32).unwrap();
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
        store.take(number).unwrap();
        if !lies {
            say(number);
        }
    }
}

/// A store, what it must hold, and what the kills have met so far.
struct Victim<S: Store> {
    home: TempDir,
    every: u32,
    lies: bool,
    contents: S::Contents,
    /// The first operation of the next life.
    next: u64,
    kills: u64,
    returned: u64,
    under_way_found: u64,
    made: u64,
    seen: BTreeMap<&'static str, u64>,
}

impl<S: Store> Victim<S> {
    fn new(every: u32, lies: bool) -> Self {
        Victim {
            home: tempfile::tempdir().unwrap(),
            every,
            lies,
            contents: S::Contents::default(),
            next: 1,
            kills: 0,
            returned: 0,
            under_way_found: 0,
            made: 1,
            seen: S::SIGHTS.iter().map(|sight| (*sight, 0)).collect(),
        }
    }

    /// One life and its end. What is wrong with what it leaves, if anything.
    fn live_and_die(&mut self) -> Result<(), String> {
        if self.kills % 25 == 24 {
            // So that the making of a store is struck too.
            self.home = tempfile::tempdir().unwrap();
            self.contents = S::Contents::default();
            self.made += 1;
        }
        self.kills += 1;
        let dir = self.home.path().join("store");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", S::CHILD, "--nocapture", "--test-threads", "1"])
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
                S::apply(self.next, &mut self.contents);
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
        for sight in S::sights(&names.collect::<Vec<_>>()) {
            *self.seen.get_mut(sight).expect("one of SIGHTS") += 1;
        }
    }

    /// Opens the store. It holds what everything that returned left, or what the operation under way
    /// left on top of it.
    fn check(&mut self, dir: &Path) -> Result<(), String> {
        if self.next == 1 && !dir.exists() {
            return Ok(());
        }
        let store = S::open(dir, self.every);
        let mut store = store.map_err(|error| format!("it does not open: {error}"))?;
        let found = store.read();
        let found = found.map_err(|error| format!("it cannot be read: {error}"))?;
        let returned = self.contents.clone();
        S::apply(self.next, &mut self.contents);
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
        let all_seen = self.seen.values().all(|kills| *kills > 0);
        self.returned > 1_000 && self.under_way_found > 0 && all_seen
    }
}

/// Kills a store until everything was met, synced every so many writes.
#[allow(clippy::print_stderr)] // What was met, for who asks with --nocapture.
pub(crate) fn kill_hundreds_of_times<S: Store>(every: u32) {
    let began = Instant::now();
    let mut victim = Victim::<S>::new(every, false);
    // On a slow disk a life has fewer operations, and it takes more lives.
    while victim.kills < 250 || !victim.has_seen_it_all() && victim.kills < 2_500 {
        let wrong = victim.live_and_die().err();
        assert_eq!(wrong, None);
    }
    let seen = victim
        .seen
        .iter()
        .map(|(sight, kills)| format!(", {kills} left {sight}"));
    eprintln!(
        "{}, every {every}: {} kills of {} stores in {:.1} s, {} operations returned, {} under way were found{}",
        S::CHILD,
        victim.kills,
        victim.made,
        began.elapsed().as_secs_f64(),
        victim.returned,
        victim.under_way_found,
        seen.collect::<String>()
    );
    assert!(victim.has_seen_it_all());
}

/// A child that announces what it has not done yet loses something, and that is noticed.
pub(crate) fn find_a_liar_out<S: Store>() {
    let mut victim = Victim::<S>::new(1, true);
    let found_out = (0..250).find_map(|_| victim.live_and_die().err());
    let wrong = found_out.expect("a write that was announced and lost");
    assert!(wrong.contains("after operation"), "{wrong}");
}

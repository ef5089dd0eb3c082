//! Exploration: our engines hold, those as found do not, and every control catches what it is there for.

use lightsout::engine::{Discipline, lsm};
use lightsout::explore::engines::{LogSubject, LsmSubject, SegmentsSubject, catalogue};
use lightsout::explore::{
    Bounds, Breach, Contract, Counterexample, Explorer, Failure, Map, MapWrite, Mode, Need,
    Operation, PROFILES, Profile, Subject, Told, Verdict, audit, every_sequence, explore, missing,
    replay, workload,
};
use lightsout::storage::simulated::{Insertion, Simulated};
use lightsout::storage::{File, Storage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

fn named(profile: &str) -> Profile {
    let named = Profile::named(profile).expect("a profile");
    named.with_sizes(512, 4096)
}

fn settled() -> Bounds {
    Bounds {
        settled: true,
        ..Bounds::default()
    }
}

#[test]
fn our_engines_hold_on_every_file_system_to_a_fixpoint() {
    for entry in catalogue().iter().filter(|entry| entry.breaks.is_none()) {
        for profile in PROFILES {
            let outcome = entry.explore(&named(profile), &settled(), 5);
            let text = format!("{} on {}", entry.name, outcome.report);
            assert_eq!(outcome.report.verdict, Verdict::Holds, "{text}");
            assert!(outcome.report.depth > 1, "{text}");
        }
    }
}

#[test]
fn our_engines_hold_where_the_lights_go_out_while_they_are_made() {
    for entry in catalogue().iter().filter(|entry| entry.breaks.is_none()) {
        // The two files of the B-tree and their unordered names are left to a longer run.
        let profiles = PROFILES
            .iter()
            .filter(|name| entry.name != "btree" || **name == "xfs");
        for profile in profiles {
            let outcome = entry.explore(&named(profile), &Bounds::default(), 1);
            let text = format!("{} on {}", entry.name, outcome.report);
            assert_eq!(outcome.report.verdict, Verdict::Holds, "{text}");
        }
    }
}

#[test]
fn a_call_that_goes_wrong_anywhere_costs_our_logs_nothing_that_they_promised() {
    let bounds = Bounds {
        faults: 1,
        ..settled()
    };
    let names = ["log", "wal", "lsm", "bitcask"];
    for entry in catalogue()
        .iter()
        .filter(|entry| names.contains(&entry.name))
    {
        let outcome = entry.explore(&named("ext4-ordered"), &bounds, 3);
        assert_eq!(outcome.report.verdict, Verdict::Holds, "{}", outcome.report);
    }
}

#[test]
fn the_engines_as_found_lose_what_the_study_says() {
    for entry in catalogue() {
        let Some(expected) = entry.breaks else {
            continue;
        };
        let outcome = entry.explore(&named("posix"), &settled(), usize::MAX);
        let broken = match outcome.report.verdict {
            Verdict::Violates {
                breach, promise, ..
            } => Some((breach, promise)),
            _ => None,
        };
        assert_eq!(broken, Some((expected, "D1")), "{}", entry.name);
        // The last operation of its work is needed.
        let fewer = entry.explore(&named("posix"), &settled(), entry.operations - 1);
        assert_eq!(fewer.report.verdict, Verdict::Holds, "{}", entry.name);
    }
}

#[test]
fn a_recovery_that_is_interrupted_is_followed_by_one_that_ends_alike() {
    let strictly = Bounds {
        converges: true,
        ..settled()
    };
    let work = workload::<LogSubject>(&LogSubject::workload()[..3]);
    let exploration = explore(&LogSubject::default(), &named("posix"), &work, &strictly);
    assert_eq!(exploration.report.verdict, Verdict::Holds);
}

/// What recoveries showed, in words.
fn shown<S: Subject>(
    subject: &S,
    operations: &[Operation<<S::Contract as Contract>::Write>],
    profile: &str,
    mode: Mode,
) -> BTreeSet<String> {
    let bounds = Bounds { mode, ..settled() };
    let work = workload::<S>(operations);
    let exploration = explore(subject, &named(profile), &work, &bounds);
    assert_eq!(
        exploration.report.verdict,
        Verdict::Holds,
        "{mode:?}: {}",
        exploration.report
    );
    let facts = |state| format!("{:?}", S::Contract::facts(state));
    exploration.shown.iter().map(facts).collect()
}

#[test]
fn what_is_chosen_lazily_is_what_all_images_show() {
    for profile in PROFILES {
        let of = |mode| {
            (
                shown(
                    &SegmentsSubject::default(),
                    &SegmentsSubject::workload()[..2],
                    profile,
                    mode,
                ),
                shown(
                    &LsmSubject::default(),
                    &LsmSubject::workload()[..2],
                    profile,
                    mode,
                ),
            )
        };
        let lazily = of(Mode::Lazy);
        assert_eq!(lazily, of(Mode::Eager), "{profile}");
        assert!(lazily.0.len() > 2);
    }
}

/// Pairs in a file that is replaced, with the mistakes that one can make.
#[derive(Clone, Copy, Default)]
struct OneFile {
    without_barrier: bool,
    without_name: bool,
    without_recovery: bool,
}

impl Subject for OneFile {
    type Contract = Map;
    type Store = Simulated;

    fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
        if !self.without_recovery {
            disk.directory_barrier(Path::new("."))?;
        }
        Ok(disk.clone())
    }

    fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        let mut pairs = self.observe(disk)?;
        asked
            .writes()
            .iter()
            .for_each(|write| Map::write(&mut pairs, write));
        let (new, path) = (Path::new("new"), Path::new("pairs"));
        if disk.exists(new)? {
            disk.remove(new)?;
        }
        let file = disk.create(new)?;
        file.append(&serde_json::to_vec(&Vec::from_iter(pairs))?)?;
        if !self.without_barrier {
            file.barrier()?;
        }
        disk.rename(new, path)?;
        if !self.without_name {
            disk.directory_barrier(Path::new("."))?;
        }
        Ok(Told::Durable)
    }

    fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        if !disk.exists(Path::new("pairs"))? {
            return Ok(BTreeMap::new());
        }
        let file = disk.open(Path::new("pairs"))?;
        let mut json = vec![0; file.len()? as usize];
        file.read_at(0, &mut json)?;
        let pairs: Vec<_> = serde_json::from_slice(&json)?;
        Ok(pairs.into_iter().collect())
    }
}

fn put(key: &str, value: &str) -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::put(key, value)])
}

fn broken(subject: &impl Subject<Contract = Map>) -> Option<(Breach, &'static str)> {
    let exploration = Explorer::new(subject).explore(&[put("a", "1"), put("b", "2")]);
    match exploration.report.verdict {
        Verdict::Violates {
            breach, promise, ..
        } => Some((breach, promise)),
        Verdict::Holds => None,
        other => panic!("{other}"),
    }
}

#[test]
fn each_barrier_of_a_small_store_is_missed() {
    let whole = OneFile::default();
    assert_eq!(broken(&whole), None);
    let without_barrier = OneFile {
        without_barrier: true,
        ..whole
    };
    assert_eq!(broken(&without_barrier), Some((Breach::Unopenable, "D6")));
    let without_name = OneFile {
        without_name: true,
        ..whole
    };
    assert_eq!(broken(&without_name), Some((Breach::Lost, "D1")));
    // A kill leaves the name in the cache; what is then served a power cut takes.
    let without_recovery = OneFile {
        without_recovery: true,
        ..whole
    };
    assert_eq!(broken(&without_recovery), Some((Breach::Lost, "D7")));
}

#[test]
fn every_short_workload_is_tried_and_the_first_that_fails_is_a_shortest_one() {
    let alphabet = [
        put("a", "1"),
        put("b", "1"),
        Operation::Write(vec![MapWrite::delete("a")]),
        Operation::maintain("flush"),
    ];
    let is_put = |operation: &Operation<MapWrite>| {
        matches!(operation.writes(), [MapWrite::Put(..)]).then_some(0)
    };
    let explorer = |subject| Explorer::new(subject).on("ext4-ordered").within(settled());
    let durable = LsmSubject::default();
    let all = explorer(&durable).explore_each(every_sequence(&alphabet, 2, is_put));
    assert!(all.refuted.is_none(), "{:?}", all.refuted);
    // Of 4 + 16 those that begin with b, or use it before a, are others with the names exchanged.
    assert_eq!(all.hold, 3 + 10);

    let as_found = catalogue().into_iter();
    let names: Vec<_> = as_found.map(|entry| entry.name).collect();
    assert!(names.contains(&"lsm-truncate-before-sstable-sync"));
    let found = LsmSubject {
        options: lsm::Options {
            discipline: Discipline::AsFound,
            as_found: lsm::AsFoundOptions {
                log_synced: true,
                ..lsm::AsFoundOptions::default()
            },
            flush_at: u64::MAX,
            ..lsm::Options::default()
        },
    };
    let bounds = Bounds {
        judged: vec![Breach::Lost],
        kills: 0,
        ..settled()
    };
    let found = explorer(&found)
        .within(bounds)
        .with_one_life()
        .explore_each(every_sequence(&alphabet, 2, is_put));
    let refuted = found.refuted.expect("a loss");
    assert_eq!(
        refuted.operations,
        [put("a", "1"), Operation::maintain("flush")]
    );
}

#[test]
fn a_random_workload_that_fails_shrinks_to_what_it_takes() {
    use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
    let operations = proptest::collection::vec((0..3_u8, 0..9_u8), 1..6);
    let operations = proptest::strategy::Strategy::prop_map(operations, |picked| {
        let one = |(key, value): (u8, u8)| put(&format!("k{key}"), &value.to_string());
        picked.into_iter().map(one).collect::<Vec<_>>()
    });
    let without_name = OneFile {
        without_name: true,
        ..OneFile::default()
    };
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, dice);
    let explorer = Explorer::new(&without_name);
    let failed = runner.run(&operations, |operations| {
        let checked = explorer.try_check(&operations);
        checked
            .map(drop)
            .map_err(proptest::test_runner::TestCaseError::fail)
    });
    let Err(TestError::Fail(_, shrunk)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(shrunk, [put("k0", "0")]);
}

#[test]
fn the_audit_names_each_barrier_and_the_one_that_is_missing() {
    let work = workload::<OneFile>(&[put("a", "1")]);
    let checks = [(work.clone(), Bounds::default())];
    let posix = named("posix");
    let audited = audit(&OneFile::default(), &posix, &checks).expect("it holds");
    assert_eq!(audited.len(), 3);
    for barrier in &audited {
        assert!(barrier.site.file.ends_with("explore.rs"));
        assert!(matches!(barrier.without, Need::Needed { .. }), "{barrier}");
        // The size is covered, and the name is not of the file.
        assert!(
            matches!(barrier.data_only, None | Some(Need::Redundant)),
            "{barrier}"
        );
    }
    let without_name = OneFile {
        without_name: true,
        ..OneFile::default()
    };
    assert!(audit(&without_name, &posix, &checks).is_none());
    let inserted = missing(&without_name, &posix, &work, &Bounds::default());
    let inserted: Vec<_> = inserted.expect("one mends it").into_iter().collect();
    assert_eq!(inserted.len(), 1);
    assert_eq!(
        (inserted[0].0.call, inserted[0].1),
        ("rename", Insertion::Directory)
    );
}

#[test]
fn a_counterexample_is_written_down_and_shows_the_same_again() {
    let subject = OneFile {
        without_name: true,
        ..OneFile::default()
    };
    let exploration = Explorer::new(&subject).explore(&[put("a", "1")]);
    let found = exploration.counterexample.expect("a counterexample");
    let directory = tempfile::tempdir().expect("a directory");
    let path = found.save(directory.path(), "lost").expect("it is written");
    let read: Counterexample<MapWrite> = Counterexample::read(&path).expect("it is read");
    assert_eq!(read, found);
    let again = replay(&subject, &read);
    assert_eq!(again.steps, found.steps);
    assert_eq!(again.shown, Ok(BTreeMap::new()));
    std::fs::write(&path, "{\"schema\": 9}").expect("it is written");
    let refused = Counterexample::<MapWrite>::read(&path).expect_err("a newer one");
    assert!(refused.to_string().contains("schema is 9"), "{refused}");
}

#[test]
#[should_panic(expected = "a is gone, and is to be 1")]
fn a_check_panics_with_the_way_to_the_loss() {
    let subject = OneFile {
        without_name: true,
        ..OneFile::default()
    };
    let directory = tempfile::tempdir().expect("a directory");
    Explorer::new(&subject)
        .saving_to(directory.path())
        .check(&[put("a", "1")]);
}

/// Keeps everything in memory, beside the machine.
struct Elsewhere;

static ELSEWHERE: std::sync::Mutex<BTreeMap<Vec<u8>, Vec<u8>>> =
    std::sync::Mutex::new(BTreeMap::new());

impl Subject for Elsewhere {
    type Contract = Map;
    type Store = ();

    fn open(&self, disk: &Simulated) -> Result<(), Failure> {
        if !disk.exists(Path::new("made"))? {
            ELSEWHERE.lock().expect("no panic").clear();
            disk.create(Path::new("made"))?;
        }
        disk.directory_barrier(Path::new("."))?;
        Ok(())
    }

    fn apply(&self, (): &mut (), asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        let mut map = ELSEWHERE.lock().expect("no panic");
        asked
            .writes()
            .iter()
            .for_each(|write| Map::write(&mut map, write));
        Ok(Told::Durable)
    }

    fn observe(&self, (): &mut ()) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        Ok(ELSEWHERE.lock().expect("no panic").clone())
    }
}

#[test]
fn a_store_that_writes_elsewhere_is_not_said_to_hold() {
    let explorer = Explorer::new(&Elsewhere).within(settled());
    let verdict = explorer.explore(&[put("a", "1")]).report.verdict;
    assert!(!matches!(verdict, Verdict::Holds), "{verdict}");
}

/// Writes another byte in each run.
struct Unlike(AtomicUsize);

impl Subject for Unlike {
    type Contract = Map;
    type Store = Simulated;

    fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
        OneFile::default().open(disk)
    }

    fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        let run = self.0.fetch_add(1, Ordering::Relaxed);
        let name = format!("run {run}");
        disk.create(Path::new(&name))?;
        OneFile::default().apply(disk, asked)
    }

    fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        OneFile::default().observe(disk)
    }
}

#[test]
fn a_store_that_is_not_the_same_in_every_run_is_named_with_the_call() {
    let subject = Unlike(AtomicUsize::new(0));
    let verdict = Explorer::new(&subject)
        .explore(&[put("a", "1")])
        .report
        .verdict;
    let Verdict::Broken(why) = verdict else {
        panic!("{verdict}");
    };
    assert!(
        why.contains("`create run 0` in one, `create run 1` in the other"),
        "{why}"
    );
}

/// Counts how often it was opened.
struct Counting {
    masked: bool,
}

impl Subject for Counting {
    type Contract = Map;
    type Store = Simulated;

    fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
        let path = Path::new("opened");
        let file = match disk.exists(path)? {
            true => disk.open(path)?,
            false => disk.create(path)?,
        };
        let mut count = [0; 8];
        file.read_at(0, &mut count)?;
        let count = u64::from_le_bytes(count) + 1;
        file.write_at(0, &count.to_le_bytes())?;
        file.barrier()?;
        OneFile::default().open(disk)
    }

    fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        OneFile::default().apply(disk, asked)
    }

    fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        OneFile::default().observe(disk)
    }

    fn normalise(&self) -> Option<&lightsout::explore::subject::Mask> {
        let mask: &lightsout::explore::subject::Mask = &|path, contents| {
            if path == "opened" {
                contents.fill(0);
            }
        };
        self.masked.then_some(mask)
    }
}

#[test]
fn what_only_grows_is_masked_or_there_is_no_fixpoint() {
    let bounds = Bounds {
        recoveries: Some(20_000),
        ..settled()
    };
    let verdict = |masked| {
        let subject = Counting { masked };
        let explorer = Explorer::new(&subject).on("xfs").within(bounds.clone());
        explorer.explore(&[put("a", "1")]).report.verdict
    };
    assert!(
        matches!(verdict(false), Verdict::Inconclusive(_)),
        "{}",
        verdict(false)
    );
    assert_eq!(verdict(true), Verdict::Holds);
}

/// Lines that are appended and synced; what is no line is cut off, and that is synced.
struct Lines;

impl Subject for Lines {
    type Contract = Map;
    type Store = lightsout::storage::simulated::SimulatedFile;

    fn open(&self, disk: &Simulated) -> Result<Self::Store, Failure> {
        let path = Path::new("lines");
        let file = match disk.exists(path)? {
            true => disk.open(path)?,
            false => disk.create(path)?,
        };
        let mut text = vec![0; file.len()? as usize];
        file.read_at(0, &mut text)?;
        let good = lines(&text).map(|(end, ..)| end).last().unwrap_or(0);
        file.set_len(good as u64)?;
        file.barrier()?;
        disk.directory_barrier(Path::new("."))?;
        Ok(file)
    }

    fn apply(&self, file: &mut Self::Store, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        for write in asked.writes() {
            if let MapWrite::Put(key, value) = write {
                file.append(&[&key[..], b"=", value, b";"].concat())?;
            }
        }
        file.data_barrier()?;
        Ok(Told::Durable)
    }

    fn observe(&self, file: &mut Self::Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        let mut text = vec![0; file.len()? as usize];
        file.read_at(0, &mut text)?;
        Ok(lines(&text).map(|(_, key, value)| (key, value)).collect())
    }
}

/// Where each line ends, its key and its value, up to the first that is none.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let end = at + text[at..].iter().position(|byte| *byte == b';')?;
        let line = std::str::from_utf8(&text[at..end]).ok()?;
        let (key, value) = line.split_once('=')?;
        let printable = line
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        at = end + 1;
        printable.then(|| (at, key.into(), value.into()))
    })
}

#[test]
fn what_a_recovery_found_absent_and_is_back_is_a_gap_and_not_invented() {
    // A size outlives its data; what stands there is what an earlier, lost append left behind.
    assert_eq!(broken(&Lines), Some((Breach::Gap, "D2")));
}

//! A small store, and each mistake that one can make in it.

use super::*;

/// Pairs in a file that is replaced, with the mistakes that one can make.
#[derive(Clone, Copy, Default)]
pub(crate) struct OneFile {
    pub(crate) without_barrier: bool,
    pub(crate) without_name: bool,
    pub(crate) without_recovery: bool,
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

pub(crate) fn put(key: &str, value: &str) -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::put(key, value)])
}

pub(crate) fn broken(subject: &impl Subject<Contract = Map>) -> Option<(Breach, &'static str)> {
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
        assert!(barrier.site.file.ends_with("one_file.rs"));
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
    let path = found.save(directory.path()).expect("it is written");
    assert!(
        path.ends_with("onefile-posix-d1.json"),
        "{}",
        path.display()
    );
    let read = Counterexample::read(&path).expect("it is read");
    assert_eq!(read, found);
    let again = replay(&subject, &read).expect("it is one of this subject");
    assert_eq!(again.steps, found.steps);
    assert_eq!(again.shown, Ok(BTreeMap::new()));
    assert!(matches!(again.breach, Some((Breach::Lost, _))));
    let mended = replay(&OneFile::default(), &read).expect("it is one of this subject");
    assert_eq!(mended.breach, None);
    std::fs::write(&path, "{\"schema\": 9}").expect("it is written");
    let refused = Counterexample::read(&path).expect_err("a newer one");
    assert!(refused.to_string().contains("newer schema 9"), "{refused}");
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

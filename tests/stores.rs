//! Stores of each version of each format, kept as files: they open, and hold what was put there; and a store made
//! today is the same, byte for byte, so that a change of a format is seen and gets a version of its own.
//!
//! A new engine's store is made by `LIGHTSOUT_MAKE_STORES=1 cargo test --test stores`, which overwrites none.

use lightsout::engine::bitcask::Bitcask;
use lightsout::engine::btree::Btree;
use lightsout::engine::event_store::{Event, EventStore, Expected, NewEvent, Projection};
use lightsout::engine::lsm::Store;
use lightsout::engine::wal::segments::SegmentedLog;
use lightsout::engine::wal::{Entry, Log, Note, Write};
use lightsout::engine::{bitcask, btree, event_store, lsm, wal};
use lightsout::storage::os::OsStorage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Files = BTreeMap<String, Vec<u8>>;

fn files(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

/// Opens the kept store of that name and checks it; then makes one anew, which is the same.
fn kept(name: &str, make: fn(&Path), check: fn(&Path)) {
    let kept = PathBuf::from("tests/stores").join(name);
    let home = tempfile::tempdir().unwrap();
    let made = home.path().join("made");
    make(&made);
    if !kept.exists() && std::env::var_os("LIGHTSOUT_MAKE_STORES").is_some() {
        fs::create_dir_all(&kept).unwrap();
        for (file, bytes) in files(&made) {
            fs::write(kept.join(file), bytes).unwrap();
        }
    }
    let bytes = files(&kept);
    let copy = home.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for (file, bytes) in &bytes {
        fs::write(copy.join(file), bytes).unwrap();
    }
    check(&copy);
    let made = files(&made);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&bytes));
    for (name, kept) in &bytes {
        assert!(made[name] == *kept, "{name} has other bytes than it had");
    }
}

fn put(key: &str, value: &str) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn delete(key: &str) -> Write {
    Write::Delete { key: key.into() }
}

#[test]
fn a_log_of_version_1() {
    fn open(dir: &Path) -> Log<OsStorage> {
        Log::open(
            OsStorage,
            dir,
            wal::Options {
                preallocate: 0,
                ..wal::Options::default()
            },
        )
        .unwrap()
    }
    fn make(dir: &Path) {
        let log = open(dir);
        log.append_batch(&[put("a", "1"), delete("b")]).unwrap();
        log.append(&put("", "")).unwrap();
    }
    kept("log-1", make, |dir| {
        let log = open(dir);
        let found = log.records().map(|record| record.unwrap().writes);
        assert!(found.eq([vec![put("a", "1"), delete("b")], vec![put("", "")]]));
    });
}

#[test]
fn a_log_in_segments_of_version_1() {
    fn open(dir: &Path) -> SegmentedLog<OsStorage> {
        SegmentedLog::open(
            OsStorage,
            dir,
            wal::segments::Options {
                preallocate: 0,
                ..wal::segments::Options::default()
            },
        )
        .unwrap()
    }
    fn make(dir: &Path) {
        let log = open(dir);
        log.append(&put("a", "1")).unwrap();
        log.rotate().unwrap();
        log.begin(7).unwrap();
        log.append(&put("b", "2")).unwrap();
        log.commit(7).unwrap();
        log.rotate().unwrap();
        log.checkpoint(2).unwrap();
        log.append(&delete("a")).unwrap();
    }
    kept("segments-1", make, |dir| {
        let log = open(dir);
        let found = log.records().map(|record| record.unwrap().entry);
        let expected = [
            Entry::Writes(vec![put("b", "2")]),
            Entry::Note(Note::Commit(7)),
            Entry::Note(Note::Checkpoint(2)),
            Entry::Writes(vec![delete("a")]),
        ];
        assert!(found.eq(expected));
    });
}

/// It had one log. This program does not read it, and leaves it as it is.
#[test]
fn an_lsm_tree_of_version_1_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let kept = files(Path::new("tests/stores/lsm-1"));
    assert!(kept.contains_key("log") && !kept.contains_key("log.2"));
    for (file, bytes) in &kept {
        fs::write(home.path().join(file), bytes).unwrap();
    }
    let opened = Store::open(OsStorage, home.path(), lsm::Options::default());
    let refused = opened.unwrap_err();
    let lsm::Error::OtherVersion { found, known, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!((found, known), (1, 2));
    let mut left = files(home.path());
    left.remove("lock");
    assert_eq!(left, kept);
}

#[test]
fn an_lsm_tree_of_version_2() {
    fn open(dir: &Path) -> Store<OsStorage> {
        let options = lsm::Options {
            preallocate: 0,
            background: lsm::Background::Callers,
            ..lsm::Options::default()
        };
        Store::open(OsStorage, dir, options).unwrap()
    }
    fn make(dir: &Path) {
        let store = open(dir);
        store.write(&[put("a", "1"), put("b", "2")]).unwrap();
        store.flush().unwrap();
        store.write(&[delete("a")]).unwrap();
        store.flush().unwrap();
        store.put(b"c", b"3").unwrap();
    }
    kept("lsm-2", make, |dir| {
        let found: Result<Vec<_>, _> = open(dir).scan::<[u8]>(..).collect();
        let expected = [("b", "2"), ("c", "3")];
        let expected = expected.map(|(key, value)| (key.into(), value.into()));
        assert_eq!(found.unwrap(), expected);
    });
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gathered(Vec<String>);

impl Projection for Gathered {
    const NAME: &'static str = "gathered";

    fn apply(&mut self, event: &Event) {
        self.0.push(format!("{} {}", event.stream(), event.data()));
    }
}

#[test]
fn an_event_store_of_version_1() {
    fn open(dir: &Path) -> EventStore<OsStorage> {
        EventStore::open(
            OsStorage,
            dir,
            event_store::Options {
                preallocate: 0,
                ..event_store::Options::default()
            },
        )
        .unwrap()
    }
    fn make(dir: &Path) {
        let store = open(dir);
        let event = |data| NewEvent::from_json("kind", data).unwrap();
        let with_metadata = event("1.50").with_metadata(&"who").unwrap();
        let first = vec![event("{\"b\":1, \"a\":2}"), with_metadata];
        store.append("one", Expected::Version(0), first).unwrap();
        store.snapshot::<Gathered>().unwrap();
        let second = vec![event("null")];
        store.append("two", Expected::Any, second).unwrap();
    }
    kept("event_store-1", make, |dir| {
        let store = open(dir);
        let expected = ["one {\"b\":1, \"a\":2}", "one 1.50", "two null"];
        assert_eq!(store.project::<Gathered>().0, expected);
        assert_eq!(
            store.saved::<Gathered>("gathered").unwrap().1.0,
            expected[..2]
        );
        let second = store.stream("one", 1).next().unwrap();
        assert_eq!(
            (second.kind(), second.metadata()),
            ("kind", Some("\"who\""))
        );
    });
}

#[test]
fn a_bitcask_store_of_version_1() {
    fn open(dir: &Path) -> Bitcask<OsStorage> {
        Bitcask::open(
            OsStorage,
            dir,
            bitcask::Options {
                preallocate: 0,
                ..bitcask::Options::default()
            },
        )
        .unwrap()
    }
    fn make(dir: &Path) {
        let store = open(dir);
        store
            .write(&[put("a", "1"), put("b", "2"), put("", "")])
            .unwrap();
        store.rotate().unwrap();
        store.delete(b"b").unwrap();
        store.rotate().unwrap();
        store.merge().unwrap();
        store.put(b"c", b"3").unwrap();
    }
    kept("bitcask-1", make, |dir| {
        let store = open(dir);
        assert_eq!(store.merged_up_to(), Some((2, true)));
        let found = store.fold(Vec::new(), |mut all, key, value| {
            all.push((key.to_vec(), value.to_vec()));
            all
        });
        let expected = [("", ""), ("a", "1"), ("c", "3")];
        let expected = expected.map(|(key, value)| (key.into(), value.into()));
        assert_eq!(found.unwrap(), expected);
    });
}

#[test]
fn a_btree_of_version_1() {
    fn open(dir: &Path) -> Btree<OsStorage> {
        let options = btree::Options {
            page_bytes: 256,
            preallocate: 0,
            ..btree::Options::default()
        };
        Btree::open(OsStorage, dir, options).unwrap()
    }
    fn make(dir: &Path) {
        let tree = open(dir);
        for number in 0..20_u8 {
            tree.put(&[b'a' + number], &[b'0' + number; 20]).unwrap();
        }
        for number in 0..9_u8 {
            tree.delete(&[b'a' + number]).unwrap();
        }
        tree.checkpoint().unwrap();
        tree.write(&[put("b", "2"), delete("k")]).unwrap();
    }
    kept("btree-1", make, |dir| {
        let tree = open(dir);
        let found: Result<Vec<_>, _> = tree.range::<[u8]>(..).collect();
        let mut expected = vec![(b"b".to_vec(), b"2".to_vec())];
        let left = (9..20_u8).filter(|number| *number != 10);
        expected.extend(left.map(|it| (vec![b'a' + it], vec![b'0' + it; 20])));
        assert_eq!(found.unwrap(), expected);
        assert!(tree.stats().unwrap().free_pages > 0);
    });
}

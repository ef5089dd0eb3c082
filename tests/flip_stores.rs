//! One flipped bit, anywhere in any file of a store: every bit is tried, on each engine but the LSM tree, which has
//! a list of its own (`flip.rs`).
//!
//! What the store then answers is right, or it refuses with the file that is damaged. One loss is accepted: of the
//! newest records, those above the highest durable mark in the files, for nothing on the disk says that they
//! were durable. Nothing is ever invented.

use lightsout::storage::simulated::Simulated;
use lightsout::storage::{File, Storage};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

const DIR: &str = "store";

/// An engine whose store is damaged.
trait Damaged {
    /// All that a client reads.
    type Contents: Clone + Debug + PartialEq;

    /// Makes a store and closes it: what was there after each operation.
    fn make(machine: &Simulated) -> Vec<Self::Contents>;
    /// Opens it and reads all, or says why not.
    fn read(machine: &Simulated) -> Result<Self::Contents, String>;
}

/// How many bits change no answer, are refused, and lose the newest operation.
#[derive(Debug, Default)]
struct Counts {
    right: u64,
    refused: u64,
    lost: u64,
}

fn flipped(machine: &Simulated, path: &Path, bit: u64) -> Simulated {
    let copy = Simulated::on(machine.disk(), machine.profile());
    let file = copy.open(path).unwrap();
    let mut byte = [0];
    file.read_at(bit / 8, &mut byte).unwrap();
    file.write_at(bit / 8, &[byte[0] ^ 1 << (bit % 8)]).unwrap();
    drop(file);
    copy.settle();
    copy.kill();
    copy
}

fn files(machine: &Simulated) -> Vec<(PathBuf, u64)> {
    let names = machine.list(Path::new(DIR)).unwrap();
    let paths = names.into_iter().map(|name| Path::new(DIR).join(name));
    paths
        .map(|path| {
            let bytes = machine.open(&path).unwrap().len().unwrap();
            (path, bytes)
        })
        .collect()
}

#[allow(clippy::print_stderr)] // The list, for who asks with --nocapture.
fn flip_every_bit<D: Damaged>() -> Counts {
    let machine = Simulated::named("strict").unwrap();
    let history = D::make(&machine);
    machine.kill();
    let newest = history.last().unwrap();
    assert_eq!(D::read(&flipped_twice(&machine)).as_ref(), Ok(newest));
    let mut counts = Counts::default();
    for (path, bytes) in files(&machine) {
        let before = (counts.right, counts.refused, counts.lost);
        for bit in 0..8 * bytes {
            let at = format!("bit {} of byte {} of {}", bit % 8, bit / 8, path.display());
            let copy = flipped(&machine, &path, bit);
            match D::read(&copy) {
                Ok(found) if found == *newest => counts.right += 1,
                Ok(found) => {
                    let kept = history.iter().rposition(|then| *then == found);
                    let kept = kept.unwrap_or_else(|| panic!("{at}: invents {found:?}"));
                    assert_eq!(kept + 2, history.len(), "{at}: loses more than the newest");
                    copy.kill();
                    assert_eq!(D::read(&copy), Ok(found), "{at}: and then again");
                    counts.lost += 1;
                }
                Err(error) => {
                    let name = path.file_name().unwrap().to_string_lossy();
                    let names_it = error.contains(&*name) || error.contains("log");
                    assert!(names_it, "{at}: {error}");
                    counts.refused += 1;
                }
            }
        }
        eprintln!(
            "{}: of {} bits {} change no answer, {} are refused, {} lose the newest",
            path.display(),
            8 * bytes,
            counts.right - before.0,
            counts.refused - before.1,
            counts.lost - before.2
        );
    }
    counts
}

/// A copy in which nothing is damaged.
fn flipped_twice(machine: &Simulated) -> Simulated {
    let (path, _) = files(machine).remove(0);
    flipped(&flipped(machine, &path, 0), &path, 0)
}

mod event_store {
    use super::*;
    use lightsout::engine::event_store::{
        Event, EventStore, Expected, NewEvent, Options, Projection,
    };
    use serde::{Deserialize, Serialize};

    struct Events;

    #[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
    struct Gathered(Vec<String>);

    impl Projection for Gathered {
        const NAME: &'static str = "gathered";

        fn apply(&mut self, event: &Event) {
            self.0.push(event.data().into());
        }
    }

    fn open(machine: &Simulated) -> Result<EventStore<Simulated>, String> {
        let opened = EventStore::open(
            machine.clone(),
            Path::new(DIR),
            Options {
                preallocate: 0,
                ..Options::default()
            },
        );
        opened.map_err(|error| error.to_string())
    }

    fn contents(store: &EventStore<Simulated>) -> Vec<(String, u64, String)> {
        let told = |it: std::sync::Arc<Event>| (it.stream().into(), it.version(), it.data().into());
        store.events(None).map(told).collect()
    }

    impl Damaged for Events {
        type Contents = Vec<(String, u64, String)>;

        fn make(machine: &Simulated) -> Vec<Self::Contents> {
            let store = open(machine).unwrap();
            let mut history = vec![contents(&store)];
            for (stream, data) in [("a", "[1,2]"), ("b", "null"), ("a", "\"x\""), ("b", "1.50")] {
                let events = vec![NewEvent::from_json("t", data).unwrap(); 2];
                store.append(stream, Expected::Any, events).unwrap();
                history.push(contents(&store));
                if history.len() == 3 {
                    store.snapshot::<Gathered>().unwrap();
                }
            }
            store.close().unwrap();
            history
        }

        fn read(machine: &Simulated) -> Result<Self::Contents, String> {
            let store = open(machine)?;
            assert_eq!(store.project::<Gathered>(), store.rebuild());
            Ok(contents(&store))
        }
    }

    #[test]
    fn every_bit_of_an_event_store() {
        let counts = flip_every_bit::<Events>();
        let snapshot = 8 * (40 + 28_u64).next_multiple_of(16);
        assert!(
            counts.right >= snapshot,
            "{counts:?}: a snapshot is no source of truth"
        );
        assert!(
            counts.lost > 0 && counts.refused > counts.lost,
            "{counts:?}"
        );
    }
}

mod segments {
    use super::*;
    use lightsout::engine::wal::segments::{Options, SegmentedLog};
    use lightsout::engine::wal::{Entry, Write};

    struct Segments;

    fn open(machine: &Simulated) -> Result<SegmentedLog<Simulated>, String> {
        let options = Options {
            segment_bytes: 100,
            preallocate: 0,
            ..Options::default()
        };
        let opened = SegmentedLog::open(machine.clone(), Path::new(DIR), options);
        opened.map_err(|error| error.to_string())
    }

    fn contents(log: &SegmentedLog<Simulated>) -> Result<Vec<(u64, Entry)>, String> {
        let records = log.records();
        let records = records.map(|it| it.map(|it| (it.lsn.index, it.entry)));
        let records: Result<Vec<_>, _> = records.collect();
        records.map_err(|error| error.to_string())
    }

    impl Damaged for Segments {
        type Contents = Vec<(u64, Entry)>;

        fn make(machine: &Simulated) -> Vec<Self::Contents> {
            let log = open(machine).unwrap();
            let mut history = vec![contents(&log).unwrap()];
            for number in 0..7 {
                let (key, value) = (b"key".to_vec(), vec![b'0' + number; 9]);
                log.append(&Write::Put { key, value }).unwrap();
                history.push(contents(&log).unwrap());
                if number == 3 {
                    log.truncate(2).unwrap();
                    history.push(contents(&log).unwrap());
                }
            }
            log.close().unwrap();
            history
        }

        fn read(machine: &Simulated) -> Result<Self::Contents, String> {
            contents(&open(machine)?)
        }
    }

    #[test]
    fn every_bit_of_a_log_in_segments() {
        let counts = flip_every_bit::<Segments>();
        assert!(
            counts.lost > 0 && counts.refused > counts.lost,
            "{counts:?}"
        );
    }
}

mod bitcask {
    use super::*;
    use lightsout::engine::bitcask::{Bitcask, Options};

    struct Store;

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    fn open(machine: &Simulated) -> Result<Bitcask<Simulated>, String> {
        let opened = Bitcask::open(
            machine.clone(),
            Path::new(DIR),
            Options {
                preallocate: 0,
                ..Options::default()
            },
        );
        opened.map_err(|error| error.to_string())
    }

    fn contents(store: &Bitcask<Simulated>) -> Result<Pairs, String> {
        let folded = store.fold(Pairs::new(), |mut all, key, value| {
            all.push((key.to_vec(), value.to_vec()));
            all
        });
        folded.map_err(|error| error.to_string())
    }

    impl Damaged for Store {
        type Contents = Pairs;

        fn make(machine: &Simulated) -> Vec<Pairs> {
            let store = open(machine).unwrap();
            let mut history = vec![Pairs::new()];
            for (number, key) in (0..).zip(["a", "b", "", "a", "c", "d"]) {
                match number {
                    2 => store.delete(b"b").unwrap(),
                    _ => store.put(key.as_bytes(), &[b'0' + number; 9]).unwrap(),
                };
                if number == 1 || number == 3 {
                    store.rotate().unwrap();
                    store.merge().unwrap();
                }
                history.push(contents(&store).unwrap());
            }
            store.close().unwrap();
            history
        }

        fn read(machine: &Simulated) -> Result<Pairs, String> {
            contents(&open(machine)?)
        }
    }

    #[test]
    fn every_bit_of_a_bitcask_store() {
        let counts = flip_every_bit::<Store>();
        assert!(
            counts.right > 500,
            "{counts:?}: a hint is no source of truth"
        );
        assert!(
            counts.lost > 0 && counts.refused > counts.lost,
            "{counts:?}"
        );
    }
}

mod btree {
    use super::*;
    use lightsout::engine::btree::{Btree, Options};

    struct Tree;

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    fn open(machine: &Simulated) -> Result<Btree<Simulated>, String> {
        let options = Options {
            page_bytes: 256,
            preallocate: 0,
            ..Options::default()
        };
        let opened = Btree::open(machine.clone(), Path::new(DIR), options);
        opened.map_err(|error| error.to_string())
    }

    fn contents(tree: &Btree<Simulated>) -> Result<Pairs, String> {
        let pairs: Result<Pairs, _> = tree.range::<[u8]>(..).collect();
        pairs.map_err(|error| error.to_string())
    }

    impl Damaged for Tree {
        type Contents = Pairs;

        fn make(machine: &Simulated) -> Vec<Pairs> {
            let tree = open(machine).unwrap();
            let mut history = vec![Pairs::new()];
            for number in 0..12_u8 {
                match number {
                    9 => tree.delete(&[4]).unwrap(),
                    _ => tree.put(&[number], &[b'a' + number; 40]).unwrap(),
                };
                if number == 3 || number == 7 {
                    tree.checkpoint().unwrap();
                }
                history.push(contents(&tree).unwrap());
            }
            tree.close().unwrap();
            history
        }

        fn read(machine: &Simulated) -> Result<Pairs, String> {
            contents(&open(machine)?)
        }
    }

    #[test]
    fn every_bit_of_a_btree() {
        let counts = flip_every_bit::<Tree>();
        assert!(
            counts.right > 0,
            "{counts:?}: what the log has is not read in place"
        );
        assert!(
            counts.lost > 0 && counts.refused > counts.lost,
            "{counts:?}"
        );
    }
}

//! One flipped bit, anywhere in any file of a store: every bit is tried.
//!
//! What the store then answers is right, or it refuses with the file and the place. One loss is
//! accepted: of the newest records, those above the highest durable mark that the log carries. Such a
//! record looks like one that a power cut tore, for nothing on the disk says that it was durable.
//! Nothing is ever invented.

use lightsout::engine::{lsm, wal};
use lightsout::storage::simulated::Simulated;
use lightsout::storage::{File, Storage};
use lsm::{Background, Error, Options, Store, SyncMode, Write};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

const DIR: &str = "store";

/// A store that is closed, and what it has to say.
struct Closed {
    machine: Simulated,
    options: Options,
    /// What the records up to each index left.
    history: Vec<Contents>,
    /// The highest durable mark in the files.
    mark: u64,
    /// In which log, and where in it, the records above the mark begin.
    above_mark_at: Option<(&'static str, u64)>,
}

/// The two logs; the first one is the active one at the start.
const LOGS: [&str; 2] = ["log", "log.2"];

impl Closed {
    /// Each line is one record of writes `key=value` or `-key`, or `flush`.
    fn new(sync: SyncMode, lines: &[&str]) -> Closed {
        Closed::with_logs_of(u64::MAX, sync, lines)
    }

    /// The same, with logs that are full with so many bytes.
    fn with_logs_of(flush_at: u64, sync: SyncMode, lines: &[&str]) -> Closed {
        let options = Options {
            sync,
            flush_at,
            preallocate: 0,
            background: Background::Callers,
            ..Options::default()
        };
        let machine = Simulated::named("strict").unwrap();
        let store = Store::open(machine.clone(), Path::new(DIR), options).unwrap();
        let mut history = vec![Contents::new()];
        let (mut mark, mut places, mut active, mut at) = (0, vec![], 0, 16);
        for line in lines {
            let before = store.stats().unwrap();
            if *line == "flush" {
                store.flush().unwrap();
                mark = before.last.map_or(0, |lsn| lsn.index);
                (active, at) = (1 - active, 16);
                continue;
            }
            if at - 16 >= flush_at {
                (active, at) = (1 - active, 16);
            }
            // The mark that this record carries is the one from before it is synced.
            mark = mark.max(before.durable_mark);
            let writes = line.split_whitespace().map(write).collect::<Vec<_>>();
            let lsn = store.write(&writes).unwrap();
            let mut contents = history.last().unwrap().clone();
            for write in writes {
                match write {
                    Write::Put { key, value } => contents.insert(key, value),
                    Write::Delete { key } => contents.remove(&key),
                };
            }
            history.push(contents);
            places.push((lsn.index, (LOGS[active], at)));
            let after = store.stats().unwrap().log_bytes;
            at += after - before.log_bytes;
        }
        store.close().unwrap();
        let above = places.iter().find(|(index, _)| *index > mark);
        Closed {
            above_mark_at: above.map(|(_, at)| *at),
            machine,
            options,
            history,
            mark,
        }
    }

    fn files(&self) -> Vec<(PathBuf, u64)> {
        let names = self.machine.list(Path::new(DIR)).unwrap();
        let paths = names.into_iter().map(|name| Path::new(DIR).join(name));
        let with_size = |path: PathBuf| {
            let bytes = self.machine.open(&path).unwrap().len().unwrap();
            (path, bytes)
        };
        paths.map(with_size).collect()
    }

    /// A copy with one bit flipped.
    fn flipped(&self, path: &Path, bit: u64) -> Simulated {
        let copy = Simulated::on(self.machine.disk(), self.machine.profile());
        let file = copy.open(path).unwrap();
        let mut byte = [0];
        file.read_at(bit / 8, &mut byte).unwrap();
        file.write_at(bit / 8, &[byte[0] ^ 1 << (bit % 8)]).unwrap();
        drop(file);
        copy.settle();
        copy.kill();
        copy
    }

    /// What comes of it; panics where that is neither right nor refused nor an accepted loss.
    fn judge(&self, path: &Path, bit: u64) -> Outcome {
        let machine = self.flipped(path, bit);
        let right = self.history.last().unwrap();
        let store = match Store::open(machine.clone(), Path::new(DIR), self.options) {
            Ok(store) => store,
            Err(error) => return refused(&error, path, bit),
        };
        let mut outcome = Outcome::Right;
        let mut found = Contents::new();
        for pair in store.scan::<[u8]>(..) {
            match pair {
                Ok((key, value)) => found.extend([(key, value)]),
                Err(error) => outcome = refused(&error, path, bit),
            }
        }
        let keys = self.history.iter().flat_map(|contents| contents.keys());
        for key in keys {
            match store.get(key) {
                Ok(value) if outcome == Outcome::Right => {
                    assert_eq!(value.as_ref(), found.get(key), "{}", at(path, bit));
                }
                Ok(value) => assert_eq!(value.as_ref(), right.get(key), "{}", at(path, bit)),
                Err(error) => assert_eq!(refused(&error, path, bit), Outcome::Refused),
            }
        }
        if outcome == Outcome::Refused {
            let begin = right.iter().take(found.len());
            assert!(begin.eq(found.iter()), "{} serves wrong", at(path, bit));
            return outcome;
        }
        drop(store);
        let again = Store::open(machine, Path::new(DIR), self.options).unwrap();
        let again: Result<Contents, _> = again.scan::<[u8]>(..).collect();
        assert_eq!(again.unwrap(), found, "{}: and then again", at(path, bit));
        if found == *right {
            return Outcome::Right;
        }
        let kept = self.history.iter().rposition(|then| *then == found);
        let kept = kept.unwrap_or_else(|| panic!("{} invents {found:?}", at(path, bit)));
        assert!(kept as u64 >= self.mark, "{} loses {kept}..", at(path, bit));
        let (log, place) = self.above_mark_at.expect("records above the mark");
        assert!(path.ends_with(log) && bit / 8 >= place);
        Outcome::LossAboveTheMark
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Right,
    Refused,
    LossAboveTheMark,
}

fn write(word: &str) -> Write {
    match word.split_once('=') {
        Some((key, value)) => Write::Put {
            key: key.into(),
            value: value.into(),
        },
        None => Write::Delete {
            key: word.trim_start_matches('-').into(),
        },
    }
}

fn at(path: &Path, bit: u64) -> String {
    format!("bit {} of byte {} of {}", bit % 8, bit / 8, path.display())
}

/// The refusal names the file, and a place at or before the bit: the beginning of what is damaged.
fn refused(error: &Error, path: &Path, bit: u64) -> Outcome {
    let (named, place) = match error {
        Error::Damaged { path, at, .. } => (path, *at),
        Error::Log(wal::Error::Damaged { path, at, .. }) => (path, *at),
        // In the header, which is at the beginning.
        Error::Log(wal::Error::DamagedHeader { path, .. })
        | Error::Foreign { path }
        | Error::OtherEngine { path, .. }
        | Error::OtherVersion { path, .. } => {
            assert!(bit / 8 < 16, "{}: {error}", at(path, bit));
            (path, 0)
        }
        // The log that is due lacks its end, or all of it.
        Error::Hole { dir, .. } => {
            assert_eq!(Some(&**dir), path.parent(), "{}", at(path, bit));
            return Outcome::Refused;
        }
        error => panic!("{}: {error}", at(path, bit)),
    };
    assert_eq!(named, path, "{}: {error}", at(path, bit));
    assert!(place <= bit / 8, "{}: {error}", at(path, bit));
    Outcome::Refused
}

/// Tries every bit, says what came of them, and counts them: right, refused, lost above the mark.
#[allow(clippy::print_stderr)] // The list, for who asks with --nocapture.
fn flip_every_bit(name: &str, store: &Closed) -> [u64; 3] {
    let mut counts = [0; 3];
    for (path, bytes) in store.files() {
        let mut of_this = [0; 3];
        let mut lost: Vec<std::ops::RangeInclusive<u64>> = vec![];
        for bit in 0..8 * bytes {
            let outcome = store.judge(&path, bit);
            of_this[outcome as usize] += 1;
            if outcome == Outcome::LossAboveTheMark {
                match lost.last_mut() {
                    Some(range) if range.end() + 1 == bit => *range = *range.start()..=bit,
                    _ => lost.push(bit..=bit),
                }
            }
        }
        let [right, refused, above] = of_this;
        eprintln!(
            "{name}: {}: of {} bits {right} change no answer, {refused} are refused, {above} lose what is above the mark \
             {}: {lost:?}",
            path.display(),
            8 * bytes,
            store.mark
        );
        for (count, more) in counts.iter_mut().zip(of_this) {
            *count += more;
        }
    }
    counts
}

fn bits(bytes: u64) -> u64 {
    8 * bytes
}

const TABLES: [&str; 6] = ["a=1 b=2", "c=3", "flush", "b=4", "-c d=5", "flush"];

fn with_tables<'a>(lines: &[&'a str]) -> Vec<&'a str>
where
    'static: 'a,
{
    [&TABLES[..], lines].concat()
}

#[test]
fn where_every_write_is_synced_only_the_last_record_can_be_lost() {
    let lines = with_tables(&["e=6", "a=7", "-b", "f=8"]);
    let store = Closed::new(SyncMode::EveryWrite, &lines);
    assert_eq!(store.mark, 7);
    let [_, refused, lost] = flip_every_bit("every write", &store);
    assert_eq!(lost, bits(48), "all of the last record, and nothing else");
    assert!(refused > 0);
}

#[test]
fn where_some_writes_are_synced_only_what_follows_the_last_mark_can_be_lost() {
    let lines = with_tables(&["e=6", "a=7", "-b", "f=8", "g=9", "h=10"]);
    let every_third = SyncMode::EveryN(NonZeroU32::new(3).unwrap());
    let store = Closed::new(every_third, &lines);
    assert!(store.mark < 9);
    let [_, refused, lost] = flip_every_bit("every third", &store);
    assert!(lost > 0 && lost <= bits(48) * (10 - store.mark));
    assert!(refused > 0);
}

#[test]
fn old_records_behind_the_live_ones_change_nothing() {
    let store = Closed::new(
        SyncMode::EveryWrite,
        &[
            "a=1", "b=2", "c=3", "a=4", "flush", "-b", "flush", "d=5", "-a",
        ],
    );
    let [right, _, lost] = flip_every_bit("recycled", &store);
    let old = 2 * 48 + 48;
    assert!(
        right >= bits(old),
        "{right}: what is left of the old records"
    );
    assert_eq!(lost, bits(48), "all of the last record, and nothing else");
}

#[test]
fn where_the_tables_hold_everything_nothing_can_be_lost() {
    let store = Closed::new(SyncMode::EveryWrite, &TABLES);
    let [right, refused, lost] = flip_every_bit("all flushed", &store);
    assert_eq!(lost, 0);
    assert!(
        right > 0 && refused > 0,
        "old records in the log, and tables"
    );
}

#[test]
fn where_both_logs_are_live_the_one_that_is_due_loses_nothing() {
    let lines = ["a=1", "b=2", "c=3", "a=4"];
    let store = Closed::with_logs_of(96, SyncMode::EveryWrite, &lines);
    assert_eq!(store.above_mark_at, Some(("log.2", 16 + 48)));
    let [_, refused, lost] = flip_every_bit("both live", &store);
    assert_eq!(lost, bits(48), "all of the last record, and nothing else");
    assert!(refused > bits(3 * 40));
}

#[test]
fn a_store_without_tables_is_no_worse() {
    let store = Closed::new(SyncMode::EveryWrite, &["a=1", "b=2", "a=3 -b"]);
    let [_, _, lost] = flip_every_bit("no tables", &store);
    assert_eq!(lost, bits(64), "all of the last record, and nothing else");
}

#[test]
fn an_empty_store_is_no_worse() {
    let store = Closed::new(SyncMode::EveryWrite, &[]);
    let [right, refused, lost] = flip_every_bit("empty", &store);
    let end_marks = bits(2 * 16);
    assert_eq!((right, lost), (end_marks, 0), "{refused}");
}

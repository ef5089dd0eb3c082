//! The LSM tree: written, flushed, merged.

use crate::map::{self, Map, synced_every};
use crate::victim::{self, child, find_a_liar_out, kill_hundreds_of_times, scattered};
use lightsout::engine::lsm::{Options, Store, Write};
use lightsout::storage::os::OsStorage;
use std::path::Path;

enum Operation {
    Write(Vec<Write>),
    Flush,
    Compact,
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

struct Tree(Store<OsStorage>);

impl victim::Store for Tree {
    const CHILD: &str = "lsm::a_child";
    const SIGHTS: &[&str] = &["a table in the making", "a superseded table"];
    type Contents = Map;

    fn open(dir: &Path, every: u32) -> Result<Tree, String> {
        let sync = synced_every(every);
        let options = Options {
            sync,
            flush_at: 2_000,
            fanout: 3,
            ..Options::default()
        };
        let opened = Store::open(OsStorage, dir, options);
        opened.map(Tree).map_err(|error| error.to_string())
    }

    fn take(&mut self, number: u64) -> Result<(), String> {
        let done = match operation(number) {
            Operation::Write(writes) => self.0.write(&writes).map(|_| ()),
            Operation::Flush => self.0.flush(),
            Operation::Compact => self.0.compact(),
        };
        done.map_err(|error| error.to_string())
    }

    fn apply(number: u64, contents: &mut Self::Contents) {
        if let Operation::Write(writes) = operation(number) {
            map::apply(writes, contents);
        }
    }

    fn read(&mut self) -> Result<Self::Contents, String> {
        let found: Result<Self::Contents, _> = self.0.scan::<[u8]>(..).collect();
        let found = found.map_err(|error| error.to_string())?;
        for key in 0..40 {
            let key = format!("key {key}").into_bytes();
            if self.0.get(&key).ok() != Some(found.get(&key).cloned()) {
                return Err(format!("a scan and a read of {key:?} differ"));
            }
        }
        Ok(found)
    }

    fn sights(names: &[String]) -> Vec<&'static str> {
        let mut sights = Vec::new();
        if names.iter().any(|name| name.ends_with(".sst.tmp")) {
            sights.push("a table in the making");
        }
        let interval = |name: &String| {
            let (lo, hi) = name.strip_suffix(".sst")?.split_once('-')?;
            Some((lo.parse::<u64>().ok()?, hi.parse::<u64>().ok()?))
        };
        let tables: Vec<(u64, u64)> = names.iter().filter_map(interval).collect();
        let superseded = tables.iter().any(|one| {
            let holds = |other: &(u64, u64)| other != one && other.0 <= one.0 && one.1 <= other.1;
            tables.iter().any(holds)
        });
        if superseded {
            sights.push("a superseded table");
        }
        sights
    }
}

#[test]
fn a_child() {
    child::<Tree>();
}

#[test]
fn what_returned_survives_a_kill_where_every_write_is_synced() {
    kill_hundreds_of_times::<Tree>(1);
}

#[test]
fn what_returned_survives_a_kill_where_every_tenth_write_is_synced() {
    kill_hundreds_of_times::<Tree>(10);
}

#[test]
fn a_child_that_says_so_before_it_writes_is_found_out() {
    find_a_liar_out::<Tree>();
}

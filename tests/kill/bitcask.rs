//! Bitcask: written, rotated, merged.

use crate::map::{self, Map, synced_every};
use crate::victim::{self, child, find_a_liar_out, kill_hundreds_of_times, scattered};
use lightsout::engine::bitcask::{Bitcask, Options};
use lightsout::engine::wal::Write;
use lightsout::storage::os::OsStorage;
use std::path::Path;

enum Operation {
    Write(Vec<Write>),
    Rotate,
    Merge,
}

fn operation(number: u64) -> Operation {
    let chance = scattered(number);
    match chance % 40 {
        0..=2 => return Operation::Merge,
        3 => return Operation::Rotate,
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

struct Store(Bitcask<OsStorage>);

impl victim::Store for Store {
    const CHILD: &str = "bitcask::a_child";
    const SIGHTS: &[&str] = &[
        "a merged file in the making",
        "closed files beside a merged one",
    ];
    type Contents = Map;

    fn open(dir: &Path, every: u32) -> Result<Store, String> {
        let options = Options {
            preallocate: 4096,
            sync: synced_every(every),
            file_bytes: 1_500,
        };
        let opened = Bitcask::open(OsStorage, dir, options);
        opened.map(Store).map_err(|error| error.to_string())
    }

    fn take(&mut self, number: u64) -> Result<(), String> {
        let done = match operation(number) {
            Operation::Write(writes) => self.0.write(&writes).map(|_| ()),
            Operation::Rotate => self.0.rotate(),
            Operation::Merge => self.0.merge(),
        };
        done.map_err(|error| error.to_string())
    }

    fn apply(number: u64, contents: &mut Self::Contents) {
        if let Operation::Write(writes) = operation(number) {
            map::apply(writes, contents);
        }
    }

    fn read(&mut self) -> Result<Self::Contents, String> {
        let folded = self.0.fold(Self::Contents::new(), |mut all, key, value| {
            all.insert(key.to_vec(), value.to_vec());
            all
        });
        folded.map_err(|error| error.to_string())
    }

    fn sights(names: &[String]) -> Vec<&'static str> {
        let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
        let seen = [
            (count(".merged.tmp") > 0).then_some("a merged file in the making"),
            (count(".log") > 1 && count(".merged") > 0)
                .then_some("closed files beside a merged one"),
        ];
        seen.into_iter().flatten().collect()
    }
}

#[test]
fn a_child() {
    child::<Store>();
}

#[test]
fn what_returned_survives_a_kill_where_every_write_is_synced() {
    kill_hundreds_of_times::<Store>(1);
}

#[test]
fn what_returned_survives_a_kill_where_every_tenth_write_is_synced() {
    kill_hundreds_of_times::<Store>(10);
}

#[test]
fn a_child_that_says_so_before_it_writes_is_found_out() {
    find_a_liar_out::<Store>();
}

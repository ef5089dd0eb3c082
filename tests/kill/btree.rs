//! The B-tree: written, split, merged, put in place.

use crate::map::{self, Map, synced_every};
use crate::victim::{self, child, find_a_liar_out, kill_hundreds_of_times, scattered};
use lightsout::engine::btree::{Btree, Options};
use lightsout::engine::wal::Write;
use lightsout::storage::os::OsStorage;
use std::path::Path;

enum Operation {
    Write(Vec<Write>),
    Checkpoint,
}

fn operation(number: u64) -> Operation {
    let chance = scattered(number);
    if chance.is_multiple_of(30) {
        return Operation::Checkpoint;
    }
    let writes = if chance.is_multiple_of(5) { 4 } else { 1 };
    let write = |part: u64| {
        let chance = scattered(number << 8 | part);
        let key = format!("key {}", chance % 60).into_bytes();
        if chance.is_multiple_of(3) {
            return Write::Delete { key };
        }
        let mut value = format!("{number}").into_bytes();
        value.resize(12 + (chance >> 32) as usize % 20, b'.');
        Write::Put { key, value }
    };
    Operation::Write((0..writes).map(write).collect())
}

struct Tree(Btree<OsStorage>);

impl victim::Store for Tree {
    const CHILD: &str = "btree::a_child";
    const SIGHTS: &[&str] = &["a tree"];
    type Contents = Map;

    fn open(dir: &Path, every: u32) -> Result<Tree, String> {
        let options = Options {
            sync: synced_every(every),
            page_bytes: 256,
            preallocate: 4096,
            checkpoint_at: 8_000,
        };
        let opened = Btree::open(OsStorage, dir, options);
        opened.map(Tree).map_err(|error| error.to_string())
    }

    fn take(&mut self, number: u64) -> Result<(), String> {
        let done = match operation(number) {
            Operation::Write(writes) => self.0.write(&writes).map(|_| ()),
            Operation::Checkpoint => self.0.checkpoint(),
        };
        done.map_err(|error| error.to_string())
    }

    fn apply(number: u64, contents: &mut Self::Contents) {
        if let Operation::Write(writes) = operation(number) {
            map::apply(writes, contents);
        }
    }

    fn read(&mut self) -> Result<Self::Contents, String> {
        let found: Result<Self::Contents, _> = self.0.range::<[u8]>(..).collect();
        let found = found.map_err(|error| error.to_string())?;
        for key in 0..60 {
            let key = format!("key {key}").into_bytes();
            if self.0.get(&key).ok() != Some(found.get(&key).cloned()) {
                return Err(format!("a scan and a read of {key:?} differ"));
            }
        }
        Ok(found)
    }

    fn sights(names: &[String]) -> Vec<&'static str> {
        let is_there = names.iter().any(|name| name == "pages");
        is_there.then_some("a tree").into_iter().collect()
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

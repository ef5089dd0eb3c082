//! The B-tree: a checkpoint against writers and readers, in every order.

use lightsout::engine::btree::{self, Btree, Error, Options};
use lightsout::storage::simulated::{Fault, Point, Simulated};
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use models::disk::Failure;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";
const PAGE_BYTES: usize = 256;

type Tree = Arc<Btree<Simulated>>;

/// A machine with a tree that makes a checkpoint where its log has so many bytes, and holds a key.
fn begin(checkpoint_at: u64) -> (Simulated, Tree) {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        page_bytes: PAGE_BYTES,
        checkpoint_at,
        preallocate: 0,
        ..Options::default()
    };
    let tree = Btree::open(machine.clone(), Path::new(DIR), options).expect("opened");
    tree.put(b"old", b"").expect("put");
    (machine, Arc::new(tree))
}

/// Whatever a power cut leaves now, these keys are there.
fn survive(machine: &Simulated, counts: &Counts, keys: &[&str]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let found = btree::recovered(left, Path::new(DIR), PAGE_BYTES).expect("it opens");
        for key in keys {
            let is_there = found.iter().any(|(found, _)| found == key.as_bytes());
            assert!(is_there, "D1: {key} was acknowledged and is lost");
        }
    });
}

/// Two put a key, and one does something else.
fn against(
    checkpoint_at: u64,
    other: impl Fn(&Btree<Simulated>) + Clone + Send + Sync + 'static,
) -> impl Fn(&Counts) + Send + Sync + 'static {
    move |counts| {
        let (machine, tree) = begin(checkpoint_at);
        let put = |key: &'static str| {
            let (machine, tree, counts) = (machine.clone(), tree.clone(), counts.clone());
            thread::spawn(move || {
                tree.put(key.as_bytes(), b"").expect("put");
                survive(&machine, &counts, &["old", key]);
            })
        };
        let puts = ["a", "b"].map(put);
        other(&tree);
        assert_eq!(tree.get(b"old").expect("read"), Some(Vec::new()));
        for put in puts {
            put.join().unwrap();
        }
        let keys = ["a", "b", "old"];
        survive(&machine, counts, &keys);
        let found = tree.range::<[u8]>(..).map(|pair| pair.expect("read").0);
        assert!(found.eq(keys.map(|key| key.as_bytes().to_vec())));
    }
}

fn checkpoint(tree: &Btree<Simulated>) {
    tree.checkpoint().expect("a checkpoint");
}

#[test]
fn a_checkpoint_among_writers() {
    let depth = Depth::Preemptions(2);
    let executions = explore(
        "two writers and a checkpoint",
        depth,
        against(1 << 20, checkpoint),
    );
    assert!(executions > 100);
}

#[test]
fn writers_who_make_a_checkpoint_for_want_of_room() {
    let depth = Depth::Preemptions(2);
    let executions = explore("two writers, full logs", depth, against(1, |_| ()));
    assert!(executions > 100);
}

/// Two make a checkpoint, the first barrier of which fails: it is not tried again, also not by who waited for the first.
fn a_failed_checkpoint(counts: &Counts) {
    let (machine, tree) = begin(1 << 20);
    let barrier = Point::Barrier(machine.barriers());
    machine.plan(barrier, Fault::Barrier(Failure::DataStays));
    let other = {
        let tree = tree.clone();
        thread::spawn(move || tree.checkpoint())
    };
    let told = [tree.checkpoint(), other.join().unwrap()];
    for told in told {
        assert!(matches!(told, Err(Error::Poisoned { .. })), "D9: {told:?}");
    }
    let put = tree.put(b"new", b"");
    assert!(matches!(put, Err(Error::Poisoned { .. })), "D9: {put:?}");
    survive(&machine, counts, &["old"]);
}

#[test]
fn a_failed_checkpoint_is_not_tried_again() {
    let depth = Depth::Exhaustive;
    assert!(
        explore(
            "two checkpoints, a barrier fails",
            depth,
            a_failed_checkpoint
        ) > 3
    );
}

#[test]
fn a_record_that_is_staged_during_a_checkpoint_is_found() {
    let depth = Depth::Preemptions(2);
    let said = found(Race::StagedWhileAlone, depth, against(1 << 20, checkpoint));
    assert!(
        said.contains("D1: ") || said.contains("what is not written"),
        "{said}"
    );
}

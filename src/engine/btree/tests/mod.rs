//! The B-tree, on real files and on the simulated disk.

mod as_found;
mod failures;
mod life;
mod model;

use super::*;
use crate::engine::wal::{SyncMode, Write};
use crate::storage::Storage;
use crate::storage::tests::Bench;
use std::path::{Path, PathBuf};

/// Pages that hold few keys.
const SMALL: Options = Options {
    sync: SyncMode::EveryWrite,
    page_bytes: 256,
    preallocate: 0,
    checkpoint_at: u64::MAX,
};

fn store<B: Bench>(bench: &B) -> PathBuf {
    bench.dir().join("store")
}

fn open<S: Storage>(storage: S, dir: &Path) -> Result<Btree<S>, Error> {
    Btree::open(storage, dir, SMALL)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All keys and values, in order.
fn all<S: Storage>(tree: &Btree<S>) -> Vec<(String, String)> {
    let pairs = tree.range::<[u8]>(..).map(Result::unwrap);
    pairs
        .map(|(key, value)| (text(&key), text(&value)))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
    pairs.iter().map(pair).collect()
}

/// A key of so many digits and a value of 20 bytes.
fn numbered(number: u32) -> (Vec<u8>, Vec<u8>) {
    let key = format!("{number:05}").into_bytes();
    (key, format!("value of {number:<11}").into_bytes())
}

//! Bitcask, on real files and on the simulated disk.

mod as_found;
mod failures;
mod life;

use super::*;
use crate::engine::wal::{SyncMode, Write};
use crate::storage::Storage;
use crate::storage::tests::Bench;
use std::path::{Path, PathBuf};

fn store<B: Bench>(bench: &B) -> PathBuf {
    bench.dir().join("store")
}

fn open<S: Storage>(storage: S, dir: &Path) -> Result<Bitcask<S>, Error> {
    Bitcask::open(
        storage,
        dir,
        Options {
            preallocate: 0,
            ..Options::default()
        },
    )
}

/// All keys and values, in order.
fn all<S: Storage>(store: &Bitcask<S>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let folded = store.fold(Vec::new(), |mut all, key, value| {
        all.push((text(key), text(value)));
        all
    });
    folded.unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
    pairs.iter().map(pair).collect()
}

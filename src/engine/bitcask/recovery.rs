//! What an open does beside the data files: which merged file counts, and which hint.
//!
//! The log has made the names in the directory durable, so the merged file with the highest number stays; what it
//! replaces, and what a crash left of a merge, is removed without a barrier: what comes back is removed again.

use super::error::{Error, OrFail};
use super::hint;
use super::index::Index;
use super::keydir::{At, Entry, Keydir, changes};
use super::merged::Merged;
use crate::engine::wal::read::Place;
use crate::engine::wal::segments::Record;
use crate::engine::wal::{self, Entry as LogEntry};
use crate::storage::{File, Storage, read_all};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MERGED: &str = ".merged";
const MERGED_IN_THE_MAKING: &str = ".merged.tmp";
const HINT: &str = ".hint";

/// The merged file of all records up to this one.
pub(super) fn merged_path(dir: &Path, hi: u64) -> PathBuf {
    dir.join(format!("{hi}{MERGED}"))
}

/// The same until it is durable.
pub(super) fn in_the_making(dir: &Path, hi: u64) -> PathBuf {
    dir.join(format!("{hi}{MERGED_IN_THE_MAKING}"))
}

/// Its hint.
pub(super) fn hint_path(dir: &Path, hi: u64) -> PathBuf {
    dir.join(format!("{hi}{HINT}"))
}

/// What is beside the data files, as it was found.
pub(super) struct Found<F> {
    /// The merged file that counts.
    pub(super) merged: Option<Merged<F>>,
    /// Whether its hint counts.
    pub(super) hinted: bool,
    pub(super) keydir: Keydir,
    /// What does not count.
    leftovers: Vec<PathBuf>,
}

/// Reads the merged file, by its hint if that counts. Changes nothing. `point`: up to there the data files are given
/// up; `last`: their last record.
pub(super) fn find<S: Storage>(
    storage: &S,
    dir: &Path,
    point: u64,
    last: u64,
) -> Result<Found<S::File>, Error> {
    let names = storage.list(dir).or_fail("open the store")?;
    let numbers = |suffix: &str| {
        let number = |name: &String| number_of(name.strip_suffix(suffix)?);
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    let (merges, hints) = (numbers(MERGED), numbers(HINT));
    let hi = merges.last().copied();
    if hi.unwrap_or(0) < point {
        return Err(Error::MergedMissing {
            dir: dir.to_path_buf(),
            up_to: point,
        });
    }
    // The data file behind those that were merged got its name before the merge: what is appended goes on above it.
    if hi.is_some_and(|hi| hi > last) {
        return Err(Error::DataMissing {
            dir: dir.to_path_buf(),
        });
    }
    let mut keydir = Keydir::default();
    let (mut merged, mut hinted) = (None, false);
    if let Some(hi) = hi {
        let path = merged_path(dir, hi);
        let file = storage.open(&path).or_fail("open a merged file")?;
        let opened = Merged::open(file, &path, hi)?;
        let mut found = None;
        if hints.contains(&hi) {
            let file = storage.open(&hint_path(dir, hi)).or_fail("open a hint")?;
            let bytes = read_all(&file).or_fail("read a hint")?;
            found = hint::decode(&bytes).filter(|hint| opened.is_of(hint));
        }
        hinted = found.is_some();
        let keys = match found {
            Some(hint) => hint.keys,
            None => opened.scan()?,
        };
        for (key, placed) in keys {
            let entry = Entry {
                at: At::Merged(placed),
                value_bytes: placed.value_bytes,
            };
            keydir.insert(key, entry);
        }
        merged = Some(opened);
    }
    let in_the_making = names.iter().filter(|name| {
        let stem = name.strip_suffix(MERGED_IN_THE_MAKING);
        stem.is_some_and(|stem| number_of(stem).is_some())
    });
    let in_the_making = in_the_making.map(|name| dir.join(name));
    let old = merges.iter().filter(|&&other| Some(other) != hi);
    let old = old.map(|&other| merged_path(dir, other));
    let useless = hints.iter().filter(|&&other| Some(other) != hi || !hinted);
    let useless = useless.map(|&other| hint_path(dir, other));
    Ok(Found {
        leftovers: in_the_making.chain(old).chain(useless).collect(),
        merged,
        hinted,
        keydir,
    })
}

/// The number, written as this code writes it: any other name is somebody else's.
fn number_of(stem: &str) -> Option<u64> {
    let number: u64 = stem.parse().ok()?;
    (number.to_string() == stem).then_some(number)
}

impl<F: File> Found<F> {
    /// Takes in what the data files say, once they are recovered, and removes what does not count: the store's index.
    pub(super) fn settle<S: Storage<File = F>>(
        mut self,
        storage: &S,
        data: impl Iterator<Item = Result<(Place, Record), wal::Error>>,
    ) -> Result<Index<F>, Error> {
        let floor = self.merged.as_ref().map_or(0, |it| it.footer.meta.hi);
        for read in data {
            let (place, record) = read?;
            if let LogEntry::Writes(writes) = record.entry
                && place.index > floor
            {
                self.keydir.apply(changes(place, &writes));
            }
        }
        for path in self.leftovers {
            let removed = storage.remove(&path);
            removed.or_fail("remove what a crash left of a merge")?;
        }
        Ok(Index {
            keydir: self.keydir,
            merged: self.merged.map(Arc::new),
            hinted: self.hinted,
            ..Index::default()
        })
    }
}

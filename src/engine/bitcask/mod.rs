//! Bitcask: data files that are appended to, a table of keys in memory, and merges.
//!
//! ```text
//! put      append to the active data file, as the log in segments does | Ok
//! rotate   as the log in segments does
//! merge    HI.merged.tmp: write, barrier | HI.hint: write, barrier | rename to HI.merged | directory barrier
//!          append a checkpoint that says HI | data barrier | remove the closed files, and the merged one of before | Ok
//! open     as the log in segments does | the merged file, by its hint if that counts | remove leftovers | Ok
//! ```
//!
//! - [`Bitcask`] is the handle, [`Options`] its settings, [`Stats`] what it is made of.
//! - The data files are a log in segments ([`SegmentedLog`](super::wal::segments::SegmentedLog)). `merged`: the bytes of a
//!   merged file. `hint`: those of its hint. `keydir`: where the value of each key is; `source`: how it is read; `index`: what
//!   is kept beside the data files. `recovery`: what an open does. `merge`: what a merge does.
//! - [`as_found`]: the unsafe other one.
//!
//! A merged file holds the newest value of each key among the records up to `HI`, the last one of the closed files. It
//! needs no tombstones, and a record up to there is never read again, whichever file a power cut brings it back with.
//!
//! LIMIT: all keys are in memory, and one file is open for each data file.

pub mod as_found;
mod error;
mod hint;
mod index;
mod keydir;
mod merge;
mod merged;
mod recovery;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use store::{Bitcask, Options, Stats};

/// What the store in `dir` holds once it is recovered, which this does: its keys, in order, with their values. It uses no
/// primitive of a scheduler, so a test may call it on what a crash would leave, in the middle of an execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: crate::storage::Storage>(
    storage: &S,
    dir: &std::path::Path,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
    use crate::engine::wal::{format::Owner, segments};
    let options = segments::Options::default();
    let find = |point, last| recovery::find(storage, dir, point, last);
    let beside = index::Index::default();
    let (mut data, found) =
        segments::recovered_segments(storage, dir, options, Owner::Bitcask, beside, find)?;
    data.beside = found.settle(storage, data.read_from(None))?;
    let mut pairs = Vec::new();
    for (key, entry) in &data.beside.keydir.entries {
        let value = source::Source::of(&data, entry.at).value(key, dir)?;
        pairs.push((key.clone(), value));
    }
    pairs.sort_unstable();
    Ok(pairs)
}

pub(crate) use hint::encode as encode_hint;
pub(crate) use merged::{Meta, encode as encode_merged};

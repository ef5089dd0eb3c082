//! A log of writes: acknowledged once a barrier covers it, recovered up to the first record that is
//! not whole.
//!
//! ```text
//! append    encode | one write at the tail | data barrier | Ok          for all who come together
//! open      read | write again what was perhaps cached only | end mark | barrier | directory barriers | Ok
//! create    log.tmp | header | barrier | rename to log | directory barriers | Ok
//! ```
//!
//! - [`Log`] is the handle, [`Options`] its settings, [`Record`] and [`Lsn`] what it holds.
//! - [`segments`]: the log in several files, which go when nobody needs them any more.
//! - `format`: the bytes. `file`: the log without its name. `group`: many writers, one barrier; `batch`: what is on its way. `recovery`: what an open does. `damage`: what no crash does.
//!   `read`: records from a file. `as_found`: the unsafe other one.

pub(crate) mod as_found;
mod batch;
mod damage;
mod error;
pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod read;
pub(crate) mod recovery;
pub mod segments;
#[cfg(test)]
mod tests;

pub use as_found::{AsFoundOptions, TornTail};
pub use error::Error;
pub use format::{BATCH_BYTES_MAX, Entry, KEY_BYTES_MAX, Lsn, Note, VALUE_BYTES_MAX, Write};
pub use log::Log;
pub use read::{Record, Records};

use super::Discipline;
use std::num::NonZeroU32;

/// When an append is synced. Opening, [`Log::sync`] and [`Log::close`] sync in every mode, and so
/// does the first append of each life of the log: it makes the generation durable before anyone is
/// told an [`Lsn`] of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncMode {
    /// Every append, before it says Ok: its Ok is an acknowledgement.
    #[default]
    EveryWrite,
    /// Every n-th call since the last barrier. A power cut takes at most the n most recent calls,
    /// newest first.
    EveryN(NonZeroU32),
    /// Never by itself. A power cut takes at most what came after the last [`Log::sync`], newest
    /// first.
    Never,
}

/// The settings of a log. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When an append is synced; as-found never does.
    pub sync: SyncMode,
    /// Bytes of zeros that are written ahead, so that most appends change no size, and a data barrier is
    /// cheap; 0: none.
    pub preallocate: u64,
    /// Which protocol; a log is opened with the one that made it.
    pub discipline: Discipline,
    /// Settings of the as-found discipline.
    pub as_found: AsFoundOptions,
}

/// What the log in `dir` holds once it is recovered, which this does. It uses no primitive of a scheduler, so a test
/// may call it on what a crash would leave, in the middle of an execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: crate::storage::Storage>(
    storage: &S,
    dir: &std::path::Path,
) -> Result<Vec<Record>, Error> {
    let habits = file::Habits::default();
    let log = log::open_file(storage, dir, format::Owner::Log, habits, None)?;
    log.read_from(None).collect()
}

/// What a log writes ahead by default: one append in six thousand of a hundred bytes takes longer.
pub(crate) const PREALLOCATE: u64 = 1 << 20;

impl Default for Options {
    fn default() -> Options {
        Options {
            sync: SyncMode::default(),
            preallocate: PREALLOCATE,
            discipline: Discipline::default(),
            as_found: AsFoundOptions::default(),
        }
    }
}

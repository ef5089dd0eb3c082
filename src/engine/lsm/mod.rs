//! An LSM tree: writes go to a log and a memtable, full memtables to sorted tables, and tables are
//! merged. **Experimental.**
//!
//! ```text
//!   write --> log    \  one is active --> memtable                 5-8.sst, level 0 \
//!             log.2  /  one is full --> memtable --flush--> table, 1-4.sst, level 0 / --merge--> 1-8.sst, level 1
//!             | barrier, then Ok            ^
//!             v                             |
//!           durable                       get, scan: the memtables, then tables, newest first
//!
//! write     encode | one write at the tail of the active log | data barrier | Ok
//! switch    data barrier of the active log, where due | the next record goes to the head of the other one
//! flush     5-8.sst.tmp: write, barrier | rename to 5-8.sst | directory barrier | the full log is free
//! merge     1-8.sst.tmp: write, barrier | rename to 1-8.sst | directory barrier | remove 1-4.sst, 5-8.sst
//! open      check all | directory barriers | each log: rewrite what was perhaps cached only, end mark, barrier | remove leftovers
//! create    each log: LOG.tmp, header, barrier, rename to LOG | then as an open
//! ```
//!
//! There is no manifest: the name of a table says which records it holds, `LO-HI.sst`, and its footer
//! says it again. The live tables follow each other without a gap from record 1; one whose interval
//! lies inside another's is *superseded*. The highest HI is the *floor*: up to there tables hold
//! everything, and what the logs still have of it does not count.
//!
//! A log is not truncated but *recycled*: once a table holds all of it, it may become the active one again, and the
//! next record is written at its head, over an old one. A truncation that lasts while the table does not is a mistake
//! that cannot be made then; the log's size does not change either, and a data barrier is all that an
//! append needs. Writers wait for a table only where both logs are full.
//!
//! What a crash leaves:
//!
//! | crash | on the disk | the next open |
//! |---|---|---|
//! | in a write | a torn record at the tail | does not find it, and makes it unreadable |
//! | after a switch | live records in both logs, those of the active one behind those of the other | makes a table of the other one, beside its writers |
//! | in a flush, before the rename | both logs, part of a `.sst.tmp` | removes that, and replays the logs |
//! | in a flush, after the rename | both logs, the table under one name or the other | makes the name durable and takes the table, or replays the log |
//! | after a flush | the table, old records in its log | finds them covered: nothing in that log counts |
//! | in the first write after a switch | a torn record over old ones | finds no record at the head, or covered ones |
//! | in a merge, after the rename | the merged table, some inputs | removes the inputs, which are superseded |
//! | in a creation | no log, one or two, each with its header and nothing else | makes what is missing |
//! | in an open | any of these | does all of it again |
//!
//! **Memory.** A memtable takes what is in its log: about [`Options::flush_at`] and one batch, with about a hundred
//! bytes a write for itself. There are two while a flush is due, and one more for each that a snapshot holds. A table
//! takes its index and its filter: a key for each block of 4 KiB, and 10 bits a key. A merge holds one block of each
//! input, and what the new table's index and filter take.
//!
//! **Compaction.** Tables of one age have one size: while the newest [`Options::fanout`] tables
//! have the same level, they become one of the next level. So a write is written again once a level, a
//! read looks at fewer than `fanout` tables a level, and the filters spare it most of them. Merges
//! are done beside the writers, and beside flushes ([`Options::background`]). [`Store::compact`] merges all.
//!
//! - [`Store`] is the handle, [`Options`] its settings; [`Snapshot`] and [`Scan`] read, [`Stats`] tells.
//! - `durable`, `book`: the writers. `work`, `flush`, `compaction`: what goes on beside them. `recovery`, `names`: the open.
//!   `version`, `memtable`, `table`, `scan`: what is read. `as_found`: the unsafe other one.

mod as_found;
mod book;
mod compaction;
mod durable;
mod error;
mod flush;
pub(crate) mod memtable;
pub(crate) mod names;
mod options;
mod recovery;
mod scan;
mod stats;
mod store;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod version;
mod work;

pub use super::wal::{
    BATCH_BYTES_MAX, KEY_BYTES_MAX, Lsn, SyncMode, TornTail, VALUE_BYTES_MAX, Write,
};
pub use error::Error;
pub use options::{AsFoundOptions, Background, Options};
pub use scan::Scan;
pub use stats::{Stats, TableStats};
pub use store::Store;
pub use version::Snapshot;

/// What the store in `dir` holds once it is recovered, which this does. It uses no primitive of a scheduler, so a test
/// may call it on what a crash would leave, in the middle of an execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: crate::storage::Storage>(
    storage: &S,
    dir: &std::path::Path,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
    let options = Options {
        preallocate: 0,
        ..Options::default()
    };
    let opened = recovery::open(storage, dir, &options)?;
    let at = opened.active.last().map_or(0, |lsn| lsn.index);
    opened.version.scan::<S, [u8]>(at, ..).collect()
}

//! An LSM tree: writes go to a log and a memtable, full memtables to sorted tables, and tables are
//! merged. **Experimental.**
//!
//! ```text
//!   write --> log (one file, recycled) --> memtable --flush--> 5-8.sst, level 0 \
//!             | barrier, then Ok           ^                   1-4.sst, level 0 / --merge--> 1-8.sst, level 1
//!             v                            |
//!           durable                      get, scan: the memtable, then tables, newest first
//!
//! write     encode | one write at the log's tail | data barrier | Ok
//! flush     data barrier of the log, where due | 5-8.sst.tmp: write, barrier | rename to 5-8.sst | directory barrier
//!           | the log's tail is its head
//! merge     1-8.sst.tmp: write, barrier | rename to 1-8.sst | directory barrier | remove 1-4.sst, 5-8.sst
//! open      check all | directory barriers | rewrite what was perhaps cached only | end mark | barrier | remove leftovers
//! create    log.tmp | header | barrier | rename to log | directory barriers
//! ```
//!
//! There is no manifest: the name of a table says which records it holds, `LO-HI.sst`, and its footer
//! says it again. The live tables follow each other without a gap from record 1; one whose interval
//! lies inside another's is *superseded*. The highest HI is the *floor*: up to there tables hold
//! everything, and what the log still has of it does not count.
//!
//! The log is not truncated but *recycled*: once a table holds all of it, the next record is written
//! at its head, over an old one. A truncation that lasts while the table does not is a mistake that
//! cannot be made then; the log's size does not change either, and a data barrier is all that an
//! append needs.
//!
//! What a crash leaves:
//!
//! | crash | on the disk | the next open |
//! |---|---|---|
//! | in a write | a torn record at the tail | does not find it, and makes it unreadable |
//! | in a flush, before the rename | the whole log, part of a `.sst.tmp` | removes that, and replays the log |
//! | in a flush, after the rename | the whole log, the table under one name or the other | makes the name durable and takes the table, or replays the log |
//! | after a flush | the table, old records in the log | finds them covered: nothing in the log counts |
//! | in a write after a flush | a torn record over old ones | finds no record at the head, or covered ones |
//! | in a merge, after the rename | the merged table, some inputs | removes the inputs, which are superseded |
//! | in an open | any of these | does all of it again |
//!
//! **Memory.** The memtable takes what was written since the last flush: about
//! [`Options::flush_at`] and one batch, with about a hundred bytes a write for itself; twice as much
//! while a flush is on or a snapshot holds the old one. A table takes its index and its filter: a key
//! for each block of 4 KiB, and 10 bits a key. A merge holds one block of each input, and what the
//! new table's index and filter take.
//!
//! **Compaction.** Tables of one age have one size: while the newest [`Options::fanout`] tables
//! have the same level, they become one of the next level. So a write is written again once a level, a
//! read looks at fewer than `fanout` tables a level, and the filters spare it most of them. Merges
//! are done by the writer whose flush made them due, which the other writers wait for.
//! [`Store::compact`] merges all.
//!
//! - [`Store`] is the handle, [`Options`] its settings; [`Snapshot`] and [`Scan`] read, [`Stats`] tells.
//! - `durable`, `flush`, `compaction`: the writer. `recovery`, `names`: the open. `version`, `memtable`, `table`, `scan`: what
//!   is read. `as_found`: the unsafe other one.

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

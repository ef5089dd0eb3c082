//! The settings of a store.

use crate::engine::Discipline;
use crate::engine::wal::{PREALLOCATE, SyncMode, TornTail};

/// The settings of a store. The default keeps every acknowledged write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a write is synced; as-found, see [`AsFoundOptions::log_synced`].
    pub sync: SyncMode,
    /// Bytes of records in a log at which it is full: the next write goes to the other one, and a table is made
    /// of what the full one holds. Where that other one is not in a table yet, the write waits: two logs of this
    /// size and the last batch of each are all that waits for a table.
    pub flush_at: u64,
    /// Bytes of zeros that a log writes ahead while it grows for the first time; 0: none.
    pub preallocate: u64,
    /// Who makes tables and merges them.
    pub background: Background,
    /// So many tables of one level are merged into one of the next. At least 2: less counts as 2.
    pub fanout: usize,
    /// Which protocol; a store is opened with the one that made it.
    pub discipline: Discipline,
    /// Settings of the as-found discipline.
    pub as_found: AsFoundOptions,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sync: SyncMode::default(),
            flush_at: 4 << 20,
            preallocate: PREALLOCATE,
            background: Background::default(),
            fanout: 4,
            discipline: Discipline::default(),
            as_found: AsFoundOptions::default(),
        }
    }
}

/// Who makes tables of full logs, and merges tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Background {
    /// Two threads of the store's own, so that a long merge does not hold up a flush. They end with the store, which
    /// waits for no more than the block that a merge is at, and for a flush.
    #[default]
    Threads,
    /// Whoever calls [`Store::run_one`](super::Store::run_one), and a writer who would have to wait.
    Callers,
}

/// The settings of the as-found discipline; the durable one has no use for them. The study has
/// none of these barriers: they are there to show which of them its finding hangs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AsFoundOptions {
    /// What recovery does with a torn tail of the log.
    pub torn_tail: TornTail,
    /// A data barrier of the log after each append, before it says Ok.
    pub log_synced: bool,
    /// A barrier of the table and one of the directory before the log is truncated.
    pub table_synced: bool,
    /// A barrier of the log after it is truncated.
    pub truncation_synced: bool,
}

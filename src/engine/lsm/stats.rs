//! What a store is made of, in figures.

use crate::engine::wal::Lsn;

/// What a store is made of, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The newest record, flushed or not.
    pub last: Option<Lsn>,
    /// The index up to which barriers have completed. As-found only hopes so.
    pub durable_mark: u64,
    /// Bytes of the records that no table holds. As-found: of the log.
    pub log_bytes: u64,
    /// About how much memory the memtable takes. As-found: everything that the store holds.
    pub memtable_bytes: u64,
    /// Tables made from the memtable by this handle.
    pub flushes: u64,
    /// Tables made from tables by this handle.
    pub merges: u64,
    /// The tables that are read, newest first. As-found shows none.
    pub tables: Vec<TableStats>,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStats {
    /// The first record that it holds.
    pub lo: u64,
    /// The last one.
    pub hi: u64,
    /// 0 for a flushed one; else one more than the tables that it was merged from.
    pub level: u32,
    /// Keys, and tombstones.
    pub entries: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

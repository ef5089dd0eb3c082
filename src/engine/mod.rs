//! The engines under test: real code on real storage, **experimental**. They know `storage` and
//! nothing else of ours.
//!
//! - [`wal`]: a log of writes
//! - [`lsm`]: an LSM tree
//! - [`event_store`]: an event store
//! - [`btree`]: a B-tree
//! - [`bitcask`]: a hash table over a log

pub mod bitcask;
pub mod btree;
pub mod event_store;
pub mod lsm;
pub mod wal;

/// Which of the two protocols an engine follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Discipline {
    /// Keeps the durability contract: what is acknowledged survives a power cut.
    #[default]
    Durable,
    /// **Unsafe: loses acknowledged writes.** The protocol as a study found it in the field, here
    /// to be refuted. A power cut takes what it acknowledged, and what it recovers may never have
    /// been written.
    AsFound,
}

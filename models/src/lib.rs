//! The pure state machines of lightsout. No I/O, clock, thread or randomness.
//!
//! | module | what it says |
//! |---|---|
//! | [`disk`] | contents and names; cached and durable; what a crash may leave (trusted) |
//! | [`profile`] | the persistence profiles (trusted) |
//! | [`contract`] | what a client may observe: D1 to D10 (trusted) |
//! | [`protocol`] | a protocol as data: steps, and recovery as a plan |
//! | [`machine`] | one `stateright::Model` that runs any protocol on the disk |
//! | [`cells`] | what files of log-structured engines hold |
//! | [`wal`] | the log: append, make durable, acknowledge, recover |
//! | [`btree`] | the B-tree: pages in place, behind a log of whole pages |
//! | [`bitcask`] | Bitcask: data files, merged files, hints |
//! | [`event_store`] | the event store: streams in a log, snapshots of projections beside it |
//! | [`lsm`] | the LSM tree: log, flush to a table, recycle the log, merge |

pub mod bitcask;
pub mod btree;
pub mod cells;
pub mod contract;
pub mod disk;
pub mod event_store;
pub mod lsm;
pub mod machine;
pub mod profile;
pub mod protocol;
pub mod wal;

//! Engines that others wrote, each as its documentation has it for what is durable when it is acknowledged, and
//! otherwise with its default settings. Each file names the setting.

mod fjall;
mod okaywal;
mod raft_engine;
mod redb;
mod sqlite;

use crate::durable::Row;

pub(crate) fn rows() -> [Row; 5] {
    [
        okaywal::ROW,
        raft_engine::ROW,
        fjall::ROW,
        redb::ROW,
        sqlite::ROW,
    ]
}

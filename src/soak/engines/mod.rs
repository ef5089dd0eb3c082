//! The engines under soak, one small file each, behind one trait. Their files are small, so that they are full, rotated,
//! flushed and merged all the time.

// Where an engine's options are all named already, there will be more of them.
#![allow(clippy::needless_update)]

mod bitcask;
mod btree;
mod event_store;
mod log;
mod lsm;
mod wal;

use super::operation::Task;
use crate::engine::wal::{Lsn, SyncMode, Write};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;

/// All of them, by the names that `lightsout explore` knows them by.
pub const ENGINES: &[&Engine] = &[
    &log::ENGINE,
    &wal::ENGINE,
    &lsm::ENGINE,
    &btree::ENGINE,
    &event_store::ENGINE,
    &bitcask::ENGINE,
];

/// The engine of that name.
pub fn named(name: &str) -> Option<&'static Engine> {
    let mut all = ENGINES.iter().copied();
    all.find(|engine| engine.name == name)
}

/// An engine, and what it can be asked for.
pub struct Engine {
    /// What it is called.
    pub name: &'static str,
    pub(super) kind: Kind,
    pub(super) value_bytes_max: usize,
    /// Its maintenance; what is more often in here is done more often.
    pub(super) tasks: &'static [Task],
    /// Opens a store, or makes one.
    pub(super) open: fn(&Path, SyncMode) -> Opened,
    /// Whether the names in a store's directory show that maintenance was not complete.
    pub(super) is_half_done: fn(&[String]) -> bool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a client reads of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys, with their newest values.
    Keys,
    /// Records, in the order of their making.
    Records,
    /// The same, where a record is of one stream.
    Events,
}

/// A store that was to be opened, or why it does not open.
type Opened = Result<Box<dyn Store>, String>;

/// An open store.
pub(super) trait Store: Send + Sync {
    /// Makes writes, all or none, and says what a reader will know the record by, where readers see records.
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String>;
    /// Does one of [`Engine::tasks`].
    fn maintain(&self, task: Task, up_to: u64) -> Result<(), String>;
    /// The value of a key; `None` where there are no keys to ask for.
    fn get(&self, _key: &[u8]) -> Option<Result<Option<Vec<u8>>, String>> {
        None
    }
    /// Reads all, in each way that there is.
    fn read(&self) -> Result<Contents, String>;
}

/// All that a client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Keys(BTreeMap<Vec<u8>, Vec<u8>>),
    /// The records above an index, up to which everything was given up.
    Records(u64, Vec<Record>),
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) lsn: Lsn,
    pub(super) writes: Vec<Write>,
}

/// An error, in words.
fn told<T>(result: Result<T, impl Display>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn unknown(task: Task) -> Result<(), String> {
    Err(format!("it knows nothing of {task:?}"))
}

/// Whether something has the name that only what is in the making has.
fn is_in_the_making(names: &[String]) -> bool {
    names.iter().any(|name| name.ends_with(".tmp"))
}

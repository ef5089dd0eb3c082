//! raft-engine: a batch of one pair, written with `sync` on, which syncs before it returns what all threads have
//! brought. It is a log with an index in memory: nobody purges here, so it only grows, 2 MiB of space ahead.
//!
//! All pairs are of one Raft group: one map, as every other row has one. A group's lock is held to insert a pair
//! in memory, not to sync.

use crate::durable::{Found, Key, Outcome, Row, Value};
use raft_engine::{Config, Engine, LogBatch};
use std::path::Path;

const GROUP: u64 = 1;

pub(crate) const ROW: Row = Row {
    name: "raft-engine, sync",
    open: |dir, _| {
        let engine = open(dir)?;
        Ok(Box::new(move |key: &Key, value: &Value| {
            let mut batch = LogBatch::default();
            batch.put(GROUP, key.to_vec(), value.to_vec())?;
            // What makes it durable: `sync`.
            engine.write(&mut batch, true)?;
            Ok(())
        }))
    },
    found: |dir| {
        let engine = open(dir)?;
        Ok(Found::Reads(Box::new(
            move |key| Ok(engine.get(GROUP, key)),
        )))
    },
};

fn open(dir: &Path) -> Outcome<Engine> {
    let dir = dir
        .to_str()
        .ok_or("raft-engine takes only a directory whose name is UTF-8")?;
    let config = Config {
        dir: dir.into(),
        ..Config::default()
    };
    Ok(Engine::open(config)?)
}

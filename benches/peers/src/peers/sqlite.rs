//! SQLite: a log (`journal_mode = WAL`) that each commit syncs (`synchronous = FULL`; with NORMAL a power cut may take
//! the newest commits). A connection for each thread; who finds another one writing waits, up to a minute.
//!
//! Built as rusqlite builds it, SQLite calls fsync, not fdatasync.

use crate::durable::{Durable, Found, Key, Outcome, Row, Value, lock};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) const ROW: Row = Row {
    name: "SQLite, WAL, FULL",
    open: |dir, threads| {
        let connections = (0..threads)
            .map(|_| open(dir))
            .collect::<Outcome<Vec<_>>>()?;
        Ok(Box::new(Pool(Mutex::new(connections))))
    },
    found: |dir| {
        let pairs = open(dir)?;
        Ok(Found::Reads(Box::new(move |key| {
            let mut read = pairs.prepare_cached("SELECT value FROM pairs WHERE key = ?1")?;
            Ok(read.query_row([key], |row| row.get(0)).optional()?)
        })))
    },
};

/// The connections that nobody uses just now.
struct Pool(Mutex<Vec<Connection>>);

impl Durable for Pool {
    fn put(&self, key: &Key, value: &Value) -> Outcome {
        let connection = lock(&self.0)?
            .pop()
            .ok_or("there are too few connections")?;
        let put = connection
            .prepare_cached("INSERT INTO pairs VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute((key, value)));
        lock(&self.0)?.push(connection);
        put?;
        Ok(())
    }
}

fn open(dir: &Path) -> Outcome<Connection> {
    let connection = Connection::open(dir.join("pairs.sqlite"))?;
    connection.busy_timeout(Duration::from_secs(60))?;
    let mode = |row: &rusqlite::Row<'_>| row.get(0);
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), mode)?;
    if mode != "wal" {
        return Err(format!("SQLite keeps a journal of mode {mode} here, not WAL").into());
    }
    // What makes it durable.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let pairs = "CREATE TABLE IF NOT EXISTS pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID";
    connection.execute(pairs, ())?;
    Ok(connection)
}

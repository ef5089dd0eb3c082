//! fjall: an insert, then `persist` with `SyncAll`, an fsync of the journal. The journal is lengthened to 64 MiB when it is
//! made, with nothing written there.

use crate::durable::{Found, Key, Outcome, Row, Value};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;

pub(crate) const ROW: Row = Row {
    name: "fjall, SyncAll",
    open: |dir, _| {
        let (database, pairs) = open(dir)?;
        Ok(Box::new(move |key: &Key, value: &Value| {
            pairs.insert(key.as_slice(), value.as_slice())?;
            // What makes it durable: an insert alone goes as far as the operating system.
            Ok(database.persist(PersistMode::SyncAll)?)
        }))
    },
    found: |dir| {
        let (database, pairs) = open(dir)?;
        Ok(Found::Reads(Box::new(move |key| {
            let _open = &database;
            Ok(pairs.get(key)?.map(|value| value.to_vec()))
        })))
    },
};

fn open(dir: &Path) -> Outcome<(Database, Keyspace)> {
    let database = Database::builder(dir).open()?;
    let pairs = database.keyspace("pairs", KeyspaceCreateOptions::default)?;
    Ok((database, pairs))
}

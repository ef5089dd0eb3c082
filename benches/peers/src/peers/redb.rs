//! redb: a transaction for each put, committed with `Durability::Immediate`, in one phase, as is its default. It
//! has one writer at a time.

use crate::durable::{Found, Key, Outcome, Row, Value};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

const PAIRS: TableDefinition<'_, &Key, &Value> = TableDefinition::new("pairs");
const FILE: &str = "pairs.redb";

pub(crate) const ROW: Row = Row {
    name: "redb, Immediate",
    open: |dir, _| {
        let database = Database::create(dir.join(FILE))?;
        Ok(Box::new(move |key: &Key, value: &Value| {
            put(&database, key, value)
        }))
    },
    found: |dir| {
        let database = Database::open(dir.join(FILE))?;
        Ok(Found::Reads(Box::new(move |key| {
            let pairs = database.begin_read()?.open_table(PAIRS)?;
            Ok(pairs.get(key)?.map(|value| value.value().to_vec()))
        })))
    },
};

fn put(database: &Database, key: &Key, value: &Value) -> Outcome {
    let mut write = database.begin_write()?;
    // What makes it durable: the commit syncs. It is the default, and said here to be seen.
    write.set_durability(Durability::Immediate)?;
    write.open_table(PAIRS)?.insert(key, value)?;
    Ok(write.commit()?)
}

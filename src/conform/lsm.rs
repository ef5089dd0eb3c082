//! The LSM tree, held to its model.

use super::dictionary::{Dictionary, Whole, whole};
use super::script::{Engine, Tree};
use super::subject::{Answer, Subject};
use super::wal::{Records, engine_of, identity_of, models_mode, record_cells, sync_mode};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine;
use crate::engine::lsm::table::{Entry, Meta, encode};
use crate::engine::lsm::{AsFoundOptions, Background, Options, Store};
use crate::engine::wal::format::{Chain, Owner};
use crate::engine::wal::{self as engine_wal, TornTail};
use crate::storage::simulated::Simulated;
use models::cells::{Table, Token};
use models::contract::{Key, OpId, Operation, Value};
use models::lsm::memory::{Change, Memory};
use models::lsm::{Lsm, TableSize, Variant, as_found};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use models::wal::memory::Change as LogChange;
use models::wal::{self, Layout, Wal};
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";

/// Cells that the engine writes of a table by one call at most.
const CHUNK: usize = (64 << 10) / CELL_BYTES;

/// The LSM tree and its model.
#[derive(Debug)]
pub(super) struct LsmSubject {
    pub(super) script: Arc<Script>,
    tree: Tree,
    engine: Discipline,
    protocol: Lsm,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for LsmSubject {
    type Protocol = Lsm;
    type Store = Store<Simulated>;

    fn of(script: &Script, engine: Discipline) -> Self {
        let tree = match script.engine {
            Engine::Lsm(tree) => tree,
            _ => Tree::default(),
        };
        let script = Arc::new(script.clone());
        let (header, start) = match script.is_as_found() {
            true => ([0; CELL_BYTES], Chain::start()),
            false => (Owner::Lsm.file_header(), Chain::start_of(Owner::Lsm)),
        };
        Self {
            protocol: protocol(&script, &tree),
            dictionary: Dictionary::new(header),
            records: Records::new(script.is_as_found(), start),
            script,
            tree,
            engine,
        }
    }

    fn script(protocol: &Lsm, operations: &[Operation]) -> Result<Script, String> {
        let tree = match (protocol.variant, &protocol.table) {
            (Variant::AsFound(assumed), _) => Tree {
                log_synced: assumed.log_synced,
                table_synced: assumed.table_synced,
                truncation_synced: assumed.truncation_synced,
                ..Tree::default()
            },
            (Variant::Durable, TableSize::Fixed(cells)) => Tree {
                flush_at: protocol.flush_at.map(|cells| cells * CELL_BYTES),
                fanout: protocol.fanout,
                table: Some(*cells),
                ..Tree::default()
            },
            _ => return Err("no engine makes this mistake".into()),
        };
        let (discipline, sync) = engine_of(&protocol.log)?;
        let script = Script::of(discipline, sync, operations);
        Ok(Script {
            engine: Engine::Lsm(tree),
            ..script
        })
    }

    fn protocol(&self) -> Lsm {
        self.protocol.clone()
    }

    fn open(&self, storage: &Simulated) -> Result<Store<Simulated>, String> {
        let opened = Store::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        store: Store<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Store<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => store.write(&self.script.writes(id)).map(Some),
            Operation::Sync => store.sync().map(|()| None),
            Operation::Flush => store.flush().map(|()| None),
            Operation::Compact => store.compact().map(|()| None),
            Operation::Close => {
                let closed = store.close().map(|()| None);
                return (closed.map_err(|error| error.to_string()), None);
            }
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), Some(store))
    }

    fn work(&self, store: Store<Simulated>) -> (Answer, Option<Store<Simulated>>) {
        let answer = store.run_one().map(|_| None);
        (answer.map_err(|error| error.to_string()), Some(store))
    }

    /// The records and tables that the operation's steps write, each behind what the steps before it
    /// left.
    fn learn(&mut self, process: &Process<Lsm>) -> Result<(), String> {
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            match change {
                Change::Log(LogChange::Appended(record)) => {
                    let whole = Whole::Record(record.clone());
                    if !self.dictionary.knows(&whole) {
                        let previous = memory.log.records.last();
                        let writes = self.script.writes(record.op);
                        let bytes = self.records.encode(record, previous, &writes)?;
                        self.dictionary.learn(whole, bytes)?;
                    }
                }
                Change::Flushed(table) | Change::Merged(table) => {
                    let bytes = match self.script.is_as_found() {
                        true => as_found_bytes(&self.script, table),
                        false => table_bytes(&self.script, table),
                    };
                    self.dictionary.learn(Whole::Table(table.clone()), bytes)?;
                }
                _ => {}
            }
            self.protocol.change(&mut memory, change);
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        self.dictionary.bytes(cells)
    }

    fn whole(&self, cell: &Token) -> Option<Vec<Token>> {
        whole(cell)
    }

    /// Both serve the same values, read one by one and as a scan from either end, of tables that
    /// hold the same records.
    fn compare(&self, store: &Store<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let view = memory.view();
        let keys = (0..self.script.key_count() as u8).map(|key| (key, self.script.key_bytes(key)));
        let differ = |expected: String, found: String| {
            Err(Divergence::new(Kind::OtherRecovery, expected, found))
        };
        let mut expected = Vec::new();
        for (key, name) in keys {
            let value = match view.value(key) {
                // What stands there is not modelled.
                Value::Invented => return Ok(()),
                Value::Absent => None,
                Value::Of(op) => value_of(&self.script, op, key),
            };
            let found = store.get(&name);
            if !found.as_ref().is_ok_and(|found| *found == value) {
                return differ(format!("{key}: {value:?}"), format!("{found:?}"));
            }
            expected.extend(value.map(|value| (name, value)));
        }
        expected.sort();
        let scanned: Result<Vec<_>, _> = store.scan::<[u8]>(..).collect();
        let mut back: Result<Vec<_>, _> = store.scan::<[u8]>(..).rev().collect();
        if let Ok(back) = &mut back {
            back.reverse();
        }
        for found in [scanned, back] {
            if !found.as_ref().is_ok_and(|found| *found == expected) {
                return differ(format!("{expected:?}"), format!("{found:?}"));
            }
        }
        if self.script.is_as_found() {
            return Ok(());
        }
        let model: Vec<_> = memory
            .tables
            .iter()
            .map(|t| (t.lo, t.hi, t.level))
            .collect();
        let stats = store.stats().map(|stats| stats.tables);
        let tables = stats.unwrap_or_default();
        let mut found: Vec<_> = tables.iter().map(|t| (t.lo, t.hi, t.level)).collect();
        found.sort_unstable();
        let same = model.len() == found.len()
            && (model.iter().zip(&found))
                .all(|(one, other)| (one.0, one.1, u32::from(one.2)) == *other);
        match same {
            true => Ok(()),
            false => differ(format!("{model:?}"), format!("{found:?}")),
        }
    }

    /// As with the log as found.
    fn is_modelled(&self, process: &Process<Lsm>, power_was_cut: bool) -> bool {
        let torn = power_was_cut && process.odd;
        !(self.script.is_as_found() && (torn || !process.memory.log.invented.is_empty()))
    }
}

impl LsmSubject {
    pub(super) fn options(&self) -> Options {
        let options = Options {
            sync: sync_mode(self.script.sync),
            flush_at: self.tree.flush_at.map_or(u64::MAX, |bytes| bytes as u64),
            fanout: self.tree.fanout,
            preallocate: 0,
            background: Background::Callers,
            ..Options::default()
        };
        match self.engine {
            Discipline::Durable => options,
            Discipline::AsFound { tail_left, .. } => Options {
                discipline: engine::Discipline::AsFound,
                as_found: AsFoundOptions {
                    torn_tail: match tail_left {
                        true => TornTail::Leave,
                        false => TornTail::Cut,
                    },
                    log_synced: self.tree.log_synced,
                    table_synced: self.tree.table_synced,
                    truncation_synced: self.tree.truncation_synced,
                },
                ..options
            },
        }
    }
}

/// The model, with the sizes that the engine's files will have.
fn protocol(script: &Arc<Script>, tree: &Tree) -> Lsm {
    let layout = Layout::Sized(record_cells(script).into());
    let flush_at = tree.flush_at.map(|bytes| bytes.div_ceil(CELL_BYTES));
    if let Discipline::AsFound { tail_left, .. } = script.discipline {
        let as_found = Lsm::as_found(as_found::Assumed {
            log_synced: tree.log_synced,
            table_synced: tree.table_synced,
            truncation_synced: tree.truncation_synced,
        });
        let assumed = wal::as_found::Assumed {
            split_flush: false,
            tail_left,
        };
        return Lsm {
            log: Wal {
                variant: wal::Variant::AsFoundLsm(assumed),
                layout,
                ..as_found.log
            },
            flush_at,
            chunk: CHUNK,
            ..as_found
        };
    }
    let sync = models_mode(script.sync);
    let sizes = script.clone();
    let real = move |table: &Table| table_bytes(&sizes, table).len() / CELL_BYTES;
    Lsm {
        variant: Variant::Durable,
        log: Wal {
            variant: wal::Variant::Durable,
            sync,
            layout,
            preallocate: 0,
        },
        table: match tree.table {
            Some(cells) => TableSize::Fixed(cells),
            None => TableSize::Real(Arc::new(real)),
        },
        fanout: tree.fanout.max(2),
        flush_at,
        background: true,
        chunk: CHUNK,
    }
}

/// The bytes of a table, by the engine's own encoder.
fn table_bytes(script: &Script, table: &Table) -> Vec<u8> {
    let meta = Meta {
        lo: table.lo,
        hi: table.hi,
        generation: table.generation,
        level: table.level.into(),
        entries: table.entries.len() as u64,
    };
    let entry = |&(key, op): &(Key, Option<OpId>)| Entry {
        key: script.key_bytes(key),
        value: op.and_then(|op| value_of(script, op, key)),
    };
    encode(meta, table.entries.iter().map(entry))
}

/// The bytes of a table as found: lengths, keys and values.
fn as_found_bytes(script: &Script, table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(key, op) in &table.entries {
        let key = script.key_bytes(key);
        let value = op.and_then(|op| script.writes(op).into_iter().next());
        let value = value.and_then(|write| match write {
            engine_wal::Write::Put { value, .. } => Some(value),
            engine_wal::Write::Delete { .. } => None,
        });
        for field in [key, value.unwrap_or_default()] {
            bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&field);
        }
    }
    bytes
}

/// The value that an operation gives a key; the last, where it writes the key twice.
pub(super) fn value_of(script: &Script, op: OpId, key: Key) -> Option<Vec<u8>> {
    let name = script.key_bytes(key);
    let mut writes = script.writes(op).into_iter().rev();
    writes.find_map(|write| match write {
        engine_wal::Write::Put { key, value } if key == name => Some(Some(value)),
        engine_wal::Write::Delete { key } if key == name => Some(None),
        _ => None,
    })?
}

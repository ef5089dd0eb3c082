//! Bitcask as found, held to its model.

use super::script::{Engine, FoundFiles as Settings, Step, value_bytes};
use super::subject::{Answer, Subject};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script, Sync};
use crate::engine::bitcask::as_found::{self, AsFound as Store, Options};
use crate::engine::wal::Write;
use crate::storage::simulated::Simulated;
use models::bitcask::as_found::{AsFound, Assumed, Cell, Change, Entry, Memory, cells_of};
use models::contract::{Key, OpId, Operation, Value};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";
/// Keys and values have so many bytes each.
const BYTES: usize = 16;
/// Cells of a record, and of what a hint says of one.
const RECORD: usize = 3;
const HINT: usize = 2;

/// Bitcask as found and its model.
#[derive(Debug)]
pub(super) struct FoundBitcaskSubject {
    pub(super) script: Script,
    settings: Settings,
    /// Each record that was written.
    known: BTreeMap<Arc<Entry>, as_found::Record>,
}

impl Subject for FoundBitcaskSubject {
    type Protocol = AsFound;
    type Store = Store<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::FoundBitcask(settings) => settings,
            _ => Settings::default(),
        };
        Self {
            script: script.clone(),
            settings,
            known: BTreeMap::new(),
        }
    }

    fn script(protocol: &AsFound, operations: &[Operation]) -> Result<Script, String> {
        let Assumed {
            sync_writes,
            tail_left,
            named,
            hint_checked,
        } = protocol.assumed;
        if hint_checked {
            return Err("the engine as found believes its hints".into());
        }
        if protocol.cells != RECORD {
            return Err(format!("the engine's records have {RECORD} cells"));
        }
        let discipline = Discipline::AsFound {
            split_flush: false,
            tail_left,
        };
        let script = Script::of(discipline, Sync::Every, operations);
        Ok(Script {
            engine: Engine::FoundBitcask(Settings {
                sync_writes,
                tail_left,
                named,
            }),
            ..script
        })
    }

    fn protocol(&self) -> AsFound {
        AsFound {
            assumed: Assumed {
                sync_writes: self.settings.sync_writes,
                tail_left: self.settings.tail_left,
                named: self.settings.named,
                hint_checked: false,
            },
            cells: RECORD,
            hint: HINT,
        }
    }

    fn open(&self, storage: &Simulated) -> Result<Store<Simulated>, String> {
        let opened = Store::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        mut store: Store<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Store<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => store.write(&writes(&self.script, id)),
            Operation::Sync => store.sync(),
            Operation::Flush => store.rotate(),
            Operation::Compact => store.merge(),
            Operation::Close => return (Ok(None), None),
        };
        let answer = answer.map(|()| None).map_err(|error| error.to_string());
        (answer, Some(store))
    }

    fn learn(&mut self, process: &Process<AsFound>) -> Result<(), String> {
        for step in &process.steps {
            if let ModelStep::Change(Change::Written(entry)) = step {
                let record = record(&self.script, entry)?;
                self.known.insert(entry.clone(), record);
            }
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Cell]) -> Vec<u8> {
        let garbage = [<u8 as models::disk::Cell>::garbage(); CELL_BYTES];
        let piece = |bytes: Option<Vec<u8>>, part: &usize| {
            let from = part * CELL_BYTES;
            let piece = bytes
                .as_ref()
                .and_then(|it| it.get(from..from + CELL_BYTES));
            piece
                .and_then(|piece| piece.try_into().ok())
                .unwrap_or(garbage)
        };
        let cell = |cell: &Cell| match cell {
            Cell::Zero => [0; CELL_BYTES],
            Cell::Garbage => garbage,
            Cell::Part { entry, part } => piece(self.known.get(entry).map(as_found::encode), part),
            Cell::Hint { entry, at, part } => {
                let at = (at * CELL_BYTES) as u64;
                let record = self.known.get(entry);
                piece(record.map(|record| as_found::encode_hint(record, at)), part)
            }
        };
        cells.iter().flat_map(cell).collect()
    }

    fn whole(&self, cell: &Cell) -> Option<Vec<Cell>> {
        match cell {
            Cell::Part { entry, part: 0 } => Some(cells_of(entry)),
            Cell::Hint { entry, at, part: 0 } => Some(self.protocol().hint_of(entry, *at)),
            _ => None,
        }
    }

    /// Both serve the same values.
    fn compare(&self, store: &Store<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let view = self.protocol().observe(memory);
        let values = view.values.iter().filter_map(|(key, value)| match value {
            Value::Of(op) => Some((name(*key), value_of(&self.script, *op, *key)?)),
            Value::Absent | Value::Invented => None,
        });
        let expected: BTreeMap<Vec<u8>, Vec<u8>> = values.collect();
        let found = store.contents();
        match found == expected {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherRecovery,
                format!("{expected:?}"),
                format!("{found:?}"),
            )),
        }
    }

    /// What a hint says of a merge that a crash interrupted may be of another file.
    fn is_modelled(&self, process: &Process<AsFound>, power_was_cut: bool) -> bool {
        !(power_was_cut && process.odd)
    }
}

fn name(key: Key) -> Vec<u8> {
    vec![b'a' + key % 26; BYTES]
}

/// The writes of an operation: keys and values of the same size, whatever the script says.
pub(super) fn writes(script: &Script, id: OpId) -> Vec<Write> {
    let Some(Step::Write(writes)) = script.steps.get(usize::from(id) - 1) else {
        return Vec::new();
    };
    let writes = writes.iter().zip(0..);
    writes
        .map(|(write, number)| {
            let key = name(write.key % script.keys.len() as u8);
            match write.value {
                Some(_) => Write::Put {
                    key,
                    value: value_bytes(id, number, BYTES),
                },
                None => Write::Delete { key },
            }
        })
        .collect()
}

/// The record of an entry: the last write of its key, for a key is written once in an operation.
fn record(script: &Script, entry: &Entry) -> Result<as_found::Record, String> {
    let value = value_of(script, entry.op, entry.write.key);
    match entry.write.delete {
        true => Ok((name(entry.write.key), None)),
        false => value
            .map(|value| (name(entry.write.key), Some(value)))
            .ok_or_else(|| "a key that is put and deleted in one operation".into()),
    }
}

fn value_of(script: &Script, id: OpId, key: Key) -> Option<Vec<u8>> {
    let mut writes = writes(script, id).into_iter().rev();
    writes.find_map(|write| match write {
        Write::Put { key: other, value } if other == name(key) => Some(value),
        _ => None,
    })
}

impl FoundBitcaskSubject {
    /// The engine's settings.
    pub(super) fn options(&self) -> Options {
        Options {
            sync_writes: self.settings.sync_writes,
            tail_left: self.settings.tail_left,
            named: self.settings.named,
        }
    }
}

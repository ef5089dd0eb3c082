//! Bitcask, held to its model.

use super::dictionary::{Dictionary, Whole, whole};
use super::lsm::value_of;
use super::script::{Engine, Files};
use super::subject::{Answer, Subject};
use super::wal::{Records, engine_of, identity_of, models_mode, record_cells, sync_mode};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine::bitcask::{Bitcask, Meta, Options, encode_hint, encode_merged};
use crate::engine::wal::format::{Chain, FILE_HEADER, Owner};
use crate::storage::simulated::Simulated;
use models::bitcask::memory::{Change, Memory};
use models::bitcask::{self, Variant};
use models::cells::{Table, TableSize, Token};
use models::contract::{OpId, Operation, Value};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use models::wal::memory::Change as LogChange;
use models::wal::segments::memory::Change as FilesChange;
use models::wal::segments::{self, Segments};
use models::wal::{Layout, Variant as LogVariant, Wal};
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";
/// Cells that the engine writes of a merged file or a hint by one call at most.
const CHUNK: usize = (64 << 10) / CELL_BYTES;

/// Bitcask and its model.
#[derive(Debug)]
pub(super) struct BitcaskSubject {
    pub(super) script: Arc<Script>,
    settings: Files,
    protocol: bitcask::Bitcask,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for BitcaskSubject {
    type Protocol = bitcask::Bitcask;
    type Store = Bitcask<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::Bitcask(settings) => settings,
            _ => Files::default(),
        };
        let script = Arc::new(script.clone());
        Self {
            protocol: protocol(&script, settings),
            dictionary: Dictionary::new(Owner::Bitcask.file_header()),
            records: Records::new(false, Chain::start_of(Owner::Bitcask)),
            script,
            settings,
        }
    }

    fn script(protocol: &bitcask::Bitcask, operations: &[Operation]) -> Result<Script, String> {
        if protocol.variant != Variant::Durable {
            return Err("no engine makes this mistake".into());
        }
        let (discipline, sync) = engine_of(&protocol.files.log)?;
        let script = Script::of(discipline, sync, operations);
        Ok(Script {
            engine: Engine::Bitcask(Files::default()),
            ..script
        })
    }

    fn protocol(&self) -> bitcask::Bitcask {
        self.protocol.clone()
    }

    fn open(&self, storage: &Simulated) -> Result<Bitcask<Simulated>, String> {
        let opened = Bitcask::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        store: Bitcask<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Bitcask<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => store.write(&self.script.writes(id)).map(Some),
            Operation::Sync => store.sync().map(|()| None),
            Operation::Flush => store.rotate().map(|()| None),
            Operation::Compact => store.merge().map(|()| None),
            Operation::Close => {
                let closed = store.close().map(|()| None);
                return (closed.map_err(|error| error.to_string()), None);
            }
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), Some(store))
    }

    fn learn(&mut self, process: &Process<bitcask::Bitcask>) -> Result<(), String> {
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            match change {
                Change::Files(FilesChange::Log(LogChange::Appended(record))) => {
                    let previous = memory.files.log.records.last();
                    let writes = self.script.writes(record.op);
                    let bytes = self.records.encode(record, previous, &writes)?;
                    self.dictionary
                        .learn(Whole::Record(record.clone()), bytes)?;
                }
                Change::Merged(merged, hint) => {
                    let (bytes, hinted) = merged_bytes(&self.script, merged)?;
                    self.dictionary.learn(Whole::Table(merged.clone()), bytes)?;
                    self.dictionary.learn(Whole::Hint(hint.clone()), hinted)?;
                }
                Change::Files(_) => {}
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

    /// Both serve the same values, of data files and a merged file with the same records, with a hint or without.
    fn compare(&self, store: &Bitcask<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let other = |expected: String, found: String| {
            Err(Divergence::new(Kind::OtherRecovery, expected, found))
        };
        let view = memory.view();
        let mut expected = Vec::new();
        for key in 0..self.script.key_count() as u8 {
            let value = match view.value(key) {
                Value::Of(op) => value_of(&self.script, op, key),
                Value::Absent | Value::Invented => None,
            };
            expected.extend(value.map(|value| (self.script.key_bytes(key), value)));
        }
        expected.sort();
        let found = store.fold(Vec::new(), |mut all, key, value| {
            all.push((key.to_vec(), value.to_vec()));
            all
        });
        if !found.as_ref().is_ok_and(|found| *found == expected) {
            return other(format!("{expected:?}"), format!("{found:?}"));
        }
        let merged = memory.merged.as_ref();
        let expected = (
            merged.map(|merged| (merged.hi, memory.hint.is_some())),
            memory.files.segments.len(),
        );
        let found = (store.merged_up_to(), store.stats().data_files);
        match found == expected {
            true => Ok(()),
            false => other(format!("{expected:?}"), format!("{found:?}")),
        }
    }
}

/// The model, with the sizes that the engine's files will have.
fn protocol(script: &Arc<Script>, settings: Files) -> bitcask::Bitcask {
    let sync = models_mode(script.sync);
    let (one, other) = (script.clone(), script.clone());
    let merged = move |table: &Table| cells(merged_bytes(&one, table).map(|(bytes, _)| bytes));
    let hint = move |table: &Table| cells(merged_bytes(&other, table).map(|(_, hint)| hint));
    bitcask::Bitcask {
        variant: Variant::Durable,
        files: Segments {
            variant: segments::Variant::Durable,
            log: Wal {
                variant: LogVariant::Durable,
                sync,
                layout: Layout::Sized(record_cells(script).into()),
                preallocate: 0,
            },
            rotate_at: settings.rotate_at.map(|bytes| bytes.div_ceil(CELL_BYTES)),
        },
        merged: TableSize::Real(Arc::new(merged)),
        hint: TableSize::Real(Arc::new(hint)),
        chunk: CHUNK,
    }
}

fn cells(bytes: Result<Vec<u8>, String>) -> usize {
    bytes.map_or(0, |bytes| bytes.len() / CELL_BYTES)
}

/// The bytes of a merged file and of its hint, by the engine's own encoders.
fn merged_bytes(script: &Script, table: &Table) -> Result<(Vec<u8>, Vec<u8>), String> {
    let meta = Meta {
        hi: table.hi,
        generation: table.generation,
    };
    let entries = table.entries.iter().map(|&(key, op)| {
        let value = op.and_then(|op| value_of(script, op, key));
        (script.key_bytes(key), value.unwrap_or_default())
    });
    let entries: Vec<(Vec<u8>, Vec<u8>)> = entries.collect();
    let pairs = entries.iter().map(|(key, value)| (&key[..], &value[..]));
    let (bytes, places) = encode_merged(meta, pairs);
    let keys = entries.iter().zip(places);
    let keys: Vec<_> = keys
        .map(|((key, value), at)| (key.clone(), value.len(), at))
        .collect();
    let hint = encode_hint(&bytes, &keys).ok_or("a merged file without a footer")?;
    Ok((bytes, hint))
}

impl BitcaskSubject {
    /// The engine's settings.
    pub(super) fn options(&self) -> Options {
        let of_records = |bytes: usize| (bytes.next_multiple_of(CELL_BYTES) + FILE_HEADER) as u64;
        Options {
            sync: sync_mode(self.script.sync),
            file_bytes: self.settings.rotate_at.map_or(u64::MAX, of_records),
            preallocate: 0,
        }
    }
}

//! The log, held to its model.

use super::dictionary::{Dictionary, Whole, whole};
use super::script::Sync;
use super::subject::{Answer, Subject};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine;
use crate::engine::wal::format::{self, Chain, RECORD_HEADER};
use crate::engine::wal::{self as engine_wal, AsFoundOptions, Log, Lsn, Note, Options, TornTail};
use crate::storage::simulated::Simulated;
use models::cells::{Record, Token};
use models::contract::{OpId, Operation, Value};
use models::machine::process::Process;
use models::protocol::Step as ModelStep;
use models::wal::memory::{Change, Memory};
use models::wal::{Layout, SyncMode, Variant, Wal, as_found};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";

/// The log and its model.
#[derive(Debug)]
pub(super) struct LogSubject {
    pub(super) script: Script,
    engine: Discipline,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for LogSubject {
    type Protocol = Wal;
    type Store = Log<Simulated>;

    fn of(script: &Script, engine: Discipline) -> Self {
        Self {
            script: script.clone(),
            engine,
            dictionary: Dictionary::new(format::file_header()),
            records: Records::new(script.is_as_found(), Chain::start()),
        }
    }

    fn script(protocol: &Wal, operations: &[Operation]) -> Result<Script, String> {
        let (discipline, sync) = engine_of(protocol)?;
        let script = Script {
            preallocate: protocol.preallocate,
            ..Script::of(discipline, sync, operations)
        };
        let is_plain = |operation: &Operation| match operation {
            Operation::Write(writes) => writes.len() == 1 && !writes[0].delete,
            _ => true,
        };
        if script.is_as_found() && !operations.iter().all(is_plain) {
            return Err("the log as found knows neither deletes nor batches".into());
        }
        Ok(script)
    }

    fn protocol(&self) -> Wal {
        let variant = match self.script.discipline {
            Discipline::Durable => Variant::Durable,
            Discipline::AsFound {
                split_flush,
                tail_left,
            } => Variant::AsFoundLsm(as_found::Assumed {
                split_flush,
                tail_left,
            }),
        };
        let sync = models_mode(self.script.sync);
        Wal {
            variant,
            sync,
            layout: Layout::Sized(record_cells(&self.script).into()),
            preallocate: self.script.preallocate,
        }
    }

    fn open(&self, storage: &Simulated) -> Result<Log<Simulated>, String> {
        let opened = Log::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        log: Log<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Log<Simulated>>) {
        let writes = self.script.writes(id);
        let (answer, log) = match operation {
            Operation::Write(_) if writes.len() == 1 => {
                (log.append(&writes[0]).map(Some), Some(log))
            }
            Operation::Write(_) => (log.append_batch(&writes).map(Some), Some(log)),
            Operation::Sync | Operation::Flush | Operation::Compact => {
                (log.sync().map(|()| None), Some(log))
            }
            Operation::Close => (log.close().map(|()| None), None),
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), log)
    }

    fn learn(&mut self, process: &Process<Wal>) -> Result<(), String> {
        let appended = process.steps.iter().find_map(|step| match step {
            ModelStep::Change(Change::Appended(record)) => Some(record.clone()),
            _ => None,
        });
        let Some(record) = appended else {
            return Ok(());
        };
        self.learn_record(&record, process.memory.records.last())
    }

    fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        self.dictionary.bytes(cells)
    }

    fn whole(&self, cell: &Token) -> Option<Vec<Token>> {
        whole(cell)
    }

    fn compare(&self, log: &Log<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        self.compare_shared(log, memory)
    }

    /// What the log as found reads into records that a power cut tore is not modelled to the byte.
    // LIMIT: its model reads cells, the engine fields. A lost cell of zeros is four empty fields, and a
    // file that ends among them is cut within a cell; one of garbage is a length beyond the file's end,
    // where the model reads a value that nobody wrote; behind a lost first cell the engine takes
    // values for keys. They part ways in where the log ends, not only in what is invented, so
    // comparing the latter alone would not do. Of the random scripts' power cuts three in four
    // come before that.
    fn is_modelled(&self, process: &Process<Wal>, power_was_cut: bool) -> bool {
        let torn = power_was_cut && process.odd;
        !(self.script.is_as_found() && (torn || !process.memory.invented.is_empty()))
    }
}

impl LogSubject {
    /// Takes in the bytes of a record, which is written behind the previous one.
    pub(super) fn learn_record(
        &mut self,
        record: &Arc<Record>,
        previous: Option<&Arc<Record>>,
    ) -> Result<(), String> {
        let whole = Whole::Record(record.clone());
        if self.dictionary.knows(&whole) {
            return Ok(());
        }
        let writes = self.script.writes(record.op);
        let bytes = self.records.encode(record, previous, &writes)?;
        self.dictionary.learn(whole, bytes)
    }

    /// Both serve the same records, or where there are no LSNs the same values.
    pub(super) fn compare_shared(
        &self,
        log: &Log<Simulated>,
        memory: &Memory,
    ) -> Result<(), Divergence> {
        let found: Result<Vec<_>, _> = log.records().collect();
        let found = found.map_err(|error| {
            let expected = "records that can be read";
            Divergence::new(Kind::OtherRecovery, expected, error.to_string())
        })?;
        let alike = match self.script.is_as_found() {
            true => self.serves_values(&found, memory),
            false => self.serves_records(&found, memory),
        };
        let model: Vec<_> = memory.records.iter().map(|r| (lsn_of(r), r.op)).collect();
        let lsns: Vec<Lsn> = found.iter().map(|record| record.lsn).collect();
        match alike {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherRecovery,
                format!("{model:?}"),
                format!("{lsns:?}"),
            )),
        }
    }

    fn serves_records(&self, found: &[engine_wal::Record], memory: &Memory) -> bool {
        let mut pairs = memory.records.iter().zip(found);
        memory.records.len() == found.len()
            && pairs.all(|(model, engine)| {
                lsn_of(model) == engine.lsn && self.script.writes(model.op) == engine.writes
            })
    }

    fn serves_values(&self, found: &[engine_wal::Record], memory: &Memory) -> bool {
        let view = memory.view();
        (0..self.script.key_count() as u8).all(|key| {
            let name = self.script.key_bytes(key);
            let value = |write: &engine_wal::Write| match write {
                engine_wal::Write::Put { key, value } if *key == name => Some(value.clone()),
                _ => None,
            };
            let mut newest = found.iter().flat_map(|record| &record.writes).rev();
            let last = newest.find_map(value);
            match view.value(key) {
                Value::Invented => true,
                Value::Absent => last.is_none(),
                Value::Of(op) => {
                    let written = self.script.writes(op);
                    last.is_some() && written.iter().any(|write| value(write) == last)
                }
            }
        })
    }

    pub(super) fn options(&self) -> Options {
        let sync = sync_mode(self.script.sync);
        match self.engine {
            Discipline::Durable => Options {
                sync,
                preallocate: zeros_ahead(&self.script),
                ..Options::default()
            },
            Discipline::AsFound {
                split_flush,
                tail_left,
            } => Options {
                sync,
                preallocate: 0,
                discipline: engine::Discipline::AsFound,
                as_found: AsFoundOptions {
                    torn_tail: if tail_left {
                        TornTail::Leave
                    } else {
                        TornTail::Cut
                    },
                    split_flush,
                },
            },
        }
    }
}

/// The engine's protocol and sync mode that a model of the log is of, if it has the sizes of the
/// engine's records; or why there is none.
pub(super) fn engine_of(protocol: &Wal) -> Result<(Discipline, Sync), String> {
    let (discipline, sync) = discipline_of(protocol)?;
    let head = match discipline {
        Discipline::Durable => RECORD_HEADER / CELL_BYTES,
        Discipline::AsFound { .. } => 1,
    };
    if protocol.layout != (Layout::Small { head, write: 1 }) {
        return Err(format!("the engine's records have a head of {head} cells"));
    }
    Ok((discipline, sync))
}

/// The same, whatever its sizes.
pub(super) fn discipline_of(protocol: &Wal) -> Result<(Discipline, Sync), String> {
    let discipline = match protocol.variant {
        Variant::Durable => Discipline::Durable,
        Variant::AsFoundLsm(as_found::Assumed {
            split_flush,
            tail_left,
        }) => Discipline::AsFound {
            split_flush,
            tail_left,
        },
        _ => return Err("no engine makes this mistake".into()),
    };
    let sync = match protocol.sync {
        SyncMode::Every => Sync::Every,
        SyncMode::EveryN(n) => Sync::EveryN(n),
        SyncMode::Never => Sync::Never,
    };
    Ok((discipline, sync))
}

/// Bytes that the engine takes at a time.
pub(super) fn zeros_ahead(script: &Script) -> u64 {
    (script.preallocate * CELL_BYTES) as u64
}

/// The model's word for a sync mode.
pub(super) fn models_mode(sync: Sync) -> SyncMode {
    match sync {
        Sync::Every => SyncMode::Every,
        Sync::EveryN(n) => SyncMode::EveryN(n),
        Sync::Never => SyncMode::Never,
    }
}

/// The engine's word for a sync mode.
pub(super) fn sync_mode(sync: Sync) -> engine_wal::SyncMode {
    match sync {
        Sync::Every => engine_wal::SyncMode::EveryWrite,
        Sync::EveryN(n) => {
            engine_wal::SyncMode::EveryN(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN))
        }
        Sync::Never => engine_wal::SyncMode::Never,
    }
}

/// Cells of a record that holds no writes: its payload is a tag and a number.
const NOTE_CELLS: usize = (RECORD_HEADER + 9).div_ceil(CELL_BYTES);

/// Encodes the records of a log.
#[derive(Debug)]
pub(super) struct Records {
    as_found: bool,
    /// What the first record of a log follows.
    start: Chain,
    /// What follows each record that was encoded.
    chains: BTreeMap<Arc<Record>, Chain>,
}

impl Records {
    pub(super) fn new(as_found: bool, start: Chain) -> Records {
        Records {
            as_found,
            start,
            chains: BTreeMap::new(),
        }
    }

    /// The bytes of a record with these writes; `previous` is the one that it is written behind.
    pub(super) fn encode(
        &mut self,
        record: &Arc<Record>,
        previous: Option<&Arc<Record>>,
        writes: &[engine_wal::Write],
    ) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        if self.as_found {
            writes.iter().for_each(|write| as_found(write, &mut bytes));
            return Ok(bytes);
        }
        let known = previous.and_then(|previous| self.chains.get(previous));
        let chain = known.copied().unwrap_or(self.start);
        let (lsn, mark) = (lsn_of(record), record.mark);
        let next = match &record.checkpoint {
            Some(checkpoint) => {
                let note = Note::Checkpoint(checkpoint.up_to);
                format::encode_note(chain, lsn, mark, note, &mut bytes)
            }
            None => format::encode(chain, lsn, mark, writes, &mut bytes)
                .map_err(|error| error.to_string())?,
        };
        self.chains.insert(record.clone(), next);
        Ok(bytes)
    }
}

/// The cells of each operation's record, by its number.
pub(super) fn record_cells(script: &Script) -> Vec<usize> {
    let payload = |write: &engine_wal::Write| match write {
        engine_wal::Write::Put { key, value } => 9 + key.len() + value.len(),
        engine_wal::Write::Delete { key } => 5 + key.len(),
    };
    let record = |step| match script.is_as_found() {
        true => 2,
        false => {
            let payload: usize = script.writes(Script::id(step)).iter().map(payload).sum();
            (RECORD_HEADER + payload).div_ceil(CELL_BYTES)
        }
    };
    let steps = (0..script.steps.len()).map(record);
    std::iter::once(NOTE_CELLS).chain(steps).collect()
}

/// What the engine calls a record.
pub(super) fn lsn_of(record: &Record) -> Lsn {
    Lsn {
        generation: record.generation,
        index: record.index,
    }
}

/// What the model calls one.
pub(super) fn identity_of(lsn: Lsn) -> u64 {
    u64::from(lsn.generation) << 40 | lsn.index
}

/// Lengths and bytes, as the study has them.
fn as_found(write: &engine_wal::Write, into: &mut Vec<u8>) {
    let (key, value) = match write {
        engine_wal::Write::Put { key, value } => (key, &value[..]),
        engine_wal::Write::Delete { key } => (key, &[][..]),
    };
    for field in [&key[..], value] {
        into.extend_from_slice(&(field.len() as u32).to_le_bytes());
        into.extend_from_slice(field);
    }
}

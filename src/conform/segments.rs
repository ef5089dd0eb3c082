//! The log in segments, held to its model.

use super::dictionary::{Dictionary, Whole, whole};
use super::script::{Engine, Segments as Settings};
use super::subject::{Answer, Subject};
use super::wal::{
    Records, engine_of, identity_of, lsn_of, models_mode, record_cells, sync_mode, zeros_ahead,
};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine::wal::format::{self, Chain, FILE_HEADER};
use crate::engine::wal::segments::{Options, Record, SegmentedLog};
use crate::engine::wal::{Entry, Note};
use crate::storage::simulated::Simulated;
use models::cells::{self, Token};
use models::contract::{OpId, Operation};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use models::wal::memory::Change as LogChange;
use models::wal::segments::memory::{Change, Memory};
use models::wal::segments::{Segments, Variant};
use models::wal::{Layout, Variant as LogVariant, Wal};
use std::path::Path;

/// Where the engine's store is.
const STORE: &str = "/store";

/// The log in segments and its model.
#[derive(Debug)]
pub(super) struct SegmentsSubject {
    pub(super) script: Script,
    settings: Settings,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for SegmentsSubject {
    type Protocol = Segments;
    type Store = SegmentedLog<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::Segments(settings) => settings,
            _ => Settings::default(),
        };
        Self {
            script: script.clone(),
            settings,
            dictionary: Dictionary::new(format::file_header()),
            records: Records::new(false, Chain::start()),
        }
    }

    fn script(protocol: &Segments, operations: &[Operation]) -> Result<Script, String> {
        if protocol.variant != Variant::Durable {
            return Err("no engine makes this mistake".into());
        }
        let (discipline, sync) = engine_of(&protocol.log)?;
        let script = Script::of(discipline, sync, operations);
        Ok(Script {
            engine: Engine::Segments(Settings::default()),
            preallocate: protocol.log.preallocate,
            ..script
        })
    }

    fn protocol(&self) -> Segments {
        let sync = models_mode(self.script.sync);
        Segments {
            variant: Variant::Durable,
            log: Wal {
                variant: LogVariant::Durable,
                sync,
                layout: Layout::Sized(record_cells(&self.script).into()),
                preallocate: self.script.preallocate,
            },
            rotate_at: self
                .settings
                .rotate_at
                .map(|bytes| bytes.div_ceil(CELL_BYTES)),
        }
    }

    fn open(&self, storage: &Simulated) -> Result<SegmentedLog<Simulated>, String> {
        let opened = SegmentedLog::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        log: SegmentedLog<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<SegmentedLog<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => log.append_batch(&self.script.writes(id)).map(Some),
            Operation::Sync => log.sync().map(|()| None),
            Operation::Flush => log.rotate().map(|()| None),
            Operation::Compact => log.truncate(up_to(&log)).map(|()| None),
            Operation::Close => {
                let closed = log.close().map(|()| None);
                return (closed.map_err(|error| error.to_string()), None);
            }
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), Some(log))
    }

    /// The records that the operation's steps write, each behind what is in its segment then.
    fn learn(&mut self, process: &Process<Segments>) -> Result<(), String> {
        let protocol = self.protocol();
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            if let Change::Log(LogChange::Appended(record)) = change {
                let whole = Whole::Record(record.clone());
                if !self.dictionary.knows(&whole) {
                    let previous = memory.log.records.last();
                    let writes = self.script.writes(record.op);
                    let bytes = self.records.encode(record, previous, &writes)?;
                    self.dictionary.learn(whole, bytes)?;
                }
            }
            protocol.change(&mut memory, change);
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        self.dictionary.bytes(cells)
    }

    fn whole(&self, cell: &Token) -> Option<Vec<Token>> {
        whole(cell)
    }

    /// Both serve the same records, and have the same segments.
    fn compare(&self, log: &SegmentedLog<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let other = |expected: String, found: String| {
            Err(Divergence::new(Kind::OtherRecovery, expected, found))
        };
        let found: Result<Vec<Record>, _> = log.records().collect();
        let found = match found {
            Ok(found) => found,
            Err(error) => return other("records that can be read".into(), error.to_string()),
        };
        let expected: Vec<Record> = memory
            .records()
            .map(|it| self.in_words_of_the_engine(it))
            .collect();
        if found != expected {
            return other(format!("{expected:?}"), format!("{found:?}"));
        }
        let names = |first: &u64| format!("{STORE}/{first}.log");
        let expected: Vec<String> = memory.segments.iter().map(names).collect();
        let found: Vec<String> = log
            .segments()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        match found == expected {
            true => Ok(()),
            false => other(format!("{expected:?}"), format!("{found:?}")),
        }
    }
}

impl SegmentsSubject {
    /// The engine's settings.
    pub(super) fn options(&self) -> Options {
        let of_records = |bytes: usize| (bytes.next_multiple_of(CELL_BYTES) + FILE_HEADER) as u64;
        Options {
            sync: sync_mode(self.script.sync),
            segment_bytes: self.settings.rotate_at.map_or(u64::MAX, of_records),
            preallocate: zeros_ahead(&self.script),
        }
    }

    fn in_words_of_the_engine(&self, record: &cells::Record) -> Record {
        let entry = match &record.checkpoint {
            Some(checkpoint) => Entry::Note(Note::Checkpoint(checkpoint.up_to)),
            None => Entry::Writes(self.script.writes(record.op)),
        };
        let lsn = lsn_of(record);
        Record { lsn, entry }
    }
}

/// What a client that holds all of it gives up: all records, unless the newest is a checkpoint.
fn up_to(log: &SegmentedLog<Simulated>) -> u64 {
    let (last, point) = (
        log.last().map_or(0, |lsn| lsn.index),
        log.truncation_point(),
    );
    match last == point + 1 && point > 0 {
        true => point,
        false => last,
    }
}

//! The event store as found, held to its model.

use super::event_store::stream;
use super::script::{Engine, Lines as Settings, TornLine};
use super::subject::{Answer, Subject};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script, Sync};
use crate::engine::event_store::as_found::{self, JsonLines, Options};
use crate::engine::event_store::{NewEvent, encode};
use crate::storage::simulated::Simulated;
use models::contract::{Key, OpId, Operation, Value};
use models::event_store::lines::{Assumed, Cell, Event, Lines, Memory, Torn, cells_of};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";

/// The event store as found and its model.
#[derive(Debug)]
pub(super) struct LinesSubject {
    pub(super) script: Script,
    pub(super) settings: Settings,
    /// The bytes of each line.
    known: BTreeMap<Arc<Event>, Vec<u8>>,
}

impl Subject for LinesSubject {
    type Protocol = Lines;
    type Store = JsonLines<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::JsonLines(settings) => settings,
            _ => Settings {
                cells: 4,
                torn: TornLine::Skip,
                synced: false,
                named: false,
            },
        };
        Self {
            script: script.clone(),
            settings,
            known: BTreeMap::new(),
        }
    }

    fn script(protocol: &Lines, operations: &[Operation]) -> Result<Script, String> {
        let Assumed {
            torn,
            two_calls,
            synced,
            named,
        } = protocol.assumed;
        if two_calls {
            return Err("the newline alone is no cell".into());
        }
        let settings = Settings {
            cells: protocol.cells,
            torn: match torn {
                Torn::Skipped => TornLine::Skip,
                Torn::Refused => TornLine::Refuse,
                Torn::Cut => TornLine::Cut,
            },
            synced,
            named,
        };
        let discipline = Discipline::AsFound {
            split_flush: false,
            tail_left: false,
        };
        let script = Script::of(discipline, Sync::Every, operations);
        let script = Script {
            engine: Engine::JsonLines(settings),
            ..script
        };
        line(&script, settings, 1, 0, 1).map(|_| script)
    }

    fn protocol(&self) -> Lines {
        Lines {
            assumed: Assumed {
                torn: match self.settings.torn {
                    TornLine::Skip => Torn::Skipped,
                    TornLine::Refuse => Torn::Refused,
                    TornLine::Cut => Torn::Cut,
                },
                two_calls: false,
                synced: self.settings.synced,
                named: self.settings.named,
            },
            cells: self.settings.cells,
        }
    }

    fn open(&self, storage: &Simulated) -> Result<JsonLines<Simulated>, String> {
        let opened = JsonLines::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        mut store: JsonLines<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<JsonLines<Simulated>>) {
        match operation {
            Operation::Close => return (Ok(None), None),
            Operation::Write(writes) => {
                let stream = stream(&self.script, id);
                for write in writes {
                    let version = 1 + store.version(&stream);
                    let event = event(&self.script, self.settings, id, write.key, version);
                    let persisted = event.and_then(|event| {
                        let persisted = store.persist(&stream, &event);
                        persisted.map_err(|error| error.to_string())
                    });
                    if let Err(error) = persisted {
                        return (Err(error), Some(store));
                    }
                }
            }
            Operation::Sync | Operation::Flush | Operation::Compact => {}
        }
        (Ok(None), Some(store))
    }

    fn learn(&mut self, process: &Process<Lines>) -> Result<(), String> {
        let protocol = self.protocol();
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            let event = &change.0;
            let version = 1 + self.version(&memory, event.op);
            let line = line(&self.script, self.settings, event.op, event.key, version)?;
            self.known.insert(event.clone(), line);
            protocol.change(&mut memory, change);
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Cell]) -> Vec<u8> {
        let garbage = [<u8 as models::disk::Cell>::garbage(); CELL_BYTES];
        let cell = |cell: &Cell| match cell {
            Cell::Zero => [0; CELL_BYTES],
            Cell::Garbage => garbage,
            Cell::Part { event, part } => {
                let from = part * CELL_BYTES;
                let piece = self.known.get(event);
                let piece = piece.and_then(|line| line.get(from..from + CELL_BYTES));
                piece
                    .and_then(|piece| piece.try_into().ok())
                    .unwrap_or(garbage)
            }
        };
        cells.iter().flat_map(cell).collect()
    }

    fn whole(&self, cell: &Cell) -> Option<Vec<Cell>> {
        match cell {
            Cell::Part { event, part: 0 } => Some(cells_of(event)),
            _ => None,
        }
    }

    /// Both serve the same events.
    fn compare(&self, store: &JsonLines<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let number = |line: &as_found::Line| {
            let digits = line.data.trim_start_matches('"');
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(Key::MAX)
        };
        let mut found: Vec<Key> = store.events().iter().map(number).collect();
        found.sort_unstable();
        // An event that stands there twice is one in the model.
        found.dedup();
        let expected: Vec<Key> = memory.view.values.keys().copied().collect();
        match found == expected {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherRecovery,
                format!("{expected:?}"),
                format!("{found:?}"),
            )),
        }
    }

    /// What is left of a torn line may be JSON all the same.
    fn is_modelled(&self, process: &Process<Lines>, power_was_cut: bool) -> bool {
        !(power_was_cut && process.odd)
    }
}

impl LinesSubject {
    /// How many events the stream of an operation has.
    fn version(&self, memory: &Memory, id: OpId) -> u64 {
        let stream = stream(&self.script, id);
        let in_it = |value: &&Value| match value {
            Value::Of(op) => self::stream(&self.script, *op) == stream,
            Value::Absent | Value::Invented => false,
        };
        memory.view.values.values().filter(in_it).count() as u64
    }
}

/// The event of that number, so that its line has as many cells as are asked for.
pub(super) fn event(
    script: &Script,
    settings: Settings,
    id: OpId,
    key: Key,
    version: u64,
) -> Result<NewEvent, String> {
    let data = |fill: usize| {
        let data = format!("\"{key:02}{}\"", "x".repeat(fill));
        NewEvent::from_json("t", &data).map_err(|error| error.to_string())
    };
    let bytes = encode(Some(&stream(script, id)), version, &data(0)?);
    let bytes = bytes.map_err(|error| error.to_string())?.len() + 1;
    let room = (settings.cells * CELL_BYTES).checked_sub(bytes);
    data(room.ok_or_else(|| format!("a line takes more than {} cells", settings.cells))?)
}

/// The bytes of its line.
fn line(
    script: &Script,
    settings: Settings,
    id: OpId,
    key: Key,
    version: u64,
) -> Result<Vec<u8>, String> {
    let event = event(script, settings, id, key, version)?;
    let line = encode(Some(&stream(script, id)), version, &event);
    let mut line = line.map_err(|error| error.to_string())?;
    line.push(b'\n');
    Ok(line)
}

impl LinesSubject {
    /// The engine's settings.
    pub(super) fn options(&self) -> Options {
        Options {
            torn: match self.settings.torn {
                TornLine::Skip => as_found::TornLine::Skip,
                TornLine::Refuse => as_found::TornLine::Refuse,
                TornLine::Cut => as_found::TornLine::Cut,
            },
            synced: self.settings.synced,
            named: self.settings.named,
        }
    }
}

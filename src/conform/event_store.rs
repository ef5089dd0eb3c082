//! The event store, held to its model.

use super::dictionary::{Dictionary, Whole, whole};
use super::script::{Engine, Events, Step};
use super::subject::{Answer, Subject};
use super::wal::{Records, discipline_of, identity_of, lsn_of, models_mode, sync_mode};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine::event_store::{
    EventStore, Expected, NewEvent, Options, encode, encode_snapshot,
};
use crate::engine::wal::format::{Chain, Owner, RECORD_HEADER};
use crate::engine::wal::{self as engine_wal, Lsn};
use crate::storage::simulated::Simulated;
use models::cells::{Record, Table, TableSize, Token};
use models::contract::{OpId, Operation};
use models::event_store::memory::{Change, Memory};
use models::event_store::{self, Variant};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use models::wal::memory::Change as LogChange;
use models::wal::{self, Layout, Wal};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";
/// The projection that is saved.
const NAME: &str = "projection";
/// Streams that operations take turns at.
const STREAMS: usize = 16;
/// Cells of an event of the scripts that a model has, beside the record's head.
pub const EVENT_CELLS: usize = 3;

/// What the projection makes of all events: which there are, filled up so that a snapshot has as many cells as the
/// model says.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gathered {
    events: Vec<u8>,
    fill: String,
}

/// The event store and its model.
#[derive(Debug)]
pub(super) struct EventsSubject {
    pub(super) script: Arc<Script>,
    settings: Events,
    protocol: event_store::EventStore,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for EventsSubject {
    type Protocol = event_store::EventStore;
    type Store = EventStore<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::EventStore(settings) => settings,
            _ => Events::default(),
        };
        let script = Arc::new(script.clone());
        Self {
            protocol: protocol(&script, settings),
            dictionary: Dictionary::new(Owner::EventStore.file_header()),
            records: Records::new(false, Chain::start_of(Owner::EventStore)),
            script,
            settings,
        }
    }

    fn script(
        protocol: &event_store::EventStore,
        operations: &[Operation],
    ) -> Result<Script, String> {
        let TableSize::Fixed(snapshot) = protocol.snapshot else {
            return Err("the sizes of its snapshots are not known".into());
        };
        if protocol.variant != Variant::Durable {
            return Err("no engine makes this mistake".into());
        }
        let head = RECORD_HEADER / CELL_BYTES;
        let layout = Layout::Small {
            head,
            write: EVENT_CELLS,
        };
        if protocol.log.layout != layout {
            return Err(format!(
                "the engine's records have a head of {head} cells, and {EVENT_CELLS} for an event"
            ));
        }
        let (discipline, sync) = discipline_of(&protocol.log)?;
        let script = Script::of(discipline, sync, operations);
        Ok(Script {
            engine: Engine::EventStore(Events {
                snapshot: Some(snapshot),
            }),
            ..script
        })
    }

    fn protocol(&self) -> event_store::EventStore {
        self.protocol.clone()
    }

    fn open(&self, storage: &Simulated) -> Result<EventStore<Simulated>, String> {
        let sync = sync_mode(self.script.sync);
        let opened = EventStore::open(
            storage.clone(),
            Path::new(STORE),
            Options {
                sync,
                preallocate: 0,
            },
        );
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        store: EventStore<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<EventStore<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => {
                let stream = stream(&self.script, id);
                let expected = Expected::Version(store.version(&stream));
                let appended = store.append(&stream, expected, events(&self.script, id));
                appended.map(|appended| Some(appended.position.lsn))
            }
            Operation::Sync | Operation::Compact => store.sync().map(|()| None),
            Operation::Flush => {
                let gathered =
                    match self.gathered(store.events(None).map(|it| key_of(&it)).collect()) {
                        Ok(gathered) => gathered,
                        Err(why) => return (Err(why), Some(store)),
                    };
                store.save(NAME, store.last(), &gathered).map(|()| None)
            }
            Operation::Close => {
                let closed = store.close().map(|()| None);
                return (closed.map_err(|error| error.to_string()), None);
            }
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), Some(store))
    }

    fn learn(&mut self, process: &Process<event_store::EventStore>) -> Result<(), String> {
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            match change {
                Change::Log(LogChange::Appended(record)) => {
                    let previous = memory.log.records.last();
                    let writes = writes(&self.script, record, &memory.log.records)?;
                    let bytes = self.records.encode(record, previous, &writes)?;
                    self.dictionary
                        .learn(Whole::Record(record.clone()), bytes)?;
                }
                Change::Snapshot(snapshot) => {
                    let bytes = self.snapshot_bytes(snapshot)?;
                    self.dictionary
                        .learn(Whole::Table(snapshot.clone()), bytes)?;
                }
                Change::Log(_) => {}
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

    /// Both serve the same events, by position and by stream, show a subscriber the same, and have the same snapshot.
    fn compare(&self, store: &EventStore<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let other = |expected: String, found: String| {
            Err(Divergence::new(Kind::OtherRecovery, expected, found))
        };
        let records = memory.log.records.iter();
        let expected: Vec<(Lsn, u8)> = records
            .flat_map(|it| it.writes.iter().map(|write| (lsn_of(it), write.key)))
            .collect();
        let found: Vec<(Lsn, u8)> = store
            .events(None)
            .map(|event| (event.position().lsn, key_of(&event)))
            .collect();
        if found != expected {
            return other(format!("{expected:?}"), format!("{found:?}"));
        }
        let in_streams = |number: usize| store.stream(&stream_name(number), 0);
        let count: usize = (0..STREAMS).map(|number| in_streams(number).count()).sum();
        if count != expected.len() {
            return other(
                format!("{} events in streams", expected.len()),
                count.to_string(),
            );
        }
        let shown = self.protocol.shown(memory);
        let shown: Vec<u8> = (expected.iter().filter(|(lsn, _)| lsn.index <= shown))
            .map(|(_, key)| *key)
            .collect();
        let mut subscription = store.subscribe(None);
        let served = std::iter::from_fn(|| subscription.next(store));
        let served: Vec<u8> = served.map(|it| key_of(&it)).collect();
        if served != shown {
            return other(format!("{shown:?} shown"), format!("{served:?}"));
        }
        let expected = memory.snapshot.as_ref().map(|snapshot| {
            let lsn = (snapshot.generation, snapshot.hi);
            (lsn, snapshot.entries.iter().map(|(key, _)| *key).collect())
        });
        let found = store.saved::<Gathered>(NAME).map(|(position, gathered)| {
            let Lsn { generation, index } = position.lsn;
            ((generation, index), gathered.events)
        });
        match found == expected {
            true => Ok(()),
            false => other(format!("{expected:?}"), format!("{found:?}")),
        }
    }
}

impl EventsSubject {
    /// The state of a projection that gathered these events.
    fn gathered(&self, events: Vec<u8>) -> Result<Gathered, String> {
        let mut gathered = Gathered {
            events,
            fill: String::new(),
        };
        if let Some(cells) = self.settings.snapshot {
            let bytes = snapshot_of(
                Lsn {
                    generation: 1,
                    index: 1,
                },
                &gathered,
            )?
            .len();
            let state = serde_json::to_vec(&gathered).map_err(|error| error.to_string())?;
            let room = (cells * CELL_BYTES).checked_sub(bytes);
            let room = room.ok_or_else(|| format!("a snapshot takes more than {cells} cells"))?;
            gathered.fill = "x".repeat(room + padding(state.len()));
        }
        Ok(gathered)
    }

    fn snapshot_bytes(&self, snapshot: &Table) -> Result<Vec<u8>, String> {
        let at = Lsn {
            generation: snapshot.generation,
            index: snapshot.hi,
        };
        let events = snapshot.entries.iter().map(|(key, _)| *key).collect();
        snapshot_of(at, &self.gathered(events)?)
    }
}

/// The zeros behind a state of so many bytes.
fn padding(state: usize) -> usize {
    let head = 40;
    (head + state).next_multiple_of(CELL_BYTES) - (head + state)
}

fn snapshot_of(at: Lsn, gathered: &Gathered) -> Result<Vec<u8>, String> {
    let state = serde_json::to_vec(gathered).map_err(|error| error.to_string())?;
    Ok(encode_snapshot(at, &state))
}

/// The model, with the sizes that the engine's files will have.
fn protocol(script: &Arc<Script>, settings: Events) -> event_store::EventStore {
    let sync = models_mode(script.sync);
    let real = |snapshot: &Table| {
        let events = snapshot.entries.iter().map(|(key, _)| *key).collect();
        let fill = String::new();
        let at = Lsn {
            generation: 1,
            index: 1,
        };
        let bytes = snapshot_of(at, &Gathered { events, fill });
        bytes.map_or(0, |bytes| bytes.len() / CELL_BYTES)
    };
    event_store::EventStore {
        variant: Variant::Durable,
        log: Wal {
            variant: wal::Variant::Durable,
            sync,
            layout: Layout::Sized(record_cells(script).into()),
            preallocate: 0,
        },
        snapshot: match settings.snapshot {
            Some(cells) => TableSize::Fixed(cells),
            None => TableSize::Real(Arc::new(real)),
        },
    }
}

/// The cells of each operation's record, by its number. A version has one digit: see [`stream`].
fn record_cells(script: &Script) -> Vec<usize> {
    let cells = |step: usize| {
        let id = Script::id(step);
        let payload: usize = (1..)
            .zip(events(script, id))
            .filter_map(|(version, event)| encode(None, version, &event).ok())
            .map(|json| 9 + stream(script, id).len() + json.len())
            .sum();
        (RECORD_HEADER + payload).div_ceil(CELL_BYTES)
    };
    let steps = (0..script.steps.len()).map(cells);
    std::iter::once(0).chain(steps).collect()
}

/// The stream that an operation appends to. They take turns, so that a stream has fewer than ten events in a script,
/// and several operations.
pub(super) fn stream(script: &Script, id: OpId) -> String {
    let before = script.steps[..usize::from(id) - 1].iter();
    let appends = before.filter(|step| matches!(step, Step::Write(_)));
    stream_name(appends.count() % STREAMS)
}

fn stream_name(number: usize) -> String {
    format!("s{number:02}")
}

/// The events of an operation: the data begins with the number of the event.
pub(super) fn events(script: &Script, id: OpId) -> Vec<NewEvent> {
    let step = usize::from(id) - 1;
    let Some(Step::Write(writes)) = script.steps.get(step) else {
        return Vec::new();
    };
    let event = |(key, write): (u8, &super::Write)| {
        let more = "x".repeat(write.value.unwrap_or(0).saturating_sub(6));
        NewEvent::from_json("t", &format!("\"{key:02}{more}\"")).ok()
    };
    (script.events_before(step)..)
        .zip(writes)
        .filter_map(event)
        .collect()
}

/// The writes of a record behind these, by the engine's own encoder.
fn writes(
    script: &Script,
    record: &Record,
    before: &[Arc<Record>],
) -> Result<Vec<engine_wal::Write>, String> {
    let stream = stream(script, record.op);
    let there = before
        .iter()
        .filter(|it| self::stream(script, it.op) == stream);
    let there: usize = there.map(|it| it.writes.len()).sum();
    let event = |(version, event): (u64, NewEvent)| {
        let value = encode(None, version, &event).map_err(|error| error.to_string())?;
        let key = stream.as_bytes().to_vec();
        Ok(engine_wal::Write::Put { key, value })
    };
    (there as u64 + 1..)
        .zip(events(script, record.op))
        .map(event)
        .collect()
}

/// The number of an event, which its data begins with.
fn key_of(event: &crate::engine::event_store::Event) -> u8 {
    let digits = |text: &str| {
        text.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    let data = event.data().trim_start_matches('"');
    digits(data).parse().unwrap_or(u8::MAX)
}

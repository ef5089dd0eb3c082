//! The event store: streams of each thread's own and one that all share, a projection, its snapshot.

use super::{Contents, Engine, Kind, Opened, Record, Store, Task, is_in_the_making, told, unknown};
use crate::engine::event_store::{Event, EventStore, Expected, NewEvent, Options, Projection};
use crate::engine::wal::{Lsn, SyncMode, Write};
use crate::soak::operation::SHARED_STREAM;
use crate::storage::os::OsStorage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(super) const ENGINE: Engine = Engine {
    name: "event_store",
    kind: Kind::Events,
    value_bytes_max: usize::MAX,
    tasks: &[Task::Snapshot, Task::Snapshot, Task::Sync],
    open,
    is_half_done: is_in_the_making,
};

fn open(dir: &Path, sync: SyncMode) -> Opened {
    let options = Options {
        sync,
        preallocate: 4096,
        ..Options::default()
    };
    Ok(Box::new(told(EventStore::open(OsStorage, dir, options))?))
}

/// How many events each stream has.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts(BTreeMap<String, u64>);

impl Projection for Counts {
    const NAME: &'static str = "counts";

    fn apply(&mut self, event: &Event) {
        *self.0.entry(event.stream().into()).or_default() += 1;
    }
}

impl Store for EventStore<OsStorage> {
    fn write(&self, writes: &[Write]) -> Result<Option<Lsn>, String> {
        let (mut stream, mut events) = (SHARED_STREAM.to_string(), Vec::new());
        for write in writes {
            let Write::Put { key, value } = write else {
                return Err("events are not deleted".into());
            };
            stream = String::from_utf8_lossy(key).into_owned();
            let data = String::from_utf8_lossy(value);
            events.push(told(NewEvent::new("soak", &data))?);
        }
        let expected = match stream == SHARED_STREAM {
            true => Expected::Any,
            false => Expected::Version(self.version(&stream)),
        };
        let appended = told(self.append(&stream, expected, events))?;
        Ok(Some(appended.position.lsn))
    }

    fn maintain(&self, task: Task, _: u64) -> Result<(), String> {
        match task {
            Task::Sync => told(self.sync()),
            Task::Snapshot => told(self.snapshot::<Counts>()),
            _ => unknown(task),
        }
    }

    fn read(&self) -> Result<Contents, String> {
        let all: Vec<Arc<Event>> = self.events(None).collect();
        if self.project::<Counts>() != self.rebuild() {
            return Err("the projection is not that of the events".into());
        }
        let mut subscription = self.subscribe(None);
        let shown: Vec<_> = std::iter::from_fn(|| subscription.next(self))
            .map(|event| event.position())
            .collect();
        if !shown.iter().copied().eq(all.iter().map(|it| it.position())) {
            return Err("a subscriber is shown other events than a reader".into());
        }
        let mut versions = Counts::default();
        let mut records: Vec<Record> = Vec::new();
        for event in all {
            versions.apply(&event);
            let (stream, version) = (event.stream(), event.version());
            if versions.0.get(stream) != Some(&version) {
                return Err(format!("stream {stream} has a gap before {version}"));
            }
            let lsn = event.position().lsn;
            let (key, value) = (stream.into(), told(event.read::<String>())?.into_bytes());
            let write = Write::Put { key, value };
            match records.last_mut() {
                Some(record) if record.lsn == lsn => record.writes.push(write),
                _ => records.push(Record {
                    lsn,
                    writes: vec![write],
                }),
            }
        }
        Ok(Contents::Records(0, records))
    }
}

//! What an open does: the log as a log on its own, then which snapshots count.
//!
//! A snapshot counts where it is whole and the log has the record that it stands at, of that very life. What does
//! not count is removed, in any order and without a barrier: what comes back does not count then either.

use super::codec::{self, Unreadable};
use super::error::{Error, OrFail};
use super::event::{Event, Position};
use super::snapshot::{self, Named, Snapshot};
use crate::engine::wal::file::{Habits, LogFile};
use crate::engine::wal::format::Owner;
use crate::engine::wal::log::{NAME, open_file};
use crate::engine::wal::{Record, Write};
use crate::storage::{Storage, read_all};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// A store that may be read and appended to.
pub(super) struct Recovered<F> {
    pub(super) log: LogFile<F>,
    pub(super) events: Events,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
}

/// All events in order, and where those of each stream are.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) all: Vec<Arc<Event>>,
    pub(super) streams: HashMap<Arc<str>, Vec<usize>>,
}

impl Events {
    /// The version of a stream: how many events it has.
    pub(super) fn version(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |all| all.len() as u64)
    }

    /// The name of a stream, shared with its events.
    pub(super) fn name(&self, stream: &str) -> Arc<str> {
        let known = self.streams.get_key_value(stream);
        known.map_or_else(|| stream.into(), |(name, _)| name.clone())
    }

    /// Takes an event in, the next one.
    pub(super) fn push(&mut self, event: Event) {
        let of_stream = self.streams.entry(event.stream.clone()).or_default();
        of_stream.push(self.all.len());
        self.all.push(Arc::new(event));
    }

    /// Takes events in, the next ones.
    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.push(event));
    }

    /// The first event after a position.
    pub(super) fn after(&self, position: Option<Position>) -> usize {
        self.all
            .partition_point(|event| Some(event.position) <= position)
    }
}

pub(super) fn recover<S: Storage>(
    storage: &S,
    dir: &Path,
    habits: Habits,
) -> Result<Recovered<S::File>, Error> {
    let names = storage.list(dir).or_fail("open the store")?;
    let snapshots = names.iter().filter_map(|name| match snapshot::named(name) {
        Named::Snapshot(name) => Some(name.to_string()),
        Named::Leftover | Named::Other => None,
    });
    let snapshots: Vec<String> = snapshots.collect();
    if !snapshots.is_empty() && !names.iter().any(|name| name == NAME) {
        return Err(Error::LogMissing {
            dir: dir.to_path_buf(),
        });
    }
    let log = open_file(storage, dir, Owner::EventStore, habits, None)?;
    let mut events = Events::default();
    let mut records = Vec::new();
    for record in log.read_from(None) {
        let record = record?;
        records.push(record.lsn);
        take(&mut events, record, &dir.join(NAME))?;
    }
    let leftovers = names
        .iter()
        .filter(|name| snapshot::named(name) == Named::Leftover);
    for name in leftovers {
        let removed = storage.remove(&dir.join(name));
        removed.or_fail("remove what a crash left of a snapshot in the making")?;
    }
    let mut counted = BTreeMap::new();
    for name in snapshots {
        let path = snapshot::path(dir, &name);
        let file = storage.open(&path).or_fail("open a snapshot")?;
        let snapshot = snapshot::decode(&read_all(&file).or_fail("read a snapshot")?);
        match snapshot.filter(|it| records.binary_search(&it.at).is_ok()) {
            Some(snapshot) => drop(counted.insert(name, snapshot)),
            None => {
                let removed = storage.remove(&path);
                removed.or_fail("remove a snapshot that does not count")?;
            }
        }
    }
    Ok(Recovered {
        log,
        events,
        snapshots: counted,
    })
}

/// Takes in the events of a record, which follow what is there.
fn take(events: &mut Events, record: Record, path: &Path) -> Result<(), Error> {
    for (nth, write) in (0..).zip(record.writes) {
        let position = Position {
            lsn: record.lsn,
            nth,
        };
        let unreadable = |because| Error::Unreadable {
            path: path.to_path_buf(),
            position,
            because,
        };
        let not_an_event = |because: &str| {
            unreadable(Unreadable::NotAnEvent {
                because: because.into(),
            })
        };
        let Write::Put { key, value } = write else {
            return Err(not_an_event("it is a delete"));
        };
        let stream = codec::utf8(&key).map_err(unreadable)?;
        let read = codec::decode(&value).map_err(unreadable)?;
        if read.stream.is_some() {
            return Err(not_an_event("its stream stands in it"));
        }
        let expected = events.version(stream) + 1;
        if read.version != expected {
            return Err(Error::VersionGap {
                stream: stream.into(),
                expected,
                found: read.version,
                position,
            });
        }
        let stream = events.name(stream);
        events.push(Event {
            position,
            stream,
            version: read.version,
            kind: read.kind,
            data: read.data,
            metadata: read.metadata,
        });
    }
    Ok(())
}

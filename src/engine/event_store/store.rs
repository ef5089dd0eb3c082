//! The handle: open, append, read, snapshot, close.

use super::codec;
use super::error::{Error, OrFail};
use super::event::{Event, Expected, NewEvent, Position};
use super::recovery::{self, Events, Recovered};
use super::snapshot::{self, Snapshot};
use super::subscription::Subscription;
use crate::engine::wal::file::LogFile;
use crate::engine::wal::format::check_limits;
use crate::engine::wal::{self, Lsn, SyncMode, Write};
use crate::storage::{File, Storage, claim};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a store. The default keeps every acknowledged event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// When an append is synced.
    pub sync: SyncMode,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Appended {
    /// Where its last event is.
    pub position: Position,
    /// The version of the stream now.
    pub version: u64,
}

/// An open event store, alone in its directory. A stream's name has at most
/// [`KEY_BYTES_MAX`](wal::KEY_BYTES_MAX) bytes; an event as JSON has at most
/// [`VALUE_BYTES_MAX`](wal::VALUE_BYTES_MAX).
///
/// Dropping it does not sync: in a mode that does not sync every append, what only returned is then cached, and a
/// power cut may take it. [`EventStore::close`] syncs.
#[derive(Debug)]
pub struct EventStore<S: Storage> {
    storage: S,
    dir: PathBuf,
    log: LogFile<S::File>,
    events: Events,
    snapshots: BTreeMap<String, Snapshot>,
    poison: Option<Arc<Error>>,
    _lock: S::Lock,
}

impl<S: Storage> EventStore<S> {
    /// Opens the store in `dir`, recovering it first, or makes an empty one, and the directory where it is missing
    /// (its parent exists).
    ///
    /// Once this returns, everything that can be read is durable, the names included.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<EventStore<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let Recovered {
            log,
            events,
            snapshots,
        } = recovery::recover(&storage, dir, options.sync.into())?;
        Ok(EventStore {
            storage,
            dir: dir.to_path_buf(),
            log,
            events,
            snapshots,
            poison: None,
            _lock: lock,
        })
    }

    /// Appends events to the end of a stream, if it has the version that is expected. Any crash leaves all of them or
    /// none. It is one record of the log.
    ///
    /// Once this returns, a kill leaves them, and so does a power cut in [`SyncMode::EveryWrite`]. In the other modes
    /// a power cut leaves them once a later `sync` or snapshot, or the n-th append, has returned.
    ///
    /// After a failure but a refusal the events may be found by the next recovery or not, and this handle takes no
    /// more.
    pub fn append(
        &mut self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, Error> {
        self.check_poison()?;
        let before = self.events.version(stream);
        match expected {
            Expected::Version(expected) if expected != before => {
                return Err(Error::Conflict {
                    stream: stream.into(),
                    expected,
                    found: before,
                });
            }
            Expected::Version(_) | Expected::Any => {}
        }
        let mut writes = Vec::with_capacity(events.len());
        for (version, event) in (before + 1..).zip(&events) {
            let value = codec::encode(None, version, event).map_err(|source| Error::NoJson {
                name: event.kind.clone(),
                source,
            })?;
            let key = stream.as_bytes().to_vec();
            writes.push(Write::Put { key, value });
        }
        if writes.is_empty() {
            return Err(Error::NoEvents);
        }
        check_limits(&writes)?;
        let appended = self.log.append(&writes);
        let lsn = appended.map_err(|error| self.poisoned_by_the_log(error))?;
        let stream = self.events.name(stream);
        let mut position = Position { lsn, nth: 0 };
        for (nth, event) in (0..).zip(events) {
            position.nth = nth;
            self.events.push(Event {
                position,
                stream: stream.clone(),
                version: before + 1 + u64::from(nth),
                kind: event.kind,
                data: event.data,
                metadata: event.metadata,
            });
        }
        let version = self.events.version(&stream);
        Ok(Appended { position, version })
    }

    /// The events of a stream after a version, in order.
    ///
    /// In the modes that do not sync every append, a power cut may yet take the newest of them.
    pub fn stream<'s>(
        &'s self,
        stream: &str,
        after: u64,
    ) -> impl Iterator<Item = &'s Event> + use<'s, S> {
        let places = self
            .events
            .streams
            .get(stream)
            .map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(after)
            .unwrap_or(usize::MAX)
            .min(places.len());
        places[from..].iter().map(|place| &self.events.all[*place])
    }

    /// The version of a stream: that of its last event, 0 where it has none.
    pub fn version(&self, stream: &str) -> u64 {
        self.events.version(stream)
    }

    /// All events after a position, or all, in order. Otherwise as [`EventStore::stream`].
    pub fn events(&self, after: Option<Position>) -> impl Iterator<Item = &Event> {
        self.events.all[self.events.after(after)..].iter()
    }

    /// A subscription to all events after a position, or to all: it is served those that are durable, in order,
    /// without a gap.
    pub fn subscribe(&self, after: Option<Position>) -> Subscription {
        Subscription::new(after)
    }

    /// Saves what a projection made of all events so far; nothing where there are none. After any crash the snapshot of that name is this one or
    /// the one before it. Once this returns, the snapshot and all events are durable.
    ///
    /// After a failure the old snapshot is there or the new one, and this handle takes no more.
    pub fn save(&mut self, name: &str, state: &impl Serialize) -> Result<(), Error> {
        self.check_poison()?;
        if !snapshot::is_name(name) {
            return Err(Error::BadName { name: name.into() });
        }
        let Some(at) = self.log.last() else {
            return Ok(());
        };
        let state = serde_json::to_vec(state).map_err(|source| Error::NoJson {
            name: name.into(),
            source,
        })?;
        let snapshot = Snapshot { at, state };
        if self.snapshots.get(name) == Some(&snapshot) {
            return self.sync();
        }
        // INVARIANT: the records that a snapshot stands on outlive it.
        self.sync()?;
        let written = self.write(name, &snapshot);
        written.map_err(|error| self.poisoned(error))?;
        self.snapshots.insert(name.into(), snapshot);
        Ok(())
    }

    /// The snapshot of that name: where it stands, and what was saved. `None` where there is none that counts, or it
    /// is not of that type.
    pub fn saved<T: DeserializeOwned>(&self, name: &str) -> Option<(Position, T)> {
        let snapshot = self.snapshots.get(name)?;
        let state = serde_json::from_slice(&snapshot.state).ok()?;
        let lsn = snapshot.at;
        let position = Position { lsn, nth: u32::MAX };
        Some((position, state))
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.check_poison()?;
        let synced = self.log.sync();
        synced.map_err(|error| self.poisoned_by_the_log(error))
    }

    /// Syncs, as [`EventStore::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest append that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.log.last()
    }

    /// The index of the last append that barriers cover: up to there subscribers are served.
    pub fn durable_mark(&self) -> u64 {
        self.log.mark()
    }

    fn write(&self, name: &str, snapshot: &Snapshot) -> Result<(), Error> {
        let (made, path) = (
            snapshot::in_the_making(&self.dir, name),
            snapshot::path(&self.dir, name),
        );
        let file = self.storage.create(&made).or_fail("make a snapshot")?;
        let bytes = snapshot::encode(snapshot.at, &snapshot.state);
        file.write_at(0, &bytes).or_fail("write a snapshot")?;
        file.barrier().or_fail("sync a snapshot")?;
        // CRASH: before this the old snapshot counts, after it the new one.
        let named = self.storage.rename(&made, &path);
        named.or_fail("give a snapshot its name")?;
        let synced = self.storage.directory_barrier(&self.dir);
        synced.or_fail("sync the store")
    }

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(()),
        }
    }

    /// A failed barrier is final, and so is any other change that failed: some of it may have happened.
    fn poisoned(&mut self, error: Error) -> Error {
        let because = Arc::new(error);
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }

    /// The log refuses what is not allowed, and goes on; anything else has poisoned it.
    fn poisoned_by_the_log(&mut self, error: wal::Error) -> Error {
        match error {
            wal::Error::Poisoned { .. } => self.poisoned(error.into()),
            refused => refused.into(),
        }
    }
}

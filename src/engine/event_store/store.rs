//! The handle: open, append, read, snapshot, close. Any number of threads may use it.

use super::book::Book;
use super::codec;
use super::error::{Error, OrFail};
use super::event::{Event, Expected, NewEvent, Position};
use super::recovery::{self, Recovered};
use super::snapshot::{self, Snapshot};
use super::subscription::Subscription;
use crate::engine::wal::file::Habits;
use crate::engine::wal::format::check_limits;
use crate::engine::wal::group::Group;
use crate::engine::wal::{Lsn, PREALLOCATE, SyncMode, Write};
use crate::storage::{File, Storage, claim};
use crate::sync::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of a store. The default keeps every acknowledged event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// When an append is synced.
    pub sync: SyncMode,
    /// Bytes of zeros that are written ahead, so that most appends change no size, and a data barrier is cheap; 0:
    /// none.
    pub preallocate: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sync: SyncMode::default(),
            preallocate: PREALLOCATE,
        }
    }
}

/// How many events a reader takes at a time.
const PART: usize = 64;

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Appended {
    /// Where its last event is.
    pub position: Position,
    /// The version of the stream now.
    pub version: u64,
}

/// An open event store, alone in its directory. A stream's name has at most
/// [`KEY_BYTES_MAX`](crate::engine::wal::KEY_BYTES_MAX) bytes; an event as JSON has at most
/// [`VALUE_BYTES_MAX`](crate::engine::wal::VALUE_BYTES_MAX).
///
/// Writers who come together share one barrier. Readers and subscribers wait for none.
///
/// Dropping it does not sync: in a mode that does not sync every append, what only returned is then cached, and a
/// power cut may take it. [`EventStore::close`] syncs.
#[derive(Debug)]
pub struct EventStore<S: Storage> {
    storage: S,
    dir: PathBuf,
    group: Group<Book<S::File>>,
    /// One saves a snapshot at a time.
    saving: Mutex<()>,
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
        let habits = Habits {
            sync: options.sync,
            preallocate: options.preallocate,
        };
        let Recovered {
            log,
            events,
            snapshots,
        } = recovery::recover(&storage, dir, habits)?;
        Ok(EventStore {
            storage,
            dir: dir.to_path_buf(),
            group: Group::new(Book {
                log,
                events,
                staged: VecDeque::new(),
                snapshots,
                subscriptions_ended: false,
                poison: None,
            }),
            saving: Mutex::new(()),
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
    /// more. A conflict may name a version that another append has claimed and that is not durable yet.
    pub fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, Error> {
        if events.is_empty() {
            self.check_poison()?;
            return Err(Error::NoEvents);
        }
        let stage = |book: &mut Book<S::File>| stage(book, stream, expected, events);
        let appended = self.group.write(|| Ok(()), stage)?;
        // For subscribers.
        self.group.change(|_| ());
        Ok(appended)
    }

    /// The events of a stream after a version, in order.
    ///
    /// In the modes that do not sync every append, a power cut may yet take the newest of them.
    pub fn stream(&self, stream: &str, after: u64) -> impl Iterator<Item = Arc<Event>> + use<S> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let events = self.group.look(|book| {
            let places = book
                .events
                .streams
                .get(stream)
                .map_or(&[][..], Vec::as_slice);
            let places = places.iter().skip(after);
            let events = places.map(|place| book.events.all[*place].clone());
            events.collect::<Vec<_>>()
        });
        events.into_iter()
    }

    /// The version of a stream: that of its last event, 0 where it has none.
    pub fn version(&self, stream: &str) -> u64 {
        self.group.look(|book| book.events.version(stream))
    }

    /// All events after a position, or all, in order, those too that are appended meanwhile. Otherwise as
    /// [`EventStore::stream`].
    pub fn events<'s>(
        &'s self,
        after: Option<Position>,
    ) -> impl Iterator<Item = Arc<Event>> + use<'s, S> {
        let mut next = self.group.look(|book| book.events.after(after));
        let mut part = Vec::new().into_iter();
        std::iter::from_fn(move || {
            if part.len() == 0 {
                let events: Vec<_> = self.group.look(|book| {
                    let all = book.events.all.get(next..).unwrap_or_default();
                    all.iter().take(PART).cloned().collect()
                });
                part = events.into_iter();
                next += part.len();
            }
            part.next()
        })
    }

    /// The first event after a position, if it is durable.
    pub(super) fn durable_after(&self, position: Option<Position>) -> Option<Arc<Event>> {
        self.group.look(|book| book.durable_after(position))
    }

    /// The same, once there is one.
    pub(super) fn wait_for_durable(
        &self,
        position: Option<Position>,
    ) -> Result<Option<Arc<Event>>, Error> {
        self.group.wait_for_work(|book| {
            let is_over = book.subscriptions_ended || book.check_poison().is_err();
            is_over || book.durable_after(position).is_some()
        })?;
        self.group.look(|book| match book.durable_after(position) {
            None if !book.subscriptions_ended => book.check_poison().map(|()| None),
            event => Ok(event),
        })
    }

    /// Whoever waits for an event, now or later, is told that none comes.
    pub fn end_subscriptions(&self) {
        self.group.change(|book| book.subscriptions_ended = true);
    }

    /// A subscription to all events after a position, or to all: it is served those that are durable, in order,
    /// without a gap.
    pub fn subscribe(&self, after: Option<Position>) -> Subscription {
        Subscription::new(after)
    }

    /// Saves what a projection made of all events up to the append `at`, which is [`EventStore::last`] where nobody
    /// appends meanwhile; nothing where there are none. After any crash the snapshot of that name is this one or the one
    /// before it. Once this returns, the snapshot and all events are durable.
    ///
    /// After a failure the old snapshot is there or the new one, and this handle takes no more.
    pub fn save(&self, name: &str, at: Option<Lsn>, state: &impl Serialize) -> Result<(), Error> {
        self.check_poison()?;
        if !snapshot::is_name(name) {
            return Err(Error::BadName { name: name.into() });
        }
        let Some(at) = at else {
            return Ok(());
        };
        let state = serde_json::to_vec(state).map_err(|source| Error::NoJson {
            name: name.into(),
            source,
        })?;
        let snapshot = Snapshot { at, state };
        let _turn = self.saving.lock().map_err(|_| Error::Panicked)?;
        if self
            .group
            .look(|book| book.snapshots.get(name) == Some(&snapshot))
        {
            return self.sync();
        }
        // INVARIANT: the records that a snapshot stands on outlive it.
        self.sync()?;
        let written = self.write(name, &snapshot);
        self.group.change(|book| {
            written.map_err(|error| book.poisoned(error))?;
            book.snapshots.insert(name.into(), snapshot);
            Ok(())
        })
    }

    /// The snapshot of that name: where it stands, and what was saved. `None` where there is none that counts, or it
    /// is not of that type.
    pub fn saved<T: DeserializeOwned>(&self, name: &str) -> Option<(Position, T)> {
        let snapshot = self.group.look(|book| book.snapshots.get(name).cloned())?;
        let state = serde_json::from_slice(&snapshot.state).ok()?;
        let lsn = snapshot.at;
        let position = Position { lsn, nth: u32::MAX };
        Some((position, state))
    }

    /// Makes everything that returned durable, with one barrier where there is anything to cover.
    pub fn sync(&self) -> Result<(), Error> {
        self.check_poison()?;
        self.group.sync()?;
        // For subscribers.
        self.group.change(|_| ());
        Ok(())
    }

    /// Syncs, as [`EventStore::sync`], and lets go of the directory, also where the sync fails.
    pub fn close(self) -> Result<(), Error> {
        self.sync()
    }

    /// The newest append that was recovered or returned.
    pub fn last(&self) -> Option<Lsn> {
        self.group.look(|book| book.log.last())
    }

    /// The index of the last append that barriers cover: up to there subscribers are served.
    pub fn durable_mark(&self) -> u64 {
        self.group.look(|book| book.log.mark())
    }

    /// How many threads wait for others.
    pub fn waiting(&self) -> usize {
        self.group.waiting()
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
        self.group.look(|book| book.check_poison())
    }
}

/// Stages an append.
fn stage<F: File>(
    book: &mut Book<F>,
    stream: &str,
    expected: Expected,
    events: Vec<NewEvent>,
) -> Result<Appended, Error> {
    book.check_poison()?;
    let before = book.version(stream);
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
    check_limits(&writes)?;
    let lsn = book.log.stage(&writes)?;
    let stream = book.events.name(stream);
    let (mut position, mut version) = (Position { lsn, nth: 0 }, before);
    for (nth, event) in (0..).zip(events) {
        position.nth = nth;
        version += 1;
        // Nobody sees it before the record returns.
        book.staged.push_back(Event {
            position,
            stream: stream.clone(),
            version,
            kind: event.kind,
            data: event.data,
            metadata: event.metadata,
        });
    }
    Ok(Appended { position, version })
}

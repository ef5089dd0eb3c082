//! The event store, on real files and on the simulated disk.

mod failures;
mod life;
mod lines;

use super::*;
use crate::engine::wal::SyncMode;
use crate::storage::Storage;
use crate::storage::tests::Bench;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn store<B: Bench>(bench: &B) -> PathBuf {
    bench.dir().join("store")
}

fn open<S: Storage>(storage: S, dir: &Path) -> Result<EventStore<S>, Error> {
    let options = Options {
        preallocate: 0,
        ..Options::default()
    };
    EventStore::open(storage, dir, options)
}

fn open_synced_never<S: Storage>(storage: S, dir: &Path) -> EventStore<S> {
    let sync = SyncMode::Never;
    EventStore::open(
        storage,
        dir,
        Options {
            sync,
            preallocate: 0,
        },
    )
    .unwrap()
}

fn event(data: &str) -> NewEvent {
    NewEvent::from_json("t", data).unwrap()
}

fn append<S: Storage>(store: &mut EventStore<S>, stream: &str, data: &[&str]) -> Appended {
    let events = data.iter().map(|data| event(data)).collect();
    store.append(stream, Expected::Any, events).unwrap()
}

/// Stream, version and data of each event.
fn all<S: Storage>(store: &EventStore<S>) -> Vec<(String, u64, String)> {
    let told = |it: Arc<Event>| (it.stream().into(), it.version(), it.data().into());
    store.events(None).map(told).collect()
}

fn told(events: &[(&str, u64, &str)]) -> Vec<(String, u64, String)> {
    let told = |(stream, version, data): &(&str, u64, &str)| {
        (stream.to_string(), *version, data.to_string())
    };
    events.iter().map(told).collect()
}

/// The sum of all data.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    sum: u64,
    /// How many events this one was shown itself.
    #[serde(skip)]
    applied: u64,
}

impl Projection for Sum {
    const NAME: &'static str = "sum";

    fn apply(&mut self, event: &Event) {
        self.sum += event.read::<u64>().unwrap();
        self.applied += 1;
    }
}

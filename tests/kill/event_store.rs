//! The event store: appended to, projected, its projection saved.

use crate::map::synced_every;
use crate::victim::{self, child, find_a_liar_out, kill_hundreds_of_times, scattered};
use lightsout::engine::event_store::{Event, EventStore, Expected, NewEvent, Options, Projection};
use lightsout::storage::os::OsStorage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

enum Operation {
    Append(String, Vec<String>),
    Snapshot,
}

fn operation(number: u64) -> Operation {
    let chance = scattered(number);
    if chance.is_multiple_of(12) {
        return Operation::Snapshot;
    }
    let events = if chance.is_multiple_of(5) { 4 } else { 1 };
    let data = |part: u64| {
        let more = scattered(number << 8 | part) as usize % 150;
        format!("\"written by {number}, {part}{}\"", ".".repeat(more))
    };
    let stream = format!("stream {}", chance >> 32 & 7);
    Operation::Append(stream, (0..events).map(data).collect())
}

/// How many events each stream has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts(BTreeMap<String, u64>);

impl Projection for Counts {
    const NAME: &'static str = "counts";

    fn apply(&mut self, event: &Event) {
        *self.0.entry(event.stream().into()).or_default() += 1;
    }
}

struct Events(EventStore<OsStorage>);

impl victim::Store for Events {
    const CHILD: &str = "event_store::a_child";
    const SIGHTS: &[&str] = &["a snapshot in the making", "a snapshot"];
    /// Stream, version and data of each event, in order.
    type Contents = Vec<(String, u64, String)>;

    fn open(dir: &Path, every: u32) -> Result<Events, String> {
        let sync = synced_every(every);
        let opened = EventStore::open(
            OsStorage,
            dir,
            Options {
                sync,
                preallocate: 4096,
            },
        );
        opened.map(Events).map_err(|error| error.to_string())
    }

    fn take(&mut self, number: u64) -> Result<(), String> {
        let done = match operation(number) {
            Operation::Append(stream, data) => {
                let event = |data: &String| NewEvent::from_json("t", data);
                let events: Result<Vec<_>, _> = data.iter().map(event).collect();
                let events = events.map_err(|error| error.to_string())?;
                let expected = Expected::Version(self.0.version(&stream));
                self.0.append(&stream, expected, events).map(drop)
            }
            Operation::Snapshot => self.0.snapshot::<Counts>(),
        };
        done.map_err(|error| error.to_string())
    }

    fn apply(number: u64, contents: &mut Self::Contents) {
        if let Operation::Append(stream, data) = operation(number) {
            let there = contents.iter().filter(|(name, ..)| *name == stream);
            let versions = there.count() as u64 + 1..;
            contents.extend(
                versions
                    .zip(data)
                    .map(|(at, data)| (stream.clone(), at, data)),
            );
        }
    }

    fn read(&mut self) -> Result<Self::Contents, String> {
        let told = |it: std::sync::Arc<Event>| (it.stream().into(), it.version(), it.data().into());
        let found: Self::Contents = self.0.events(None).map(told).collect();
        if self.0.project::<Counts>() != self.0.rebuild() {
            return Err("the projection is not that of the events".into());
        }
        let mut subscription = self.0.subscribe(None);
        let shown: Self::Contents = std::iter::from_fn(|| subscription.next(&self.0))
            .map(told)
            .collect();
        match shown == found {
            true => Ok(found),
            false => Err(format!("a subscriber is shown {shown:?} of {found:?}")),
        }
    }

    fn sights(names: &[String]) -> Vec<&'static str> {
        let any = |end: &str| names.iter().any(|name| name.ends_with(end));
        let seen = [
            any(".snapshot.tmp").then_some("a snapshot in the making"),
            any(".snapshot").then_some("a snapshot"),
        ];
        seen.into_iter().flatten().collect()
    }
}

#[test]
fn a_child() {
    child::<Events>();
}

#[test]
fn what_returned_survives_a_kill_where_every_append_is_synced() {
    kill_hundreds_of_times::<Events>(1);
}

#[test]
fn what_returned_survives_a_kill_where_every_tenth_append_is_synced() {
    kill_hundreds_of_times::<Events>(10);
}

#[test]
fn a_child_that_says_so_before_it_appends_is_found_out() {
    find_a_liar_out::<Events>();
}

//! The event store: subscribers who wait against those who append, in every order.

use lightsout::engine::event_store::{self, EventStore, Expected, NewEvent, Options, Position};
use lightsout::engine::wal::SyncMode;
use lightsout::storage::simulated::Simulated;
use lightsout::sync::Race;
use lightsout_threads::{Counts, Depth, explore, found};
use loom::thread;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "store";

type Events = Arc<EventStore<Simulated>>;

/// A machine with a store that has an event, and where that is.
fn begin(sync: SyncMode) -> (Simulated, Events, Position) {
    let machine = Simulated::named("posix").expect("a profile").scheduled();
    let options = Options {
        sync,
        preallocate: 0,
    };
    let store = EventStore::open(machine.clone(), Path::new(DIR), options).expect("opened");
    // The first append of a life is synced in any mode.
    let first = store.append("first", Expected::Any, vec![event("first")]);
    let position = first.expect("appended").position;
    (machine, Arc::new(store), position)
}

fn event(kind: &str) -> NewEvent {
    NewEvent::new(kind, &()).expect("JSON")
}

/// Whatever a power cut leaves now, these events are there, in this order among each other.
fn survive(machine: &Simulated, counts: &Counts, kinds: &[String]) {
    machine.after_power_cut(|left| {
        counts.recovered();
        let events = event_store::recovered(left, Path::new(DIR)).expect("it opens");
        let mut found = events.iter().map(|event| event.kind());
        for kind in kinds {
            let is_there = found.any(|found| found == kind);
            assert!(is_there, "D1: {kind} was served and is lost");
        }
    });
}

/// Every second append is synced.
fn every_second() -> SyncMode {
    SyncMode::EveryN(NonZeroU32::new(2).expect("not zero"))
}

/// Two who append, of whom the second syncs, and a subscriber who waits for both events and cuts the power at each.
fn a_subscriber(counts: &Counts) {
    let (machine, store, first) = begin(every_second());
    let append = |stream: &'static str| {
        let store = store.clone();
        thread::spawn(move || {
            let appended = store.append(stream, Expected::Any, vec![event(stream)]);
            appended.expect("appended").position
        })
    };
    let appends = ["a", "b"].map(append);
    let mut subscription = store.subscribe(Some(first));
    let mut served = Vec::new();
    for _ in 0..2 {
        let next = subscription.wait(&store).expect("served");
        let next = next.expect("nobody ended it");
        served.push((next.position(), next.kind().to_string()));
        let kinds: Vec<_> = served.iter().map(|(_, kind)| kind.clone()).collect();
        survive(&machine, counts, &kinds);
    }
    assert!(served[0].0 < served[1].0, "served out of order");
    let mut positions = appends.map(|thread| thread.join().unwrap());
    positions.sort_unstable();
    assert_eq!(positions.to_vec(), [served[0].0, served[1].0], "a gap");
    assert!(subscription.next(&store).is_none());
}

/// A subscriber waits while somebody appends and then ends all subscriptions: it is served that event, and ends.
fn an_end(counts: &Counts) {
    let (machine, store, first) = begin(SyncMode::EveryWrite);
    let subscriber = {
        let store = store.clone();
        thread::spawn(move || {
            let mut subscription = store.subscribe(Some(first));
            let mut served = Vec::new();
            while let Some(event) = subscription.wait(&store).expect("served") {
                served.push(event.kind().to_string());
            }
            served
        })
    };
    let appended = store.append("a", Expected::Any, vec![event("a")]);
    appended.expect("appended");
    store.end_subscriptions();
    let served = subscriber.join().unwrap();
    assert_eq!(served, ["a"]);
    survive(&machine, counts, &served);
}

#[test]
fn a_subscriber_among_writers() {
    // As for three writers: see `log`.
    let depth = Depth::Preemptions(2);
    let executions = explore("two who append and a subscriber", depth, a_subscriber);
    assert!(executions > 100);
}

#[test]
fn subscriptions_that_end() {
    let executions = explore("an end of subscriptions", Depth::Exhaustive, an_end);
    assert!(executions > 10);
}

#[test]
fn an_event_that_is_served_before_it_is_durable_is_found() {
    let depth = Depth::Preemptions(2);
    let said = found(Race::ServedBeforeBarrier, depth, a_subscriber);
    assert!(said.contains("D1: "), "{said}");
}

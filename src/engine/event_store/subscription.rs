//! Events for those who act on them: each once, in order, and only when no crash takes it any more.

use super::error::Error;
use super::event::{Event, Position};
use super::store::EventStore;
use crate::storage::Storage;
use std::sync::Arc;

/// A subscription to all events of a store. It outlives no handle: after a reopening, subscribe again after
/// [`Subscription::position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscription {
    position: Option<Position>,
}

impl Subscription {
    pub(super) fn new(after: Option<Position>) -> Self {
        Subscription { position: after }
    }

    /// The next event, if there is one that is durable. What only returned is served after the next barrier.
    pub fn next<S: Storage>(&mut self, store: &EventStore<S>) -> Option<Arc<Event>> {
        // INVARIANT: what was shown was acted on, so no power cut may take it.
        let event = store.durable_after(self.position)?;
        self.position = Some(event.position);
        Some(event)
    }

    /// The same, once there is one: waits for those who append. `None` after [`EventStore::end_subscriptions`]; an
    /// error where the store takes no more events, after all that are durable were served.
    pub fn wait<S: Storage>(&mut self, store: &EventStore<S>) -> Result<Option<Arc<Event>>, Error> {
        let event = store.wait_for_durable(self.position)?;
        self.position = event.as_ref().map_or(self.position, |it| Some(it.position));
        Ok(event)
    }

    /// Where the last event that was served is.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

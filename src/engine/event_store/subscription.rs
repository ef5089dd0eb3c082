//! Events for those who act on them: each once, in order, and only when no crash takes it any more.

use super::event::{Event, Position};
use super::store::EventStore;
use crate::storage::Storage;

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
    pub fn next<'s, S: Storage>(&mut self, store: &'s EventStore<S>) -> Option<&'s Event> {
        let event = store.events(self.position).next()?;
        // INVARIANT: what was shown was acted on, so no power cut may take it.
        if event.position.lsn.index > store.durable_mark() {
            return None;
        }
        self.position = Some(event.position);
        Some(event)
    }

    /// Where the last event that was served is.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

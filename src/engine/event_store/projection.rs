//! What somebody makes of all events, and its snapshot.

use super::error::Error;
use super::event::Event;
use super::store::EventStore;
use crate::engine::wal::Lsn;
use crate::storage::Storage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A fold of all events. `Default` is what there is before the first one.
///
/// It is read back from a snapshot that was taken of it, and goes on from there; where a change of its code makes old
/// snapshots mean another thing, give it another name, or [`EventStore::rebuild`] it.
pub trait Projection: Default + Serialize + DeserializeOwned {
    /// Its name, which its snapshot has too: 1 to 64 of `a` to `z`, `0` to `9`, `-` and `_`.
    const NAME: &'static str;

    /// Takes the next event in.
    fn apply(&mut self, event: &Event);
}

impl<S: Storage> EventStore<S> {
    /// The projection of all events so far: from its snapshot on, or from the first event on where there is none that
    /// can be read. The answer is the same, where the state is what it was once it was JSON: a NaN is not.
    pub fn project<P: Projection>(&self) -> P {
        self.project_up_to(self.last())
    }

    /// The projection of all events up to an append.
    fn project_up_to<P: Projection>(&self, last: Option<Lsn>) -> P {
        let (after, projection) = match self.saved::<P>(P::NAME) {
            Some((position, saved)) => (Some(position), saved),
            None => (None, P::default()),
        };
        let events = self.events(after);
        let events = events.take_while(|event| Some(event.position().lsn) <= last);
        events.fold(projection, applied)
    }

    /// The projection of all events, from the first one on.
    pub fn rebuild<P: Projection>(&self) -> P {
        self.events(None).fold(P::default(), applied)
    }

    /// Saves a projection of all events so far, as [`EventStore::save`].
    pub fn snapshot<P: Projection>(&self) -> Result<(), Error> {
        let last = self.last();
        let projection: P = self.project_up_to(last);
        self.save(P::NAME, last, &projection)
    }
}

fn applied<P: Projection>(mut projection: P, event: Arc<Event>) -> P {
    projection.apply(&event);
    projection
}

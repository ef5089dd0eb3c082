//! An event store: streams of events that are never changed, projections, subscriptions.
//!
//! ```text
//! append      the events of one call are one record of the log | data barrier | Ok
//! snapshot    log: data barrier | NAME.snapshot.tmp: write, barrier | rename to NAME.snapshot | directory barrier | Ok
//! open        the log as a log on its own | remove leftovers, and snapshots that do not count | read all events | Ok
//! ```
//!
//! - [`EventStore`] is the handle, [`Options`] its settings; [`NewEvent`], [`Event`] and [`Position`] what it holds.
//! - [`Projection`]: what somebody makes of all events, with its snapshot. [`Subscription`]: events, once they are
//!   durable, in order.
//! - `codec`: an event as JSON. `recovery`: what an open does. `snapshot`: the bytes of one.
//! - [`as_found`]: the unsafe other one, in lines of JSON.
//!
//! What an open makes of what it finds:
//!
//! ```text
//!                                          here                                  in lines of JSON, as found
//! a torn last event                        cut off: nobody was told of it        skipped, refused or cut off
//! a last line whole but for its newline    -                                     an event; the next one goes on in that line
//! half a UTF-8 sequence                    Unreadable::NotUtf8: refused          as torn
//! an unknown field                         Unreadable::UnknownField: refused     as torn
//! a gap in versions                        Error::VersionGap: refused            served, and told by `faults`
//! ```
//!
//! LIMIT: all events are in memory, and are read once, at open.

pub mod as_found;
mod book;
mod codec;
mod error;
mod event;
mod projection;
mod recovery;
mod snapshot;
mod store;
mod subscription;
#[cfg(test)]
mod tests;

pub use codec::Unreadable;
pub use error::Error;
pub use event::{Event, Expected, NewEvent, Position};
pub use projection::Projection;
pub use store::{Appended, EventStore, Options};
pub use subscription::Subscription;

/// The events of the store in `dir` once it is recovered, which this does, in order. It uses no primitive of a scheduler,
/// so a test may call it on what a crash would leave, in the middle of an execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: crate::storage::Storage>(
    storage: &S,
    dir: &std::path::Path,
) -> Result<Vec<std::sync::Arc<Event>>, Error> {
    let habits = crate::engine::wal::file::Habits::default();
    Ok(recovery::recover(storage, dir, habits)?.events.all)
}

pub(crate) use codec::encode;
pub(crate) use snapshot::encode as encode_snapshot;

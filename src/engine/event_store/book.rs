//! What the lock of an event store is for: the log, and the events that returned.

use super::error::Error;
use super::event::{Event, Position};
use super::recovery::Events;
use super::snapshot::Snapshot;
use crate::engine::wal::file::LogFile;
use crate::engine::wal::group::Ledger;
use crate::storage::File;
use crate::sync::{Race, planted};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What one writer at a time changes.
#[derive(Debug)]
pub(super) struct Book<F> {
    pub(super) log: LogFile<F>,
    /// Those that returned.
    pub(super) events: Events,
    /// Those that did not yet, in order.
    pub(super) staged: VecDeque<Event>,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    /// No subscriber waits any more.
    pub(super) subscriptions_ended: bool,
    pub(super) poison: Option<Arc<Error>>,
}

impl<F: File> Ledger for Book<F> {
    type File = F;

    fn log(&mut self) -> &mut LogFile<F> {
        &mut self.log
    }

    fn returned(&mut self) {
        let last = self.log.last();
        while self
            .staged
            .front()
            .is_some_and(|event| Some(event.position.lsn) <= last)
        {
            self.events.extend(self.staged.pop_front());
        }
    }
}

impl<F: File> Book<F> {
    /// The version of a stream, with what is on its way.
    pub(super) fn version(&self, stream: &str) -> u64 {
        let staged = self.staged.iter().filter(|event| *event.stream == *stream);
        self.events.version(stream) + staged.count() as u64
    }

    /// The first event after a position, if it is durable.
    pub(super) fn durable_after(&self, position: Option<Position>) -> Option<Arc<Event>> {
        let event = self.events.all.get(self.events.after(position))?;
        let is_durable = event.position.lsn.index <= self.log.mark();
        (is_durable || planted(Race::ServedBeforeBarrier)).then(|| event.clone())
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(self.log.check_poison()?),
        }
    }

    /// A failed barrier is final, and so is any other change that failed: some of it may have happened.
    pub(super) fn poisoned(&mut self, error: Error) -> Error {
        let because = Arc::new(error);
        self.poison = Some(because.clone());
        Error::Poisoned { because }
    }
}

//! What goes on beside the writers: a queue of flushes and merges, and the threads that drain it.

use super::book::{Book, Job};
use super::durable::Durable;
use super::error::{Error, OrFail};
use super::options::Background;
use crate::storage::Storage;
use crate::sync;
use crate::sync::thread::{self, JoinHandle};
use std::sync::Arc;

/// How many threads drain the queue: a flush does not wait for a merge.
const THREADS: usize = 2;

impl<S: Storage> Durable<S> {
    /// Does one thing of the queue; `false`: there is none that nobody does already.
    pub(super) fn run_one(&self) -> Result<bool, Error> {
        let fanout = self.options.fanout;
        let Some(job) = self.group.look(|book| book.begin_work(fanout)) else {
            self.check_poison()?;
            return Ok(false);
        };
        let lane = match job {
            Job::Flush(..) => Lane::Flush,
            Job::Merge(..) => Lane::Merge,
        };
        let _busy = Busy {
            durable: self,
            lane,
        };
        let done = match job {
            Job::Flush(due, memtable) => self.make_flushed(due, &memtable),
            Job::Merge(inputs, level) => self.merge(&inputs, level),
        };
        match done {
            Ok(()) => Ok(true),
            // It ended for that, or would not have been told to anybody.
            Err(_) if self.group.look(|book| book.closing) => Ok(false),
            Err(error) => Err(self.poisoned(error)),
        }
    }

    /// Waits until nobody merges, and keeps others from it until the answer is dropped.
    pub(super) fn alone_with_merges(&self) -> Result<Busy<'_, S>, Error> {
        loop {
            self.check_poison()?;
            let is_mine = self
                .group
                .look(|book| !std::mem::replace(&mut book.merging, true));
            if is_mine {
                let lane = Lane::Merge;
                return Ok(Busy {
                    durable: self,
                    lane,
                });
            }
            self.group
                .wait_until(|book| !book.merging || book.check_poison().is_err())?;
        }
    }

    pub(super) fn poisoned(&self, error: Error) -> Error {
        self.group.change(|book| book.poisoned(error))
    }

    /// What a thread of the store's own does, until the store is closed.
    fn work(&self) {
        let fanout = self.options.fanout;
        loop {
            // What fails is told at the next call.
            while self.run_one().is_ok_and(|is_more| is_more) {}
            let is_awake = |book: &mut Book<S>| book.closing || book.has_work(fanout);
            let waited = self.group.wait_for_work(is_awake);
            if waited.is_err() || self.group.look(|book| book.closing) {
                return;
            }
        }
    }
}

/// What one thing of the queue keeps others from.
#[derive(Clone, Copy, Debug)]
enum Lane {
    Flush,
    Merge,
}

/// Somebody works in a lane. Where that panics, the store takes no more.
#[derive(Debug)]
pub(super) struct Busy<'d, S: Storage> {
    durable: &'d Durable<S>,
    lane: Lane,
}

impl<S: Storage> Drop for Busy<'_, S> {
    fn drop(&mut self) {
        if sync::is_over() {
            return;
        }
        self.durable.group.change(|book| {
            match self.lane {
                Lane::Flush => book.flushing = false,
                Lane::Merge => book.merging = false,
            }
            if std::thread::panicking() {
                let _ = book.poisoned(Error::Panicked);
            }
        });
    }
}

/// The threads of a store's own. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Workers<S: Storage> {
    durable: Arc<Durable<S>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Storage> Workers<S> {
    /// Starts them, where the settings want any.
    pub(super) fn of(durable: Arc<Durable<S>>) -> Result<Workers<S>, Error> {
        let count = match durable.options.background {
            Background::Threads => THREADS,
            Background::Callers => 0,
        };
        let mut workers = Workers {
            durable,
            threads: Vec::new(),
        };
        for _ in 0..count {
            let durable = workers.durable.clone();
            let started = thread::spawn(move || durable.work());
            workers.threads.push(started.or_fail("start a thread")?);
        }
        Ok(workers)
    }

    /// What they work on.
    pub(super) fn durable(&self) -> &Arc<Durable<S>> {
        &self.durable
    }
}

impl<S: Storage> Drop for Workers<S> {
    fn drop(&mut self) {
        self.durable.group.change(|book| book.closing = true);
        for thread in self.threads.drain(..) {
            // A panic there has poisoned the store, which is gone now.
            let _ = thread.join();
        }
    }
}

//! Group commit: writers who come together share one write and one barrier.
//!
//! ```text
//! writer 1   stage a, lead: take a | write | barrier | wake, Ok
//! writer 2            stage b, wait . . . . . . . . .  b is not covered: lead: take b c | write | barrier | wake, Ok
//! writer 3                  stage c, wait . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . . .  Ok
//! ```
//!
//! A writer *stages* its record: it gets its number, and its bytes go into the shared buffer. Whoever then
//! finds no leader at work leads: takes all that is staged, and writes and syncs it while others stage. Each
//! goes when its own record is covered by a barrier that *began after it was staged*; where a barrier is not
//! due, when it is written.
//!
//! A failed write or barrier poisons the log, and everybody who waits is told the same. So is a leader's panic.
//!
//! Some work no leader may meet, such as the beginning of another segment: who does it is *alone*. It waits
//! for its turn, what is staged by then is written first, and nobody stages meanwhile.
//!
//! The lock is held for moments, never while the disk works. Sources: DeWitt et al., Implementation Techniques
//! for Main Memory Database Systems, SIGMOD '84, section 5; Helland et al., Group Commit Timers and High Volume
//! Transaction Systems, HPTS '87.

use super::error::Error;
use super::file::LogFile;
use crate::storage::File;
use crate::sync::{self, Condvar, Mutex, MutexGuard, Race, planted};
use std::fmt::Debug;
use std::mem;
use std::sync::PoisonError;
use std::thread::ThreadId;

/// What the lock is for: a log, and what an engine keeps beside it.
pub(crate) trait Ledger: Debug {
    /// The file that the log is in.
    type File: File;

    /// The log.
    fn log(&mut self) -> &mut LogFile<Self::File>;

    /// Whether a record may be staged; else something must be done first.
    fn has_room(&mut self) -> bool {
        true
    }

    /// Everything up to the log's last record is about to return: readers may see it.
    fn returned(&mut self) {}
}

impl<F: File> Ledger for LogFile<F> {
    type File = F;

    fn log(&mut self) -> &mut LogFile<F> {
        self
    }
}

/// A ledger that many threads write to.
#[derive(Debug)]
pub(crate) struct Group<L> {
    state: Mutex<State<L>>,
    /// The turn changed hands, records returned, or the log was poisoned.
    moved: Condvar,
    /// There is something to do beside the writers, or no more will come.
    work: Condvar,
}

#[derive(Debug)]
struct State<L> {
    ledger: L,
    turn: Turn,
    /// How many wait to be alone.
    asking: usize,
    /// Who waits for anything.
    waiting: Vec<ThreadId>,
    /// How many batches returned.
    batches: u64,
}

/// Who works on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Nobody,
    /// One who writes what was staged.
    Leader,
    /// One who does something else, and nobody stages.
    Alone,
}

type Locked<'g, L> = MutexGuard<'g, State<L>>;

impl<L: Ledger> Group<L> {
    pub(crate) fn new(ledger: L) -> Self {
        Group {
            state: Mutex::new(State {
                ledger,
                turn: Turn::Nobody,
                asking: 0,
                waiting: Vec::new(),
                batches: 0,
            }),
            moved: Condvar::new(),
            work: Condvar::new(),
        }
    }

    /// Stages one record, and waits until it may return. `make_room` is called without the lock, where there is
    /// none.
    pub(crate) fn write<T, E: From<Error>>(
        &self,
        make_room: impl Fn() -> Result<(), E>,
        stage: impl FnOnce(&mut L) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.lock()?;
        loop {
            let must_wait = state.turn == Turn::Alone || state.asking > 0;
            if must_wait && !planted(Race::StagedWhileAlone) {
                // Who asked to be alone may have panicked meanwhile.
                state.ledger.log().check_poison()?;
                state = self.wait(state)?;
            } else if !state.ledger.has_room() {
                state.ledger.log().check_poison()?;
                drop(state);
                make_room()?;
                state = self.lock()?;
            } else {
                break;
            }
        }
        let staged = stage(&mut state.ledger)?;
        let index = state.ledger.log().last_staged();
        self.until(state, |log| log.last() >= index)?;
        Ok(staged)
    }

    /// Makes everything that returned or was staged durable, with one barrier where there is anything to cover.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let mut state = self.lock()?;
        let log = state.ledger.log();
        log.check_poison()?;
        if log.is_covered() {
            return Ok(());
        }
        log.want_barrier();
        let index = log.last_staged().map_or(0, |lsn| lsn.index);
        self.until(state, |log| log.mark() >= index)
    }

    /// The turn for work that no leader may meet. Nothing waits to be written, and nobody stages until it is
    /// dropped.
    pub(crate) fn alone(&self) -> Result<Alone<'_, L>, Error> {
        let mut state = self.lock()?;
        state.asking += 1;
        loop {
            if let Err(poisoned) = state.ledger.log().check_poison() {
                state.asking -= 1;
                self.moved.notify_all();
                return Err(poisoned);
            }
            state = match state.turn {
                Turn::Leader | Turn::Alone => self.wait(state)?,
                Turn::Nobody => match state.ledger.log().is_quiet() {
                    true => break,
                    false => self.lead(state)?,
                },
            };
        }
        state.asking -= 1;
        state.turn = Turn::Alone;
        drop(state);
        Ok(Alone(Held(self)))
    }

    /// Looks at the ledger, for a moment.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&mut L) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        at(&mut state.ledger)
    }

    /// Changes the ledger where others wait for that, writers or who works beside them.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut L) -> T) -> T {
        let changed = self.look(change);
        self.moved.notify_all();
        self.work.notify_all();
        changed
    }

    /// Waits until the ledger is changed so, by somebody else.
    pub(crate) fn wait_until(&self, is_so: impl Fn(&mut L) -> bool) -> Result<(), Error> {
        let mut state = self.lock()?;
        while !is_so(&mut state.ledger) {
            state = self.wait(state)?;
        }
        Ok(())
    }

    /// The same, for who works beside the writers: no batch wakes it.
    pub(crate) fn wait_for_work(&self, is_so: impl Fn(&mut L) -> bool) -> Result<(), Error> {
        let mut state = self.lock()?;
        while !is_so(&mut state.ledger) {
            state = self.work.wait(state).map_err(|_| self.panicked())?;
        }
        Ok(())
    }

    /// How many threads wait for others.
    pub(crate) fn waiting(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.len()
    }

    /// Whether this thread waits for others.
    pub(crate) fn is_waiting(&self, thread: ThreadId) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.contains(&thread)
    }

    fn lock(&self) -> Result<Locked<'_, L>, Error> {
        self.state.lock().map_err(|_| self.panicked())
    }

    fn wait<'g>(&'g self, mut state: Locked<'g, L>) -> Result<Locked<'g, L>, Error> {
        let thread = std::thread::current().id();
        state.waiting.push(thread);
        let mut state = self.moved.wait(state).map_err(|_| self.panicked())?;
        let place = state.waiting.iter().position(|other| *other == thread);
        if let Some(place) = place {
            state.waiting.swap_remove(place);
        }
        Ok(state)
    }

    /// Somebody panicked who had the lock. Whoever sleeps is to see that, too.
    fn panicked(&self) -> Error {
        self.moved.notify_all();
        self.work.notify_all();
        Error::Panicked
    }

    /// Waits until the log is so far, and leads where nobody does.
    fn until<'g>(
        &'g self,
        mut state: Locked<'g, L>,
        is_done: impl Fn(&LogFile<L::File>) -> bool,
    ) -> Result<(), Error> {
        let batches = state.batches;
        loop {
            if is_done(state.ledger.log())
                || planted(Race::CoveredByRunning) && state.batches > batches
            {
                return Ok(());
            }
            state.ledger.log().check_poison()?;
            state = match state.turn {
                Turn::Nobody => {
                    // Or it would wait for ever.
                    let is_quiet = state.ledger.log().is_quiet();
                    assert!(!is_quiet, "what is not written is staged, or on its way");
                    self.lead(state)?
                }
                Turn::Leader | Turn::Alone => self.wait(state)?,
            };
        }
    }

    /// Writes what is staged. Whether that failed is in the log, for everybody to see.
    fn lead<'g>(&'g self, mut state: Locked<'g, L>) -> Result<Locked<'g, L>, Error> {
        state.turn = Turn::Leader;
        let batch = state.ledger.log().take();
        drop(state);
        let held = Held(self);
        let acknowledged_early = planted(Race::AcknowledgedWhenWritten);
        let written = match acknowledged_early {
            true => batch.write_alone(),
            false => batch.write(),
        };
        let written = match written {
            Err(_) if planted(Race::BarrierRetried) => batch.sync(),
            written => written,
        };
        let late = acknowledged_early.then(|| batch.file.clone());
        let mut state = self.lock()?;
        // Who waits for the log reads there whether that failed.
        if state.ledger.log().returned(batch, written).is_ok() {
            state.ledger.returned();
        }
        state.batches += 1;
        let mut state = held.give_back(state);
        if let Some(file) = late {
            drop(state);
            // Too late.
            let _ = file.data_barrier();
            state = self.lock()?;
        }
        Ok(state)
    }
}

/// A turn. It ends with this, also where its holder panics: then the log takes no more.
#[derive(Debug)]
struct Held<'g, L: Ledger>(&'g Group<L>);

impl<'g, L: Ledger> Held<'g, L> {
    fn give_back(self, mut state: Locked<'g, L>) -> Locked<'g, L> {
        state.turn = Turn::Nobody;
        let failed = state.ledger.log().check_poison().is_err();
        if !(failed && planted(Race::WaitersForgotten)) {
            self.0.moved.notify_all();
        }
        if failed {
            self.0.work.notify_all();
        }
        mem::forget(self);
        state
    }
}

impl<L: Ledger> Drop for Held<'_, L> {
    fn drop(&mut self) {
        if sync::is_over() {
            return;
        }
        let state = self.0.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.turn = Turn::Nobody;
        if std::thread::panicking() {
            // What it was doing is half done, and nobody knows which half.
            let _ = state.ledger.log().poisoned_by(Error::Panicked);
        }
        self.0.moved.notify_all();
        self.0.work.notify_all();
    }
}

/// The turn of one who is alone.
#[derive(Debug)]
pub(crate) struct Alone<'g, L: Ledger>(Held<'g, L>);

impl<L: Ledger> Alone<'_, L> {
    /// Looks at the ledger or changes it, for a moment.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut L) -> T) -> T {
        self.0.0.look(change)
    }

    /// Writes what [`Alone::with`] staged or wants a barrier for.
    pub(crate) fn commit(&self) -> Result<(), Error> {
        let batch = self.with(|ledger| ledger.log().take());
        let written = batch.write();
        self.with(|ledger| {
            ledger.log().returned(batch, written)?;
            ledger.returned();
            Ok(())
        })
    }

    /// Makes everything durable, with one barrier where there is anything to cover.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let is_covered = self.with(|ledger| {
            let is_covered = ledger.log().is_covered();
            if !is_covered {
                ledger.log().want_barrier();
            }
            is_covered
        });
        match is_covered {
            true => Ok(()),
            false => self.commit(),
        }
    }

    /// The log takes no more, because of that.
    pub(crate) fn poisoned_by(&self, error: Error) -> Error {
        self.with(|ledger| ledger.log().poisoned_by(error))
    }
}

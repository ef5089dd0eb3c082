//! One life of a store: opened, read, worked with, up to a crash or to the end of the work.

use super::contract::{Contract, Operation, Told};
use super::history::History;
use super::subject::{Failure, OperationOf, StateOf, Subject};
use crate::storage::simulated::Simulated;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What befalls the client along a life, for whoever takes notes.
pub(super) trait Notes<C: Contract> {
    /// The client asks; nothing has happened yet.
    fn asked(
        &mut self,
        _operation: &Operation<C::Write>,
        _storage: &Simulated,
        _history: &History<C>,
    ) {
    }

    /// The storage calls of what was asked, or of an open, are over; `history` is as it was while they were
    /// made.
    fn worked(&mut self, storage: &Simulated, history: &History<C>);

    /// The client has its answer.
    fn answered(
        &mut self,
        operation: &Operation<C::Write>,
        answer: &Result<Told, Failure>,
        storage: &Simulated,
        history: &History<C>,
    );

    /// The store was opened again in the middle of the work.
    fn reopened(&mut self, _state: &C::State) {}
}

/// Why a life ended before its work did.
#[derive(Debug)]
pub(super) enum Ended {
    /// The process is dead.
    Died,
    /// Something that ought to work did not, in words.
    Wrong(String),
}

/// Opens the store, and says what it shows.
pub(super) fn open<S: Subject>(
    subject: &S,
    storage: &Simulated,
) -> Result<(S::Store, StateOf<S>), String> {
    guarded(|| {
        let mut store = subject.open(storage)?;
        let state = subject.observe(&mut store)?;
        Ok((store, state))
    })
}

/// Has an open store do these operations. `may_fail`: a fault is planned, so what fails is no surprise.
pub(super) fn work<S: Subject>(
    subject: &S,
    storage: &Simulated,
    store: S::Store,
    operations: &[OperationOf<S>],
    history: &mut History<S::Contract>,
    notes: &mut impl Notes<S::Contract>,
    may_fail: bool,
) -> Result<(), Ended> {
    let mut store = Some(store);
    for operation in operations {
        let Some(mut open_store) = store.take() else {
            break;
        };
        notes.asked(operation, storage, history);
        history.asked(operation);
        let answer = match operation {
            Operation::Reopen => guarded(|| subject.close(open_store)),
            operation => {
                let answer = guarded(|| subject.apply(&mut open_store, operation));
                store = Some(open_store);
                answer
            }
        };
        notes.worked(storage, history);
        if storage.is_dead() {
            return Err(Ended::Died);
        }
        history.answered(answer.as_ref().ok().copied());
        let answer = answer.map_err(Failure::from);
        notes.answered(operation, &answer, storage, history);
        if let (Err(because), false) = (&answer, may_fail) {
            let said = operation.say::<S::Contract>();
            return Err(Ended::Wrong(format!("{said} failed: {because}")));
        }
        if *operation == Operation::Reopen {
            let opened = open(subject, storage);
            notes.worked(storage, history);
            if storage.is_dead() {
                return Err(Ended::Died);
            }
            match opened {
                Ok((reopened, state)) => {
                    if !history.legal().contains(&state) {
                        let (_, why) = history.breach(&state);
                        return Err(Ended::Wrong(format!("after a clean close, {why}")));
                    }
                    notes.reopened(&state);
                    *history = History::after(vec![state]).remembering(history);
                    store = Some(reopened);
                }
                Err(_) if may_fail => return Ok(()),
                Err(because) => {
                    return Err(Ended::Wrong(format!(
                        "it does not open after a clean close: {because}"
                    )));
                }
            }
        }
    }
    if let (Some(mut store), false) = (store, may_fail) {
        let shown = guarded(|| subject.observe(&mut store));
        let shown =
            shown.map_err(|because| Ended::Wrong(format!("it cannot be read: {because}")))?;
        if history.shown().is_some_and(|expected| expected != shown) {
            let text = format!(
                "without any crash it shows {:?}",
                S::Contract::facts(&shown)
            );
            return Err(Ended::Wrong(text));
        }
    }
    Ok(())
}

/// Runs code of the subject; a panic is an error in words.
fn guarded<T>(code: impl FnOnce() -> Result<T, Failure>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(result) => result.map_err(|failure| failure.to_string()),
        Err(panic) => {
            let text = (panic.downcast_ref::<String>().map(String::as_str))
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panicked: {}", text.unwrap_or("without a word")))
        }
    }
}

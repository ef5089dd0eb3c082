//! Rounds: one client asks for something, and others come while it waits.

use super::{ANSWER, Lockstep};
use crate::conform::matching::{call_of, in_bytes, in_words};
use crate::conform::subject::{Answer, Subject};
use crate::conform::{Divergence, Kind};
use models::contract::{Event, OpId, Operation};
use models::machine::process::Doing;
use models::protocol::Step;
use std::collections::BTreeMap;

impl<S: Subject> Lockstep<S> {
    /// The store, if there is one to ask.
    pub(in crate::conform) fn begin_round(&mut self) -> Option<S::Store> {
        let is_up = !self.engine.is_dead() && self.process.doing == Doing::Idle;
        self.store.take_if(|_| is_up)
    }

    /// Gives it back.
    pub(in crate::conform) fn end_round(&mut self, store: S::Store) {
        self.store = Some(store);
    }

    /// The model's client asks for something, alone or while others wait.
    pub(in crate::conform) fn invoke(
        &mut self,
        id: OpId,
        operation: &Operation,
    ) -> Result<(), Divergence> {
        self.process = self.ground.invoke(&self.process, id, operation);
        self.note(&[Event::Invoked(id, operation.clone())])?;
        let learned = self.subject.learn(&self.process);
        learned.map_err(|why| Divergence::new(Kind::NotModelled, "what is written", why))
    }

    /// The answers that the model gives next are those that the engine's clients were told. Where the engine died, who
    /// was told nothing is not told in the model either.
    pub(in crate::conform) fn answered(
        &mut self,
        told: &BTreeMap<OpId, Answer>,
    ) -> Result<(), Divergence> {
        while let Some(Step::Of(id, answer)) = self.process.steps.first() {
            let (id, site) = (*id, answer.site());
            let found = told.get(&id);
            if self.engine.is_dead() && !found.is_some_and(Result::is_ok) {
                return Ok(());
            }
            let alike = match (&**answer, found) {
                (Step::Return { identity, .. }, Some(Ok(found))) => identity == found,
                (Step::Fail | Step::Refuse, Some(Err(_))) => true,
                _ => false,
            };
            if !alike {
                let found = format!("operation {id}: {found:?}");
                return Err(Divergence::new(Kind::OtherAnswer, site, found));
            }
            self.calls.push(ANSWER.into());
            self.take()?;
        }
        Ok(())
    }

    /// Nobody waits any more, on either side, unless the engine died.
    pub(in crate::conform) fn round_is_over(&mut self) -> Result<(), Divergence> {
        if let (false, Some(step)) = (self.engine.is_dead(), self.process.steps.first()) {
            let expected = match call_of::<S::Protocol>(step, &self.process.buffer) {
                Some(call) => in_words(&in_bytes(&self.subject, &call)),
                None => step.site().into(),
            };
            return Err(Divergence::new(Kind::MissingCall, expected, "nothing"));
        }
        self.compare_files()
    }
}

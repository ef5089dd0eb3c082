//! A run of real code, written down for a reader.

use super::bounds::Crash;
use super::contract::{Contract, Operation, Told};
use super::history::History;
use super::life::Notes;
use super::lives::{Cut, Diary, facts};
use super::subject::Failure;
use super::trace;
use crate::counterexample::contents::Node;
use crate::counterexample::record::{Recorder, Shown};
use crate::counterexample::{Fate, Mark, Step};
use crate::storage::simulated::{Outcome, Recorded, Simulated};
use std::marker::PhantomData;

/// Steps, as they happen.
pub(super) struct Written<C> {
    recorder: Recorder<u8>,
    recovers: bool,
    /// The steps at which the power was cut.
    cuts: Vec<usize>,
    contract: PhantomData<C>,
}

impl<C: Contract> Written<C> {
    pub(super) fn new() -> Self {
        Self {
            recorder: Recorder::new(Shown {
                file: |bytes: &[u8]| Node::Bytes(bytes.to_vec()),
                data: trace::written,
            }),
            recovers: false,
            cuts: Vec::new(),
            contract: PhantomData,
        }
    }

    /// All steps, with what each power cut did.
    pub(super) fn into_steps(mut self, cuts: &[Cut]) -> Vec<Step> {
        for (step, cut) in self.cuts.clone().into_iter().zip(cuts) {
            let effects = self
                .recorder
                .fates(cut.before.known(), |i| match cut.fates[i] {
                    Some(true) => Fate::Kept,
                    Some(false) => Fate::Lost,
                    None => Fate::Either,
                });
            if let Some(step) = self.recorder.at(step) {
                step.effects = effects;
            }
        }
        self.recorder.into_steps()
    }

    fn say(&mut self, step: Step, storage: &Simulated) {
        self.recorder.step(step, &storage.disk());
    }

    fn calls(&mut self, storage: &Simulated) {
        for recorded in storage.recorded() {
            let step = Step {
                site: Some(format!("{}:{}", recorded.site.file, recorded.site.line)),
                ..Step::new(mark(&recorded), trace::say(&recorded)).in_recovery(self.recovers)
            };
            self.recorder.step(step, recorded.disk.known());
        }
    }
}

fn mark(recorded: &Recorded) -> Mark {
    match recorded.outcome {
        Outcome::Done if recorded.call.is_barrier() => Mark::Barrier,
        Outcome::Done => Mark::Change,
        _ => Mark::Failed,
    }
}

impl<C: Contract> Diary<C> for Written<C> {
    fn starts(&mut self, crash: Option<Crash>, storage: &Simulated) {
        let (mark, what) = match crash {
            None => (Mark::Start, "start"),
            Some(Crash::Kill) => (Mark::Kill, "KILL"),
            Some(Crash::PowerCut) => (Mark::PowerCut, "POWER CUT"),
        };
        if crash == Some(Crash::PowerCut) {
            self.cuts.push(self.recorder.len());
        }
        self.recovers = crash.is_some();
        self.say(Step::new(mark, what), storage);
    }

    fn opened(&mut self, storage: &Simulated, state: Result<&C::State, &str>, settled: bool) {
        self.calls(storage);
        let step = match state {
            Ok(state) => {
                let what = match (self.recovers, settled) {
                    (true, _) => "recovery ends",
                    (false, true) => "the store is there, and durable",
                    (false, false) => "the store is open",
                };
                Step::new(Mark::Served, what).told(format!("reads {}", facts::<C>(state)))
            }
            Err(why) => Step::new(Mark::Unopened, "recovery ends")
                .told(format!("the store does not open: {why}")),
        };
        self.say(step.in_recovery(self.recovers), storage);
        self.recovers = false;
    }
}

impl<C: Contract> Notes<C> for Written<C> {
    fn asked(&mut self, operation: &Operation<C::Write>, storage: &Simulated, _: &History<C>) {
        let what = format!("client: {}", operation.say::<C>());
        self.say(Step::new(Mark::Asked, what), storage);
    }

    fn worked(&mut self, storage: &Simulated, _: &History<C>) {
        self.calls(storage);
    }

    fn answered(
        &mut self,
        operation: &Operation<C::Write>,
        answer: &Result<Told, Failure>,
        storage: &Simulated,
        _: &History<C>,
    ) {
        let (mark, client) = match answer {
            Ok(Told::Durable) => (Mark::Acknowledged, "Ok, durable".into()),
            Ok(Told::Returned) => (Mark::Returned, "Ok, not yet durable".into()),
            Err(why) => (Mark::Refused, format!("error: {why}")),
        };
        let what = format!("{} returns", operation.say::<C>());
        self.say(Step::new(mark, what).told(client), storage);
    }

    fn reopened(&mut self, state: &C::State) {
        let step = Step::new(Mark::Served, "it is open again");
        self.recorder
            .same(step.told(format!("reads {}", facts::<C>(state))));
    }
}

//! Model and engine side by side: the engine's calls are the model's next steps, or they diverge.

mod rounds;

use super::images::{crash_like, files_of, in_words as files_in_words, model_image};
use super::images::{shown, shows};
use super::matching::{call_of, in_bytes, in_words, matching};
use super::subject::{Answer, CellOf, Subject};
use super::{CELL_BYTES, Divergence, Kind};
use crate::storage::simulated::{Fault, Outcome, Point, Simulated, Traced};
use models::contract::{Event, OpId, Operation, Oracle, Terms};
use models::disk::image::Fates;
use models::disk::{Disk, Tree};
use models::machine::process::{Doing, Ground, Process};
use models::protocol::{Protocol, Site, Step, StepOf};

/// Stands among the calls for the end of an operation or a recovery.
pub const ANSWER: &str = "the client is answered";
/// Stands among the calls for the one at which the process died.
pub const DEATH: &str = "the process dies";

/// The two of them.
pub(super) struct Lockstep<S: Subject> {
    pub(super) subject: S,
    pub(super) engine: Simulated,
    store: Option<S::Store>,
    ground: Ground<S::Protocol>,
    disk: Disk<CellOf<S>>,
    process: Process<S::Protocol>,
    oracle: Oracle,
    terms: Terms,
    /// Whether the last crash was a power cut.
    power_was_cut: bool,
    /// The process is about to die before this step. Where that is a call, the engine's storage
    /// sees to it.
    pub(super) dies_before: Option<Site>,
    /// The calls so far, in words.
    pub(super) calls: Vec<String>,
}

impl<S: Subject> Lockstep<S> {
    /// Both on an empty disk. The ground's sizes are in cells.
    pub(super) fn new(subject: S, ground: Ground<S::Protocol>, terms: Terms) -> Self {
        let (sector, block) = (ground.profile.sector, ground.profile.block);
        let bytes = ground.profile.clone();
        let bytes = bytes.with_sizes(sector * CELL_BYTES, block * CELL_BYTES);
        let disk = Disk::default();
        Self {
            process: ground.recover(disk.view()),
            subject,
            engine: Simulated::new(bytes),
            store: None,
            ground,
            disk,
            oracle: Oracle::default(),
            terms,
            power_was_cut: false,
            dies_before: None,
            calls: Vec::new(),
        }
    }

    /// Opens the store on both, and compares what they recover.
    pub(super) fn open(&mut self) -> Result<(), Divergence> {
        self.leave_barriers_out(&self.whole().recover(self.disk.view()));
        let opened = self.subject.open(&self.engine);
        self.follow()?;
        let answer = match opened {
            Ok(store) => {
                self.store = Some(store);
                Ok(None)
            }
            Err(error) => Err(error),
        };
        self.end(&answer)
    }

    /// The client asks for something, if there is a store to ask.
    pub(super) fn ask(&mut self, id: OpId, operation: &Operation) -> Result<(), Divergence> {
        if self.engine.is_dead() || self.process.doing != Doing::Idle {
            return Ok(());
        }
        let Some(store) = self.store.take() else {
            return Ok(());
        };
        self.leave_barriers_out(&self.whole().invoke(&self.process, id, operation));
        self.process = self.ground.invoke(&self.process, id, operation);
        self.note(&[Event::Invoked(id, operation.clone())])?;
        let learned = self.subject.learn(&self.process);
        learned.map_err(|why| Divergence::new(Kind::NotModelled, "what is written", why))?;
        let (answer, store) = self.subject.ask(store, id, operation);
        self.store = store;
        self.follow()?;
        self.end(&answer)?;
        if matches!(self.process.steps.first(), Some(Step::Reopen)) && !self.dies_here() {
            self.take()?;
            self.open()?;
        }
        Ok(())
    }

    /// One thing of what goes on beside the operations is done while nobody asks for anything, as if for a client.
    pub(super) fn work(&mut self, id: OpId) -> Result<(), Divergence> {
        if self.engine.is_dead() || self.process.doing != Doing::Idle {
            return Ok(());
        }
        let Some(store) = self.store.take() else {
            return Ok(());
        };
        let alone = |ground: &Ground<S::Protocol>, process: &Process<S::Protocol>| {
            let mut begun = ground.begun(process)?.into_owned();
            begun.steps = std::mem::take(&mut begun.beside);
            begun.doing = Doing::Operation(id);
            begun.steps.push(Step::Return {
                durable: false,
                identity: None,
            });
            Some(begun)
        };
        let Some(begun) = alone(&self.ground, &self.process) else {
            // Whether it says that all is well or that the store takes no more: nothing happens.
            self.store = self.subject.work(store).1;
            return self.follow();
        };
        self.leave_barriers_out(&alone(&self.whole(), &self.process).unwrap_or(begun.clone()));
        self.process = begun;
        self.note(&[Event::Invoked(id, Operation::Flush)])?;
        let learned = self.subject.learn(&self.process);
        learned.map_err(|why| Divergence::new(Kind::NotModelled, "what is written", why))?;
        let (answer, store) = self.subject.work(store);
        self.store = store;
        self.follow()?;
        self.end(&answer)
    }

    /// The protocol with all its barriers.
    fn whole(&self) -> Ground<S::Protocol> {
        Ground {
            without: None,
            ..self.ground.clone()
        }
    }

    /// Plants in the engine what the model leaves out: the calls that the whole protocol makes at
    /// that site are dropped.
    fn leave_barriers_out(&self, whole: &Process<S::Protocol>) {
        let Some(without) = &self.ground.without else {
            return;
        };
        let is_call =
            |step: &&StepOf<S::Protocol>| matches!(step, Step::Call { .. } | Step::Flush { .. });
        let calls = self.engine.calls()..;
        for (number, step) in calls.zip(whole.steps.iter().filter(is_call)) {
            if is_barrier_at(step, without) {
                self.engine.plan(Point::Call(number), Fault::Drop);
            }
        }
    }

    /// The engine is done. Unless it died, the client is told, which both must agree about.
    fn end(&mut self, answer: &Answer) -> Result<(), Divergence> {
        let told = !self.engine.is_dead() && self.expects(answer)?;
        if self.dies_here() {
            return self.compare_files();
        }
        let recovered = self.process.doing == Doing::Recovery;
        if let (true, true, Some(store)) = (told, recovered, &self.store) {
            self.subject.compare(store, &self.process.memory)?;
        }
        self.compare_files()?;
        match told {
            true => self.take(),
            false => Ok(()),
        }
    }

    fn dies_here(&self) -> bool {
        self.dies_before == Some(self.process.site())
    }

    /// The process is killed, on both.
    pub(super) fn kill(&mut self) -> Result<(), Divergence> {
        self.power_was_cut = false;
        self.die();
        self.engine.kill();
        self.process = self.ground.recover(self.disk.view());
        self.note(&[Event::Kill])
    }

    fn die(&mut self) {
        if self.engine.is_dead() {
            self.calls.push(DEATH.into());
        }
        self.store = None;
    }

    /// The power is cut: the engine's disk chooses, and the model's must be able to follow.
    pub(super) fn power_cut(&mut self, fates: &Fates) -> Result<(), Divergence> {
        let effects = self.engine.disk().log().len();
        let kept = fates.kept.iter().copied().filter(|&i| i < effects);
        let kept: Vec<usize> = kept.collect();
        self.die();
        self.engine.power_cut(fates);
        let image = self.engine.disk();
        let profile = &self.ground.profile;
        let left = model_image(&self.subject, &self.disk, profile, &kept, image.view());
        let left = left.ok_or_else(|| {
            let found = shown(image.view());
            Divergence::new(Kind::NoSuchImage, "one of its crash images", found)
        })?;
        self.power_is_back(left)
    }

    /// The power is cut: the model is left with that image, and the engine's disk must be able to
    /// follow. What the protocol forgets in the image may be something else.
    pub(super) fn power_cut_to(
        &mut self,
        kept: &[usize],
        image: &Tree<CellOf<S>>,
    ) -> Result<(), Divergence> {
        self.die();
        let profile = &self.ground.profile;
        let (_, left) = crash_like(&self.disk, profile, kept, |path, at, cell| {
            image.file(path).and_then(|file| file.get(at)) == Some(cell)
        });
        let forgotten = self.ground.protocol.forget(left.clone());
        let files = files_of(&self.subject, left.view());
        if forgotten.view() != image {
            let found = files_in_words(&files);
            return Err(Divergence::new(Kind::NoSuchImage, "that image", found));
        }
        let (disk, profile) = (self.engine.disk(), self.engine.profile());
        let (fates, _) = crash_like(&disk, &profile, kept, |path, at, byte| {
            let files = files.iter().find(|(name, _)| name == path);
            files.and_then(|(_, bytes)| bytes.as_ref()?.get(at)) == Some(byte)
        });
        self.engine.power_cut(&fates);
        if !shows(self.engine.disk().view(), &files) {
            let found = shown(self.engine.disk().view());
            let expected = files_in_words(&files);
            return Err(Divergence::new(Kind::NoSuchImage, expected, found));
        }
        self.power_is_back(left)
    }

    fn power_is_back(&mut self, left: Disk<CellOf<S>>) -> Result<(), Divergence> {
        self.power_was_cut = true;
        self.disk = left;
        self.process = self.ground.recover(self.disk.view());
        let after = self.ground.served(self.disk.view());
        self.note(&[Event::PowerCut { after }])
    }

    /// Whether the model says to the byte what the store does from here on.
    pub(super) fn is_modelled(&self) -> bool {
        self.subject.is_modelled(&self.process, self.power_was_cut)
    }

    /// All that is cached becomes durable, on both: where a check starts.
    pub(super) fn settle(&mut self) {
        self.engine.settle();
        self.disk = self.disk.settled(&self.ground.profile);
        self.oracle = Oracle::default();
    }

    /// The engine's calls since are the model's next steps.
    fn follow(&mut self) -> Result<(), Divergence> {
        let mut traced = self.engine.take_trace().into_iter();
        traced.try_for_each(|traced| self.follow_one(traced))
    }

    /// This call of the engine's is the model's next step.
    pub(super) fn follow_one(&mut self, traced: Traced) -> Result<(), Divergence> {
        let Traced { call, outcome } = traced;
        self.buffer()?;
        self.calls.push(in_words(&call));
        let next = matching(&self.subject, &self.process, self.disk.view(), &call)?;
        let step = self.process.steps.remove(next);
        self.process.steps.insert(0, step);
        match outcome {
            Outcome::Done => self.take(),
            Outcome::BarrierFailed(failure) => {
                let failed = self.ground.fail(&self.process, &self.disk, failure);
                let (process, disk, events) = failed.ok_or_else(|| {
                    Divergence::new(Kind::OtherCall, "no barrier", in_words(&call))
                })?;
                (self.process, self.disk) = (process, disk);
                self.note(&events)
            }
            Outcome::Failed { .. } if self.disk.is_aborted() => self.take(),
            Outcome::Failed { kind, .. } => {
                Err(Divergence::new(Kind::NotModelled, "", kind.to_string()))
            }
        }
    }

    fn take(&mut self) -> Result<(), Divergence> {
        let (process, disk, events) = self.ground.step(&self.process, &self.disk);
        (self.process, self.disk) = (process, disk);
        self.note(&events)
    }

    /// What is only buffered makes no call.
    fn buffer(&mut self) -> Result<(), Divergence> {
        while matches!(self.process.steps.first(), Some(Step::Buffer { .. })) {
            self.take()?;
        }
        Ok(())
    }

    fn note(&mut self, events: &[Event]) -> Result<(), Divergence> {
        for event in events {
            if let Some(promise) = self.oracle.observe(event, &self.terms).breach {
                let found = format!("{event:?}");
                return Err(Divergence::new(Kind::Breach(promise), "no breach", found));
            }
        }
        Ok(())
    }

    /// What the engine told its client is what the model's next step says. False: the store is down,
    /// and there is nothing to say.
    fn expects(&mut self, answer: &Answer) -> Result<bool, Divergence> {
        self.buffer()?;
        if self.process.doing == Doing::Down && answer.is_err() {
            return Ok(false);
        }
        self.calls.push(ANSWER.into());
        let found = format!("{answer:?}");
        let Some(step) = self.process.steps.first() else {
            return Err(Divergence::new(Kind::OtherAnswer, "nothing", found));
        };
        if let Some(call) = call_of::<S::Protocol>(step, &self.process.buffer) {
            let expected = in_words(&in_bytes(&self.subject, &call));
            return Err(Divergence::new(Kind::MissingCall, expected, found));
        }
        let alike = match (step.bare(), answer) {
            (
                Step::Return {
                    identity: Some(told),
                    ..
                },
                Ok(Some(identity)),
            ) => told == identity,
            (Step::Return { identity: None, .. } | Step::Serve, Ok(_)) => true,
            (Step::Fail | Step::Refuse | Step::OpenFails, Err(_)) => true,
            _ => false,
        };
        match alike {
            true => Ok(true),
            false => Err(Divergence::new(Kind::OtherAnswer, step.site(), found)),
        }
    }

    fn compare_files(&self) -> Result<(), Divergence> {
        let (disk, files) = (
            self.engine.disk(),
            files_of(&self.subject, self.disk.view()),
        );
        match shows(disk.view(), &files) {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherContents,
                files_in_words(&files),
                shown(disk.view()),
            )),
        }
    }
}

/// Whether a step is a barrier at that site.
pub(super) fn is_barrier_at<C, X>(step: &Step<C, X>, at: &str) -> bool {
    matches!(step, Step::Call { call, site } if call.is_barrier() && *site == at)
}

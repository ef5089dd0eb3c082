//! The process: one running engine between two crashes, and how it takes a step on a disk.

use crate::contract::{Event, OpId, Operation};
use crate::disk::image::Fates;
use crate::disk::shared::Pooled;
use crate::disk::{Call, Disk, Failure, Refusal, Tree};
use crate::profile::Profile;
use crate::protocol::{Protocol, Site, Step, StepOf};
use std::borrow::Cow;

/// What the process is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doing {
    /// It serves, and waits for the client.
    Idle,
    /// It runs an operation; of several the one that was invoked last.
    Operation(OpId),
    /// It recovers.
    Recovery,
    /// Opening ended with an error; only a crash goes on from here.
    Down,
}

/// A running engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process<P: Protocol> {
    /// What it is about.
    pub doing: Doing,
    /// What it knows; in a recovery what it will know once the steps are taken.
    pub memory: P::Memory,
    /// The steps to take, the next one first.
    pub steps: Vec<StepOf<P>>,
    /// The steps that are left of what goes on beside them.
    pub beside: Vec<StepOf<P>>,
    /// What is buffered: the file, the first cell, the cells.
    pub buffer: Option<(String, usize, Vec<P::Cell>)>,
    /// Whether recovery met something that is not a record.
    pub odd: bool,
}

/// What taking a step did: the process and the disk afterwards, and what happened.
pub type Taken<P> = (Process<P>, Disk<<P as Protocol>::Cell>, Vec<Event>);

/// A protocol on a kind of file system; with one barrier left out, for the audit.
#[derive(Clone, Debug)]
pub struct Ground<P> {
    /// The protocol.
    pub protocol: P,
    /// The file system below.
    pub profile: Profile,
    /// The site of the barrier that is left out.
    pub without: Option<String>,
    /// Whether the inner invariants are looked at.
    pub guarded: bool,
    /// Crash images that no recovery tells apart are one.
    pub forget: bool,
}

impl<P: Protocol> Ground<P> {
    /// Every disk that a power cut can leave, with fates that lead to it.
    pub fn images(&self, disk: &Disk<P::Cell>) -> Vec<(Fates, Disk<P::Cell>)> {
        let images = disk.crash_images(&self.cut_profile()).into_iter();
        images
            .map(|(fates, image)| (fates, self.forgotten(image)))
            .collect()
    }

    /// The disk that a power cut with these fates leaves.
    pub fn cut(&self, disk: &Disk<P::Cell>, fates: &Fates) -> Disk<P::Cell> {
        self.forgotten(disk.crash(fates, &self.cut_profile()))
    }

    /// What lost space reads after a power cut with these fates, where it reads something else than zeros: the path,
    /// the first cell, the cells.
    pub fn filled(
        &self,
        disk: &Disk<P::Cell>,
        fates: &Fates,
    ) -> Vec<(String, usize, Vec<P::Cell>)> {
        let mut fills = fates.fills.iter().copied();
        let mut filled = Vec::new();
        disk.crash_by(&fates.kept, &self.cut_profile(), |lost| {
            let fill = fills.next().unwrap_or(0).min(lost.options.len() - 1);
            if fill > 0 {
                let path = lost.path().unwrap_or_else(|| "a removed file".into());
                filled.push((path, lost.cells.start, lost.options[fill].to_vec()));
            }
            fill
        });
        filled
    }

    fn forgotten(&self, image: Disk<P::Cell>) -> Disk<P::Cell> {
        if self.forget {
            self.protocol.forget(image)
        } else {
            image
        }
    }

    /// Where no reader tells garbage from zeros, lost space reads zeros.
    fn cut_profile(&self) -> Cow<'_, Profile> {
        if self.forget && self.protocol.reads_garbage_as_zeros() {
            Cow::Owned(Profile {
                garbage: false,
                ..self.profile.clone()
            })
        } else {
            Cow::Borrowed(&self.profile)
        }
    }

    /// The process that recovers what a tree holds, from its first step on.
    pub fn recover(&self, tree: &Tree<P::Cell>) -> Process<P> {
        match self.protocol.recover(tree) {
            Ok(plan) => {
                let mut steps = self.thinned(plan.steps);
                steps.push(Step::Serve);
                let process = Process {
                    doing: Doing::Recovery,
                    memory: plan.memory,
                    steps,
                    beside: Vec::new(),
                    buffer: None,
                    odd: plan.odd,
                };
                self.settled(process)
            }
            Err(_) => {
                let (memory, odd) = (self.nothing(), false);
                let steps = vec![Step::OpenFails];
                Process {
                    doing: Doing::Recovery,
                    memory,
                    steps,
                    beside: Vec::new(),
                    buffer: None,
                    odd,
                }
            }
        }
    }

    /// The memory of a store on an empty disk; a process that could not open has this one.
    fn nothing(&self) -> P::Memory {
        match self.protocol.recover(&Tree::default()) {
            Ok(plan) => plan.memory,
            Err(refused) => unreachable!("a protocol opens an empty disk: {}", refused.0),
        }
    }

    /// Whether an operation can be invoked; `is_free`: whether the client has a writer that waits for no answer.
    pub fn admits(
        &self,
        process: &Process<P>,
        operation: &Operation,
        is_free: impl FnOnce() -> bool,
    ) -> bool {
        match process.doing {
            Doing::Idle => !self.protocol.must_wait(operation, &process.memory),
            Doing::Operation(_) => self.protocol.overlaps(operation, &process.memory) && is_free(),
            Doing::Recovery | Doing::Down => false,
        }
    }

    /// The process after an operation was invoked.
    pub fn invoke(&self, process: &Process<P>, id: OpId, operation: &Operation) -> Process<P> {
        let mut process = process.clone();
        process.doing = Doing::Operation(id);
        // What comes next and is not begun is planned anew.
        if process.steps == self.next(&process.memory) {
            process.steps.clear();
        }
        let steps = self.thinned(self.protocol.operation(id, operation, &process.memory));
        process.steps.splice(0..0, steps);
        self.settled(process)
    }

    fn next(&self, memory: &P::Memory) -> Vec<StepOf<P>> {
        self.thinned(self.protocol.next(memory))
    }

    /// Takes the next step.
    pub fn step(&self, process: &Process<P>, disk: &Disk<P::Cell>) -> Taken<P> {
        let (mut process, mut disk) = (process.clone(), disk.clone());
        let step = process.steps.remove(0);
        let mut events = self.guards(&step, &process.memory, &disk);
        let op = process.answers(&step);
        let done = match step.bare() {
            Step::Buffer {
                file, at, cells, ..
            } => {
                let (_, _, buffered) = process
                    .buffer
                    .get_or_insert_with(|| (file.clone(), *at, Vec::new()));
                buffered.extend_from_slice(cells);
                Ok(())
            }
            Step::Flush { cells, .. } => self.flush(&mut process, &mut disk, *cells),
            Step::Call { call, .. } => disk.apply(call, &self.profile),
            Step::Change(_) => unreachable!("changes are run with the step before them"),
            Step::Of(..) => unreachable!("an answer is of one operation"),
            Step::Return { durable, identity } => {
                let (durable, identity) = (*durable, *identity);
                events.push(Event::Returned {
                    op,
                    durable,
                    identity,
                });
                Ok(())
            }
            Step::Fail => {
                events.push(Event::Failed(op));
                Ok(())
            }
            Step::Refuse => {
                events.push(Event::Refused(op));
                Ok(())
            }
            Step::Reopen => {
                events.push(Event::Reopened);
                process = self.recover(disk.view());
                return (process, disk, events);
            }
            Step::Serve => {
                let view = self.protocol.observe(&process.memory);
                events.push(Event::Served {
                    view,
                    odd: process.odd,
                });
                process.odd = false;
                Ok(())
            }
            Step::OpenFails => {
                events.push(Event::OpenFailed);
                process.doing = Doing::Down;
                Ok(())
            }
        };
        if let Err(refusal) = done {
            match (refusal, process.doing) {
                (Refusal::Aborted, _) => events.push(Event::BarrierFailed),
                // A call that was refused for no fault is the protocol's own mistake: it fails the
                // operation, and excuses nothing.
                (_, Doing::Operation(_)) => {}
                _ => events.push(Event::OpenFailed),
            }
            return (self.after_failure(process, &step), disk, events);
        }
        (self.settled(process), disk, events)
    }

    pub(super) fn guards(
        &self,
        step: &StepOf<P>,
        memory: &P::Memory,
        disk: &Disk<P::Cell>,
    ) -> Vec<Event> {
        if !self.guarded {
            return Vec::new();
        }
        let guards = self.protocol.guards(step, memory, disk, &self.profile);
        let event = |(number, holds)| match holds {
            true => Event::Guarded(number),
            false => Event::Broken(number),
        };
        guards.into_iter().map(event).collect()
    }

    fn flush(
        &self,
        process: &mut Process<P>,
        disk: &mut Disk<P::Cell>,
        count: Option<usize>,
    ) -> Result<(), Refusal> {
        let Some((file, at, mut cells)) = process.buffer.take() else {
            return Ok(());
        };
        let rest = cells.split_off(count.unwrap_or(cells.len()).min(cells.len()));
        let next = at + cells.len();
        if !rest.is_empty() {
            process.buffer = Some((file.clone(), next, rest));
        }
        disk.apply(&Call::Write { file, at, cells }, &self.profile)
    }

    /// Fails the next step, which is a barrier.
    pub fn fail(
        &self,
        process: &Process<P>,
        disk: &Disk<P::Cell>,
        failure: Failure,
    ) -> Option<Taken<P>> {
        let Some(Step::Call { call, .. }) = process.steps.first() else {
            return None;
        };
        let node = disk.view().lookup(call.path())?;
        let mut disk = disk.clone();
        disk.fail_barrier(node, failure);
        let mut process = process.clone();
        let step = process.steps.remove(0);
        Some((
            self.after_failure(process, &step),
            disk,
            vec![Event::BarrierFailed],
        ))
    }

    fn after_failure(&self, mut process: Process<P>, step: &StepOf<P>) -> Process<P> {
        match process.doing {
            Doing::Operation(_) => {
                process.steps = self.protocol.failed(step, &process.memory);
                self.settled(process)
            }
            Doing::Recovery | Doing::Idle | Doing::Down => {
                let (memory, odd) = (self.nothing(), false);
                Process {
                    doing: Doing::Down,
                    memory,
                    steps: Vec::new(),
                    beside: Vec::new(),
                    buffer: None,
                    odd,
                }
            }
        }
    }

    /// Runs the changes in memory that come next, plans what is next where nothing is left to do, and notes where nothing
    /// is next either.
    fn settled(&self, mut process: Process<P>) -> Process<P> {
        loop {
            while let Some(Step::Change(change)) = process.steps.first() {
                self.protocol.change(&mut process.memory, &change.clone());
                process.steps.remove(0);
            }
            if !process.steps.is_empty() || process.doing == Doing::Down {
                return process;
            }
            process.steps = self.next(&process.memory);
            if process.steps.is_empty() {
                process.doing = Doing::Idle;
                return process;
            }
        }
    }

    /// What an uninterrupted recovery of that tree serves.
    pub fn served(&self, tree: &Tree<P::Cell>) -> Option<crate::contract::View> {
        let plan = self.protocol.recover(tree).ok()?;
        let memory = self.protocol.after(&plan.memory, &plan.steps);
        Some(self.protocol.observe(&memory))
    }

    /// The steps without the barrier that is left out.
    pub(super) fn thinned(&self, steps: Vec<StepOf<P>>) -> Vec<StepOf<P>> {
        let stays = |step: &StepOf<P>| match (step, &self.without) {
            (Step::Call { call, site }, Some(without)) => !(call.is_barrier() && site == without),
            _ => true,
        };
        steps.into_iter().filter(stays).collect()
    }
}

impl<P: Protocol> Pooled for Process<P> {
    type Pool = ();

    fn pool(&mut self, (): &mut ()) {
        self.steps.shrink_to_fit();
        self.beside.shrink_to_fit();
    }
}

impl<P: Protocol> Process<P> {
    /// The ways in which the next step can fail.
    pub fn failures(&self) -> &'static [Failure] {
        match self.steps.first() {
            Some(Step::Call { call, .. }) => Failure::of(call),
            _ => &[],
        }
    }

    /// Whether it does nothing but refuse the operation that was invoked.
    pub fn refuses(&self) -> bool {
        matches!(self.steps.first().map(Step::bare), Some(Step::Refuse))
    }

    /// The operation that a step answers, if it answers one.
    fn answers(&self, step: &StepOf<P>) -> OpId {
        match (step, self.doing) {
            (Step::Of(op, _), _) => *op,
            (_, Doing::Operation(op)) => op,
            _ => 0,
        }
    }

    /// Where the process stands: the site of its next step.
    pub fn site(&self) -> Site {
        match (self.steps.first(), self.doing) {
            (Some(step), _) => step.site(),
            (None, Doing::Down) => "down",
            (None, _) => "idle",
        }
    }
}

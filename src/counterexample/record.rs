//! Writes down steps as they happen: how files differ from the step before, and, at a power cut, which step each
//! effect comes from and which barrier would have made it durable.

use super::contents::{Changes, Files, Node};
use super::{Fate, Fated, Mark, Step};
use models::disk::effect::{Effect, Logged, Status};
use models::disk::{Cell, Disk, Ino};

/// How a disk's contents are shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<C> {
    /// A file.
    pub file: fn(&[C]) -> Node,
    /// What is written from a place on: `[0] = r1.0`.
    pub data: fn(usize, &[C]) -> String,
}

/// Steps, so far.
#[derive(Debug)]
pub struct Recorder<C> {
    shown: Shown<C>,
    steps: Vec<Step>,
    cached: Files,
    durable: Files,
    /// The disk after each step. While they live, no two effects have one address.
    disks: Vec<Disk<C>>,
}

impl<C: Cell> Recorder<C> {
    /// Nothing happened yet.
    pub fn new(shown: Shown<C>) -> Self {
        Self {
            shown,
            steps: Vec::new(),
            cached: Files::default(),
            durable: Files::default(),
            disks: Vec::new(),
        }
    }

    /// Something happened, and this is the disk after it; the files of the step are filled in.
    pub fn step(&mut self, step: Step, disk: &Disk<C>) {
        let cached = Files::of(disk.view(), self.shown.file);
        let durable = Files::of(disk.base(), self.shown.file);
        self.steps.push(Step {
            cached: cached.since(&self.cached),
            durable: durable.since(&self.durable),
            ..step
        });
        (self.cached, self.durable) = (cached, durable);
        self.disks.push(disk.clone());
    }

    /// Something happened that leaves the disk as it is.
    pub fn same(&mut self, step: Step) {
        if let Some(disk) = self.disks.last().cloned() {
            self.step(step, &disk);
        }
    }

    /// What a power cut did to the effects in the log of the disk that it struck, as far as it was not known
    /// before.
    pub fn fates(&self, before: &Disk<C>, fate: impl Fn(usize) -> Fate) -> Vec<Fated> {
        let log = before.log().iter().enumerate();
        let open = log.filter(|(_, logged)| logged.status != Status::Durable);
        let fated = |(i, logged): (usize, &Logged<C>)| Fated {
            what: before.say(&logged.effect, self.shown.data),
            fate: fate(i),
            since: self.since(logged),
            barrier: barrier(before, &logged.effect),
            doomed: matches!(logged.status, Status::Doomed { .. }),
        };
        open.map(fated).collect()
    }

    /// The first step after which the effect was there.
    fn since(&self, logged: &Logged<C>) -> usize {
        let same = |other: &Logged<C>| std::ptr::eq(&*other.effect, &*logged.effect);
        let disks = self.disks.iter();
        let first = disks.clone().position(|disk| disk.log().iter().any(same));
        first.unwrap_or(self.disks.len())
    }

    /// Whether a process was killed, or the power was cut.
    pub fn has_crashed(&self) -> bool {
        let crash = |step: &Step| matches!(step.mark, Mark::Kill | Mark::PowerCut);
        self.steps.iter().any(crash)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// A step that was written down.
    pub fn at(&mut self, number: usize) -> Option<&mut Step> {
        self.steps.get_mut(number)
    }

    /// All of them.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

/// The barrier that makes an effect durable.
fn barrier<C: Cell>(disk: &Disk<C>, effect: &Effect<C>) -> String {
    let path = |ino: Ino| disk.view().path_of(ino);
    match effect {
        Effect::Data { file, .. } | Effect::Size { file, .. } => match path(*file) {
            Some(path) => format!("barrier of {path}"),
            None => "barrier of the file, before it was removed".into(),
        },
        Effect::Entry { directory, .. } => match path(*directory) {
            Some(path) if path.is_empty() => "directory barrier of the root".into(),
            Some(path) => format!("directory barrier of {path}"),
            None => "directory barrier of the directory, before it was removed".into(),
        },
    }
}

impl Step {
    /// A step of a kind.
    pub fn new(mark: Mark, what: impl Into<String>) -> Self {
        Self {
            mark,
            recovery: false,
            what: what.into(),
            site: None,
            client: String::new(),
            buffered: String::new(),
            cached: Changes::default(),
            durable: Changes::default(),
            effects: Vec::new(),
        }
    }

    /// What the client is told.
    #[must_use]
    pub fn told(self, client: impl Into<String>) -> Self {
        Self {
            client: client.into(),
            ..self
        }
    }

    /// As part of a recovery, or not.
    #[must_use]
    pub fn in_recovery(self, recovery: bool) -> Self {
        Self { recovery, ..self }
    }
}

//! The machine: a disk, the process that runs on it, and the faults that are planned.

use super::{Fault, Outcome, Point, Traced, empty_file};
use models::disk::{Call, Disk, Failure, Ino, Refusal};
use models::profile::Profile;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

/// An open file of one process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handle {
    pub(super) number: usize,
    life: u64,
}

/// What a handle is of: nothing, where its creation was dropped or is yet to come.
#[derive(Debug)]
struct Held {
    node: Option<Ino>,
    path: String,
}

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) disk: Disk<u8>,
    pub(super) profile: Profile,
    /// Which process runs.
    pub(super) life: u64,
    /// It has died, and no other has been started.
    pub(super) dead: bool,
    pub(super) calls: usize,
    pub(super) barriers: usize,
    pub(super) faults: Vec<(Point, Fault)>,
    pub(super) trace: Vec<Traced>,
    pub(super) locked: BTreeSet<Ino>,
    handles: Vec<Held>,
    /// What happens after the next call.
    deferred: Option<(Call<u8>, Option<usize>)>,
}

impl Machine {
    pub(super) fn new(disk: Disk<u8>, profile: Profile) -> Machine {
        Machine {
            disk,
            profile,
            life: 0,
            dead: false,
            calls: 0,
            barriers: 0,
            faults: Vec::new(),
            trace: Vec::new(),
            locked: BTreeSet::new(),
            handles: Vec::new(),
            deferred: None,
        }
    }

    pub(super) fn next_life(&mut self) {
        self.life += 1;
        self.dead = false;
        self.locked.clear();
        self.handles.clear();
        self.deferred = None;
    }

    pub(super) fn check_alive(&self) -> io::Result<()> {
        match self.dead {
            true => Err(io::Error::other("the process is dead")),
            false => Ok(()),
        }
    }

    pub(super) fn check_handle(&self, handle: &Handle) -> io::Result<()> {
        self.check_alive()?;
        match handle.life == self.life {
            true => Ok(()),
            false => Err(io::Error::other("the process that opened it is dead")),
        }
    }

    pub(super) fn node(&self, path: &str) -> io::Result<Ino> {
        let node = self.disk.view().lookup(path);
        node.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Makes everything cached durable. The inodes are numbered anew then: each is found by its name.
    pub(super) fn settle(&mut self) {
        let view = self.disk.view();
        let path = |node: Ino| view.path_of(node);
        let held: Vec<_> = (self.handles.iter().map(|held| held.node.and_then(path))).collect();
        let locked: Vec<_> = self.locked.iter().filter_map(|node| path(*node)).collect();
        self.disk = self.disk.settled(&self.profile);
        let view = self.disk.view();
        for (handle, path) in self.handles.iter_mut().zip(held) {
            handle.node = path.and_then(|path| view.lookup(&path));
        }
        self.locked = locked.iter().filter_map(|path| view.lookup(path)).collect();
    }

    pub(super) fn handle(&mut self, path: String, node: Option<Ino>) -> Handle {
        self.handles.push(Held { node, path });
        Handle {
            number: self.handles.len() - 1,
            life: self.life,
        }
    }

    /// The path of an open file, or the last one that it had.
    pub(super) fn path(&mut self, handle: usize) -> String {
        let held = &mut self.handles[handle];
        if let Some(path) = held.node.and_then(|node| self.disk.view().path_of(node)) {
            held.path = path;
        }
        held.path.clone()
    }

    pub(super) fn bytes(&self, handle: &Handle) -> &[u8] {
        let node = self.handles[handle.number].node;
        let bytes = node.and_then(|node| self.disk.view().cells(node));
        bytes.unwrap_or_default()
    }

    pub(super) fn len(&self, handle: &Handle) -> usize {
        self.bytes(handle).len()
    }

    /// Makes a call, or does to it what is planned.
    pub(super) fn change(&mut self, call: Call<u8>, handle: Option<usize>) -> io::Result<()> {
        self.check_alive()?;
        let fault = self.fault(&call);
        if fault == Some(Fault::Die) {
            self.dead = true;
            return self.check_alive();
        }
        self.calls += 1;
        self.barriers += usize::from(call.is_barrier());
        match fault {
            Some(Fault::Drop) => Ok(()),
            Some(Fault::SwapWithNext) if self.deferred.is_none() => {
                self.deferred = Some((call, handle));
                Ok(())
            }
            fault => {
                let deferred = self.deferred.take();
                let done = self.happen(call, handle, fault);
                if let Some((call, handle)) = deferred {
                    // Nobody waits for the answer.
                    let _ = self.happen(call, handle, None);
                }
                done
            }
        }
    }

    /// The fault that strikes this call.
    fn fault(&mut self, call: &Call<u8>) -> Option<Fault> {
        let struck = |(point, fault): &(Point, Fault)| {
            let here = match *point {
                Point::Call(number) => number == self.calls,
                Point::Barrier(number) => call.is_barrier() && number == self.barriers,
            };
            here && (call.is_barrier() || !matches!(fault, Fault::Barrier(_)))
        };
        let planned = |fault: &(Point, Fault)| struck(fault) && fault.1 == Fault::Die;
        let planned = self.faults.iter().position(planned);
        // A call that the process does not live to make keeps its number, and what else is planned.
        let planned = planned.or_else(|| self.faults.iter().position(struck))?;
        Some(self.faults.remove(planned).1)
    }

    fn happen(
        &mut self,
        call: Call<u8>,
        handle: Option<usize>,
        fault: Option<Fault>,
    ) -> io::Result<()> {
        let (outcome, told) = match fault {
            Some(Fault::Barrier(failure)) => self.fail(&call, handle, failure),
            Some(Fault::Error { kind, written }) => {
                let written = match &call {
                    Call::Write { file, at, cells } => {
                        let (file, at) = (file.clone(), *at);
                        let cells = cells[..written.min(cells.len())].to_vec();
                        let written = cells.len();
                        let part = Call::Write { file, at, cells };
                        self.apply(&part, handle).map_or(0, |()| written)
                    }
                    _ => 0,
                };
                (Outcome::Failed { kind, written }, Err(kind.into()))
            }
            _ => match self.apply(&call, handle) {
                Ok(()) => (Outcome::Done, Ok(())),
                Err(refusal) => {
                    let (kind, written) = (kind_of(refusal), 0);
                    (Outcome::Failed { kind, written }, Err(kind.into()))
                }
            },
        };
        self.trace.push(Traced { call, outcome });
        told
    }

    fn fail(
        &mut self,
        call: &Call<u8>,
        handle: Option<usize>,
        failure: Failure,
    ) -> (Outcome, io::Result<()>) {
        let possible = Failure::of(call).contains(&failure);
        let failure = if possible { failure } else { Failure::Abort };
        let node = match handle {
            Some(handle) => self.handles[handle].node,
            None => self.disk.view().lookup(call.path()),
        };
        if let Some(node) = node.filter(|_| !self.disk.is_aborted()) {
            self.disk.fail_barrier(node, failure);
        }
        let told = Err(io::Error::other("the device reported an error"));
        (Outcome::BarrierFailed(failure), told)
    }

    /// Makes a call; of an open file by its inode, whatever its name is now.
    fn apply(&mut self, call: &Call<u8>, handle: Option<usize>) -> Result<(), Refusal> {
        let (disk, profile) = (&mut self.disk, &self.profile);
        let Some(handle) = handle else {
            return disk.apply(call, profile);
        };
        let held = &mut self.handles[handle];
        if let Call::Create(path) = call {
            held.node = Some(disk.create(path, empty_file())?);
            return Ok(());
        }
        // A file whose creation was dropped takes everything, and keeps nothing.
        let Some(node) = held.node else { return Ok(()) };
        match call {
            Call::Write { at, cells, .. } => disk.write(node, *at, cells, profile),
            Call::SetLen { to, .. } => disk.set_len(node, *to, profile),
            Call::Barrier(_) => disk.barrier(node, false, profile),
            Call::DataBarrier(_) => disk.barrier(node, true, profile),
            named => disk.apply(named, profile),
        }
    }
}

fn kind_of(refusal: Refusal) -> ErrorKind {
    match refusal {
        Refusal::NotFound => ErrorKind::NotFound,
        Refusal::Exists => ErrorKind::AlreadyExists,
        Refusal::WrongKind => ErrorKind::NotADirectory,
        Refusal::Aborted => ErrorKind::ReadOnlyFilesystem,
    }
}

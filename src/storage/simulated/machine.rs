//! The machine: a disk, the process that runs on it, and the faults that are planned.

use super::plant::{Becomes, Insertion, Plant, Site};
use super::{Fault, Outcome, Point, Recorded, Traced, Watched, WidestRead, empty_file};
use models::disk::lazy::{Ask, Choices, Lazy};
use models::disk::{Call, Failure, Ino, Refusal};
use models::profile::Profile;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::Arc;

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

/// Somebody who comes by at each call that changes something, and is told its number.
pub(super) struct Visitor(pub(super) Box<dyn FnMut(usize) + Send>);

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Visitor")
    }
}

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) disk: Lazy<u8>,
    pub(super) choices: Choices,
    pub(super) profile: Arc<Profile>,
    /// Which process runs.
    pub(super) life: u64,
    /// It has died, and no other has been started.
    pub(super) dead: bool,
    pub(super) calls: usize,
    pub(super) barriers: usize,
    pub(super) faults: Vec<(Point, Fault)>,
    pub(super) trace: Vec<Traced>,
    /// Nobody asks for the trace.
    pub(super) untraced: bool,
    /// The calls with the disk after each, where somebody asks for them.
    pub(super) recorded: Option<Vec<Recorded>>,
    /// The disk after each call that changed it, and how many choices it took to come there.
    pub(super) watched: Option<Vec<Watched>>,
    pub(super) locked: BTreeSet<Ino>,
    pub(super) plant: Plant,
    /// Told of each call before it is made.
    pub(super) visitor: Option<Visitor>,
    /// The call sites that were met.
    pub(super) sites: BTreeSet<Site>,
    /// The read for which the most was decided.
    pub(super) widest: Option<WidestRead>,
    handles: Vec<Held>,
    /// What happens after the next call.
    deferred: Option<(Call<u8>, Option<usize>)>,
}

impl Machine {
    pub(super) fn new(disk: Lazy<u8>, profile: Arc<Profile>) -> Machine {
        Machine {
            disk,
            choices: Choices::default(),
            profile,
            life: 0,
            dead: false,
            calls: 0,
            barriers: 0,
            faults: Vec::new(),
            trace: Vec::new(),
            untraced: false,
            recorded: None,
            watched: None,
            locked: BTreeSet::new(),
            plant: Plant::default(),
            visitor: None,
            sites: BTreeSet::new(),
            widest: None,
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

    /// The disk, and how its questions are answered.
    pub(super) fn asking(&mut self) -> (&mut Lazy<u8>, Ask<'_>) {
        let ask = Ask {
            profile: &self.profile,
            choices: &mut self.choices,
        };
        (&mut self.disk, ask)
    }

    pub(super) fn lookup(&mut self, path: &str) -> Option<Ino> {
        let (disk, mut ask) = self.asking();
        disk.lookup(path, &mut ask)
    }

    pub(super) fn node(&mut self, path: &str) -> io::Result<Ino> {
        let node = self.lookup(path);
        node.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Whether it is a file; a node that exists is one or a directory.
    pub(super) fn is_file(&self, node: Ino) -> bool {
        self.disk.known().view().cells(node).is_some()
    }

    /// Makes everything cached durable. The inodes are numbered anew then: each is found by its name.
    pub(super) fn settle(&mut self) {
        let view = self.disk.known().view();
        let path = |node: Ino| view.path_of(node);
        let held: Vec<_> = (self.handles.iter().map(|held| held.node.and_then(path))).collect();
        let locked: Vec<_> = self.locked.iter().filter_map(|node| path(*node)).collect();
        self.disk = Lazy::from(self.disk.known().settled(&self.profile));
        let view = self.disk.known().view();
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

    /// What an open file is. `None`: its creation was dropped, or is yet to come.
    pub(super) fn node_of(&self, handle: &Handle) -> Option<Ino> {
        self.handles[handle.number].node
    }

    /// The path of an open file, or the last one that it had.
    pub(super) fn path(&mut self, handle: usize) -> String {
        let held = &mut self.handles[handle];
        let view = self.disk.known().view();
        if let Some(path) = held.node.and_then(|node| view.path_of(node)) {
            held.path = path;
        }
        held.path.clone()
    }

    /// Reads, and notes how much had to be decided for it.
    pub(super) fn reading<T>(
        &mut self,
        site: Site,
        path: &str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.choices.asked();
        let read = read(self);
        self.note_read(site, before, |_| path.into());
        read
    }

    /// The same, of an open file.
    pub(super) fn reading_file<T>(
        &mut self,
        site: Site,
        file: Handle,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.choices.asked();
        let read = read(self);
        // As it was opened: where it is now takes a walk over all names.
        self.note_read(site, before, |machine| {
            machine.handles[file.number].path.clone()
        });
        read
    }

    fn note_read(&mut self, site: Site, before: usize, path: impl FnOnce(&mut Self) -> String) {
        let decided = self.choices.asked() - before;
        if decided > self.widest.as_ref().map_or(0, |widest| widest.decided) {
            let path = path(self);
            self.widest = Some(WidestRead {
                site,
                path,
                decided,
            });
        }
    }

    /// So many bytes of a file from `at` on, or as many as there are.
    pub(super) fn read(&mut self, handle: &Handle, at: usize, len: usize) -> &[u8] {
        let node = self.handles[handle.number].node;
        let (disk, mut ask) = self.asking();
        node.map_or(&[], |node| disk.read(node, at, len, &mut ask))
    }

    pub(super) fn len(&mut self, handle: &Handle) -> usize {
        let node = self.handles[handle.number].node;
        let (disk, mut ask) = self.asking();
        node.and_then(|node| disk.size(node, &mut ask)).unwrap_or(0)
    }

    /// Makes a call, or does to it what is planned.
    pub(super) fn change(
        &mut self,
        call: Call<u8>,
        handle: Option<usize>,
        site: Site,
    ) -> io::Result<()> {
        self.check_alive()?;
        let site = site.of(&call);
        if self.plant.keeps_sites {
            self.sites.insert(site);
        }
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
                let done = self.happen_as_planted(call, handle, fault, site);
                if let Some((call, handle)) = deferred {
                    // Nobody waits for the answer.
                    let _ = self.happen(call, handle, None, site);
                }
                self.watch();
                done
            }
        }
    }

    /// As [`Machine::happen`], with what is planted there.
    fn happen_as_planted(
        &mut self,
        call: Call<u8>,
        handle: Option<usize>,
        fault: Option<Fault>,
        site: Site,
    ) -> io::Result<()> {
        let call = match (fault, self.plant.becomes(site), call) {
            (None, Becomes::Nothing, call) if call.is_barrier() => return Ok(()),
            (None, Becomes::DataBarrier, Call::Barrier(path)) => Call::DataBarrier(path),
            (_, _, call) => call,
        };
        let Some(inserted) = self.plant.inserted.get(&site).copied() else {
            return self.happen(call, handle, fault, site);
        };
        let path = match &call {
            Call::Rename { to, .. } => to.clone(),
            call if !call.path().is_empty() => call.path().to_string(),
            _ => handle.map_or_else(String::new, |handle| self.path(handle)),
        };
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let barrier = match inserted {
            Insertion::File => Call::Barrier(path.clone()),
            Insertion::Directory => Call::DirectoryBarrier(directory.into()),
        };
        self.happen(call, handle, fault, site)?;
        self.happen(barrier, None, None, site)
    }

    fn watch(&mut self) {
        let (disk, call) = (&self.disk, self.calls - 1);
        let choices = self.choices.asked();
        if let Some(watched) = &mut self.watched {
            watched.push(Watched {
                disk: disk.clone(),
                call,
                choices,
            });
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
        site: Site,
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
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Recorded {
                call: call.clone(),
                outcome,
                site,
                disk: self.disk.clone(),
            });
        }
        if !self.untraced {
            self.trace.push(Traced { call, outcome });
        }
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
            None => self.lookup(call.path()),
        };
        if let Some(node) = node.filter(|_| !self.disk.known().is_aborted()) {
            self.disk.fail_barrier(node, failure);
        }
        let told = Err(io::Error::other("the device reported an error"));
        (Outcome::BarrierFailed(failure), told)
    }

    /// Makes a call; of an open file by its inode, whatever its name is now.
    fn apply(&mut self, call: &Call<u8>, handle: Option<usize>) -> Result<(), Refusal> {
        let mut ask = Ask {
            profile: &self.profile,
            choices: &mut self.choices,
        };
        let (disk, ask) = (&mut self.disk, &mut ask);
        let Some(handle) = handle else {
            return disk.apply(call, ask);
        };
        let held = &mut self.handles[handle];
        if let Call::Create(path) = call {
            held.node = Some(disk.create(path, empty_file(), ask)?);
            return Ok(());
        }
        // A file whose creation was dropped takes everything, and keeps nothing.
        let Some(node) = held.node else { return Ok(()) };
        match call {
            Call::Write { at, cells, .. } => disk.write(node, *at, cells, ask),
            Call::SetLen { to, .. } => disk.set_len(node, *to, ask),
            Call::Barrier(_) | Call::DirectoryBarrier(_) => disk.barrier(node, false, ask.profile),
            Call::DataBarrier(_) => disk.barrier(node, true, ask.profile),
            named => disk.apply(named, ask),
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

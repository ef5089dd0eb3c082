//! Simulated storage: the models' disk with bytes in it, under real engines.
//!
//! ```text
//!   engine ---- Storage, File ----> Simulated ---- effects ----> models::disk::Disk<u8>
//!                                      |                               |
//!                         trace of changes and barriers      kill, power cut with fates
//! ```
//!
//! What a crash can do is said in `models`, and nowhere else: this is the one place beside `conform`
//! that names it. A [`Simulated`] is one machine; its clones reach the same disk. A handle holds an
//! inode, so it survives renames, and it dies with the process that opened it.
//!
//! Faults are planned ahead, by the number of the call that they strike (see [`Point`]); so is a
//! [`Fault::Drop`] or a [`Fault::SwapWithNext`], which plant an engine's mistake without touching
//! the engine.

mod crash;
mod directory;
mod file;
mod machine;
mod plant;
#[cfg(test)]
mod tests;

pub use directory::SimulatedDirectory;
pub use file::{SimulatedFile, SimulatedLock};
use machine::Machine;
use models::disk::lazy::{Choices, Lazy};
use models::disk::{Call, Disk, Failure, Node};
use models::profile::Profile;
pub use plant::{Insertion, Plant, Site};
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Storage;
use super::os::at;
use crate::sync::Crossing;

/// Bytes in a sector, unless the profile says otherwise.
pub const SECTOR_BYTES: usize = 512;
/// Bytes in a block, unless the profile says otherwise.
pub const BLOCK_BYTES: usize = 4096;

/// A machine with one disk. Clones reach the same one.
#[derive(Clone, Debug)]
pub struct Simulated {
    machine: Arc<Mutex<Machine>>,
    crossing: Crossing,
}

/// Which call a fault strikes. Calls that change something and barriers count, from 0, over the
/// whole life of the machine; reads do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The nth of all (see [`Simulated::calls`]).
    Call(usize),
    /// The nth barrier of any kind (see [`Simulated::barriers`]).
    Barrier(usize),
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The process dies before it: this call and every later one fails, and none changes anything,
    /// until [`Simulated::kill`] or [`Simulated::power_cut`].
    Die,
    /// A barrier fails, in this way; a directory barrier always by [`Failure::Abort`]. Strikes
    /// barriers only.
    Barrier(Failure),
    /// It fails with this kind of error, and of a write the first `written` bytes are done all the
    /// same. [`ErrorKind::StorageFull`] is ENOSPC. A barrier that fails so dooms nothing: what it was to cover
    /// stays cached, for the next one.
    Error {
        /// The kind.
        kind: ErrorKind,
        /// Bytes of a write that are written.
        written: usize,
    },
    /// The engine is told Ok, and nothing happens.
    Drop,
    /// The engine is told Ok, and it happens after the next call. A crash before that takes it.
    SwapWithNext,
}

/// A call as it happened, in the order in which the disk saw it. What was dropped is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The call, by the path at the time, or the last one that the file had.
    pub call: Call<u8>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With Ok.
    Done,
    /// It is a barrier, and failed in this way.
    BarrierFailed(Failure),
    /// With an error; of a write so many bytes were written.
    Failed {
        /// The kind of error.
        kind: ErrorKind,
        /// Bytes of a write that were written.
        written: usize,
    },
}

/// A call with the disk after it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The call.
    pub call: Call<u8>,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it stands in the code.
    pub site: Site,
    /// The disk after it.
    pub disk: Lazy<u8>,
}

/// The disk after a call of a machine that is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The disk.
    pub disk: Lazy<u8>,
    /// The number of the call.
    pub call: usize,
    /// How many choices the run had asked for.
    pub choices: usize,
}

/// A read for which fates had to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WidestRead {
    /// Where it stands.
    pub site: Site,
    /// What is read.
    pub path: String,
    /// How often a fate was chosen for it, or what lost space reads.
    pub decided: usize,
}

impl Simulated {
    /// A machine with an empty disk. Sizes of sector and block in the profile are in bytes.
    pub fn new(profile: Profile) -> Simulated {
        Simulated::on(Disk::default(), profile)
    }

    /// A machine with an empty disk of the named profile, with sectors of 512 bytes and blocks of
    /// 4096. `None`: no such profile.
    pub fn named(profile: &str) -> Option<Simulated> {
        let profile = Profile::named(profile)?;
        Some(Simulated::new(
            profile.with_sizes(SECTOR_BYTES, BLOCK_BYTES),
        ))
    }

    /// A machine with that disk.
    pub fn on(disk: Disk<u8>, profile: Profile) -> Simulated {
        Simulated::lazily(Lazy::from(disk), Arc::new(profile), Choices::default())
    }

    /// A machine with a disk of which power cuts have left something open: reads ask these choices. It
    /// keeps no trace until it is told to.
    pub fn lazily(disk: Lazy<u8>, profile: Arc<Profile>, choices: Choices) -> Simulated {
        let mut machine = Machine::new(disk, profile);
        machine.choices = choices;
        Simulated {
            machine: Arc::new(Mutex::new(machine)),
            crossing: Crossing::default(),
        }
    }

    /// The same machine, at each of whose calls a scheduler may let another thread go on. Within an execution of
    /// the scheduler.
    #[cfg(any(loom, shuttle))]
    pub fn scheduled(self) -> Simulated {
        let crossing = Crossing::scheduled();
        Simulated { crossing, ..self }
    }

    /// The disk, as it is now; what power cuts have left open of it reads as nothing, or zeros.
    pub fn disk(&self) -> Disk<u8> {
        self.machine().disk.known().clone()
    }

    /// The disk, with what power cuts have left open of it.
    pub fn lazy(&self) -> Lazy<u8> {
        self.machine().disk.clone()
    }

    /// The choices, as far as they were asked for.
    pub fn choices(&self) -> Choices {
        self.machine().choices.clone()
    }

    /// From now on nothing is traced, and the disk after each call is kept, for [`Simulated::watched`].
    pub fn watch(&self) {
        let mut machine = self.machine();
        machine.untraced = true;
        machine.watched = Some(Vec::new());
    }

    /// From now on calls are kept with the disk after each, for [`Simulated::recorded`].
    pub fn record(&self) {
        self.machine().recorded = Some(Vec::new());
    }

    /// The calls since last asked.
    pub fn recorded(&self) -> Vec<Recorded> {
        let mut machine = self.machine();
        (machine.recorded.as_mut()).map_or_else(Vec::new, std::mem::take)
    }

    /// Plants something at call sites of the code that runs on this machine.
    pub fn plant(&self, plant: &Plant) {
        self.machine().plant = plant.clone();
    }

    /// The call sites that were met since somebody planted that they are kept, in order.
    pub fn sites(&self) -> Vec<Site> {
        self.machine().sites.iter().copied().collect()
    }

    /// The read that had the most fates decided for it, if any had.
    pub fn widest_read(&self) -> Option<WidestRead> {
        self.machine().widest.clone()
    }

    /// From now on nothing is traced.
    pub fn untraced(&self) {
        self.machine().untraced = true;
    }

    /// The disks since last asked, one for each call.
    pub fn watched(&self) -> Vec<Watched> {
        let mut machine = self.machine();
        machine
            .watched
            .as_mut()
            .map_or_else(Vec::new, std::mem::take)
    }

    /// What kind of file system it is.
    pub fn profile(&self) -> Profile {
        (*self.machine().profile).clone()
    }

    /// How many changing calls and barriers there were: the number of the next one.
    pub fn calls(&self) -> usize {
        self.machine().calls
    }

    /// How many barriers there were, of any kind: the number of the next one.
    pub fn barriers(&self) -> usize {
        self.machine().barriers
    }

    /// Plans a fault. Of two for one call the one that was planned first strikes, but a death before
    /// any other: what else is planned then strikes the first call of the next process, which has
    /// that number.
    pub fn plan(&self, point: Point, fault: Fault) {
        self.machine().faults.push((point, fault));
    }

    /// Forgets every fault that has not struck.
    pub fn forget_faults(&self) {
        self.machine().faults.clear();
    }

    /// What happened since last asked.
    pub fn take_trace(&self) -> Vec<Traced> {
        std::mem::take(&mut self.machine().trace)
    }

    /// Whether a planned [`Fault::Die`] has struck.
    pub fn is_dead(&self) -> bool {
        self.machine().dead
    }

    /// Makes everything cached durable, as an unhurried operating system would. Handles of files that have a name
    /// stay good.
    pub fn settle(&self) {
        self.machine().settle();
    }

    /// How many distinct disks a power cut could leave now. Takes time in proportion.
    pub fn crash_images(&self) -> usize {
        let machine = self.machine();
        machine.disk.known().crash_images(&machine.profile).len()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.crossing.pass();
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call of the process that runs.
    #[track_caller]
    fn change(&self, doing: &'static str, path: &Path, call: Call<u8>) -> io::Result<()> {
        let site = Site::here();
        self.is_visited();
        at(doing, path, self.machine().change(call, None, site))
    }
}

/// As the disk has it: relative to the root, `store/log`; the root is empty.
fn on_disk(path: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str().ok_or(ErrorKind::InvalidInput)?),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(ErrorKind::InvalidInput.into());
            }
        }
    }
    Ok(names.join("/"))
}

impl Storage for Simulated {
    type File = SimulatedFile;
    type Lock = SimulatedLock;

    #[track_caller]
    fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let site = Site::here();
        let file = || {
            let name = on_disk(path)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = machine.reading(site.named("open"), &name, |machine| machine.node(&name))?;
            if !machine.is_file(node) {
                return Err(ErrorKind::IsADirectory.into());
            }
            Ok(machine.handle(name, Some(node)))
        };
        Ok(SimulatedFile::new(self, at("open", path, file())?, path))
    }

    #[track_caller]
    fn create(&self, path: &Path) -> io::Result<SimulatedFile> {
        let site = Site::here();
        let file = || {
            let name = on_disk(path)?;
            self.is_visited();
            let mut machine = self.machine();
            let handle = machine.handle(name.clone(), None);
            machine.change(Call::Create(name), Some(handle.number), site)?;
            Ok(handle)
        };
        Ok(SimulatedFile::new(self, at("create", path, file())?, path))
    }

    #[track_caller]
    fn exists(&self, path: &Path) -> io::Result<bool> {
        let site = Site::here().named("exists");
        let exists = || {
            let name = on_disk(path)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = machine.reading(site, &name, |machine| machine.lookup(&name));
            Ok(node.is_some())
        };
        at("look for", path, exists())
    }

    #[track_caller]
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let site = Site::here().named("list");
        let names = || {
            let name = on_disk(dir)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let names = machine.reading(site, &name, |machine| {
                let node = machine.node(&name)?;
                let (disk, mut ask) = machine.asking();
                let names = disk.list(node, &mut ask);
                names.ok_or(io::Error::from(ErrorKind::NotADirectory))
            })?;
            Ok(names.iter().map(ToString::to_string).collect())
        };
        at("list", dir, names())
    }

    #[track_caller]
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let name = at("make the directory", path, on_disk(path))?;
        self.change("make the directory", path, Call::CreateDirectory(name))
    }

    #[track_caller]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let names = || {
            Ok(Call::Rename {
                from: on_disk(from)?,
                to: on_disk(to)?,
            })
        };
        self.change("rename", from, at("rename", from, names())?)
    }

    #[track_caller]
    fn remove(&self, path: &Path) -> io::Result<()> {
        let name = at("remove", path, on_disk(path))?;
        let is_directory = {
            let mut machine = self.machine();
            let node = machine.lookup(&name);
            node.is_some_and(|node| !machine.is_file(node))
        };
        if is_directory {
            return at("remove", path, Err(ErrorKind::IsADirectory.into()));
        }
        self.change("remove", path, Call::Remove(name))
    }

    #[track_caller]
    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        let name = at("sync the directory", dir, on_disk(dir))?;
        self.change("sync the directory", dir, Call::DirectoryBarrier(name))
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<SimulatedLock>> {
        let lock = || {
            let name = on_disk(dir)?;
            let mut machine = self.machine();
            machine.check_alive()?;
            let node = machine.node(&name)?;
            if machine.is_file(node) {
                return Err(ErrorKind::NotADirectory.into());
            }
            let life = machine.life;
            Ok((machine.locked.insert(node)).then(|| SimulatedLock::new(self, node, life)))
        };
        at("lock", dir, lock())
    }
}

/// An empty file.
fn empty_file() -> Node<u8> {
    Node::File(Vec::new())
}

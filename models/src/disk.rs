//! The disk: what is cached, what is durable, and what a crash may leave.   (trusted: audit this)
//!
//! ```text
//!            call                       barrier
//!   engine ---------> cached effects ------------> durable
//!                         |                           |
//!                     power cut:                  power cut:
//!              kept or lost, as the profile's        kept
//!                order of implications allows
//! ```
//!
//! K1  What a completed barrier covered is in every later crash image.
//! K2  A crash image is what is durable plus a subset of the cached effects that is downward-closed
//!     under the profile's order, applied in issue order; all such images, and no others.
//! K3  A kill loses nothing here: what is cached stays visible.
//! K4  After a failed barrier the data that it was to cover is *doomed*: its fate is open at every
//!     power cut until the next one, and no later barrier covers it (Rebello et al., ATC '20).
//! K5  Space whose write was lost reads zeros, or by switch garbage or stale contents; once a power
//!     cut has chosen, it stays so until it is overwritten.
//!
//! A disk is generic in its contents: tokens in the models, bytes under the real engines. There is
//! no other definition of a crash in this project.
//!
//! Sources: Pillai et al., OSDI '14 (ALICE), section 3 and table 2; Bornholt et al., ASPLOS '16
//! (Ferrite), section 3. The order: [`effect`]; the enumeration of crash images: [`image`].

mod barrier;
mod call;
pub mod effect;
mod forget;
mod freed;
mod holes;
pub mod image;
pub mod lazy;
mod parts;
pub mod shared;
pub mod tree;

use crate::profile::Profile;
pub use call::{Call, Failure, Refusal};
use effect::{Effect, Kind, Logged, Status};
use holes::Holes;
use image::Fates;
use shared::Shared;
use std::collections::BTreeSet;
pub use tree::{Cell, Ino, Name, Node, Tree};

/// A disk: a tree that is durable, and the log of what happened since.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disk<C> {
    base: Shared<Tree<C>>,
    /// Cells of the base that were never written.
    holes: Holes,
    log: Vec<Logged<C>>,
    view: Shared<Tree<C>>,
    aborted: bool,
    /// Contents that the store gave up, by their place in a block: what stale space may read.
    freed: Shared<Freed<C>>,
}

/// Contents that the store gave up, by their place in a block.
type Freed<C> = BTreeSet<(usize, Vec<C>)>;

impl<C: Cell> Default for Disk<C> {
    fn default() -> Self {
        Self::new(Tree::default())
    }
}

impl<C: Cell> Disk<C> {
    /// A disk on which that tree is durable.
    pub fn new(tree: Tree<C>) -> Self {
        let tree = Shared::new(tree);
        Self {
            view: tree.clone(),
            base: tree,
            holes: Holes::default(),
            log: Vec::new(),
            aborted: false,
            freed: Shared::default(),
        }
    }

    /// What a program sees: durable and cached.
    pub fn view(&self) -> &Tree<C> {
        &self.view
    }

    /// The disk after everything cached became durable.
    pub fn settled(&self, profile: &Profile) -> Self {
        let visible = (0..self.log.len()).filter(|&i| self.log[i].is_visible());
        let all = Fates {
            kept: visible.collect(),
            fills: Vec::new(),
        };
        let waits_for_nothing = Profile {
            data_waits_for_barrier: false,
            ..profile.clone()
        };
        self.crash(&all, &waits_for_nothing)
    }

    /// What is durable whatever else is lost.
    pub fn base(&self) -> &Tree<C> {
        &self.base
    }

    /// The effects since, in issue order.
    pub fn log(&self) -> &[Logged<C>] {
        &self.log
    }

    /// Whether an effect of the log is durable.
    pub fn is_durable(&self, index: usize) -> bool {
        self.log[index].status == Status::Durable
    }

    /// Whether every change fails until the next power cut.
    pub fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Makes a call.
    pub fn apply(&mut self, call: &Call<C>, profile: &Profile) -> Result<(), Refusal> {
        match call {
            Call::Create(path) => self.create(path, Node::File(Vec::new())).map(drop),
            Call::CreateDirectory(path) => self
                .create(path, Node::Directory(Default::default()))
                .map(drop),
            Call::Write { file, at, cells } => {
                let file = self.view.lookup(file).ok_or(Refusal::NotFound)?;
                self.write(file, *at, cells, profile)
            }
            Call::SetLen { file, to } => {
                let file = self.view.lookup(file).ok_or(Refusal::NotFound)?;
                self.set_len(file, *to, profile)
            }
            Call::Rename { from, to } => self.rename(from, to, profile),
            Call::Remove(path) => self.remove(path, profile),
            Call::Barrier(path) | Call::DataBarrier(path) | Call::DirectoryBarrier(path) => {
                let node = self.view.lookup(path).ok_or(Refusal::NotFound)?;
                self.barrier(node, matches!(call, Call::DataBarrier(_)), profile)
            }
        }
    }

    /// Makes an empty file or directory.
    pub fn create(&mut self, path: &str, node: Node<C>) -> Result<Ino, Refusal> {
        self.writable()?;
        let (directory, name) = self.parent(path)?;
        if self.view.lookup(path).is_some() {
            return Err(Refusal::Exists);
        }
        let ino = self.base.unused().max(self.view.unused());
        self.base.make_mut().insert(ino, node.clone());
        self.view.make_mut().insert(ino, node);
        let entry = Effect::Entry {
            directory,
            name,
            target: Some(ino),
        };
        self.issue(vec![(entry, Kind::Name)]);
        Ok(ino)
    }

    /// Writes cells; the file grows as needed.
    pub fn write(
        &mut self,
        file: Ino,
        at: usize,
        cells: &[C],
        profile: &Profile,
    ) -> Result<(), Refusal> {
        self.writable()?;
        let size = self.view.cells(file).ok_or(Refusal::WrongKind)?.len();
        let end = at + cells.len();
        let allocated = size.next_multiple_of(profile.block);
        let mut effects = Vec::new();
        let mut from = at;
        while from < end {
            let block_end = end.min((from / profile.block + 1) * profile.block);
            let new_block = from.max(size) >= allocated;
            if block_end > size {
                let size = Effect::Size {
                    file,
                    to: block_end,
                };
                effects.push((size, Kind::Append { new_block }));
            }
            for (at, to) in pieces(from, block_end, profile.sector) {
                if !profile.power_safe_overwrite {
                    effects.extend(spills(file, at, to, size, profile));
                }
                let kind = if to > size {
                    Kind::Append { new_block }
                } else {
                    Kind::Overwrite
                };
                for (at, to) in pieces(at, to, profile.atom()) {
                    let cells = cells[at - (end - cells.len())..to - (end - cells.len())].to_vec();
                    effects.push((Effect::Data { file, at, cells }, kind));
                }
            }
            from = block_end;
        }
        self.issue(effects);
        Ok(())
    }

    /// Sets the size of a file.
    pub fn set_len(&mut self, file: Ino, to: usize, profile: &Profile) -> Result<(), Refusal> {
        self.writable()?;
        let cells = self.view.cells(file).ok_or(Refusal::WrongKind)?;
        if cells.len() == to {
            return Ok(());
        }
        let kind = Kind::Resize {
            cuts: to < cells.len(),
        };
        self.free(file, to, profile);
        self.issue(vec![(Effect::Size { file, to }, kind)]);
        Ok(())
    }

    /// Moves a name; an existing file of the new name is replaced.
    pub fn rename(&mut self, from: &str, to: &str, profile: &Profile) -> Result<(), Refusal> {
        self.writable()?;
        let moved = self.view.lookup(from).ok_or(Refusal::NotFound)?;
        let (old_directory, old_name) = self.parent(from)?;
        let (directory, name) = self.parent(to)?;
        let under_itself = tree::components(to)
            .zip(tree::components(from))
            .take_while(|(a, b)| a == b)
            .count()
            == tree::components(from).count();
        let replaced = self.view.lookup(to);
        if replaced == Some(moved) {
            return Ok(());
        }
        let is_file = |ino: Ino| self.view.cells(ino).is_some();
        if under_itself || replaced.is_some_and(|old| !is_file(old) || !is_file(moved)) {
            return Err(Refusal::WrongKind);
        }
        if let Some(old) = replaced {
            self.free_name(old, profile);
        }
        let kind = Kind::Rename {
            moved,
            replaced: replaced.is_some(),
        };
        let remove = Effect::Entry {
            directory: old_directory,
            name: old_name,
            target: None,
        };
        let add = Effect::Entry {
            directory,
            name,
            target: Some(moved),
        };
        self.issue(vec![(remove, kind), (add, kind)]);
        Ok(())
    }

    /// Removes the name of a file or of an empty directory.
    pub fn remove(&mut self, path: &str, profile: &Profile) -> Result<(), Refusal> {
        self.writable()?;
        let ino = self.view.lookup(path).ok_or(Refusal::NotFound)?;
        let (directory, name) = self.parent(path)?;
        if self
            .view
            .entries(ino)
            .is_some_and(|entries| !entries.is_empty())
        {
            return Err(Refusal::WrongKind);
        }
        self.free_name(ino, profile);
        self.issue(vec![(
            Effect::Entry {
                directory,
                name,
                target: None,
            },
            Kind::Name,
        )]);
        Ok(())
    }

    fn issue(&mut self, effects: Vec<(Effect<C>, Kind)>) {
        let call = self.log.last().map_or(0, |last| last.call + 1);
        for (effect, kind) in effects {
            let logged = Logged {
                effect: Shared::new(effect),
                kind,
                call,
                status: Status::Cached,
            };
            if logged.is_visible() {
                replay(self.view.make_mut(), &logged.effect);
            }
            self.log.push(logged);
        }
        // After a size was reverted, data may lie beyond it.
        if self
            .log
            .iter()
            .any(|logged| !logged.is_visible() && logged.is_size())
        {
            self.view = Shared::new(self.replayed());
        }
    }

    /// What a program sees, from the base and the log.
    fn replayed(&self) -> Tree<C> {
        let mut view = (*self.base).clone();
        for logged in self.log.iter().filter(|logged| logged.is_visible()) {
            if logged.is_name() {
                replay(&mut view, &logged.effect);
            }
        }
        for file in self.log.iter().filter_map(Logged::file) {
            let cells = self.contents(file, |_, logged| logged.is_visible());
            view.insert(file, Node::File(cells));
        }
        view
    }

    /// The cells of a file with some effects of the log. Data beyond the size is there, unseen,
    /// until a smaller size cuts it off: so a later size can show it.
    fn contents(&self, file: Ino, applied: impl Fn(usize, &Logged<C>) -> bool) -> Vec<C> {
        let mut cells = self.base.cells(file).unwrap_or_default().to_vec();
        let mut size = cells.len();
        for (i, logged) in self.log.iter().enumerate() {
            if logged.file() != Some(file) || !applied(i, logged) {
                continue;
            }
            match &*logged.effect {
                Effect::Data {
                    at, cells: data, ..
                } => {
                    let end = at + data.len();
                    cells.resize(end.max(cells.len()), C::zero());
                    cells[*at..end].clone_from_slice(data);
                }
                Effect::Size { to, .. } => {
                    cells.truncate(*to);
                    size = *to;
                }
                Effect::Entry { .. } => {}
            }
        }
        cells.resize(size, C::zero());
        cells
    }

    fn writable(&self) -> Result<(), Refusal> {
        if self.aborted {
            Err(Refusal::Aborted)
        } else {
            Ok(())
        }
    }

    fn parent(&self, path: &str) -> Result<(Ino, Name), Refusal> {
        let mut names = tree::components(path);
        let name = names.next_back().ok_or(Refusal::WrongKind)?;
        let directory = names.collect::<Vec<_>>().join("/");
        let directory = self.view.lookup(&directory).ok_or(Refusal::NotFound)?;
        self.view.entries(directory).ok_or(Refusal::WrongKind)?;
        Ok((directory, name.into()))
    }
}

/// Applies an effect to a tree.
fn replay<C: Cell>(tree: &mut Tree<C>, effect: &Effect<C>) {
    match effect {
        Effect::Data { file, at, cells } => tree.write(*file, *at, cells),
        Effect::Size { file, to } => tree.resize(*file, *to),
        Effect::Entry {
            directory,
            name,
            target,
        } => tree.entry(*directory, name, *target),
    }
}

/// Damage to what stands beside a write to one sector of a file.
fn spills<C: Cell>(
    file: Ino,
    at: usize,
    to: usize,
    size: usize,
    profile: &Profile,
) -> Vec<(Effect<C>, Kind)> {
    let start = at / profile.sector * profile.sector;
    let end = size.min(start + profile.sector);
    [(start, at.min(end)), (to, end)]
        .into_iter()
        .filter(|(from, to)| from < to)
        .map(|(at, to)| {
            let cells = vec![C::garbage(); to - at];
            (Effect::Data { file, at, cells }, Kind::Spill)
        })
        .collect()
}

/// Cuts `from..to` at multiples of `atom`.
fn pieces(from: usize, to: usize, atom: usize) -> impl Iterator<Item = (usize, usize)> {
    (from / atom..to.div_ceil(atom)).map(move |i| (from.max(i * atom), to.min((i + 1) * atom)))
}

#[cfg(test)]
mod tests;

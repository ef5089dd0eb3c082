//! Lazy fates: a disk after power cuts that have not decided everything yet.   (trusted: audit this)
//!
//! ```text
//!   live     what this life did         a disk of its own: base, log, view
//!   -----    power cut: fates open      a piece of the base is known, or open
//!   before   the disk that was cut      with its log, and a base of which pieces may be open too
//!   -----    power cut
//!   ...
//! ```
//!
//! After a power cut the fate of a cached effect stays open until somebody reads what it decides: a
//! name, a size, an atom of a file. There [`Choices`] are asked; a fate that is chosen pulls others
//! along the profile's order, and a chosen fill stays. What nobody reads is never decided, and what is
//! overwritten whole never will be. A run with each list of choices visits every crash image, as far as
//! the program can tell them apart.
//!
//! Sound without backtracking because every rule of a profile is an implication: see [`image`](super::image), where the
//! definition stands that this reads piece by piece, and whose enumeration it is compared with
//! (`models/tests/images`).
//!
//! What is read before it is changed: a name that is set or removed, the size of a file that is written or
//! resized, an atom that is written in part or cut. So is what a removed or truncated file
//! held, where stale space may read it later.

mod canonical;
mod choices;
mod cut;
mod decided;
mod fates;
mod given_up;
mod know;

use super::effect::Effect;
use super::image::Count;
use super::image::ask::Atom;
use super::image::fate::{Fate, Order};
use super::shared::Shared;
use super::tree::{self, Cell, Ino, Name, Node, Tree};
use super::{Call, Disk, Failure, Refusal};
use crate::profile::Profile;
pub use canonical::{Canonical, GivenUp};
pub use choices::Choices;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A disk, and what past power cuts have left open of it.
#[derive(Clone, Debug)]
pub struct Lazy<C> {
    disk: Disk<C>,
    /// What of the base is open, node by node.
    open: BTreeMap<Ino, Open>,
    /// The power cut that decides it.
    cut: Option<Cut<C>>,
    /// The names with which this life began, where stale space may read what no name reaches any more.
    began: Option<Shared<Tree<C>>>,
}

/// What of a node is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Open {
    /// These names.
    Names(BTreeSet<Name>),
    /// How long the file is, and all that follows from it.
    Size,
    /// The atoms that begin at these cells.
    Atoms(BTreeSet<usize>),
}

/// A power cut, as far as it is decided.
#[derive(Clone, Debug)]
struct Cut<C> {
    before: Arc<Lazy<C>>,
    order: Arc<Order>,
    fate: Fate,
    /// The tree that it left, as far as it is known, where stale space may read what it did not leave.
    left: Option<Shared<Tree<C>>>,
    /// Files of which it gave up what is not in the disk's account yet, for how much depends on what is
    /// open.
    owed: BTreeSet<Ino>,
}

/// How questions are answered.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The file system.
    pub profile: &'a Profile,
    /// Who chooses.
    pub choices: &'a mut Choices,
}

impl<C: Cell> From<Disk<C>> for Lazy<C> {
    fn from(disk: Disk<C>) -> Self {
        Self {
            disk,
            open: BTreeMap::new(),
            cut: None,
            began: None,
        }
    }
}

impl<C: Cell> Lazy<C> {
    /// The disk as far as it is known: what is open reads as nothing, or zeros.
    pub fn known(&self) -> &Disk<C> {
        &self.disk
    }

    /// What the path names.
    pub fn lookup(&mut self, path: &str, ask: &mut Ask<'_>) -> Option<Ino> {
        if self.open.is_empty() {
            return self.disk.view.lookup(path);
        }
        tree::components(path).try_fold(Tree::<C>::ROOT, |at, name| {
            self.know_name(at, name, ask);
            self.disk.view.entries(at)?.get(name).copied()
        })
    }

    /// The names in a directory. `None`: it is none.
    pub fn list(&mut self, directory: Ino, ask: &mut Ask<'_>) -> Option<Vec<Name>> {
        self.know_names(directory, ask);
        Some(self.disk.view.entries(directory)?.keys().cloned().collect())
    }

    /// How long a file is. `None`: it is none.
    pub fn size(&mut self, file: Ino, ask: &mut Ask<'_>) -> Option<usize> {
        self.know_size(file, ask);
        Some(self.disk.view.cells(file)?.len())
    }

    /// The cells of a file from `at` on, `len` of them or as many as there are.
    pub fn read(&mut self, file: Ino, at: usize, len: usize, ask: &mut Ask<'_>) -> &[C] {
        self.know_atoms(file, at, at.saturating_add(len), ask);
        let cells = self.disk.view.cells(file).unwrap_or_default();
        let end = at.saturating_add(len).min(cells.len());
        cells.get(at..end).unwrap_or_default()
    }

    /// Makes a call, by paths.
    pub fn apply(&mut self, call: &Call<C>, ask: &mut Ask<'_>) -> Result<(), Refusal> {
        match call {
            Call::Create(path) => self.create(path, Node::File(Vec::new()), ask).map(drop),
            Call::CreateDirectory(path) => self
                .create(path, Node::Directory(BTreeMap::new()), ask)
                .map(drop),
            Call::Write { file, at, cells } => {
                let file = self.lookup(file, ask).ok_or(Refusal::NotFound)?;
                self.write(file, *at, cells, ask)
            }
            Call::SetLen { file, to } => {
                let file = self.lookup(file, ask).ok_or(Refusal::NotFound)?;
                self.set_len(file, *to, ask)
            }
            Call::Rename { from, to } => self.rename(from, to, ask),
            Call::Remove(path) => self.remove(path, ask),
            Call::Barrier(path) | Call::DataBarrier(path) | Call::DirectoryBarrier(path) => {
                let node = self.lookup(path, ask).ok_or(Refusal::NotFound)?;
                let data_only = matches!(call, Call::DataBarrier(_));
                self.barrier(node, data_only, ask.profile)
            }
        }
    }

    /// Makes an empty file or directory.
    pub fn create(&mut self, path: &str, node: Node<C>, ask: &mut Ask<'_>) -> Result<Ino, Refusal> {
        self.lookup(path, ask);
        self.disk.create(path, node)
    }

    /// Writes cells; the file grows as needed.
    pub fn write(
        &mut self,
        file: Ino,
        at: usize,
        cells: &[C],
        ask: &mut Ask<'_>,
    ) -> Result<(), Refusal> {
        let end = at + cells.len();
        self.know_edges(file, &[at, end], end, ask);
        self.disk.write(file, at, cells, ask.profile)
    }

    /// Sets the size of a file.
    pub fn set_len(&mut self, file: Ino, to: usize, ask: &mut Ask<'_>) -> Result<(), Refusal> {
        self.know_edges(file, &[to], to, ask);
        if ask.profile.stale {
            self.know_atoms(file, to, usize::MAX, ask);
        }
        self.disk.set_len(file, to, ask.profile)
    }

    /// Moves a name; an existing file of the new name is replaced.
    pub fn rename(&mut self, from: &str, to: &str, ask: &mut Ask<'_>) -> Result<(), Refusal> {
        self.lookup(from, ask);
        if let Some(replaced) = self.lookup(to, ask) {
            self.know_what_is_lost(replaced, ask);
        }
        self.disk.rename(from, to, ask.profile)
    }

    /// Removes the name of a file or of an empty directory.
    pub fn remove(&mut self, path: &str, ask: &mut Ask<'_>) -> Result<(), Refusal> {
        if let Some(node) = self.lookup(path, ask) {
            self.know_names(node, ask);
            self.know_what_is_lost(node, ask);
        }
        self.disk.remove(path, ask.profile)
    }

    /// Completes a barrier of a file or of a directory.
    pub fn barrier(
        &mut self,
        node: Ino,
        data_only: bool,
        profile: &Profile,
    ) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return self.disk.barrier(node, data_only, profile);
        }
        let before = self.disk.log.clone();
        self.disk.barrier(node, data_only, profile)?;
        self.close_overwritten(&before, profile);
        Ok(())
    }

    /// Fails a barrier of a file or of a directory.
    pub fn fail_barrier(&mut self, node: Ino, failure: Failure) {
        self.disk.fail_barrier(node, failure);
    }

    /// Cuts the power, and leaves open what it did.
    pub fn power_cut(mut self, profile: &Profile) -> Self {
        let nothing_lost_its_name = self.cut.is_none() || !profile.stale || self.all_have_names();
        if self.disk.log.is_empty() && nothing_lost_its_name {
            self.disk.aborted = false;
            self.disk.view = self.disk.base.clone();
            return self.collapsed(profile);
        }
        let order = Order::of(&self.disk.log, profile);
        let fate = order.determined(&self.disk.log, profile);
        let before = Arc::new(self);
        let mut disk = Disk::new(Tree::default());
        disk.base = before.disk.base.clone();
        disk.holes = before.disk.holes.clone();
        disk.freed = before.disk.freed.clone();
        let mut lazy = Self {
            disk,
            open: before.open.clone(),
            cut: Some(Cut {
                before,
                order: Arc::new(order),
                fate,
                left: None,
                owed: BTreeSet::new(),
            }),
            began: None,
        };
        lazy.open_what_was_changed(profile);
        lazy.disk.view = lazy.disk.base.clone();
        if profile.stale {
            lazy.began = Some(lazy.disk.base.clone());
            lazy.owe_what_was_given_up();
        }
        lazy.collapsed(profile)
    }

    /// How many disks a power cut could leave now, at least: see [`Disk::count_crash_images`]. Where an earlier power
    /// cut left something open it is not counted, and said to be one.
    pub fn count_crash_images(&self, profile: &Profile, steps: usize) -> Count {
        match self.open.is_empty() && self.cut.is_none() {
            true => self.disk.count_crash_images(profile, steps),
            false => Count {
                images: 1.0,
                exact: false,
            },
        }
    }

    /// The same disk with other contents in its files, path by path: to be compared, and no more. A write that
    /// is only cached is masked by itself, in a file of zeros, and so is one whose fate is open; of a file that
    /// is partly open, what is open is zeros. `None` where nothing is changed.
    pub fn masked(&self, mut mask: impl FnMut(&str, &mut [C])) -> Option<Self> {
        self.masked_by(&mut mask)
    }

    fn masked_by(&self, mask: &mut dyn FnMut(&str, &mut [C])) -> Option<Self> {
        let mut masked = None;
        for (path, cells) in self.disk.base.paths() {
            let (Some(cells), Some(file)) = (cells, self.disk.base.lookup(&path)) else {
                continue;
            };
            let mut contents = cells.to_vec();
            mask(&path, &mut contents);
            if contents != cells {
                let lazy = masked.get_or_insert_with(|| self.clone());
                lazy.disk.base.make_mut().insert(file, Node::File(contents));
            }
        }
        for (i, logged) in self.disk.log.iter().enumerate() {
            let Effect::Data { file, at, cells } = &*logged.effect else {
                continue;
            };
            let Some(path) = self.disk.view.path_of(*file) else {
                continue;
            };
            let end = at + cells.len();
            let size = self.disk.view.cells(*file).map_or(0, <[C]>::len);
            let mut contents = vec![C::zero(); size.max(end)];
            contents[*at..end].clone_from_slice(cells);
            mask(&path, &mut contents);
            if contents[*at..end] != cells[..] {
                let lazy = masked.get_or_insert_with(|| self.clone());
                lazy.disk.log[i].effect = Shared::new(Effect::Data {
                    file: *file,
                    at: *at,
                    cells: contents[*at..end].to_vec(),
                });
            }
        }
        // What is open will read as what was written before the power cut.
        let cut = self.cut.as_ref();
        if let Some(before) = cut.and_then(|cut| cut.before.masked_by(mask)) {
            let lazy = masked.get_or_insert_with(|| self.clone());
            if let Some(cut) = &mut lazy.cut {
                cut.before = Arc::new(before);
            }
        }
        masked
    }

    /// What became of an effect in the log of a disk that a power cut ended, as far as that is decided: whether
    /// it was kept. `None`, too, where that power cut has been forgotten.
    pub fn fate_of(&self, before: &Disk<C>, effect: usize) -> Option<bool> {
        let cut = self.cut.as_ref()?;
        let same = cut.before.disk.log.len() == before.log.len()
            && (cut.before.disk.log.iter().zip(&before.log))
                .all(|(a, b)| std::ptr::eq(&*a.effect, &*b.effect));
        match same {
            true => match (
                cut.fate.kept.contains(effect),
                cut.fate.lost.contains(effect),
            ) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            false => cut.before.fate_of(before, effect),
        }
    }
}

//! Getting to know what is open, piece by piece.

use super::super::effect::{Effect, Logged};
use super::super::image::ask::Asked;
use super::super::shared::Shared;
use super::{Ask, Atom, Cell, Ino, Lazy, Name, Node, Open, Profile, Tree};
use fixedbitset::FixedBitSet;
use std::sync::Arc;

impl<C: Cell> Lazy<C> {
    /// What a directory says of a name.
    pub(super) fn know_name(&mut self, directory: Ino, name: &str, ask: &mut Ask<'_>) {
        let Some(Open::Names(names)) = self.open.get(&directory) else {
            return;
        };
        if let (Some(name), Some(cut)) = (names.get(name).cloned(), &mut self.cut) {
            let target = cut.decide(ask, |cut, ask| cut.name(directory, &name, ask.profile));
            self.learn_name(directory, &name, target);
        }
    }

    pub(super) fn learn_name(&mut self, directory: Ino, name: &Name, target: Option<Ino>) {
        self.disk.base.make_mut().entry(directory, name, target);
        for tree in self.accounts() {
            tree.make_mut().entry(directory, name, target);
        }
        let says = |logged: &Logged<C>| matches!(&*logged.effect, Effect::Entry { directory: of, name: n, .. } if *of == directory && n == name);
        if !(self.disk.log.iter()).any(|logged| logged.is_visible() && says(logged)) {
            self.disk.view.make_mut().entry(directory, name, target);
        }
        if let Some(Open::Names(names)) = self.open.get_mut(&directory) {
            names.remove(name);
            if names.is_empty() {
                self.open.remove(&directory);
            }
        }
    }

    /// The trees that the account of what was given up is made of.
    fn accounts(&mut self) -> impl Iterator<Item = &mut Shared<Tree<C>>> {
        let left = self.cut.iter_mut().filter_map(|cut| cut.left.as_mut());
        self.began.iter_mut().chain(left)
    }

    /// Every name in a directory.
    pub(super) fn know_names(&mut self, directory: Ino, ask: &mut Ask<'_>) {
        if let Some(Open::Names(names)) = self.open.get(&directory) {
            for name in names.clone() {
                self.know_name(directory, &name, ask);
            }
        }
    }

    /// How long a file is.
    pub(super) fn know_size(&mut self, file: Ino, ask: &mut Ask<'_>) {
        if self.open.get(&file) == Some(&Open::Size)
            && let Some(cut) = &mut self.cut
        {
            let size = cut.decide(ask, |cut, ask| cut.size(file, ask.profile));
            self.learn_size(file, size, ask.profile);
        }
    }

    pub(super) fn learn_size(&mut self, file: Ino, size: usize, profile: &Profile) {
        let Some(cut) = &self.cut else { return };
        let before = &cut.before;
        let mut cells = before.disk.base.cells(file).unwrap_or_default().to_vec();
        let under = cells.len();
        cells.resize(size, C::zero());
        // What no effect is on reads as it did; beyond what was there, it was never written.
        let open = cut.open_atoms(file, size, profile);
        for &at in &open {
            cells[at..size.min(at + profile.atom())].fill(C::zero());
        }
        self.disk.holes.fill(file, 0, usize::MAX);
        if profile.fills_lost_space() {
            self.disk.holes.set(file, before.disk.holes.of(file));
            self.disk.holes.resize(file, under, size);
            for &at in &open {
                self.disk.holes.fill(file, at, at + profile.atom());
            }
        }
        match open.is_empty() {
            true => self.open.remove(&file),
            false => self.open.insert(file, Open::Atoms(open)),
        };
        self.disk
            .base
            .make_mut()
            .insert(file, Node::File(cells.clone()));
        for tree in self.accounts() {
            tree.make_mut().insert(file, Node::File(cells.clone()));
        }
        // Nothing was done to a file whose size nobody knew.
        self.disk.view.make_mut().insert(file, Node::File(cells));
    }

    /// The atoms of a file between two cells, and its size.
    pub(super) fn know_atoms(&mut self, file: Ino, from: usize, to: usize, ask: &mut Ask<'_>) {
        self.know_size(file, ask);
        let Some(Open::Atoms(atoms)) = self.open.get(&file) else {
            return;
        };
        let first = from / ask.profile.atom() * ask.profile.atom();
        let wanted: Vec<usize> = match first < to {
            true => atoms.range(first..to).copied().collect(),
            false => return,
        };
        for at in wanted {
            self.know_atom(file, at, ask);
        }
    }

    pub(super) fn know_atom(&mut self, file: Ino, at: usize, ask: &mut Ask<'_>) {
        let size = self.disk.base.cells(file).map_or(0, <[C]>::len);
        let Some(cut) = &mut self.cut else { return };
        let atom = cut.decide(ask, |cut, ask| cut.atom(file, at, size, ask.profile));
        let atom = match atom.lost.is_empty() {
            true => atom,
            false => {
                if ask.profile.stale {
                    Arc::make_mut(&mut cut.before).know_given_up(ask);
                }
                let mut filled = Asked::new(&cut.before.disk, ask.profile, file).filled(at, atom);
                let fill = match filled.len() {
                    1 => 0,
                    options => ask.choices.choose(options),
                };
                filled.swap_remove(fill)
            }
        };
        self.learn_atom(file, at, atom, ask.profile);
    }

    pub(super) fn learn_atom(&mut self, file: Ino, at: usize, atom: Atom<C>, profile: &Profile) {
        let end = at + atom.cells.len();
        self.disk.base.make_mut().write(file, at, &atom.cells);
        // The view, but for what this life wrote over it or cut off.
        let size = self.disk.view.cells(file).map_or(0, <[C]>::len);
        let mut seen = vec![true; atom.cells.len()];
        for logged in self.disk.log.iter().filter(|logged| logged.is_visible()) {
            let over = match &*logged.effect {
                Effect::Data {
                    file: of,
                    at,
                    cells,
                } if *of == file => *at..at + cells.len(),
                Effect::Size { file: of, to } if *of == file => *to..usize::MAX,
                _ => continue,
            };
            let over = over.start.clamp(at, end) - at..over.end.clamp(at, end) - at;
            seen[over].fill(false);
        }
        let view = self.disk.view.make_mut();
        match seen.iter().all(|seen| *seen) && end <= size {
            true => view.write(file, at, &atom.cells),
            false => {
                for (i, cell) in atom.cells.iter().enumerate() {
                    if seen[i] && at + i < size {
                        view.write(file, at + i, std::slice::from_ref(cell));
                    }
                }
            }
        }
        if profile.fills_lost_space() {
            self.disk.holes.add(file, &atom.holes);
        }
        self.close_atoms(file, at, at + 1);
    }

    /// Atoms that begin between two cells are open no more.
    pub(super) fn close_atoms(&mut self, file: Ino, from: usize, to: usize) {
        if let Some(Open::Atoms(atoms)) = self.open.get_mut(&file) {
            atoms.retain(|at| *at < from || to <= *at);
            if atoms.is_empty() {
                self.open.remove(&file);
            }
        }
    }

    /// What a change of a file up to `end` needs to know: its size, the atoms that these cells cut, and
    /// the last one of a file that grows.
    pub(super) fn know_edges(&mut self, file: Ino, cells: &[usize], end: usize, ask: &mut Ask<'_>) {
        self.know_size(file, ask);
        if !matches!(self.open.get(&file), Some(Open::Atoms(_))) {
            return;
        }
        let size = self.disk.base.cells(file).map_or(0, <[C]>::len);
        let last = if end > size { Some(size) } else { None };
        for cell in cells.iter().copied().chain(last) {
            if !cell.is_multiple_of(ask.profile.atom()) {
                self.know_atoms(file, cell, cell + 1, ask);
            }
        }
    }

    pub(super) fn know_all_names(&mut self, ask: &mut Ask<'_>) {
        let directories: Vec<Ino> = (self.open.iter())
            .filter(|(_, open)| matches!(open, Open::Names(_)))
            .map(|(node, _)| *node)
            .collect();
        for directory in directories {
            self.know_names(directory, ask);
        }
    }

    /// The nodes that names of a tree reach, open ones included.
    pub(super) fn reached(&self, tree: &Tree<C>) -> Reached {
        reached_by(tree, |node, below| {
            if let (Some(Open::Names(names)), Some(cut)) = (self.open.get(&node), &self.cut) {
                let names = names.iter();
                names.for_each(|name| cut.targets(node, name, below));
            }
        })
    }

    /// Atoms of the base that the barrier folded whole writes over are open no more, nor what it cut off.
    pub(super) fn close_overwritten(&mut self, before: &[Logged<C>], profile: &Profile) {
        let stays = |logged: &Logged<C>| {
            let same = |left: &Logged<C>| std::ptr::eq(&*left.effect, &*logged.effect);
            self.disk.log.iter().any(same)
        };
        let folded: Vec<_> = before.iter().filter(|logged| !stays(logged)).collect();
        for logged in folded {
            match &*logged.effect {
                Effect::Data { file, at, cells } => {
                    let size = self.disk.base.cells(*file).map_or(0, <[C]>::len);
                    let end = at + cells.len();
                    let atom = profile.atom();
                    let start = at / atom * atom;
                    if *at == start && (end == start + atom || end >= size) {
                        self.close_atoms(*file, start, start + 1);
                    }
                }
                Effect::Size { file, to } => self.close_atoms(*file, *to, usize::MAX),
                Effect::Entry { .. } => {}
            }
        }
    }
}

/// The nodes that names reach.
pub(super) struct Reached(FixedBitSet);

impl Reached {
    pub(super) fn contains(&self, node: &Ino) -> bool {
        self.0.contains(node.0 as usize)
    }

    /// `false` where it was there.
    fn insert(&mut self, node: Ino) -> bool {
        let is_new = !self.contains(&node);
        self.0.grow_and_insert(node.0 as usize);
        is_new
    }
}

/// The nodes that names of a tree reach, and what else is below each.
pub(super) fn reached_by<C: Cell>(
    tree: &Tree<C>,
    also_below: impl Fn(Ino, &mut Vec<Ino>),
) -> Reached {
    let mut reached = Reached(FixedBitSet::with_capacity(usize::BITS as usize));
    let mut pending = vec![Tree::<C>::ROOT];
    while let Some(node) = pending.pop() {
        if reached.insert(node) {
            let known = tree.entries(node).into_iter().flat_map(|e| e.values());
            pending.extend(known);
            also_below(node, &mut pending);
        }
    }
    reached
}

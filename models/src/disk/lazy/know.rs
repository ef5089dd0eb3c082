//! Getting to know what is open, piece by piece.

use super::super::effect::{Effect, Logged};
use super::super::freed::freed_also;
use super::super::image::ask::Asked;
use super::super::image::fate::Undecided;
use super::super::shared::Shared;
use super::{Ask, Atom, Cell, Cut, Ino, Lazy, Name, Node, Open, Profile, Tree};
use std::collections::{BTreeSet, VecDeque};
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

    fn learn_name(&mut self, directory: Ino, name: &Name, target: Option<Ino>) {
        self.disk.base.make_mut().entry(directory, name, target);
        for tree in self
            .began
            .iter_mut()
            .chain(self.cut.iter_mut().filter_map(|cut| cut.left.as_mut()))
        {
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

    fn learn_size(&mut self, file: Ino, size: usize, profile: &Profile) {
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
        for tree in self
            .began
            .iter_mut()
            .chain(self.cut.iter_mut().filter_map(|cut| cut.left.as_mut()))
        {
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

    fn know_atom(&mut self, file: Ino, at: usize, ask: &mut Ask<'_>) {
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

    fn learn_atom(&mut self, file: Ino, at: usize, atom: Atom<C>, profile: &Profile) {
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
    fn close_atoms(&mut self, file: Ino, from: usize, to: usize) {
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
    pub(super) fn reached(&self, tree: &Tree<C>) -> BTreeSet<Ino> {
        let mut reached = BTreeSet::from([Tree::<C>::ROOT]);
        let mut pending = VecDeque::from([Tree::<C>::ROOT]);
        while let Some(node) = pending.pop_front() {
            let known = tree.entries(node).into_iter().flat_map(|e| e.values());
            let mut below: Vec<Ino> = known.copied().collect();
            if let (Some(Open::Names(names)), Some(cut)) = (self.open.get(&node), &self.cut) {
                names
                    .iter()
                    .for_each(|name| cut.targets(node, name, &mut below));
            }
            pending.extend(below.into_iter().filter(|node| reached.insert(*node)));
        }
        reached
    }

    /// Marks as open what effects of the log that was cut are on; the log is not empty.
    pub(super) fn open_what_was_changed(&mut self, profile: &Profile) {
        let Some(cut) = &self.cut else { return };
        let before = cut.before.clone();
        let mut files = BTreeSet::new();
        for logged in &before.disk.log {
            match &*logged.effect {
                Effect::Entry {
                    directory, name, ..
                } => {
                    let names = Open::Names(BTreeSet::new());
                    let open = self.open.entry(*directory).or_insert(names);
                    if let Open::Names(names) = open {
                        names.insert(name.clone());
                    }
                    self.disk.base.make_mut().entry(*directory, name, None);
                }
                Effect::Size { file, .. } => {
                    files.insert(*file);
                    self.open.insert(*file, Open::Size);
                }
                Effect::Data { file, .. } => {
                    files.insert(*file);
                }
            }
        }
        for file in files {
            match self.open.get(&file) {
                Some(Open::Size) => {
                    self.disk
                        .base
                        .make_mut()
                        .insert(file, Node::File(Vec::new()));
                    self.disk.holes.fill(file, 0, usize::MAX);
                }
                // Its size is what it was, and known.
                _ => {
                    let size = before.disk.base.cells(file).map_or(0, <[C]>::len);
                    self.learn_size(file, size, profile);
                }
            }
        }
    }

    /// What is decided without a choice is decided; what no name reaches is forgotten; a power cut that
    /// has nothing left to decide is over.
    pub(super) fn collapsed(mut self, profile: &Profile) -> Self {
        if self.cut.is_some() {
            self.learn_what_is_decided(profile);
        }
        if self.cut.is_none() && self.disk.log.is_empty() {
            self.normalise(profile);
        }
        self
    }

    /// Nodes numbered in order of their names, without unreachable ones: of a disk on which all is decided
    /// and that has no log.
    fn normalise(&mut self, profile: &Profile) {
        let (tree, numbers) = (*self.disk.base).clone().normalised();
        let nameless = self.disk.base.nodes().map(|(node, _)| node);
        let nameless: Vec<Ino> = nameless
            .filter(|node| !numbers.contains_key(node))
            .collect();
        if nameless.is_empty() && numbers.iter().all(|(old, new)| old == new) {
            return;
        }
        for node in nameless {
            let given_up = self.disk.given_up(node, 0, profile);
            freed_also(&mut self.disk.freed, &given_up);
        }
        self.disk.holes = self.disk.holes.renumbered(&numbers);
        self.disk.base = Shared::new(tree);
        self.disk.view = self.disk.base.clone();
    }

    fn learn_what_is_decided(&mut self, profile: &Profile) {
        loop {
            let reached = self.reached(&self.disk.base);
            let mut asked_of = BTreeSet::new();
            self.owed(&mut asked_of);
            (self.open).retain(|node, _| reached.contains(node) || asked_of.contains(node));
            let open = self.open.clone();
            let mut learnt = false;
            for (node, open) in open {
                let Some(cut) = &self.cut else { return };
                match open {
                    Open::Names(names) => {
                        for name in names {
                            let Some(cut) = &self.cut else { return };
                            if let Ok(target) = cut.name(node, &name, profile) {
                                self.learn_name(node, &name, target);
                                learnt = true;
                            }
                        }
                    }
                    Open::Size => {
                        if let Ok(size) = cut.size(node, profile) {
                            self.learn_size(node, size, profile);
                            learnt = true;
                        }
                    }
                    Open::Atoms(atoms) => {
                        let size = self.disk.base.cells(node).map_or(0, <[C]>::len);
                        for at in atoms {
                            let Some(cut) = &self.cut else { return };
                            if let Ok(atom) = cut.atom(node, at, size, profile)
                                && atom.lost.is_empty()
                            {
                                self.learn_atom(node, at, atom, profile);
                            }
                        }
                    }
                }
            }
            if !learnt {
                break;
            }
        }
        self.account_for_what_is_decided(profile);
        self.forget_idle_cuts();
    }

    /// A power cut that decides nothing of what is open is forgotten: those before it do.
    fn forget_idle_cuts(&mut self) {
        while let Some(cut) = &self.cut
            && cut.owed.is_empty()
            && (self.open.iter()).all(|(node, open)| cut.leaves_to_others(*node, open))
        {
            self.cut = match &cut.before.cut {
                Some(earlier) if !self.open.is_empty() || cut.before.owes_something() => {
                    Some(earlier.clone())
                }
                _ => None,
            };
        }
        if self.cut.is_none() {
            self.began = None;
        }
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

impl<C: Cell> Cut<C> {
    /// The answer to a question, for which fates are chosen as long as it depends on one.
    fn decide<T>(
        &mut self,
        ask: &mut Ask<'_>,
        question: impl Fn(&mut Self, &mut Ask<'_>) -> Result<T, Unknown>,
    ) -> T {
        loop {
            match question(self, ask) {
                Ok(answer) => return answer,
                Err(Unknown::Fate(i)) => match ask.choices.choose(2) {
                    0 => self.fate.lose(i, &self.order),
                    _ => self.fate.keep(i, &self.order),
                },
                Err(Unknown::Under(piece)) => {
                    let before = Arc::make_mut(&mut self.before);
                    match piece {
                        Piece::Name(directory, name) => before.know_name(directory, &name, ask),
                        Piece::Size(file) => before.know_size(file, ask),
                        Piece::Atom(file, at) => before.know_atoms(file, at, at + 1, ask),
                    }
                }
            }
        }
    }

    fn name(&self, directory: Ino, name: &Name, profile: &Profile) -> Result<Option<Ino>, Unknown> {
        let before = &self.before;
        let open = match before.open.get(&directory) {
            Some(Open::Names(names)) => names.contains(name),
            _ => false,
        };
        let entries = before.disk.base.entries(directory);
        let under = (!open).then(|| entries.and_then(|entries| entries.get(name).copied()));
        let asked = Asked::new(&before.disk, profile, directory);
        let answer = asked.name(name, under, &self.fate);
        answer.map_err(|because| Unknown::of(because, || Piece::Name(directory, name.clone())))
    }

    fn size(&self, file: Ino, profile: &Profile) -> Result<usize, Unknown> {
        let before = &self.before;
        let open = before.open.get(&file) == Some(&Open::Size);
        let under = (!open).then(|| before.disk.base.cells(file).map_or(0, <[C]>::len));
        let asked = Asked::new(&before.disk, profile, file);
        let answer = asked.size(under, &self.fate);
        answer.map_err(|because| Unknown::of(because, || Piece::Size(file)))
    }

    fn atom(
        &self,
        file: Ino,
        at: usize,
        size: usize,
        profile: &Profile,
    ) -> Result<Atom<C>, Unknown> {
        let before = &self.before;
        let known = match before.open.get(&file) {
            Some(Open::Atoms(atoms)) => !atoms.contains(&at),
            Some(_) => false,
            None => true,
        };
        let asked = Asked::new(&before.disk, profile, file);
        let answer = asked.atom(at, size, known, &self.fate);
        answer.map_err(|because| Unknown::of(because, || Piece::Atom(file, at)))
    }

    /// The atoms of a file of this size that effects are on, or that were open before.
    fn open_atoms(&self, file: Ino, size: usize, profile: &Profile) -> BTreeSet<usize> {
        let atom = profile.atom();
        let mut open: BTreeSet<usize> = match self.before.open.get(&file) {
            Some(Open::Atoms(atoms)) => atoms.range(..size).copied().collect(),
            Some(_) => return (0..size).step_by(atom).collect(),
            None => BTreeSet::new(),
        };
        for logged in &self.before.disk.log {
            let changed = match &*logged.effect {
                Effect::Data {
                    file: of,
                    at,
                    cells,
                } if *of == file => *at..at + cells.len(),
                Effect::Size { file: of, to } if *of == file => *to..size,
                _ => continue,
            };
            let changed = changed.start / atom * atom..changed.end.min(size);
            open.extend(changed.step_by(atom));
        }
        open
    }

    /// Whether none of its effects is on what of a node is open, and all of that was open before.
    fn leaves_to_others(&self, node: Ino, open: &Open) -> bool {
        let was_open = match (self.before.open.get(&node), open) {
            (Some(Open::Names(before)), Open::Names(now)) => now.is_subset(before),
            (Some(Open::Atoms(before)), Open::Atoms(now)) => now.is_subset(before),
            (Some(Open::Size), Open::Size) => true,
            _ => false,
        };
        was_open
            && !self
                .before
                .disk
                .log
                .iter()
                .any(|logged| concerns(&logged.effect, node, open))
    }

    /// What an open name may name.
    pub(super) fn targets(&self, directory: Ino, name: &Name, targets: &mut Vec<Ino>) {
        let before = &self.before;
        for logged in &before.disk.log {
            if let Effect::Entry {
                directory: of,
                name: n,
                target,
            } = &*logged.effect
                && *of == directory
                && n == name
            {
                targets.extend(*target);
            }
        }
        let under = before.disk.base.entries(directory);
        targets.extend(under.and_then(|entries| entries.get(name)));
        if let (Some(Open::Names(names)), Some(cut)) = (before.open.get(&directory), &before.cut)
            && names.contains(name)
        {
            cut.targets(directory, name, targets);
        }
    }
}

/// What a question depends on.
enum Unknown {
    Fate(usize),
    /// A piece of the disk that was cut.
    Under(Piece),
}

enum Piece {
    Name(Ino, Name),
    Size(Ino),
    Atom(Ino, usize),
}

impl Unknown {
    fn of(because: Undecided, piece: impl FnOnce() -> Piece) -> Self {
        match because {
            Undecided::Fate(i) => Unknown::Fate(i),
            Undecided::Under => Unknown::Under(piece()),
        }
    }
}

/// Whether an effect may be on what of a node is open.
pub(super) fn concerns<C>(effect: &Effect<C>, node: Ino, open: &Open) -> bool {
    match (effect, open) {
        (
            Effect::Entry {
                directory, name, ..
            },
            Open::Names(names),
        ) => *directory == node && names.contains(name),
        (Effect::Data { file, at, cells }, Open::Atoms(atoms)) => {
            // The atom that it is in begins at or before it.
            *file == node && atoms.range(..at + cells.len()).next_back().is_some()
        }
        (Effect::Data { file, .. }, Open::Size)
        | (Effect::Size { file, .. }, Open::Size | Open::Atoms(_)) => *file == node,
        _ => false,
    }
}

//! One power cut: what it is asked, and how it decides.

use super::super::effect::Effect;
use super::super::image::ask::Asked;
use super::super::image::fate::Undecided;
use super::{Ask, Atom, Cell, Cut, Ino, Name, Open, Profile};
use std::collections::BTreeSet;
use std::sync::Arc;

impl<C: Cell> Cut<C> {
    /// The answer to a question, for which fates are chosen as long as it depends on one.
    pub(super) fn decide<T>(
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

    pub(super) fn name(
        &self,
        directory: Ino,
        name: &Name,
        profile: &Profile,
    ) -> Result<Option<Ino>, Unknown> {
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

    pub(super) fn size(&self, file: Ino, profile: &Profile) -> Result<usize, Unknown> {
        let before = &self.before;
        let open = before.open.get(&file) == Some(&Open::Size);
        let under = (!open).then(|| before.disk.base.cells(file).map_or(0, <[C]>::len));
        let asked = Asked::new(&before.disk, profile, file);
        let answer = asked.size(under, &self.fate);
        answer.map_err(|because| Unknown::of(because, || Piece::Size(file)))
    }

    pub(super) fn atom(
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
    pub(super) fn open_atoms(&self, file: Ino, size: usize, profile: &Profile) -> BTreeSet<usize> {
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
    pub(super) fn leaves_to_others(&self, node: Ino, open: &Open) -> bool {
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
pub(super) enum Unknown {
    Fate(usize),
    /// A piece of the disk that was cut.
    Under(Piece),
}

pub(super) enum Piece {
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

//! What a power cut leaves open, what is decided without a choice, and what is forgotten.

use super::super::effect::Effect;
use super::super::freed::freed_also;
use super::super::shared::Shared;
use super::{Cell, Ino, Lazy, Node, Open, Profile};
use std::collections::BTreeSet;

impl<C: Cell> Lazy<C> {
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
    pub fn collapsed(mut self, profile: &Profile) -> Self {
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
        self.disk.holes = self.disk.holes.renumbered(|ino| numbers.get(&ino).copied());
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
}

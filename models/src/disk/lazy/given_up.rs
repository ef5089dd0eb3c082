//! The account of what the store gave up, for stale space to read, where it depends on what is open.
//!
//! A power cut gives up what it did not leave: of each file that was changed, or has no name left. How much
//! that is may be open: then the cut *owes* it, until lost space is filled, or until it takes no choice.

use super::super::effect::Logged;
use super::super::freed::freed_also;
use super::super::shared::Shared;
use super::know::{Reached, reached_by};
use super::{Ask, Cell, Cut, Ino, Lazy, Open, Profile, Tree};
use std::collections::BTreeSet;
use std::sync::Arc;

impl<C: Cell> Lazy<C> {
    /// What a node that loses a name held, where stale space may read it later.
    pub(super) fn know_what_is_lost(&mut self, node: Ino, ask: &mut Ask<'_>) {
        if ask.profile.stale && !self.open.is_empty() {
            // Only a torn rename leaves a file with two names.
            if !ask.profile.rename_atomic {
                self.know_all_names(ask);
            }
            self.know_atoms(node, 0, usize::MAX, ask);
        }
    }

    /// Whether something was given up that is not in the account.
    pub(super) fn owes_something(&self) -> bool {
        let cut = self.cut.as_ref();
        cut.is_some_and(|cut| !cut.owed.is_empty() || cut.before.owes_something())
    }

    /// The files that power cuts owe something of.
    pub(super) fn owed(&self, files: &mut BTreeSet<Ino>) {
        if let Some(cut) = &self.cut {
            files.extend(&cut.owed);
            cut.before.owed(files);
        }
    }

    /// The power cut owes all that it may have given up.
    pub(super) fn owe_what_was_given_up(&mut self) {
        let left = self.disk.base.clone();
        let certain = reached_in(&left);
        if let Some(cut) = &mut self.cut {
            cut.left = Some(left);
            let before = &cut.before;
            let changed = before.changed_by_log();
            let files = before.nodes_of_this_life().into_iter();
            cut.owed = files
                .filter(|file| before.disk.view.cells(*file).is_some())
                .filter(|file| changed.contains(file) || !certain.contains(file))
                .collect();
        }
    }

    /// The nodes that had a name when this life began, or were made in it.
    fn nodes_of_this_life(&self) -> Vec<Ino> {
        let began = self.began.as_ref();
        let named = began.map(|began| reached_in(began));
        let is_of_this_life = |node: &Ino| match (began, &named) {
            (Some(began), Some(named)) => named.contains(node) || began.node(*node).is_none(),
            _ => true,
        };
        let nodes = self.disk.view.nodes().map(|(node, _)| node);
        nodes.filter(is_of_this_life).collect()
    }

    /// The files that effects of the log are on.
    pub(super) fn changed_by_log(&self) -> BTreeSet<Ino> {
        self.disk.log.iter().filter_map(Logged::file).collect()
    }

    /// All that was given up up to now is in the account.
    pub(super) fn know_given_up(&mut self, ask: &mut Ask<'_>) {
        let Some(cut) = &mut self.cut else { return };
        if cut.before.owes_something() {
            Arc::make_mut(&mut cut.before).know_given_up(ask);
        }
        let Some(cut) = &self.cut else { return };
        also(&mut self.disk.freed, &cut.before.disk.freed);
        if cut.owed.is_empty() {
            return;
        }
        self.know_all_names(ask);
        let Some(cut) = &mut self.cut else { return };
        Arc::make_mut(&mut cut.before).know_all_names(ask);
        let owed = cut.owed.clone();
        let Some(left) = cut.left.clone() else { return };
        let certain = reached_in(&left);
        for file in owed {
            if certain.contains(&file) {
                self.know_size(file, ask);
            }
            let Some(cut) = &mut self.cut else { return };
            let from = cut.keeps(file, &certain);
            Arc::make_mut(&mut cut.before).know_atoms(file, from, usize::MAX, ask);
            self.account(file, from, ask.profile);
        }
    }

    /// Takes in what the power cut gave up of a file, from this cell on.
    fn account(&mut self, file: Ino, from: usize, profile: &Profile) {
        let Some(cut) = &mut self.cut else { return };
        let given_up = cut.before.disk.given_up(file, from, profile);
        cut.owed.remove(&file);
        freed_also(&mut self.disk.freed, &given_up);
    }

    /// What was given up is taken in where that takes no choice.
    pub(super) fn account_for_what_is_decided(&mut self, profile: &Profile) {
        let Some(cut) = &mut self.cut else { return };
        if cut.before.owes_something() {
            let before = Arc::make_mut(&mut cut.before);
            before.account_for_what_is_decided(profile);
            also(&mut self.disk.freed, &cut.before.disk.freed);
        }
        let Some(left) = cut.left.clone().filter(|_| !cut.owed.is_empty()) else {
            return;
        };
        let certain = reached_in(&left);
        let possible = self.reached(&left);
        let Some(cut) = &self.cut else { return };
        let decided: Vec<(Ino, usize)> = (cut.owed.iter())
            .filter(
                |file| match (certain.contains(file), possible.contains(file)) {
                    (true, _) => self.open.get(file) != Some(&Open::Size),
                    (false, possible) => !possible,
                },
            )
            .map(|file| (*file, cut.keeps(*file, &certain)))
            .filter(|(file, from)| match cut.before.open.get(file) {
                None => true,
                Some(Open::Atoms(atoms)) => atoms.range(from..).next().is_none(),
                Some(Open::Size | Open::Names(_)) => false,
            })
            .collect();
        for (file, from) in decided {
            self.account(file, from, profile);
        }
    }

    /// Whether a name reaches every node of this life.
    pub(super) fn all_have_names(&self) -> bool {
        let named = reached_in(&self.disk.view);
        let open = self.reached(&self.disk.base);
        let mut nodes = self.nodes_of_this_life().into_iter();
        nodes.all(|node| named.contains(&node) || open.contains(&node))
    }
}

impl<C: Cell> Cut<C> {
    /// How much of a file it left; nothing of one without a name.
    fn keeps(&self, file: Ino, named: &Reached) -> usize {
        let left = self.left.as_ref().and_then(|left| left.cells(file));
        match named.contains(&file) {
            true => left.map_or(0, <[C]>::len),
            false => 0,
        }
    }
}

/// Adds one account to another.
fn also<C: Cell>(
    account: &mut Shared<super::super::Freed<C>>,
    more: &Shared<super::super::Freed<C>>,
) {
    if *account != *more {
        let more: Vec<_> = more.iter().cloned().collect();
        freed_also(account, &more);
    }
}

/// The nodes that names of a tree reach.
fn reached_in<C: Cell>(tree: &Tree<C>) -> Reached {
    reached_by(tree, |_, _| ())
}

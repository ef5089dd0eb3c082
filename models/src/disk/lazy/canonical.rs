//! When two disks have the same future, whatever is read and done: what is known of them is the same, and
//! the same is open and would be answered alike.

use super::super::effect::{Effect, Kind, Logged, Status};
use super::super::shared::Shared;
use super::super::{Freed, holes::Holes};
use super::cut::concerns;
use super::{Cell, Cut, Ino, Lazy, Name, Node, Open, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// A disk with its nodes numbered in the order in which names lead to them, and what is open of it as the
/// questions that are left. Disks with equal ones, and as much [`GivenUp`], have equal futures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Canonical<C> {
    tree: Shared<Tree<C>>,
    holes: Holes,
    log: Vec<Logged<C>>,
    aborted: bool,
    questions: Vec<Question<C>>,
    /// For each power cut that questions lead to, the latest first: which of its effects in question need
    /// which, as far as their fates are open.
    needs: Vec<Needs>,
    /// The files of which each of these gave up what depends on the answers.
    owed: Vec<BTreeSet<Ino>>,
}

/// Which effects need which, each itself included.
pub(super) type Needs = Vec<(usize, usize)>;

/// What is open of one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question<C> {
    /// How many power cuts below the latest.
    depth: usize,
    node: Ino,
    open: Open,
    /// The effects that may answer, in order, with their numbers where their fates are open; else whether
    /// they are kept.
    effects: Vec<Candidate<C>>,
    /// What is under them, as far as it is known.
    under: Node<C>,
    holes: Vec<(usize, usize)>,
}

impl<C> Canonical<C> {
    pub(super) fn needs(&self) -> &[Needs] {
        &self.needs
    }
}

/// What the store gave up, for stale space to read. More of it only adds to the future of a disk: of two
/// that are [`Canonical`]ly the same, the one that gave up more has all futures of the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GivenUp<C>(Shared<Freed<C>>);

impl<C: Cell> GivenUp<C> {
    /// Whether all of it is in the other.
    pub fn is_in(&self, other: &Self) -> bool {
        self == other || self.0.is_subset(&other.0)
    }
}

impl<C: Cell> Lazy<C> {
    /// What the store gave up, as far as that is decided.
    pub fn given_up(&self) -> GivenUp<C> {
        GivenUp(self.disk.freed.clone())
    }

    /// What tells it apart from disks with another future.
    pub fn canonical(&self) -> Canonical<C> {
        let numbers = self.numbers();
        let mut left = Left::default();
        self.questions(&self.open, &numbers, &mut left);
        let Left {
            questions,
            needs,
            owed,
        } = left;
        let disk = &self.disk;
        let same = disk.base.nodes().count() == numbers.len()
            && numbers.iter().all(|(old, new)| old == new);
        let (tree, holes, log) = match same {
            true => (disk.base.clone(), disk.holes.clone(), disk.log.clone()),
            false => {
                let nodes = numbers.iter().filter_map(|(old, new)| {
                    let node = disk.base.node(*old)?;
                    let node = match &**node {
                        Node::Directory(_) => Shared::new(renumbered_node(node, &numbers)),
                        Node::File(_) => node.clone(),
                    };
                    Some((*new, node))
                });
                let log = disk.log.iter().map(|logged| Logged {
                    effect: Shared::new(renumbered(&logged.effect, &numbers)),
                    kind: match logged.kind {
                        Kind::Rename { moved, replaced } => Kind::Rename {
                            moved: new(moved, &numbers),
                            replaced,
                        },
                        kind => kind,
                    },
                    ..logged.clone()
                });
                (
                    Shared::new(Tree::of(nodes)),
                    disk.holes.renumbered(&numbers),
                    log.collect(),
                )
            }
        };
        Canonical {
            tree,
            holes,
            log,
            aborted: disk.aborted,
            questions,
            needs,
            owed,
        }
    }

    /// The nodes in the order in which names lead to them, then those that only the log mentions.
    fn numbers(&self) -> BTreeMap<Ino, Ino> {
        let mut numbers = BTreeMap::new();
        let mut pending = std::collections::VecDeque::from([Tree::<C>::ROOT]);
        let log = self.disk.log.iter().filter_map(Logged::file);
        let mut mentioned: Vec<Ino> = log.collect();
        let mut cut = self.cut.as_ref();
        while let Some(this) = cut {
            mentioned.extend(&this.owed);
            cut = this.before.cut.as_ref();
        }
        mentioned.reverse();
        while let Some(node) = pending.pop_front().or_else(|| mentioned.pop()) {
            if numbers.contains_key(&node) {
                continue;
            }
            numbers.insert(node, Ino(numbers.len() as u32));
            let trees = [&self.disk.base, &self.disk.view];
            let open = match self.open.get(&node) {
                Some(Open::Names(names)) => names.clone(),
                _ => BTreeSet::new(),
            };
            let entries = trees.iter().filter_map(|tree| tree.entries(node));
            let mut names: BTreeSet<&Name> = entries.flat_map(|entries| entries.keys()).collect();
            names.extend(&open);
            // A name that was set and is not seen any more may be back after a power cut.
            let own = self
                .disk
                .log
                .iter()
                .filter_map(|logged| match &*logged.effect {
                    Effect::Entry {
                        directory,
                        name,
                        target,
                    } if *directory == node => Some((name, target)),
                    _ => None,
                });
            let own: Vec<_> = own.collect();
            names.extend(own.iter().map(|(name, _)| *name));
            for name in names {
                let known = trees
                    .iter()
                    .filter_map(|tree| tree.entries(node)?.get(name));
                pending.extend(known);
                pending.extend(
                    own.iter()
                        .filter(|(n, _)| *n == name)
                        .filter_map(|(_, target)| **target),
                );
                if let (true, Some(cut)) = (open.contains(name), &self.cut) {
                    let mut targets = Vec::new();
                    cut.targets(node, name, &mut targets);
                    pending.extend(targets);
                }
            }
        }
        numbers
    }

    /// What is open of these nodes, down to the first power cut.
    fn questions(
        &self,
        open: &BTreeMap<Ino, Open>,
        numbers: &BTreeMap<Ino, Ino>,
        left: &mut Left<C>,
    ) {
        let Some(cut) = &self.cut else { return };
        // How much of a file is owed depends on all of it.
        let owed = cut.owed.iter().map(|file| (*file, Open::Size));
        let open: BTreeMap<Ino, Open> = open.clone().into_iter().chain(owed).collect();
        if open.is_empty() && !cut.before.owes_something() {
            return;
        }
        let mut by_number: Vec<(Ino, Ino, &Open)> = (open.iter())
            .map(|(node, open)| (new(*node, numbers), *node, open))
            .collect();
        by_number.sort_unstable_by_key(|(number, ..)| *number);
        let (mut asked, mut below) = (Vec::new(), BTreeMap::new());
        for (number, node, open) in by_number {
            let depth = left.needs.len();
            let question = cut.question(depth, (node, number), open, numbers, &mut asked);
            left.questions.push(question);
            let under = cut.before.open.get(&node);
            if let Some(under) = under.and_then(|under| both(open, under)) {
                below.insert(node, under);
            }
        }
        let rows = asked.iter().enumerate().flat_map(|(i, &a)| {
            let needs = &cut.order.needs[a];
            let needed = (asked.iter().enumerate()).filter(move |(_, b)| needs.contains(**b));
            needed.map(move |(j, _)| (i, j))
        });
        left.needs.push(rows.collect());
        let owed = cut.owed.iter().map(|file| new(*file, numbers));
        left.owed.push(owed.collect());
        cut.before.questions(&below, numbers, left);
    }
}

/// What is left to be asked.
struct Left<C> {
    questions: Vec<Question<C>>,
    needs: Vec<Needs>,
    owed: Vec<BTreeSet<Ino>>,
}

impl<C> Default for Left<C> {
    fn default() -> Self {
        Self {
            questions: Vec::new(),
            needs: Vec::new(),
            owed: Vec::new(),
        }
    }
}

/// What of a node is open both above and below.
fn both(above: &Open, below: &Open) -> Option<Open> {
    match (above, below) {
        (Open::Names(above), Open::Names(below)) => {
            let names: BTreeSet<Name> = above.intersection(below).cloned().collect();
            (!names.is_empty()).then_some(Open::Names(names))
        }
        (Open::Size, open @ Open::Atoms(_)) => Some(open.clone()),
        (Open::Size | Open::Atoms(_), Open::Size) => Some(Open::Size),
        (Open::Atoms(above), Open::Atoms(below)) => {
            let atoms: BTreeSet<usize> = above.intersection(below).copied().collect();
            (!atoms.is_empty()).then_some(Open::Atoms(atoms))
        }
        _ => None,
    }
}

/// An effect that may answer: itself, whether it is damage beside a write, how far it has come, and its fate.
type Candidate<C> = (Effect<C>, bool, Status, Result<usize, bool>);

impl<C: Cell> Cut<C> {
    fn question(
        &self,
        depth: usize,
        (node, number): (Ino, Ino),
        open: &Open,
        numbers: &BTreeMap<Ino, Ino>,
        asked: &mut Vec<usize>,
    ) -> Question<C> {
        let before = &self.before.disk;
        let mut effects = Vec::new();
        for (i, logged) in before.log.iter().enumerate() {
            let concerns = concerns(&logged.effect, node, open);
            if !concerns {
                continue;
            }
            let fate = match (self.fate.kept.contains(i), self.fate.lost.contains(i)) {
                (true, _) => Err(true),
                (_, true) => Err(false),
                _ => {
                    asked.push(i);
                    Ok(asked.len() - 1)
                }
            };
            effects.push((
                renumbered(&logged.effect, numbers),
                logged.kind == Kind::Spill,
                logged.status,
                fate,
            ));
        }
        let (under, holes) = match (before.base.node(node), open) {
            (Some(under), Open::Names(names)) => {
                let entries = before.base.entries(node).into_iter().flatten();
                let entries = entries.filter(|(name, _)| names.contains(*name));
                let entries = entries.map(|(name, ino)| (name.clone(), new(*ino, numbers)));
                debug_assert!(matches!(**under, Node::Directory(_)));
                (Node::Directory(entries.collect()), Vec::new())
            }
            (Some(under), _) => ((**under).clone(), before.holes.of(node).to_vec()),
            (None, _) => (Node::File(Vec::new()), Vec::new()),
        };
        Question {
            depth,
            node: number,
            open: open.clone(),
            effects,
            under,
            holes,
        }
    }
}

/// Numbers mean nothing outside one disk; one that no name leads to is not met again.
fn new(node: Ino, numbers: &BTreeMap<Ino, Ino>) -> Ino {
    numbers.get(&node).copied().unwrap_or(Ino(u32::MAX))
}

fn renumbered<C: Cell>(effect: &Effect<C>, numbers: &BTreeMap<Ino, Ino>) -> Effect<C> {
    let mut effect = effect.clone();
    match &mut effect {
        Effect::Data { file, .. } | Effect::Size { file, .. } => *file = new(*file, numbers),
        Effect::Entry {
            directory, target, ..
        } => {
            *directory = new(*directory, numbers);
            *target = target.map(|target| new(target, numbers));
        }
    }
    effect
}

fn renumbered_node<C: Cell>(node: &Node<C>, numbers: &BTreeMap<Ino, Ino>) -> Node<C> {
    match node {
        Node::File(cells) => Node::File(cells.clone()),
        Node::Directory(entries) => {
            let entries = entries.iter();
            Node::Directory(
                entries
                    .map(|(name, ino)| (name.clone(), new(*ino, numbers)))
                    .collect(),
            )
        }
    }
}

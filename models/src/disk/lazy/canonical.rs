//! When two disks have the same future, whatever is read and done: what is known of them is the same, and
//! the same is open and would be answered alike.

use super::super::effect::{Effect, Kind, Logged, Status};
use super::super::shared::Shared;
use super::super::{Freed, holes::Holes};
use super::cut::concerns;
use super::{Cell, Cut, Ino, Lazy, Name, Node, Open, Tree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    under: Shared<Node<C>>,
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
                let nodes = numbers.iter().filter_map(|(old, number)| {
                    let node = disk.base.node(old)?;
                    let node = match &**node {
                        Node::Directory(entries)
                            if entries.values().any(|&ino| new(ino, &numbers) != ino) =>
                        {
                            Shared::new(renumbered_node(node, &numbers))
                        }
                        _ => node.clone(),
                    };
                    Some((number, node))
                });
                let log = disk.log.iter().map(|logged| Logged {
                    effect: match keeps_its_numbers(&logged.effect, &numbers) {
                        true => logged.effect.clone(),
                        false => Shared::new(renumbered(&logged.effect, &numbers)),
                    },
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
                    disk.holes.renumbered(|ino| numbers.get(ino)),
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
    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        let log = self.disk.log.iter().filter_map(Logged::file);
        let mut mentioned: Vec<Ino> = log.collect();
        let mut cut = self.cut.as_ref();
        while let Some(this) = cut {
            mentioned.extend(&this.owed);
            cut = this.before.cut.as_ref();
        }
        mentioned.reverse();
        let mut pending = VecDeque::from([Tree::<C>::ROOT]);
        while let Some(node) = pending.pop_front().or_else(|| mentioned.pop()) {
            if numbers.insert(node) && self.disk.view.cells(node).is_none() {
                self.targets(node, &mut pending);
            }
        }
        numbers
    }

    /// What the names of a directory may name, in the order of the names.
    fn targets(&self, directory: Ino, targets: &mut VecDeque<Ino>) {
        let trees = [&self.disk.base, &self.disk.view];
        let entries = trees.iter().filter_map(|tree| tree.entries(directory));
        let mut named: Vec<(&Name, usize, Option<Ino>)> = Vec::new();
        for (tree, entries) in entries.enumerate() {
            named.extend(entries.iter().map(|(name, ino)| (name, tree, Some(*ino))));
        }
        // A name that was set and is not seen any more may be back after a power cut.
        for logged in &self.disk.log {
            if let Effect::Entry {
                directory: of,
                name,
                target,
            } = &*logged.effect
                && *of == directory
            {
                named.push((name, 2, *target));
            }
        }
        if let Some(Open::Names(names)) = self.open.get(&directory) {
            named.extend(names.iter().map(|name| (name, 3, None)));
        }
        // Stable: effects stay in their order.
        named.sort_by_key(|(name, from, _)| (*name, *from));
        for (name, from, target) in named {
            targets.extend(target);
            if let (3, Some(cut)) = (from, &self.cut) {
                let mut open = Vec::new();
                cut.targets(directory, name, &mut open);
                targets.extend(open);
            }
        }
    }

    /// What is open of these nodes, down to the first power cut.
    fn questions(&self, open: &BTreeMap<Ino, Open>, numbers: &Numbers, left: &mut Left<C>) {
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
        numbers: &Numbers,
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
                let named = Node::Directory(entries.collect());
                (Shared::new(named), Vec::new())
            }
            (Some(under), _) => (under.clone(), before.holes.of(node).to_vec()),
            (None, _) => (Shared::new(Node::File(Vec::new())), Vec::new()),
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

/// New numbers of nodes.
#[derive(Default)]
struct Numbers {
    /// By their old ones.
    new: Vec<Option<Ino>>,
    count: u32,
}

impl Numbers {
    /// Numbers a node; `false` where it has one.
    fn insert(&mut self, old: Ino) -> bool {
        let place = old.0 as usize;
        if place >= self.new.len() {
            self.new.resize(place + 1, None);
        }
        let is_new = self.new[place].is_none();
        if is_new {
            self.new[place] = Some(Ino(self.count));
            self.count += 1;
        }
        is_new
    }

    fn get(&self, old: Ino) -> Option<Ino> {
        *self.new.get(old.0 as usize)?
    }

    fn len(&self) -> usize {
        self.count as usize
    }

    /// Old and new, in the order of the old ones.
    fn iter(&self) -> impl Iterator<Item = (Ino, Ino)> {
        let old = (0..).map(Ino);
        old.zip(&self.new)
            .filter_map(|(old, new)| Some((old, (*new)?)))
    }
}

/// Numbers mean nothing outside one disk; one that no name leads to is not met again.
fn new(node: Ino, numbers: &Numbers) -> Ino {
    numbers.get(node).unwrap_or(Ino(u32::MAX))
}

fn keeps_its_numbers<C>(effect: &Effect<C>, numbers: &Numbers) -> bool {
    let keeps = |node: Ino| new(node, numbers) == node;
    match *effect {
        Effect::Data { file, .. } | Effect::Size { file, .. } => keeps(file),
        Effect::Entry {
            directory, target, ..
        } => keeps(directory) && target.is_none_or(keeps),
    }
}

fn renumbered<C: Cell>(effect: &Effect<C>, numbers: &Numbers) -> Effect<C> {
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

fn renumbered_node<C: Cell>(node: &Node<C>, numbers: &Numbers) -> Node<C> {
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

//! One node of a crash image, read piece by piece: the names of a directory one by one, the size of
//! a file and then its atoms. A piece may read in several ways, as fates are decided.

use super::ask::{Asked, Atom};
use super::fate::{Fate, Order, Undecided};
use crate::disk::effect::{Effect, Logged};
use crate::disk::shared::Shared;
use crate::disk::{Cell, Disk, Ino, Name, Node};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// Reads one node of the images of a disk.
pub(super) struct Reader<'d, C> {
    asked: Asked<'d, C>,
    order: &'d Order,
    own_set: FixedBitSet,
    /// The names ever mentioned in it, if it is a directory.
    names: Vec<&'d Name>,
}

/// A node, read so far.
#[derive(Clone)]
pub(super) struct Partly<C> {
    /// What had to be decided for it.
    pub(super) fate: Fate,
    /// Which fills were chosen for its lost space.
    pub(super) fills: Vec<usize>,
    node: Node<C>,
    /// Cells that were never written, as ranges.
    holes: Vec<(usize, usize)>,
    /// Names that were resolved; of a file: 1 once its size was.
    resolved: usize,
    size: usize,
}

/// What one piece reads.
#[derive(Clone, PartialEq)]
enum Piece<C> {
    Name(Option<Ino>),
    Size(usize),
    Atom(Atom<C>),
}

impl<'d, C: Cell> Reader<'d, C> {
    pub(super) fn new(disk: &'d Disk<C>, profile: &'d Profile, order: &'d Order, ino: Ino) -> Self {
        let asked = Asked::new(disk, profile, ino);
        let own = &asked.own;
        let mentioned = own.iter().filter_map(|(_, logged)| match &*logged.effect {
            Effect::Entry { name, .. } => Some(name),
            _ => None,
        });
        let base = disk.base.entries(ino).into_iter().flat_map(BTreeMap::keys);
        let names: BTreeSet<&Name> = base.chain(mentioned).collect();
        let mut own_set = FixedBitSet::with_capacity(disk.log.len());
        own.iter().for_each(|(i, _)| own_set.insert(*i));
        Self {
            names: names.into_iter().collect(),
            asked,
            order,
            own_set,
        }
    }

    /// The effects on this node.
    pub(super) fn own(&self) -> &FixedBitSet {
        &self.own_set
    }

    /// Whether no effect is on it.
    pub(super) fn is_unchanged(&self) -> bool {
        self.asked.own.is_empty()
    }

    /// The effects on it that what is left to be read may depend on.
    pub(super) fn later(&self, partly: &Partly<C>) -> FixedBitSet {
        let mut later = FixedBitSet::with_capacity(self.asked.disk.log.len());
        let open = |logged: &Logged<C>| match (&*logged.effect, &partly.node) {
            (Effect::Entry { name, .. }, _) => self.names[partly.resolved..].contains(&name),
            (Effect::Size { to, .. }, _) => partly.resolved == 0 || *to < partly.size,
            (Effect::Data { at, cells, .. }, _) => at + cells.len() > partly.cells().len(),
        };
        let open = self.asked.own.iter().filter(|(_, logged)| open(logged));
        open.for_each(|(i, _)| later.insert(*i));
        later
    }

    /// Nothing of it read yet.
    pub(super) fn nothing(&self, fate: Fate) -> Partly<C> {
        Partly {
            fate,
            fills: Vec::new(),
            node: match self.asked.disk.base.cells(self.asked.ino) {
                Some(_) => Node::File(Vec::new()),
                None => Node::Directory(BTreeMap::new()),
            },
            holes: Vec::new(),
            resolved: 0,
            size: 0,
        }
    }

    /// Whether it is read to its end. What no effect is on reads as it did.
    pub(super) fn is_whole(&self, partly: &Partly<C>) -> bool {
        self.asked.own.is_empty()
            || match &partly.node {
                Node::Directory(_) => partly.resolved == self.names.len(),
                Node::File(cells) => partly.resolved == 1 && cells.len() == partly.size,
            }
    }

    /// The node and its holes.
    pub(super) fn read(&self, partly: &Partly<C>) -> (Shared<Node<C>>, Vec<(usize, usize)>) {
        match self.asked.disk.base.node(self.asked.ino) {
            Some(base) if self.asked.own.is_empty() => (
                base.clone(),
                self.asked.disk.holes.of(self.asked.ino).to_vec(),
            ),
            Some(base) if **base == partly.node => (base.clone(), partly.holes.clone()),
            _ => (Shared::new(partly.node.clone()), partly.holes.clone()),
        }
    }

    /// What a file gives up that a power cut leaves with this size.
    pub(super) fn given_up(&self, size: usize) -> Vec<(usize, Vec<C>)> {
        self.asked
            .disk
            .given_up(self.asked.ino, size, self.asked.profile)
    }

    /// The node read one piece further, in every distinct way: that of the lost fate first, that of
    /// zeros before other fills. Two ways that read the same and leave the same open are one.
    pub(super) fn further(&self, partly: Partly<C>) -> Vec<Partly<C>> {
        let mut open = vec![partly.fate.clone()];
        let mut ways: Vec<(Piece<C>, Fate, Option<usize>)> = Vec::new();
        while let Some(fate) = open.pop() {
            match self.piece(&partly, &fate) {
                Err(Undecided::Fate(i)) => {
                    let (mut kept, mut lost) = (fate.clone(), fate);
                    kept.keep(i, self.order);
                    lost.lose(i, self.order);
                    open.extend([kept, lost]);
                }
                Err(Undecided::Under) => unreachable!("all that is under is known"),
                Ok(pieces) => {
                    let filled = pieces.len() > 1;
                    for (fill, piece) in pieces.into_iter().enumerate() {
                        let same = |(other, of, _): &(Piece<C>, Fate, Option<usize>)| {
                            *other == piece && self.same_later(of, &fate, &partly, &piece)
                        };
                        if !ways.iter().any(same) {
                            ways.push((piece, fate.clone(), filled.then_some(fill)));
                        }
                    }
                }
            }
        }
        let last = ways.pop();
        let read = |mut partly: Partly<C>, (piece, fate, fill): (Piece<C>, Fate, Option<usize>)| {
            partly.fate = fate;
            partly.fills.extend(fill);
            self.append(&mut partly, piece);
            partly
        };
        let mut further: Vec<Partly<C>> = ways
            .into_iter()
            .map(|way| read(partly.clone(), way))
            .collect();
        further.extend(last.map(|way| read(partly, way)));
        further
    }

    fn append(&self, partly: &mut Partly<C>, piece: Piece<C>) {
        match (piece, &mut partly.node) {
            (Piece::Name(target), Node::Directory(entries)) => {
                let name = self.names[partly.resolved].clone();
                entries.extend(target.map(|target| (name, target)));
                partly.resolved += 1;
            }
            (Piece::Size(size), Node::File(_)) => {
                partly.size = size;
                partly.resolved = 1;
            }
            (Piece::Atom(atom), Node::File(contents)) => {
                contents.extend(atom.cells);
                for hole in atom.holes {
                    match partly.holes.last_mut() {
                        Some((_, to)) if *to == hole.start => *to = hole.end,
                        _ => partly.holes.push((hole.start, hole.end)),
                    }
                }
            }
            (_, Node::File(_) | Node::Directory(_)) => {}
        }
    }

    /// Whether two fates differ only in what no later read of an image asks for.
    fn same_later(&self, a: &Fate, b: &Fate, partly: &Partly<C>, piece: &Piece<C>) -> bool {
        let spent = |logged: &Logged<C>| match (&*logged.effect, piece) {
            (Effect::Entry { name, .. }, _) => name <= self.names[partly.resolved],
            (Effect::Size { to, .. }, Piece::Size(size)) => to >= size,
            (Effect::Size { to, .. }, _) => *to >= partly.size,
            (Effect::Data { at, .. }, Piece::Atom(atom)) => {
                *at < partly.cells().len() + atom.cells.len()
            }
            (Effect::Data { .. }, _) => false,
        };
        let later = |i: usize| match self.asked.own.binary_search_by_key(&i, |(own, _)| *own) {
            Ok(at) => !spent(self.asked.own[at].1),
            Err(_) => true,
        };
        let mut differ = a
            .kept
            .symmetric_difference(&b.kept)
            .chain(a.lost.symmetric_difference(&b.lost));
        !differ.any(later)
    }

    /// The ways in which the next piece reads with these fates: several only by how lost space is
    /// filled.
    fn piece(&self, partly: &Partly<C>, fate: &Fate) -> Result<Vec<Piece<C>>, Undecided> {
        let base = &self.asked.disk.base;
        match &partly.node {
            Node::Directory(_) => {
                let name = self.names[partly.resolved];
                let under = base.entries(self.asked.ino);
                let under = under.and_then(|entries| entries.get(name).copied());
                let target = self.asked.name(name, Some(under), fate)?;
                Ok(vec![Piece::Name(target)])
            }
            Node::File(_) if partly.resolved == 0 => {
                let under = base.cells(self.asked.ino).unwrap_or_default();
                Ok(vec![Piece::Size(self.asked.size(Some(under.len()), fate)?)])
            }
            Node::File(cells) => {
                let from = cells.len();
                let atom = self.asked.atom(from, partly.size, true, fate)?;
                let filled = self.asked.filled(from, atom).into_iter();
                Ok(filled.map(Piece::Atom).collect())
            }
        }
    }
}

impl<C: Cell> Partly<C> {
    /// How far the reading is: names resolved, the size, cells read.
    pub(super) fn place(&self) -> (usize, usize, usize) {
        (self.resolved, self.size, self.cells().len())
    }

    /// The nodes that names found so far reach.
    pub(super) fn below(&self) -> impl Iterator<Item = Ino> {
        self.node.below()
    }

    /// Whether the images of both may be equal, of two ways to read one piece more.
    pub(super) fn may_read_as(&self, other: &Self) -> bool {
        let same = match (&self.node, &other.node) {
            // Files are told apart by what they hold, not by their numbers.
            (Node::Directory(a), Node::Directory(b)) => a.keys().eq(b.keys()),
            (a, b) => a == b,
        };
        same && self.size == other.size && self.holes == other.holes
    }

    /// The cells of a file, read so far.
    pub(super) fn cells(&self) -> &[C] {
        match &self.node {
            Node::File(cells) => cells,
            Node::Directory(_) => &[],
        }
    }
}

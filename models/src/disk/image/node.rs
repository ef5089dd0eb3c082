//! One node of a crash image, read piece by piece: the names of a directory one by one, the size of
//! a file and then its atoms. A piece may read in several ways, as fates are decided.

use super::fate::{Fate, Order, Undecided};
use crate::disk::effect::{Effect, Kind, Logged};
use crate::disk::shared::Shared;
use crate::disk::{Cell, Disk, Ino, Name, Node};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// Reads one node of the images of a disk.
pub(super) struct Reader<'d, C> {
    disk: &'d Disk<C>,
    profile: &'d Profile,
    order: &'d Order,
    ino: Ino,
    /// The effects on this node.
    own: Vec<(usize, &'d Logged<C>)>,
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
    Atom { cells: Vec<C>, holes: Vec<usize> },
}

impl<'d, C: Cell> Reader<'d, C> {
    pub(super) fn new(disk: &'d Disk<C>, profile: &'d Profile, order: &'d Order, ino: Ino) -> Self {
        let own = |(_, logged): &(usize, &Logged<C>)| match &*logged.effect {
            Effect::Entry { directory, .. } => *directory == ino,
            Effect::Data { file, .. } | Effect::Size { file, .. } => *file == ino,
        };
        let own: Vec<_> = disk.log.iter().enumerate().filter(own).collect();
        let mentioned = own.iter().filter_map(|(_, logged)| match &*logged.effect {
            Effect::Entry { name, .. } => Some(name),
            _ => None,
        });
        let base = disk.base.entries(ino).into_iter().flat_map(BTreeMap::keys);
        let names: BTreeSet<&Name> = base.chain(mentioned).collect();
        let mut own_set = FixedBitSet::with_capacity(disk.log.len());
        own.iter().for_each(|(i, _)| own_set.insert(*i));
        Self {
            disk,
            profile,
            order,
            ino,
            own,
            own_set,
            names: names.into_iter().collect(),
        }
    }

    /// The effects on this node.
    pub(super) fn own(&self) -> &FixedBitSet {
        &self.own_set
    }

    /// Nothing of it read yet.
    pub(super) fn nothing(&self, fate: Fate) -> Partly<C> {
        Partly {
            fate,
            fills: Vec::new(),
            node: match self.disk.base.cells(self.ino) {
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
        self.own.is_empty()
            || match &partly.node {
                Node::Directory(_) => partly.resolved == self.names.len(),
                Node::File(cells) => partly.resolved == 1 && cells.len() == partly.size,
            }
    }

    /// The node and its holes.
    pub(super) fn read(&self, partly: &Partly<C>) -> (Shared<Node<C>>, Vec<(usize, usize)>) {
        match self.disk.base.node(self.ino) {
            Some(base) if self.own.is_empty() => {
                (base.clone(), self.disk.holes.of(self.ino).to_vec())
            }
            Some(base) if **base == partly.node => (base.clone(), partly.holes.clone()),
            _ => (Shared::new(partly.node.clone()), partly.holes.clone()),
        }
    }

    /// What a file gives up that a power cut leaves with this size.
    pub(super) fn given_up(&self, size: usize) -> Vec<(usize, Vec<C>)> {
        self.disk.given_up(self.ino, size, self.profile)
    }

    /// The node read one piece further, in every distinct way: that of the lost fate first, that of
    /// zeros before other fills. Two ways that read the same and leave the same open are one.
    pub(super) fn further(&self, partly: Partly<C>) -> Vec<Partly<C>> {
        let mut open = vec![partly.fate.clone()];
        let mut ways: Vec<(Piece<C>, Fate, Option<usize>)> = Vec::new();
        while let Some(fate) = open.pop() {
            match self.piece(&partly, &fate) {
                Err(Undecided(i)) => {
                    let (mut kept, mut lost) = (fate.clone(), fate);
                    kept.keep(i, self.order);
                    lost.lose(i, self.order);
                    open.extend([kept, lost]);
                }
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
            (Piece::Atom { cells, holes }, Node::File(contents)) => {
                contents.extend(cells);
                for hole in holes {
                    match partly.holes.last_mut() {
                        Some((_, to)) if *to == hole => *to += 1,
                        _ => partly.holes.push((hole, hole + 1)),
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
            (Effect::Data { at, .. }, Piece::Atom { cells, .. }) => {
                *at < partly.cells().len() + cells.len()
            }
            (Effect::Data { .. }, _) => false,
        };
        let later = |i: usize| match self.own.binary_search_by_key(&i, |(own, _)| *own) {
            Ok(at) => !spent(self.own[at].1),
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
        match &partly.node {
            Node::Directory(_) => {
                let name = self.names[partly.resolved];
                let under = self
                    .disk
                    .base
                    .entries(self.ino)
                    .and_then(|e| e.get(name).copied());
                let target = self.latest(fate, under, |logged| match &*logged.effect {
                    Effect::Entry {
                        name: n, target, ..
                    } if n == name => Some(*target),
                    _ => None,
                })?;
                Ok(vec![Piece::Name(target)])
            }
            Node::File(_) if partly.resolved == 0 => {
                let size = self.latest(fate, self.base().len(), |logged| match *logged.effect {
                    Effect::Size { to, .. } => Some(to),
                    _ => None,
                })?;
                Ok(vec![Piece::Size(size)])
            }
            Node::File(cells) => self.atom(cells.len(), partly.size, fate),
        }
    }

    fn base(&self) -> &'d [C] {
        self.disk.base.cells(self.ino).unwrap_or_default()
    }

    /// The answer of the latest kept effect that has one, else what is under them all.
    fn latest<T: PartialEq + Copy>(
        &self,
        fate: &Fate,
        under: T,
        answer: impl Fn(&Logged<C>) -> Option<T>,
    ) -> Result<T, Undecided> {
        let answers = self
            .own
            .iter()
            .filter_map(|&(i, logged)| Some((i, answer(logged)?)));
        // Those at the old end that say what is under them decide nothing.
        let answers: Vec<(usize, T)> = answers.skip_while(|(_, answer)| *answer == under).collect();
        for (i, answer) in answers.into_iter().rev() {
            if fate.is_kept(i)? {
                return Ok(answer);
            }
        }
        Ok(under)
    }

    /// The atom of the file that begins at a cell, as far as the size goes.
    fn atom(&self, from: usize, size: usize, fate: &Fate) -> Result<Vec<Piece<C>>, Undecided> {
        let atom = self.profile.atom();
        let end = size.min((from / atom + 1) * atom);
        let (mut cells, mut holes, mut lost) =
            (Vec::with_capacity(end - from), Vec::new(), Vec::new());
        for i in from..end {
            match self.cell(i, fate)? {
                Found::Cell(cell) => cells.push(cell.clone()),
                Found::Hole { written } => {
                    cells.push(C::zero());
                    match written {
                        true => lost.push(i),
                        false => holes.push(i),
                    }
                }
            }
        }
        if !self.profile.fills_lost_space() {
            holes.clear();
            lost.clear();
        }
        if lost.is_empty() {
            return Ok(vec![Piece::Atom { cells, holes }]);
        }
        let fill = |(fill, with): (usize, Vec<C>)| {
            let (mut cells, mut holes) = (cells.clone(), holes.clone());
            for (&i, cell) in lost.iter().zip(with) {
                cells[i - from] = cell;
            }
            // Left with zeros, they are holes still: the next lost write may leave them with
            // something else.
            if fill == 0 {
                holes.extend(&lost);
                holes.sort_unstable();
            }
            Piece::Atom { cells, holes }
        };
        Ok(self
            .fills(&lost)
            .into_iter()
            .enumerate()
            .map(fill)
            .collect())
    }

    /// What the lost cells of one atom may hold, zeros first.
    fn fills(&self, lost: &[usize]) -> Vec<Vec<C>> {
        let sector = lost[0] / self.profile.sector * self.profile.sector;
        let mut fills = vec![vec![C::zero(); lost.len()]];
        if self.profile.garbage {
            fills.push(vec![C::garbage(); lost.len()]);
        }
        if self.profile.stale {
            let place = sector % self.profile.block;
            for (_, stale) in self.disk.freed.iter().filter(|(at, _)| *at == place) {
                let fill = lost.iter().map(|i| stale[i - sector].clone()).collect();
                if !fills.contains(&fill) {
                    fills.push(fill);
                }
            }
        }
        fills
    }

    /// What one cell reads, below the size.
    fn cell(&self, i: usize, fate: &Fate) -> Result<Found<'d, C>, Undecided> {
        let written = self
            .base()
            .get(i)
            .filter(|_| !self.disk.holes.contains(self.ino, i));
        let over = |logged: &'d Logged<C>| match &*logged.effect {
            Effect::Data { at, cells, .. } => {
                (*at <= i && i < at + cells.len()).then(|| Some(&cells[i - at]))
            }
            Effect::Size { to, .. } => (*to <= i).then_some(None),
            Effect::Entry { .. } => None,
        };
        // Candidates from the old end that say what is under them decide nothing, except that a
        // write into a hole leaves lost space.
        let idle = |over: Option<&C>| over == written;
        let candidates = self
            .own
            .iter()
            .filter_map(|&(index, logged)| over(logged).map(|over| (index, logged.kind, over)));
        let candidates: Vec<_> = candidates.skip_while(|(_, _, over)| idle(*over)).collect();
        let mut missed = false;
        for (index, kind, over) in candidates.into_iter().rev() {
            if fate.is_kept(index)? {
                return Ok(over.map_or(Found::Hole { written: missed }, Found::Cell));
            }
            missed |= over.is_some() && kind != Kind::Spill;
        }
        Ok(written.map_or(Found::Hole { written: missed }, Found::Cell))
    }
}

impl<C: Cell> Partly<C> {
    /// The cells of a file, read so far.
    pub(super) fn cells(&self) -> &[C] {
        match &self.node {
            Node::File(cells) => cells,
            Node::Directory(_) => &[],
        }
    }
}

/// What a cell reads.
enum Found<'d, C> {
    Cell(&'d C),
    /// Nothing is there; `written`: a write to it was lost.
    Hole {
        written: bool,
    },
}

//! Reads one crash image, as far as its fates are decided: names, sizes, cells, lost space.

use super::{Choose, Lost};
use crate::disk::effect::{Effect, Kind, Logged};
use crate::disk::freed::{freed_also, given_up};
use crate::disk::holes::Holes;
use crate::disk::shared::Shared;
use crate::disk::{Cell, Disk, Freed, Ino, Name, Node, Tree};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that a partly decided power cut leaves open.
#[derive(Debug)]
pub(super) enum Open {
    Fate(usize),
    Fill(usize),
}

/// Decides fates as they are asked for.
pub(super) struct Decisions<'c, C> {
    pub(super) kept: FixedBitSet,
    pub(super) lost: FixedBitSet,
    pub(super) fills: Vec<usize>,
    filled: usize,
    /// Decides the fills that come after those.
    choose: Option<&'c mut Choose<'c, C>>,
}

impl<'c, C: Cell> Decisions<'c, C> {
    pub(super) fn new(
        kept: FixedBitSet,
        lost: FixedBitSet,
        fills: Vec<usize>,
        choose: Option<&'c mut Choose<'c, C>>,
    ) -> Self {
        Self {
            kept,
            lost,
            fills,
            filled: 0,
            choose,
        }
    }

    fn is_kept(&self, i: usize) -> Result<bool, Open> {
        match (self.kept.contains(i), self.lost.contains(i)) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(Open::Fate(i)),
        }
    }

    /// Which of its options the next piece of lost space reads.
    fn fill(&mut self, lost: &Lost<'_, C>) -> Result<usize, Open> {
        let last = lost.options.len() - 1;
        if last == 0 {
            return Ok(0);
        }
        if self.filled == self.fills.len() {
            let choose = self.choose.as_mut().ok_or(Open::Fill(last + 1))?;
            self.fills.push(choose(lost));
        }
        self.filled += 1;
        Ok(self.fills[self.filled - 1].min(last))
    }
}

/// Reads a whole image, as far as the decisions go.
pub(super) struct Reader<'d, 'c, C> {
    disk: &'d Disk<C>,
    profile: &'d Profile,
    decisions: Decisions<'c, C>,
    freed: Shared<Freed<C>>,
    /// Holes of the image: file, from, to.
    holes: Vec<(Ino, usize, usize)>,
}

impl<'d, 'c, C: Cell> Reader<'d, 'c, C> {
    pub(super) fn new(
        disk: &'d Disk<C>,
        profile: &'d Profile,
        decisions: Decisions<'c, C>,
    ) -> Self {
        Self {
            disk,
            profile,
            decisions,
            freed: disk.freed.clone(),
            holes: Vec::new(),
        }
    }

    /// The image, or what must be decided before it can be read.
    pub(super) fn read(mut self) -> (Decisions<'c, C>, Result<Disk<C>, Open>) {
        let image = self.image();
        (self.decisions, image)
    }

    fn image(&mut self) -> Result<Disk<C>, Open> {
        let mut tree = Tree::of(BTreeMap::new());
        let mut reached = vec![Tree::<C>::ROOT];
        while let Some(at) = reached.pop() {
            if tree.node(at).is_some() {
                continue;
            }
            let node = match self.disk.base.cells(at) {
                None => {
                    let entries = self.directory(at)?;
                    reached.extend(entries.values());
                    Node::Directory(entries)
                }
                Some(_) => Node::File(self.file(at, &tree)?),
            };
            tree.insert(at, node);
        }
        if self.profile.stale {
            self.give_up(&tree);
        }
        let freed = std::mem::take(&mut self.freed);
        let (tree, numbers) = tree.normalised();
        let mut holes = Holes::default();
        self.holes.sort_unstable();
        for (file, from, to) in std::mem::take(&mut self.holes) {
            holes.resize(numbers[&file], from, to);
        }
        Ok(Disk {
            freed,
            holes,
            ..Disk::new(tree)
        })
    }

    /// The entries of a directory: every name ever mentioned is resolved.
    fn directory(&mut self, directory: Ino) -> Result<BTreeMap<Name, Ino>, Open> {
        let disk = self.disk;
        let base = disk.base.entries(directory).into_iter().flatten();
        let mentioned = disk.log.iter().filter_map(|logged| match &logged.effect {
            Effect::Entry {
                directory: d, name, ..
            } if *d == directory => Some(name),
            _ => None,
        });
        let names: BTreeSet<&Name> = base.map(|(name, _)| name).chain(mentioned).collect();
        let mut entries = BTreeMap::new();
        for name in names {
            let under = disk
                .base
                .entries(directory)
                .and_then(|e| e.get(name))
                .copied();
            let target = self.latest(under, |logged| match &logged.effect {
                Effect::Entry {
                    directory: d,
                    name: n,
                    target,
                } if *d == directory && n == name => Some(*target),
                _ => None,
            })?;
            if let Some(ino) = target {
                entries.insert(name.clone(), ino);
            }
        }
        Ok(entries)
    }

    /// The cells of a file: its size, then what is in it, atom by atom.
    fn file(&mut self, file: Ino, above: &Tree<C>) -> Result<Vec<C>, Open> {
        let disk = self.disk;
        let base = disk.base.cells(file).unwrap_or_default();
        let size = self.latest(base.len(), |logged| match logged.effect {
            Effect::Size { file: f, to } if f == file => Some(to),
            _ => None,
        })?;
        let untouched = |logged: &Logged<C>| logged.file() != Some(file);
        if disk.log.iter().all(untouched) {
            let holes = disk.holes.of(file).iter();
            self.holes.extend(holes.map(|&(from, to)| (file, from, to)));
            return Ok(base.to_vec());
        }
        let mut cells = Vec::with_capacity(size);
        let mut lost = Vec::new();
        for i in 0..size {
            if i % self.profile.atom() == 0 {
                self.fill(file, above, &mut cells, &mut lost)?;
            }
            match self.cell(file, i, base.get(i))? {
                Found::Cell(cell) => cells.push(cell),
                Found::Hole { written } => {
                    cells.push(C::zero());
                    if written {
                        lost.push(i);
                    } else {
                        self.hole(file, i);
                    }
                }
            }
        }
        self.fill(file, above, &mut cells, &mut lost)?;
        Ok(cells)
    }

    fn hole(&mut self, file: Ino, cell: usize) {
        if self.profile.fills_lost_space() {
            self.holes.push((file, cell, cell + 1));
        }
    }

    /// What one cell reads, below the size.
    fn cell(&mut self, file: Ino, i: usize, base: Option<&C>) -> Result<Found<C>, Open> {
        #[derive(PartialEq)]
        enum Over<'a, C> {
            Holds(&'a C),
            Cut,
        }
        let disk = self.disk;
        let written = base.filter(|_| !disk.holes.contains(file, i));
        let under = written.map_or(Over::Cut, Over::Holds);
        let over = |logged: &'_ Logged<C>| -> Option<bool> {
            match &logged.effect {
                Effect::Data { file: f, at, cells } if *f == file => {
                    (*at <= i && i < at + cells.len()).then_some(true)
                }
                Effect::Size { file: f, to } if *f == file => (*to <= i).then_some(false),
                _ => None,
            }
        };
        let candidates: Vec<(usize, Over<'_, C>)> = disk
            .log
            .iter()
            .enumerate()
            .filter_map(|(index, logged)| match (over(logged)?, &logged.effect) {
                (true, Effect::Data { at, cells, .. }) => {
                    Some((index, Over::Holds(&cells[i - at])))
                }
                _ => Some((index, Over::Cut)),
            })
            .collect();
        // Candidates from the old end that say what is under them decide nothing, except that a
        // write into a hole leaves lost space.
        let idle = match under {
            Over::Holds(_) => candidates
                .iter()
                .take_while(|(_, over)| *over == under)
                .count(),
            Over::Cut => candidates
                .iter()
                .take_while(|(_, over)| *over == Over::Cut)
                .count(),
        };
        let mut written = false;
        for (index, over) in candidates[idle..].iter().rev() {
            if self.decisions.is_kept(*index)? {
                return Ok(match over {
                    Over::Holds(cell) => Found::Cell((*cell).clone()),
                    Over::Cut => Found::Hole { written },
                });
            }
            written |= matches!(over, Over::Holds(_)) && disk.log[*index].kind != Kind::Spill;
        }
        Ok(match under {
            Over::Holds(cell) => Found::Cell(cell.clone()),
            Over::Cut => Found::Hole { written },
        })
    }

    /// Decides what the lost cells of the atom that was just read hold. Left with zeros, they are
    /// holes still: the next lost write may leave them with something else.
    fn fill(
        &mut self,
        file: Ino,
        above: &Tree<C>,
        cells: &mut [C],
        lost: &mut Vec<usize>,
    ) -> Result<(), Open> {
        let Some(&first) = lost.first() else {
            return Ok(());
        };
        let sector = first / self.profile.sector * self.profile.sector;
        let mut options = vec![vec![C::zero(); lost.len()]];
        if self.profile.garbage {
            options.push(vec![C::garbage(); lost.len()]);
        }
        if self.profile.stale {
            let place = sector % self.profile.block;
            for (_, stale) in self.disk.freed.iter().filter(|(at, _)| *at == place) {
                options.push(lost.iter().map(|i| stale[i - sector].clone()).collect());
            }
        }
        let mut distinct = Vec::new();
        for option in options {
            if !distinct.contains(&option) {
                distinct.push(option);
            }
        }
        let fill = self.decisions.fill(&Lost {
            above,
            file,
            cells: lost,
            options: &distinct,
        })?;
        for (&i, cell) in lost.iter().zip(&distinct[fill]) {
            cells[i] = cell.clone();
            if fill == 0 {
                self.hole(file, i);
            }
        }
        lost.clear();
        Ok(())
    }

    /// The answer of the latest kept effect that has one, else what is under them all.
    fn latest<T: PartialEq + Clone>(
        &mut self,
        under: T,
        answer: impl Fn(&Logged<C>) -> Option<T>,
    ) -> Result<T, Open> {
        let candidates: Vec<(usize, T)> = (self.disk.log.iter().enumerate())
            .filter_map(|(index, logged)| Some((index, answer(logged)?)))
            .collect();
        let idle = candidates
            .iter()
            .take_while(|(_, answer)| *answer == under)
            .count();
        for (index, answer) in candidates[idle..].iter().rev() {
            if self.decisions.is_kept(*index)? {
                return Ok(answer.clone());
            }
        }
        Ok(under)
    }

    /// What the store held when the power went and no longer holds may be read in lost space
    /// later.
    fn give_up(&mut self, image: &Tree<C>) {
        for (ino, _) in self.disk.view.nodes() {
            if let Some(cells) = self.disk.view.cells(ino) {
                let from = image.cells(ino).map_or(0, <[C]>::len);
                let sectors = given_up(cells, from.min(cells.len()), self.profile);
                self.freed = freed_also(&self.freed, sectors);
            }
        }
    }
}

/// What a cell reads.
enum Found<C> {
    Cell(C),
    /// Nothing is there; `written`: a write to it was lost.
    Hole {
        written: bool,
    },
}

//! Crash images: every state that a power cut can leave.
//!
//! The definition (K2): what is durable plus any downward-closed subset of the cached effects.
//! Enumerated by *reading everything lazily*: the image is built by ordinary reads (which names,
//! which sizes, which cells); where a read depends on the fate of an effect that is not determined
//! yet, the enumeration branches there and starts again with a longer list of choices, as loom does
//! for threads. A chosen fate propagates along the implications: kept, and all it needs is kept;
//! lost, and all that needs it is lost. So images are visited, not subsets: an effect that nothing
//! can see is never decided. Sound without backtracking, because every rule is an implication: a
//! partial choice that is closed both ways always extends (set the rest lost).

use super::effect::{Effect, Kind, Logged, Status, needs};
use super::holes::Holes;
use super::{Cell, Disk, Ino, Name, Node, Tree, given_up};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a power cut did to the log of one disk: which effects it kept, and how each sector of lost
/// space reads that does not read zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fates {
    /// Indices into [`Disk::log`] of the effects that were kept, the durable ones included.
    pub kept: Vec<usize>,
    /// For each atom of lost space, in the order in which it is read: which fill, 0 for zeros.
    pub fills: Vec<usize>,
}

/// One thing that a partly decided power cut leaves open.
enum Open {
    Fate(usize),
    Fill(usize),
}

/// Decides fates as they are asked for.
struct Decisions {
    kept: FixedBitSet,
    lost: FixedBitSet,
    fills: Vec<usize>,
    filled: usize,
}

impl Decisions {
    fn is_kept(&self, i: usize) -> Result<bool, Open> {
        match (self.kept.contains(i), self.lost.contains(i)) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(Open::Fate(i)),
        }
    }

    /// Which of several fills the next piece of lost space has.
    fn fill(&mut self, options: usize) -> Result<usize, Open> {
        if options == 1 {
            return Ok(0);
        }
        let fill = *self.fills.get(self.filled).ok_or(Open::Fill(options))?;
        self.filled += 1;
        Ok(fill.min(options - 1))
    }
}

impl<C: Cell> Disk<C> {
    /// Every distinct disk that a power cut can leave, each with fates that lead to it; the one
    /// that lost the most comes first.
    pub fn crash_images(&self, profile: &Profile) -> Vec<(Fates, Disk<C>)> {
        let (needs, needed_by) = self.both_ways(profile);
        let (kept, lost) = self.determined(profile, &needs, &needed_by);
        let mut seen = FxHashSet::default();
        let mut images = Vec::new();
        let mut open = vec![(kept, lost, Vec::new())];
        while let Some((kept, lost, fills)) = open.pop() {
            let decisions = Decisions {
                kept,
                lost,
                fills,
                filled: 0,
            };
            let (decisions, built) = self.build(decisions, profile);
            let Decisions {
                kept, lost, fills, ..
            } = decisions;
            match built {
                Ok(image) => {
                    if seen.insert(image.clone()) {
                        images.push((
                            Fates {
                                kept: kept.ones().collect(),
                                fills,
                            },
                            image,
                        ));
                    }
                }
                Err(Open::Fate(i)) => {
                    let (mut with, mut without) = (kept.clone(), lost.clone());
                    with.union_with(&needs[i]);
                    without.union_with(&needed_by[i]);
                    open.push((with, lost, fills.clone()));
                    open.push((kept, without, fills));
                }
                Err(Open::Fill(options)) => {
                    for fill in (0..options).rev() {
                        let fills = [&fills[..], &[fill]].concat();
                        open.push((kept.clone(), lost.clone(), fills));
                    }
                }
            }
        }
        images
    }

    /// The disk that a power cut with these fates leaves. Effects that the profile does not allow
    /// to be kept without others keep those too; what is durable is kept.
    pub fn crash(&self, fates: &Fates, profile: &Profile) -> Disk<C> {
        let (needs, needed_by) = self.both_ways(profile);
        let (mut kept, lost) = self.determined(profile, &needs, &needed_by);
        for &i in fates
            .kept
            .iter()
            .filter(|&&i| i < self.log.len() && !lost.contains(i))
        {
            kept.union_with(&needs[i]);
        }
        let mut lost = kept.clone();
        lost.toggle_range(..);
        let mut fills = fates.fills.clone();
        loop {
            let (kept, lost) = (kept.clone(), lost.clone());
            let decisions = Decisions {
                kept,
                lost,
                fills: fills.clone(),
                filled: 0,
            };
            match self.build(decisions, profile).1 {
                Ok(image) => return image,
                // Fills that the fates do not name read zeros.
                Err(_) => fills.push(0),
            }
        }
    }

    fn both_ways(&self, profile: &Profile) -> (Vec<FixedBitSet>, Vec<FixedBitSet>) {
        let needs = needs(&self.log, profile);
        let len = self.log.len();
        let mut needed_by = vec![FixedBitSet::with_capacity(len); len];
        for (i, row) in needs.iter().enumerate() {
            row.ones().for_each(|j| needed_by[j].insert(i));
        }
        (needs, needed_by)
    }

    /// The fates that no power cut decides.
    fn determined(
        &self,
        profile: &Profile,
        needs: &[FixedBitSet],
        needed_by: &[FixedBitSet],
    ) -> (FixedBitSet, FixedBitSet) {
        let mut kept = FixedBitSet::with_capacity(self.log.len());
        let mut lost = kept.clone();
        for (i, logged) in self.log.iter().enumerate() {
            if logged.status == Status::Durable {
                kept.union_with(&needs[i]);
            } else if profile.data_waits_for_barrier && logged.is_data() {
                lost.union_with(&needed_by[i]);
            }
        }
        (kept, lost)
    }

    fn build(&self, decisions: Decisions, profile: &Profile) -> (Decisions, Result<Disk<C>, Open>) {
        let mut reader = Reader {
            disk: self,
            profile,
            decisions,
            freed: self.freed.clone(),
            holes: Vec::new(),
        };
        let image = reader.read();
        (reader.decisions, image)
    }
}

/// Reads a whole image, as far as the decisions go.
struct Reader<'d, C> {
    disk: &'d Disk<C>,
    profile: &'d Profile,
    decisions: Decisions,
    freed: BTreeSet<(usize, Vec<C>)>,
    /// Holes of the image: file, from, to.
    holes: Vec<(Ino, usize, usize)>,
}

impl<C: Cell> Reader<'_, C> {
    fn read(&mut self) -> Result<Disk<C>, Open> {
        let mut tree = Tree {
            nodes: BTreeMap::new(),
        };
        let mut reached = vec![Tree::<C>::ROOT];
        while let Some(at) = reached.pop() {
            if tree.nodes.contains_key(&at) {
                continue;
            }
            let node = match &self.disk.base.nodes[&at] {
                Node::Directory(_) => {
                    let entries = self.directory(at)?;
                    reached.extend(entries.values());
                    Node::Directory(entries)
                }
                Node::File(_) => Node::File(self.file(at)?),
            };
            tree.nodes.insert(at, node);
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
    fn file(&mut self, file: Ino) -> Result<Vec<C>, Open> {
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
                self.fill(file, &mut cells, &mut lost)?;
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
        self.fill(file, &mut cells, &mut lost)?;
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
    fn fill(&mut self, file: Ino, cells: &mut [C], lost: &mut Vec<usize>) -> Result<(), Open> {
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
        let fill = self.decisions.fill(distinct.len())?;
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
        for (&ino, node) in &self.disk.view.nodes {
            if let Node::File(cells) = node {
                let from = image.cells(ino).map_or(0, <[C]>::len);
                self.freed
                    .extend(given_up(cells, from.min(cells.len()), self.profile));
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

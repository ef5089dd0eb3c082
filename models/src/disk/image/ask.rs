//! What one node of a disk reads after a power cut, question by question: what a name names, how long
//! a file is, what an atom of it holds. An answer may depend on a fate that is open.

use super::fate::{Fate, Undecided};
use crate::disk::effect::{Effect, Kind, Logged};
use crate::disk::{Cell, Disk, Ino, Name};
use crate::profile::Profile;
use std::ops::Range;

/// Asks one node of a disk.
pub(in crate::disk) struct Asked<'d, C> {
    pub(super) disk: &'d Disk<C>,
    pub(super) profile: &'d Profile,
    pub(super) ino: Ino,
    /// The effects on this node.
    pub(super) own: Vec<(usize, &'d Logged<C>)>,
}

/// An atom of a file.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::disk) struct Atom<C> {
    pub(in crate::disk) cells: Vec<C>,
    /// Cells that were never written, as ranges of the file.
    pub(in crate::disk) holes: Vec<Range<usize>>,
    /// Those of which a write was lost: they may read as something else than zeros.
    pub(in crate::disk) lost: Vec<Range<usize>>,
}

/// What a run of cells reads.
enum Found<'d, C> {
    Cells(&'d [C]),
    /// Nothing is there; `written`: a write to it was lost.
    Hole {
        written: bool,
    },
}

/// Adds a range behind others.
pub(super) fn join(ranges: &mut Vec<Range<usize>>, more: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == more.start => last.end = more.end,
        _ => ranges.push(more),
    }
}

impl<'d, C: Cell> Asked<'d, C> {
    pub(in crate::disk) fn new(disk: &'d Disk<C>, profile: &'d Profile, ino: Ino) -> Self {
        let own = |(_, logged): &(usize, &Logged<C>)| logged.is_on(ino);
        Self {
            disk,
            profile,
            ino,
            own: disk.log.iter().enumerate().filter(own).collect(),
        }
    }

    /// What a name names. `under`: what it names on the base, where that is known.
    pub(in crate::disk) fn name(
        &self,
        name: &Name,
        under: Option<Option<Ino>>,
        fate: &Fate,
    ) -> Result<Option<Ino>, Undecided> {
        self.latest(fate, under, |logged| match &*logged.effect {
            Effect::Entry {
                name: n, target, ..
            } if n == name => Some(*target),
            _ => None,
        })
    }

    /// How long the file is. `under`: how long it is on the base, where that is known.
    pub(in crate::disk) fn size(
        &self,
        under: Option<usize>,
        fate: &Fate,
    ) -> Result<usize, Undecided> {
        self.latest(fate, under, |logged| match *logged.effect {
            Effect::Size { to, .. } => Some(to),
            _ => None,
        })
    }

    /// The answer of the latest kept effect that has one, else what is under them all.
    fn latest<T: PartialEq + Copy>(
        &self,
        fate: &Fate,
        under: Option<T>,
        answer: impl Fn(&Logged<C>) -> Option<T>,
    ) -> Result<T, Undecided> {
        let answers = self
            .own
            .iter()
            .filter_map(|&(i, logged)| Some((i, answer(logged)?)));
        // Those at the old end that say what is under them decide nothing.
        let idle = |(_, answer): &(usize, T)| Some(*answer) == under;
        let answers: Vec<(usize, T)> = answers.skip_while(idle).collect();
        for (i, answer) in answers.into_iter().rev() {
            if fate.is_kept(i)? {
                return Ok(answer);
            }
        }
        under.ok_or(Undecided::Under)
    }

    /// The atom of the file that begins at a cell, as far as `size` goes. `known`: what it holds on the
    /// base is known.
    pub(in crate::disk) fn atom(
        &self,
        from: usize,
        size: usize,
        known: bool,
        fate: &Fate,
    ) -> Result<Atom<C>, Undecided> {
        let atom = self.profile.atom();
        let end = size.min((from / atom + 1) * atom);
        let mut read = Atom {
            cells: Vec::with_capacity(end - from),
            holes: Vec::new(),
            lost: Vec::new(),
        };
        let mut at = from;
        while at < end {
            let to = self.one_history(at, end);
            match self.run(at..to, known, fate)? {
                Found::Cells(cells) => read.cells.extend_from_slice(cells),
                Found::Hole { written } => {
                    read.cells.resize(to - from, C::zero());
                    match written {
                        _ if !self.profile.fills_lost_space() => {}
                        true => join(&mut read.lost, at..to),
                        false => join(&mut read.holes, at..to),
                    }
                }
            }
            at = to;
        }
        Ok(read)
    }

    /// Up to where the same effects, and the same space under them, are on all cells from `at` on.
    fn one_history(&self, at: usize, end: usize) -> usize {
        let effects = self
            .own
            .iter()
            .flat_map(|(_, logged)| match &*logged.effect {
                Effect::Data { at, cells, .. } => [*at, at + cells.len()],
                Effect::Size { to, .. } => [*to, *to],
                Effect::Entry { .. } => [0, 0],
            });
        let holes = self.disk.holes.of(self.ino).iter();
        let holes = holes.flat_map(|&(from, to)| [from, to]);
        let cuts = effects.chain(holes).chain([self.base().len()]);
        cuts.filter(|cut| *cut > at).fold(end, usize::min)
    }

    fn base(&self) -> &'d [C] {
        self.disk.base.cells(self.ino).unwrap_or_default()
    }

    /// What cells with one history read, below the size.
    fn run(
        &self,
        cells: Range<usize>,
        known: bool,
        fate: &Fate,
    ) -> Result<Found<'d, C>, Undecided> {
        let first = cells.start;
        let written = self.base().get(cells.clone());
        let written = written.filter(|_| !self.disk.holes.contains(self.ino, first));
        let over = |logged: &'d Logged<C>| match &*logged.effect {
            Effect::Data {
                at, cells: data, ..
            } => (*at <= first && first < at + data.len())
                .then(|| Some(&data[first - at..cells.end - at])),
            Effect::Size { to, .. } => (*to <= first).then_some(None),
            Effect::Entry { .. } => None,
        };
        // Candidates from the old end that say what is under them decide nothing, except that a
        // write into a hole leaves lost space.
        let idle = |over: Option<&[C]>| known && over == written;
        let candidates = self
            .own
            .iter()
            .filter_map(|&(index, logged)| over(logged).map(|over| (index, logged.kind, over)));
        let candidates: Vec<_> = candidates.skip_while(|(_, _, over)| idle(*over)).collect();
        let mut missed = false;
        for (index, kind, over) in candidates.into_iter().rev() {
            if fate.is_kept(index)? {
                return Ok(over.map_or(Found::Hole { written: missed }, Found::Cells));
            }
            missed |= over.is_some() && kind != Kind::Spill;
        }
        match known {
            true => Ok(written.map_or(Found::Hole { written: missed }, Found::Cells)),
            false => Err(Undecided::Under),
        }
    }

    /// The ways in which an atom may read, by how its lost space is filled, zeros first. What stale
    /// space may hold is asked of the disk, which must know it.
    pub(in crate::disk) fn filled(&self, from: usize, atom: Atom<C>) -> Vec<Atom<C>> {
        if atom.lost.is_empty() {
            return vec![atom];
        }
        let lost: Vec<usize> = atom.lost.iter().cloned().flatten().collect();
        let fill = |(fill, with): (usize, Vec<C>)| {
            let mut filled = Atom {
                cells: atom.cells.clone(),
                holes: atom.holes.clone(),
                lost: Vec::new(),
            };
            for (&i, cell) in lost.iter().zip(with) {
                filled.cells[i - from] = cell;
            }
            // Left with zeros, they are holes still: the next lost write may leave them with
            // something else.
            if fill == 0 {
                let mut holes = [&atom.holes[..], &atom.lost].concat();
                holes.sort_unstable_by_key(|hole| hole.start);
                filled.holes.clear();
                holes
                    .into_iter()
                    .for_each(|hole| join(&mut filled.holes, hole));
            }
            filled
        };
        let fills = self.fills(&lost).into_iter().enumerate();
        fills.map(fill).collect()
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
}

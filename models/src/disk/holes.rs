//! Holes: cells below a file's durable size that were never written durably.
//!
//! A hole reads zero, as a cell does that zero was written to. The two part ways when a write is
//! lost: over written space the old value stays, over a hole it is lost space (K5). So the base
//! remembers which is which, in profiles where lost space reads anything but zeros.

use super::tree::Ino;
use std::collections::BTreeMap;
use std::ops::Range;

/// The holes of the files that have some: ranges in order, none empty, no two adjoining.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Holes(BTreeMap<Ino, Vec<(usize, usize)>>);

impl Holes {
    pub(super) fn contains(&self, file: Ino, cell: usize) -> bool {
        self.of(file)
            .iter()
            .any(|&(from, to)| from <= cell && cell < to)
    }

    /// The ranges `from..to` of one file.
    pub(super) fn of(&self, file: Ino) -> &[(usize, usize)] {
        self.0.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The ranges of a file that has none yet.
    pub(super) fn set(&mut self, file: Ino, holes: &[(usize, usize)]) {
        if !holes.is_empty() {
            self.0.insert(file, holes.to_vec());
        }
    }

    /// More holes of a file: none of these cells was one.
    pub(super) fn add(&mut self, file: Ino, more: &[Range<usize>]) {
        if more.is_empty() {
            return;
        }
        let holes = self.0.entry(file).or_default();
        holes.extend(more.iter().map(|hole| (hole.start, hole.end)));
        holes.sort_unstable();
        holes.dedup_by(|next, last| {
            let joins = last.1 == next.0;
            if joins {
                last.1 = next.1;
            }
            joins
        });
    }

    /// The same of files that are numbered anew; those without a number are no more.
    pub(super) fn renumbered(&self, new: impl Fn(Ino) -> Option<Ino>) -> Self {
        let holes = self.0.iter();
        let renumbered = |(file, holes): (&Ino, &Vec<_>)| Some((new(*file)?, holes.clone()));
        Self(holes.filter_map(renumbered).collect())
    }

    /// The file's size went from one to the other.
    pub(super) fn resize(&mut self, file: Ino, from: usize, to: usize) {
        self.fill(file, to, from.max(to));
        if from < to {
            let holes = self.0.entry(file).or_default();
            match holes.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => holes.push((from, to)),
            }
        }
    }

    /// Cells from..to were written, or are no more.
    pub(super) fn fill(&mut self, file: Ino, from: usize, to: usize) {
        let Some(holes) = self.0.get_mut(&file) else {
            return;
        };
        let left = holes.iter().flat_map(|&(start, end)| {
            [
                (start, end.min(from.max(start))),
                (start.max(to.min(end)), end),
            ]
        });
        *holes = match from < to {
            true => left.filter(|(start, end)| start < end).collect(),
            false => return,
        };
        if holes.is_empty() {
            self.0.remove(&file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_growth_left_and_writes_did_not_fill() {
        let (mut holes, file) = (Holes::default(), Ino(1));
        holes.resize(file, 0, 4);
        holes.resize(file, 4, 6);
        holes.fill(file, 1, 3);
        assert_eq!(holes.of(file), [(0, 1), (3, 6)]);
        assert!(holes.contains(file, 3) && !holes.contains(file, 2));
        holes.resize(file, 6, 4);
        assert_eq!(holes.of(file), [(0, 1), (3, 4)]);
        holes.fill(file, 0, 9);
        assert_eq!(holes, Holes::default());
    }
}

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

mod reader;

use super::effect::{Status, needs};
use super::{Cell, Disk, Ino, Tree};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use reader::{Decisions, Open, Reader};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// What a power cut did to the log of one disk: which effects it kept, and how each sector of lost
/// space reads that does not read zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fates {
    /// Indices into [`Disk::log`] of the effects that were kept, the durable ones included.
    pub kept: Vec<usize>,
    /// For each atom of lost space, in the order in which it is read: which fill, 0 for zeros.
    pub fills: Vec<usize>,
}

/// A piece of lost space, one atom of one file, and what it may read.
#[derive(Debug)]
pub struct Lost<'a, C> {
    /// Of the image, what was read so far: every directory above the file.
    above: &'a Tree<C>,
    file: Ino,
    /// The lost cells, by their place in the file.
    pub cells: &'a [usize],
    /// What they may read, each another; zeros come first.
    pub options: &'a [Vec<C>],
}

impl<C: Cell> Lost<'_, C> {
    /// A path of the file in the image.
    pub fn path(&self) -> Option<String> {
        self.above.path_of(self.file)
    }
}

/// Says which of its options a piece of lost space reads; beyond the last one means the last.
type Choose<'c, C> = dyn FnMut(&Lost<'_, C>) -> usize + 'c;

impl<C: Cell> Disk<C> {
    /// Every distinct disk that a power cut can leave, each with fates that lead to it; the one
    /// that lost the most comes first.
    pub fn crash_images(&self, profile: &Profile) -> Vec<(Fates, Disk<C>)> {
        let mut images = Vec::new();
        self.visit_crash_images(profile, |fates, image| {
            images.push((fates, image.clone()));
            ControlFlow::Continue(())
        });
        images
    }

    /// The same, one at a time, until the visitor breaks.
    pub fn visit_crash_images(
        &self,
        profile: &Profile,
        mut visit: impl FnMut(Fates, &Disk<C>) -> ControlFlow<()>,
    ) {
        let (needs, needed_by) = self.both_ways(profile);
        let (kept, lost) = self.determined(profile, &needs, &needed_by);
        let mut seen = FxHashSet::default();
        let mut open = vec![(kept, lost, Vec::new())];
        while let Some((kept, lost, fills)) = open.pop() {
            let decisions = Decisions::new(kept, lost, fills, None);
            let (decisions, built) = Reader::new(self, profile, decisions).read();
            let Decisions {
                kept, lost, fills, ..
            } = decisions;
            match built {
                Ok(image) => {
                    if !seen.contains(&image) {
                        let kept = kept.ones().collect();
                        if visit(Fates { kept, fills }, &image).is_break() {
                            return;
                        }
                        seen.insert(image);
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
    }

    /// The disk that a power cut with these fates leaves. Effects that the profile does not allow
    /// to be kept without others keep those too; what is durable is kept. Lost space of which the
    /// fates say nothing reads zeros.
    pub fn crash(&self, fates: &Fates, profile: &Profile) -> Disk<C> {
        let mut fills = fates.fills.iter().copied();
        self.crash_by(&fates.kept, profile, |_| fills.next().unwrap_or(0))
    }

    /// The same, where lost space reads what `choose` says of each piece as it is read.
    pub fn crash_by(
        &self,
        kept: &[usize],
        profile: &Profile,
        mut choose: impl FnMut(&Lost<'_, C>) -> usize,
    ) -> Disk<C> {
        let (needs, needed_by) = self.both_ways(profile);
        let (mut all, lost) = self.determined(profile, &needs, &needed_by);
        for &i in kept {
            if i < self.log.len() && !lost.contains(i) {
                all.union_with(&needs[i]);
            }
        }
        let mut lost = all.clone();
        lost.toggle_range(..);
        let decisions = Decisions::new(all, lost, Vec::new(), Some(&mut choose));
        match Reader::new(self, profile, decisions).read().1 {
            Ok(image) => image,
            Err(open) => unreachable!("every fate and fill is decided, but for {open:?}"),
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
}

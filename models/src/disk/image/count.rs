//! How many crash images there are, without making them.
//!
//! The same reading, piece by piece; but what was read is not kept. Two ways to have read so far are one from
//! here on where they leave the same to be read and the same fates open: then there are as many images for each.
//! So a file of which n atoms are open takes n steps, where its images are 2^n.

use super::fate::{Fate, Order};
use super::node::{Partly, Reader};
use crate::disk::{Cell, Disk, Ino, Tree};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A number of crash images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// How many there are; beyond 2^53 rounded.
    pub images: f64,
    /// There are no more.
    pub exact: bool,
}

impl<C: Cell> Disk<C> {
    /// How many crash images there are, at least. Not exact where two fates read the same but leave others open, or
    /// one name may name several files; or where it takes more than so many steps to count them.
    pub fn count_crash_images(&self, profile: &Profile, steps: usize) -> Count {
        let order = Order::of(&self.log, profile);
        let fate = order.determined(&self.log, profile);
        let mut unread = FixedBitSet::with_capacity(self.log.len());
        unread.insert_range(..);
        let mut counter = Counter {
            disk: self,
            profile,
            order: &order,
            known: FxHashMap::default(),
            steps,
            exact: true,
        };
        let images = counter.images(Left {
            pending: vec![Tree::<C>::ROOT],
            read: BTreeSet::new(),
            fate,
            unread,
        });
        Count {
            images,
            exact: counter.exact,
        }
    }
}

/// What is left to be read.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Left {
    /// Nodes that names reach, the next one last.
    pending: Vec<Ino>,
    read: BTreeSet<Ino>,
    /// As far as effects on nodes go that were not read.
    fate: Fate,
    unread: FixedBitSet,
}

struct Counter<'d, C> {
    disk: &'d Disk<C>,
    profile: &'d Profile,
    order: &'d Order,
    known: FxHashMap<Left, f64>,
    /// How many more may be taken.
    steps: usize,
    exact: bool,
}

/// What tells apart ways to have read a part of a node: where the reading stands, which names it found, and the
/// fates of what is left.
type Way = (usize, usize, usize, Vec<Ino>, Fate);

impl<C: Cell> Counter<'_, C> {
    fn images(&mut self, mut left: Left) -> f64 {
        while left.pending.pop_if(|ino| left.read.contains(ino)).is_some() {}
        let Some(&ino) = left.pending.last() else {
            return 1.0;
        };
        if let Some(images) = self.known.get(&left) {
            return *images;
        }
        let mut rest = left.clone();
        rest.pending.pop();
        rest.read.insert(ino);
        let reader = Reader::new(self.disk, self.profile, self.order, ino);
        rest.unread.difference_with(reader.own());
        let mut images = 0.0;
        for (partly, ways) in self.node(&reader, &left.fate, &rest.unread) {
            let mut rest = rest.clone();
            rest.fate = partly.fate.within(&rest.unread);
            match reader.is_unchanged() {
                true => {
                    let node = self.disk.base.node(ino).into_iter();
                    rest.pending.extend(node.flat_map(|node| node.below()));
                }
                false => rest.pending.extend(partly.below()),
            }
            images += ways * self.images(rest);
        }
        self.known.insert(left, images);
        images
    }

    /// The ways in which a node may read, as far as the rest can tell them apart, and how many there are of each.
    fn node(
        &mut self,
        reader: &Reader<'_, C>,
        fate: &Fate,
        unread: &FixedBitSet,
    ) -> Vec<(Partly<C>, f64)> {
        let mut whole = Vec::new();
        let mut open = vec![(reader.nothing(fate.clone()), 1.0)];
        while !open.is_empty() {
            let mut further: FxHashMap<Way, usize> = FxHashMap::default();
            let mut next: Vec<(Partly<C>, f64)> = Vec::new();
            for (partly, ways) in open {
                if reader.is_whole(&partly) {
                    whole.push((partly, ways));
                    continue;
                }
                let mut found = reader.further(partly);
                self.keep_one_of_a_kind(&mut found);
                for partly in found {
                    let mut later = reader.later(&partly);
                    later.union_with(unread);
                    let (names, size, read) = partly.place();
                    let below = partly.below().collect();
                    let way = (names, size, read, below, partly.fate.within(&later));
                    match further.get(&way) {
                        Some(&known) => next[known].1 += ways,
                        None => {
                            further.insert(way, next.len());
                            next.push((partly, ways));
                        }
                    }
                }
            }
            open = next;
        }
        whole
    }

    /// Of ways that read the same, or that find another file under one name, one is counted; and only one at all
    /// where no steps are left.
    fn keep_one_of_a_kind(&mut self, found: &mut Vec<Partly<C>>) {
        self.steps = self.steps.saturating_sub(1);
        let before = found.len();
        if self.steps == 0 {
            found.truncate(1);
        }
        let mut i = 1;
        while i < found.len() {
            match found[..i].iter().any(|known| known.may_read_as(&found[i])) {
                true => drop(found.remove(i)),
                false => i += 1,
            }
        }
        self.exact &= found.len() == before;
    }
}

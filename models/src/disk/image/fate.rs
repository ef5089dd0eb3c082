//! Fates as they are decided, and the order that one decision pulls others along.

use crate::disk::effect::{Logged, Status, needs};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;

/// The order of one log, both ways.
#[derive(Debug)]
pub(in crate::disk) struct Order {
    pub(in crate::disk) needs: Vec<FixedBitSet>,
    needed_by: Vec<FixedBitSet>,
}

/// Which effects are kept and which are lost; those in neither are open. Closed both ways: what is
/// kept has all it needs, what is lost is missed by none that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::disk) struct Fate {
    pub(in crate::disk) kept: FixedBitSet,
    pub(in crate::disk) lost: FixedBitSet,
}

/// What a read depends on and nobody knows.
#[derive(Clone, Copy, Debug)]
pub(in crate::disk) enum Undecided {
    /// The fate of this effect, which is open.
    Fate(usize),
    /// What is under the effects, which an earlier power cut has yet to decide.
    Under,
}

impl Order {
    pub(in crate::disk) fn of<C>(log: &[Logged<C>], profile: &Profile) -> Self {
        let needs = needs(log, profile);
        let mut needed_by = vec![FixedBitSet::with_capacity(log.len()); log.len()];
        for (i, row) in needs.iter().enumerate() {
            row.ones().for_each(|j| needed_by[j].insert(i));
        }
        Self { needs, needed_by }
    }

    /// What no power cut decides.
    pub(in crate::disk) fn determined<C>(&self, log: &[Logged<C>], profile: &Profile) -> Fate {
        let mut fate = Fate {
            kept: FixedBitSet::with_capacity(log.len()),
            lost: FixedBitSet::with_capacity(log.len()),
        };
        for (i, logged) in log.iter().enumerate() {
            if logged.status == Status::Durable {
                fate.kept.union_with(&self.needs[i]);
            } else if profile.data_waits_for_barrier && logged.is_data() {
                fate.lost.union_with(&self.needed_by[i]);
            }
        }
        fate
    }
}

impl Fate {
    pub(in crate::disk) fn is_kept(&self, i: usize) -> Result<bool, Undecided> {
        match (self.kept.contains(i), self.lost.contains(i)) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(Undecided::Fate(i)),
        }
    }

    /// An open effect is kept, and all it needs.
    pub(in crate::disk) fn keep(&mut self, i: usize, order: &Order) {
        self.kept.union_with(&order.needs[i]);
    }

    /// An open effect is lost, and all that needs it.
    pub(in crate::disk) fn lose(&mut self, i: usize, order: &Order) {
        self.lost.union_with(&order.needed_by[i]);
    }

    /// Everything open is lost.
    pub(in crate::disk) fn lose_the_rest(&mut self) {
        self.lost.clone_from(&self.kept);
        self.lost.toggle_range(..);
    }

    /// As far as these effects go.
    pub(in crate::disk) fn within(&self, effects: &FixedBitSet) -> Self {
        let mut fate = self.clone();
        fate.kept.intersect_with(effects);
        fate.lost.intersect_with(effects);
        fate
    }

    /// But for these effects.
    pub(in crate::disk) fn without(&self, effects: &FixedBitSet) -> Self {
        let mut fate = self.clone();
        fate.kept.difference_with(effects);
        fate.lost.difference_with(effects);
        fate
    }

    pub(in crate::disk) fn join(&mut self, other: &Self) {
        self.kept.union_with(&other.kept);
        self.lost.union_with(&other.lost);
    }
}

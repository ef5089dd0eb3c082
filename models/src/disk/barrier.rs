//! Barriers: what they make durable, how they fail, and what moves into the base.

use super::effect::{Effect, Kind, Logged, Status, needs};
use super::image::Fates;
use super::shared::Shared;
use super::{Cell, Disk, Failure, Ino, Refusal, replay};
use crate::profile::Profile;
use fixedbitset::FixedBitSet;
use std::collections::BTreeSet;

impl<C: Cell> Disk<C> {
    /// Completes a barrier of a file (fsync, or with `data_only` fdatasync) or of a directory.
    pub fn barrier(
        &mut self,
        node: Ino,
        data_only: bool,
        profile: &Profile,
    ) -> Result<(), Refusal> {
        self.writable()?;
        let all = profile.barrier_covers_all && !data_only;
        // R14 is about files: the name of a directory needs its parent's barrier.
        let name = profile.barrier_covers_name && !data_only && self.view.cells(node).is_some();
        let covered = |logged: &Logged<C>| match &*logged.effect {
            Effect::Data { file, .. } => *file == node || all,
            Effect::Size { file, .. } => {
                (*file == node && (!data_only || profile.data_barrier_covers_size)) || all
            }
            Effect::Entry {
                directory, target, ..
            } => *directory == node || (name && *target == Some(node)) || all,
        };
        let chosen: Vec<usize> = (0..self.log.len())
            .filter(|&i| self.log[i].status == Status::Cached && covered(&self.log[i]))
            .filter(|&i| self.log[i].kind != Kind::Spill)
            .collect();
        self.persist(&chosen, profile);
        Ok(())
    }

    /// Fails a barrier of a file or of a directory.
    pub fn fail_barrier(&mut self, node: Ino, failure: Failure) {
        let reverted = match failure {
            Failure::Abort => return self.aborted = true,
            Failure::DataStays => false,
            Failure::DataReverts => true,
        };
        for logged in &mut self.log {
            let doomed = logged.file() == Some(node) && (reverted || logged.is_data());
            if doomed && logged.status == Status::Cached {
                logged.status = Status::Doomed { reverted };
            }
        }
        if reverted {
            self.view = Shared::new(self.replayed());
        }
    }

    /// The cached effects that the operating system may write back next, each with all it is tied
    /// to. For the oracle of explicit writeback only, which has no damage beside a write (R19).
    pub fn write_backs(&self, profile: &Profile) -> Vec<usize> {
        let needs = needs(&self.log, profile);
        let waits = |i: usize| profile.data_waits_for_barrier && self.log[i].is_data();
        let ready = |i: usize| {
            needs[i].ones().all(|j| {
                // A doomed write goes with a later one to its sector (R20).
                let behind = self.log[j].status == Status::Durable || self.log[j].is_doomed();
                behind || (needs[j].contains(i) && !waits(j))
            })
        };
        (0..self.log.len())
            .filter(|&i| self.log[i].status == Status::Cached && self.log[i].kind != Kind::Spill)
            .filter(|&i| ready(i))
            .collect()
    }

    /// Whether a power cut with these fates keeps nothing that was not written back. The fate of
    /// doomed data is open all the same.
    pub fn loses_what_is_cached(&self, fates: &Fates) -> bool {
        let mut kept = fates.kept.iter();
        kept.all(|&i| self.log[i].status != Status::Cached)
    }

    /// Writes one of [`Disk::write_backs`] back.
    pub fn write_back(&mut self, index: usize, profile: &Profile) {
        self.persist(&[index], profile);
    }

    /// Makes effects durable with all they need, and folds what it can into the base.
    fn persist(&mut self, chosen: &[usize], profile: &Profile) {
        if chosen.is_empty() {
            return;
        }
        let needs = needs(&self.log, profile);
        let mut durable = FixedBitSet::with_capacity(self.log.len());
        for &i in chosen {
            durable.union_with(&needs[i]);
        }
        // A doomed write is among them where the cache shows it and its sector was written again
        // (R20): the page is durable as a whole.
        for i in durable.ones() {
            self.log[i].status = Status::Durable;
        }
        self.end_spills(profile);
        self.fold(profile);
    }

    /// A write that is durable has not damaged what stands beside it.
    fn end_spills(&mut self, profile: &Profile) {
        if profile.power_safe_overwrite {
            return;
        }
        let sector = |logged: &Logged<C>| match *logged.effect {
            Effect::Data { file, at, .. } => Some((logged.call, file, at / profile.sector)),
            _ => None,
        };
        let written: BTreeSet<_> = (self.log.iter())
            .filter(|logged| logged.status == Status::Durable)
            .filter_map(sector)
            .collect();
        self.log.retain(|logged| {
            logged.kind != Kind::Spill
                || logged.status != Status::Cached
                || sector(logged).is_none_or(|sector| !written.contains(&sector))
        });
    }

    /// Moves durable effects into the base, where no earlier effect that stays would then be
    /// applied after them.
    fn fold(&mut self, profile: &Profile) {
        let mut stays: Vec<Logged<C>> = Vec::with_capacity(self.log.len());
        for logged in std::mem::take(&mut self.log) {
            let durable = logged.status == Status::Durable;
            if durable && stays.iter().all(|earlier| logged.commutes_with(earlier)) {
                if profile.fills_lost_space() {
                    self.note_holes(&logged.effect);
                }
                replay(self.base.make_mut(), &logged.effect);
            } else {
                stays.push(logged);
            }
        }
        // Calls are numbered anew, so that equal futures are equal states.
        let (mut last, mut number) = (None, 0);
        for logged in &mut stays {
            if last.is_some_and(|last| last != logged.call) {
                number += 1;
            }
            last = Some(std::mem::replace(&mut logged.call, number));
        }
        self.log = stays;
    }

    /// Which cells are holes once that effect is in the base.
    fn note_holes(&mut self, effect: &Effect<C>) {
        match effect {
            Effect::Data { file, at, cells } => self.holes.fill(*file, *at, at + cells.len()),
            Effect::Size { file, to } => {
                let size = self.base.cells(*file).map_or(0, <[C]>::len);
                self.holes.resize(*file, size, *to);
            }
            Effect::Entry { .. } => {}
        }
    }
}

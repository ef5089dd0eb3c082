//! What the store gave up: contents of truncated and removed files, for stale space to read.

use super::effect::{Kind, Status};
use super::shared::Shared;
use super::{Cell, Disk, Freed, Ino};
use crate::profile::Profile;

impl<C: Cell> Disk<C> {
    /// Notes what a file gives up from cell `from` on, for stale space to read.
    pub(super) fn free(&mut self, file: Ino, from: usize, profile: &Profile) {
        let freed = self.given_up(file, from, profile);
        freed_also(&mut self.freed, &freed);
    }

    /// What a file that is cut at cell `from` gives up: what it holds in the cache, what is durable in
    /// it, and every version between, which the operating system may have written back.
    pub(super) fn given_up(
        &self,
        file: Ino,
        from: usize,
        profile: &Profile,
    ) -> Vec<(usize, Vec<C>)> {
        if !profile.stale || self.view.cells(file).is_none() {
            return Vec::new();
        }
        let cached = self.view.cells(file).unwrap_or_default();
        let mut freed = given_up(cached, from, profile);
        let ends = (0..self.log.len()).filter(|&i| self.log[i].file() == Some(file));
        for end in ends.map(|i| i + 1).chain([0]) {
            let version = self.contents(file, |i, logged| {
                let reached = logged.status == Status::Durable || i < end;
                reached && logged.kind != Kind::Spill
            });
            freed.extend(given_up(&version, from, profile));
        }
        freed
    }

    /// The same for a file that loses a name, unless it has another (which R9 = no can leave).
    pub(super) fn free_name(&mut self, file: Ino, profile: &Profile) {
        let nodes = self.view.nodes();
        let directories = nodes.filter_map(|(at, _)| self.view.entries(at));
        if directories
            .flat_map(|e| e.values())
            .filter(|&&ino| ino == file)
            .count()
            == 1
        {
            self.free(file, 0, profile);
        }
    }
}

/// Adds to what was given up.
pub(super) fn freed_also<C: Cell>(freed: &mut Shared<Freed<C>>, more: &[(usize, Vec<C>)]) {
    for sector in more {
        if !freed.contains(sector) {
            freed.make_mut().insert(sector.clone());
        }
    }
}

/// The sectors of a file from cell `from` on, with their place in the block; all-zero ones left out.
fn given_up<C: Cell>(cells: &[C], from: usize, profile: &Profile) -> Vec<(usize, Vec<C>)> {
    let (sector, zero) = (profile.sector, C::zero());
    (from / sector * sector..cells.len())
        .step_by(sector)
        .filter_map(|start| {
            let end = cells.len().min(start + sector);
            let first = start.max(from).min(end);
            let kept = &cells[first..end];
            if kept.iter().all(|cell| *cell == zero) {
                return None;
            }
            let mut whole = Vec::with_capacity(sector);
            whole.resize(first - start, C::zero());
            whole.extend_from_slice(kept);
            whole.resize(sector, C::zero());
            Some((start % profile.block, whole))
        })
        .collect()
}

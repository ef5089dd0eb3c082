//! What nobody can tell apart is made the same: on a settled disk, such as a power cut leaves.
//!
//! Who forgets answers for it: a protocol knows which contents no reader of its own will ever tell
//! apart, and tests compare with not forgetting.

use super::shared::Shared;
use super::{Cell, Disk, Ino, Node};
use std::collections::BTreeSet;

impl<C: Cell> Disk<C> {
    /// The disk with other cells in its place: a settled disk whose unreadable contents a protocol
    /// forgets, because no reader can tell them apart.
    pub fn map_settled(&self, cells: impl Fn(&C) -> C) -> Self {
        assert!(self.log.is_empty(), "only a settled disk forgets");
        let freed = |(place, sector): &(usize, Vec<C>)| {
            let sector: Vec<C> = sector.iter().map(&cells).collect();
            let plain =
                sector.iter().all(|c| *c == C::garbage()) || sector.iter().all(|c| *c == C::zero());
            (!plain).then_some((*place, sector))
        };
        Self {
            freed: Shared::new(self.freed.iter().filter_map(freed).collect()),
            holes: self.holes.clone(),
            ..Self::new(self.base.map(&cells))
        }
    }

    /// The disk with other cells in its place, by path and place: a settled disk, of which somebody
    /// knows that they are the same to every reader.
    pub fn replace_settled(&self, cell: impl Fn(&str, usize, &C) -> C) -> Self {
        assert!(self.log.is_empty(), "only a settled disk is replaced");
        let mut disk = self.clone();
        for (path, cells) in self.base.paths() {
            let (Some(cells), Some(file)) = (cells, self.base.lookup(&path)) else {
                continue;
            };
            let replaced: Vec<C> = (cells.iter().enumerate())
                .map(|(at, old)| cell(&path, at, old))
                .collect();
            if replaced != cells {
                let base = disk.base.make_mut();
                base.insert(file, Node::File(replaced));
                disk.view = disk.base.clone();
            }
        }
        disk
    }

    /// The disk with some files empty: a settled disk whose files a protocol only knows by name.
    pub fn empty_settled(&self, is_unread: impl Fn(&str) -> bool) -> Self {
        assert!(self.log.is_empty(), "only a settled disk forgets");
        let paths = self.base.paths();
        let files = paths.iter().filter(|(_, cells)| cells.is_some());
        let (unread, read): (Vec<_>, Vec<_>) = files.partition(|(path, _)| is_unread(path));
        let nodes = |paths: Vec<&(String, Option<&[C]>)>| -> BTreeSet<Ino> {
            let nodes = paths.into_iter();
            nodes
                .filter_map(|(path, _)| self.base.lookup(path))
                .collect()
        };
        // A file can have two names, where a rename was torn.
        let unread = &nodes(unread) - &nodes(read);
        if unread.is_empty() {
            return self.clone();
        }
        let mut tree = (*self.base).clone();
        let mut holes = self.holes.clone();
        for file in unread {
            tree.resize(file, 0);
            holes.fill(file, 0, usize::MAX);
        }
        Self {
            freed: self.freed.clone(),
            holes,
            ..Self::new(tree)
        }
    }
}

//! Crash images: every state that a power cut can leave.
//!
//! The definition (K2): what is durable plus any downward-closed subset of the cached effects.
//! Enumerated by *reading everything lazily*: the image is built by ordinary reads (which names,
//! which sizes, which cells); where a read depends on the fate of an effect that is not determined
//! yet, the enumeration branches there. A chosen fate propagates along the implications: kept, and
//! all it needs is kept; lost, and all that needs it is lost. So images are visited, not subsets: an
//! effect that nothing can see is never decided. Sound without backtracking, because every rule is an
//! implication: a partial choice that is closed both ways always extends (set the rest lost).
//!
//! An image is read node by node, from the root down, and the images of one node are read once for
//! all fates of the others that leave it the same choices (`nodes`); a node is read piece by piece
//! (`node`). Two ways to read that show the same and leave the same open are followed once.

pub(super) mod ask;
mod count;
pub(super) mod fate;
mod node;
mod nodes;

use super::freed::freed_also;
use super::holes::Holes;
use super::{Cell, Disk, Ino, Tree};
use crate::profile::Profile;
pub use count::Count;
use fate::{Fate, Order};
use fixedbitset::FixedBitSet;
use nodes::{NodeImage, Nodes};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::ops::{ControlFlow, Range};
use std::rc::Rc;

/// What a power cut did to the log of one disk: which effects it kept, and how each sector of lost
/// space reads that does not read zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    above: &'a [(Ino, Rc<NodeImage<C>>)],
    file: Ino,
    /// The cells of the atom, by their place in the file.
    pub cells: Range<usize>,
    /// What they may read, each another; where lost space reads zeros comes first.
    pub options: &'a [&'a [C]],
}

impl<C: Cell> Lost<'_, C> {
    /// A path of the file in the image.
    pub fn path(&self) -> Option<String> {
        tree(self.above).path_of(self.file)
    }
}

/// The tree of these images of nodes.
fn tree<C: Cell>(read: &[(Ino, Rc<NodeImage<C>>)]) -> Tree<C> {
    Tree::of(read.iter().map(|(ino, image)| (*ino, image.node.clone())))
}

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
        visit: impl FnMut(Fates, &Disk<C>) -> ControlFlow<()>,
    ) {
        let order = Order::of(&self.log, profile);
        let mut cut = Cut {
            disk: self,
            nodes: Nodes::new(self, profile, &order),
            seen: FxHashSet::default(),
            visit,
        };
        let mut unread = FixedBitSet::with_capacity(self.log.len());
        unread.insert_range(..);
        let nothing = Path {
            pending: vec![Tree::<C>::ROOT],
            read: Vec::new(),
            fate: order.determined(&self.log, profile),
            unread,
        };
        // Broken off or not, it has ended.
        let _ = cut.go_on(nothing);
    }

    /// The disk that a power cut with these fates leaves. Effects that the profile does not allow
    /// to be kept without others keep those too; what is durable is kept. Lost space of which the
    /// fates say nothing reads zeros.
    pub fn crash(&self, fates: &Fates, profile: &Profile) -> Disk<C> {
        let mut fills = fates.fills.iter().copied();
        self.crash_by(&fates.kept, profile, |_| fills.next().unwrap_or(0))
    }

    /// The same, where lost space reads what `choose` says of each piece as it is read; beyond the
    /// last of its options means the last.
    pub fn crash_by(
        &self,
        kept: &[usize],
        profile: &Profile,
        mut choose: impl FnMut(&Lost<'_, C>) -> usize,
    ) -> Disk<C> {
        let order = Order::of(&self.log, profile);
        let fate = self.kept_by(kept, &order, profile);
        let mut nodes = Nodes::new(self, profile, &order);
        let mut read: Vec<(Ino, Rc<NodeImage<C>>)> = Vec::new();
        let mut pending = vec![Tree::<C>::ROOT];
        while let Some(ino) = pending.pop() {
            if read.iter().any(|(known, _)| *known == ino) {
                continue;
            }
            let image = nodes.decided(ino, &fate, &mut |cells, options| {
                choose(&Lost {
                    above: &read,
                    file: ino,
                    cells,
                    options,
                })
            });
            pending.extend(image.below());
            read.push((ino, image));
        }
        self.left(&read, &mut nodes)
    }

    /// These effects with all that is kept with them: what is durable, and what the profile does not allow to be lost
    /// while they are kept. In order.
    pub fn kept_with(&self, kept: &[usize], profile: &Profile) -> Vec<usize> {
        let order = Order::of(&self.log, profile);
        self.kept_by(kept, &order, profile).kept.ones().collect()
    }

    /// The fates of all effects, if these are kept and what need not be kept with them is lost.
    fn kept_by(&self, kept: &[usize], order: &Order, profile: &Profile) -> Fate {
        let mut fate = order.determined(&self.log, profile);
        let known = kept.iter().filter(|&&i| i < self.log.len());
        for &i in known {
            if !fate.lost.contains(i) {
                fate.keep(i, order);
            }
        }
        fate.lose_the_rest();
        fate
    }

    /// The disk that consists of these images of nodes.
    fn left(&self, read: &[(Ino, Rc<NodeImage<C>>)], nodes: &mut Nodes<'_, C>) -> Disk<C> {
        let is_read = |ino: Ino| read.iter().any(|(known, _)| *known == ino);
        let mut freed = self.freed.clone();
        for (_, image) in read {
            freed_also(&mut freed, &image.given_up);
        }
        for (ino, _) in self.view.nodes().filter(|(ino, _)| !is_read(*ino)) {
            freed_also(&mut freed, nodes.gone(ino));
        }
        let (tree, numbers) = tree(read).normalised();
        let mut holes = Holes::default();
        for (ino, image) in read {
            holes.set(numbers[ino], &image.holes);
        }
        Disk {
            freed,
            holes,
            ..Disk::new(tree)
        }
    }
}

/// An enumeration of crash images.
struct Cut<'d, C, V> {
    disk: &'d Disk<C>,
    nodes: Nodes<'d, C>,
    seen: FxHashSet<Disk<C>>,
    visit: V,
}

/// An image, read so far.
struct Path<C> {
    /// Nodes that names reach, the next one last.
    pending: Vec<Ino>,
    read: Vec<(Ino, Rc<NodeImage<C>>)>,
    fate: Fate,
    /// Effects on nodes that were not read yet.
    unread: FixedBitSet,
}

impl<C: Cell, V: FnMut(Fates, &Disk<C>) -> ControlFlow<()>> Cut<'_, C, V> {
    fn go_on(&mut self, mut path: Path<C>) -> ControlFlow<()> {
        let is_read = |ino: &Ino| path.read.iter().any(|(known, _)| known == ino);
        while path.pending.pop_if(|ino| is_read(ino)).is_some() {}
        let Some(ino) = path.pending.pop() else {
            return self.end(&path);
        };
        path.unread.difference_with(self.nodes.reader(ino).own());
        let number = self.nodes.number(ino, &path.fate);
        let mut seen = FxHashSet::default();
        let mut index = 0;
        while let Some(image) = self.nodes.image(number, index) {
            index += 1;
            let mut fate = path.fate.clone();
            fate.join(&image.fate);
            if seen.insert((image.contents, fate.within(&path.unread))) {
                self.go_on(Path {
                    pending: path.pending.iter().copied().chain(image.below()).collect(),
                    read: [&path.read[..], &[(ino, image)]].concat(),
                    fate,
                    unread: path.unread.clone(),
                })?;
            }
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, path: &Path<C>) -> ControlFlow<()> {
        let image = self.disk.left(&path.read, &mut self.nodes);
        if self.seen.contains(&image) {
            return ControlFlow::Continue(());
        }
        let fills = path.read.iter().flat_map(|(_, image)| &image.fills);
        let fates = Fates {
            kept: path.fate.kept.ones().collect(),
            fills: fills.copied().collect(),
        };
        (self.visit)(fates, &image)?;
        self.seen.insert(image);
        ControlFlow::Continue(())
    }
}

//! What many disks have in common is kept once: trees, the nodes in them, effects, what was given up.

use super::effect::Effect;
use super::shared::{Pooled, Shared};
use super::tree::{Node, Tree};
use super::{Cell, Disk, Freed};
use rustc_hash::FxHashSet;
use std::hash::Hash;

/// The parts of the disks seen so far.
#[derive(Debug)]
pub struct Parts<C> {
    trees: FxHashSet<Shared<Tree<C>>>,
    nodes: FxHashSet<Shared<Node<C>>>,
    effects: FxHashSet<Shared<Effect<C>>>,
    freed: FxHashSet<Shared<Freed<C>>>,
}

impl<C> Default for Parts<C> {
    fn default() -> Self {
        Self {
            trees: FxHashSet::default(),
            nodes: FxHashSet::default(),
            effects: FxHashSet::default(),
            freed: FxHashSet::default(),
        }
    }
}

impl<C: Cell> Pooled for Disk<C> {
    type Pool = Parts<C>;

    fn pool(&mut self, parts: &mut Parts<C>) {
        for tree in [&mut self.base, &mut self.view] {
            if !parts.trees.contains(tree) {
                let nodes = tree.make_mut().nodes_mut();
                nodes.for_each(|node| unite(node, &mut parts.nodes));
            }
            unite(tree, &mut parts.trees);
        }
        let effects = self.log.iter_mut().map(|logged| &mut logged.effect);
        effects.for_each(|effect| unite(effect, &mut parts.effects));
        unite(&mut self.freed, &mut parts.freed);
        self.log.shrink_to_fit();
    }
}

/// Makes a part one with the equal one that was seen before, if there is one.
fn unite<T: Clone + Eq + Hash>(part: &mut Shared<T>, seen: &mut FxHashSet<Shared<T>>) {
    match seen.get(part) {
        Some(known) => *part = known.clone(),
        None => drop(seen.insert(part.clone())),
    }
}

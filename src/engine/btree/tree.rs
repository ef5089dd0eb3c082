//! Which pages a change changes: the tree, which knows no file.
//!
//! A node that is full is split in two of about the same bytes, upwards as far as that goes. One that is empty is freed;
//! one that fits into its right neighbour below the same branch, or its left one, is merged with it.
//!
//! Source: Bayer & McCreight, Acta Informatica 1, 1972; Comer, The Ubiquitous B-Tree, ACM Computing Surveys 11(2), 1979,
//! section 3 (the leaves linked: B+).

use super::page::{Children, Entries, Node, NodeOf};
use crate::engine::wal::Write;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The page of the header. Before it are the two slots.
pub(super) const HEADER: u64 = 2;

/// Where pages are read from.
pub(crate) trait Pages {
    /// Why a page cannot be read.
    type Error;

    /// The page of that number.
    fn node(&self, number: u64) -> Result<NodeOf, Self::Error>;

    /// What stands there is not what the tree says: another kind of page.
    fn misplaced(&self, number: u64) -> Self::Error;
}

/// The pages of an empty tree.
pub(crate) fn empty() -> Vec<(u64, Node)> {
    let header = Node::Header {
        height: 1,
        root: HEADER + 1,
        next: HEADER + 2,
        free: 0,
    };
    let root = Node::Leaf {
        right: 0,
        entries: Vec::new(),
    };
    vec![(HEADER, header), (HEADER + 1, root)]
}

/// A leaf, and the way to it.
type Way = (u64, Vec<Step>);

/// One branch on the way: its page, and which of its children was taken, 0 the leftmost.
#[derive(Clone, Copy, Debug)]
struct Step {
    branch: u64,
    child: usize,
}

/// The pages that these writes change, in order, as they are then; the header where they change nothing, so that there
/// is something to log.
pub(crate) fn changed<P: Pages>(
    pages: &P,
    page_bytes: usize,
    writes: &[Write],
) -> Result<BTreeMap<u64, Node>, P::Error> {
    let mut change = Change {
        pages,
        page_bytes,
        changed: BTreeMap::new(),
    };
    for write in writes {
        match write {
            Write::Put { key, value } => change.put(key, value)?,
            Write::Delete { key } => change.delete(key)?,
        }
    }
    let mut changed = change.finish()?;
    if changed.is_empty() {
        changed.insert(HEADER, Arc::unwrap_or_clone(pages.node(HEADER)?));
    }
    Ok(changed)
}

/// A change of a tree that is not made yet.
struct Change<'p, P> {
    pages: &'p P,
    page_bytes: usize,
    changed: BTreeMap<u64, Node>,
}

impl<P: Pages> Change<'_, P> {
    /// The pages that are other than before, in order.
    fn finish(self) -> Result<BTreeMap<u64, Node>, P::Error> {
        let Change { pages, changed, .. } = self;
        let Node::Header { next, .. } = *pages.node(HEADER)? else {
            return Err(pages.misplaced(HEADER));
        };
        let mut others = BTreeMap::new();
        for (number, node) in changed {
            // One from `next` on is no page yet.
            if number >= next || *pages.node(number)? != node {
                others.insert(number, node);
            }
        }
        Ok(others)
    }

    /// Gives a key a value.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), P::Error> {
        let (number, way) = self.way(key)?;
        let (right, mut entries) = self.leaf(number)?;
        let entry = (key.to_vec(), value.to_vec());
        match entries.binary_search_by(|(other, _)| other[..].cmp(key)) {
            Ok(at) => entries[at] = entry,
            Err(at) => entries.insert(at, entry),
        }
        let leaf = Node::Leaf { right, entries };
        if leaf.bytes() <= self.page_bytes {
            self.set(number, leaf);
            Ok(())
        } else {
            self.split_leaf(number, leaf, way)
        }
    }

    /// Takes a key's value, where it has one.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<(), P::Error> {
        let (number, way) = self.way(key)?;
        let (right, mut entries) = self.leaf(number)?;
        match entries.binary_search_by(|(other, _)| other[..].cmp(key)) {
            Ok(at) => drop(entries.remove(at)),
            Err(_) => return Ok(()),
        }
        self.set(number, Node::Leaf { right, entries });
        self.merge(&way)
    }

    fn node(&self, number: u64) -> Result<Node, P::Error> {
        match self.changed.get(&number) {
            Some(node) => Ok(node.clone()),
            None => self.pages.node(number).map(Arc::unwrap_or_clone),
        }
    }

    fn set(&mut self, number: u64, node: Node) {
        self.changed.insert(number, node);
    }

    fn header(&self) -> Result<(u32, u64, u64, u64), P::Error> {
        match self.node(HEADER)? {
            Node::Header {
                height,
                root,
                next,
                free,
            } => Ok((height, root, next, free)),
            _ => Err(self.pages.misplaced(HEADER)),
        }
    }

    fn leaf(&self, number: u64) -> Result<(u64, Entries), P::Error> {
        match self.node(number)? {
            Node::Leaf { right, entries } => Ok((right, entries)),
            _ => Err(self.pages.misplaced(number)),
        }
    }

    fn branch(&self, number: u64) -> Result<(u64, Children), P::Error> {
        match self.node(number)? {
            Node::Branch { left, children } => Ok((left, children)),
            _ => Err(self.pages.misplaced(number)),
        }
    }

    /// The leaf that a key belongs to.
    fn way(&self, key: &[u8]) -> Result<Way, P::Error> {
        let (height, mut number, ..) = self.header()?;
        let mut steps = Vec::new();
        for _ in 1..height {
            let (left, children) = self.branch(number)?;
            let child = children.partition_point(|(least, _)| &least[..] <= key);
            steps.push(Step {
                branch: number,
                child,
            });
            number = child_of(left, &children, child);
        }
        Ok((number, steps))
    }

    fn allocate(&mut self) -> Result<u64, P::Error> {
        let (height, root, next, free) = self.header()?;
        let (number, next, free) = match free {
            0 => (next, next + 1, 0),
            free => match self.node(free)? {
                Node::Free { next: other } => (free, next, other),
                _ => return Err(self.pages.misplaced(free)),
            },
        };
        self.set(
            HEADER,
            Node::Header {
                height,
                root,
                next,
                free,
            },
        );
        Ok(number)
    }

    fn free(&mut self, number: u64) -> Result<(), P::Error> {
        let (height, root, next, free) = self.header()?;
        self.set(number, Node::Free { next: free });
        let free = number;
        self.set(
            HEADER,
            Node::Header {
                height,
                root,
                next,
                free,
            },
        );
        Ok(())
    }

    fn split_leaf(&mut self, number: u64, leaf: Node, way: Vec<Step>) -> Result<(), P::Error> {
        let Node::Leaf { right, mut entries } = leaf else {
            return Err(self.pages.misplaced(number));
        };
        let at = half(entries.iter().map(Node::leaf_entry));
        let moved = entries.split_off(at);
        let (least, new) = (moved[0].0.clone(), self.allocate()?);
        let node = Node::Leaf {
            right,
            entries: moved,
        };
        self.set(new, node);
        let right = new;
        self.set(number, Node::Leaf { right, entries });
        self.add_child(way, number, least, new)
    }

    /// A node was split: its new half, which has the keys from `least` on, gets into the branch above.
    fn add_child(
        &mut self,
        mut way: Vec<Step>,
        split: u64,
        least: Vec<u8>,
        new: u64,
    ) -> Result<(), P::Error> {
        let Some(Step { branch, child }) = way.pop() else {
            let root = self.allocate()?;
            let (left, children) = (split, vec![(least, new)]);
            self.set(root, Node::Branch { left, children });
            let (height, _, next, free) = self.header()?;
            let height = height + 1;
            self.set(
                HEADER,
                Node::Header {
                    height,
                    root,
                    next,
                    free,
                },
            );
            return Ok(());
        };
        let (left, mut children) = self.branch(branch)?;
        children.insert(child, (least, new));
        let node = Node::Branch { left, children };
        if node.bytes() <= self.page_bytes {
            self.set(branch, node);
            return Ok(());
        }
        let Node::Branch { left, mut children } = node else {
            return Err(self.pages.misplaced(branch));
        };
        let at = half(children.iter().map(|(key, _)| key.len() + 10));
        let mut moved = children.split_off(at);
        // The first key that moved is not needed in the new branch: it goes up.
        let (least, first) = moved.remove(0);
        let new = self.allocate()?;
        let node = Node::Branch {
            left: first,
            children: moved,
        };
        self.set(new, node);
        self.set(branch, Node::Branch { left, children });
        self.add_child(way, branch, least, new)
    }

    /// Merges the node at the end of a way with one beside it below the same branch, where that is worth it.
    fn merge(&mut self, way: &[Step]) -> Result<(), P::Error> {
        let Some((&Step { branch, child }, above)) = way.split_last() else {
            return self.lower_root();
        };
        let (left, children) = self.branch(branch)?;
        let pairs = [
            child.checked_sub(1),
            (child < children.len()).then_some(child),
        ];
        for first in pairs.into_iter().flatten() {
            let (one, other) = (
                child_of(left, &children, first),
                child_of(left, &children, first + 1),
            );
            let least = &children[first].0;
            let Some(merged) = self.merged(one, other, least)? else {
                continue;
            };
            self.set(one, merged);
            self.free(other)?;
            let mut children = children;
            children.remove(first);
            self.set(branch, Node::Branch { left, children });
            return self.merge(above);
        }
        Ok(())
    }

    /// Two nodes beside each other as one, where that leaves half a page, or one of them is an empty leaf. `least`: the
    /// least key of the second.
    fn merged(&self, one: u64, other: u64, least: &[u8]) -> Result<Option<Node>, P::Error> {
        let (one, second) = (self.node(one)?, self.node(other)?);
        let is_empty =
            |node: &Node| matches!(node, Node::Leaf { entries, .. } if entries.is_empty());
        let most = match is_empty(&one) || is_empty(&second) {
            true => self.page_bytes,
            false => self.page_bytes / 2,
        };
        let merged = match (one, second) {
            (
                Node::Leaf { mut entries, .. },
                Node::Leaf {
                    right,
                    entries: more,
                },
            ) => {
                entries.extend(more);
                Node::Leaf { right, entries }
            }
            (
                Node::Branch { left, mut children },
                Node::Branch {
                    left: first,
                    children: more,
                },
            ) => {
                children.push((least.to_vec(), first));
                children.extend(more);
                Node::Branch { left, children }
            }
            _ => return Err(self.pages.misplaced(other)),
        };
        Ok((merged.bytes() <= most).then_some(merged))
    }

    /// A root that is a branch with one child gives way to it.
    fn lower_root(&mut self) -> Result<(), P::Error> {
        let (height, root, ..) = self.header()?;
        if height == 1 {
            return Ok(());
        }
        let (left, children) = self.branch(root)?;
        if !children.is_empty() {
            return Ok(());
        }
        self.free(root)?;
        let (_, _, next, free) = self.header()?;
        let header = Node::Header {
            height: height - 1,
            root: left,
            next,
            free,
        };
        self.set(HEADER, header);
        self.lower_root()
    }
}

fn child_of(left: u64, children: &[(Vec<u8>, u64)], at: usize) -> u64 {
    match at {
        0 => left,
        at => children[at - 1].1,
    }
}

/// Where to part entries of these sizes, so that both sides have about the same bytes, and neither is empty.
fn half(sizes: impl Iterator<Item = usize>) -> usize {
    let sizes: Vec<usize> = sizes.collect();
    let total: usize = sizes.iter().sum();
    let mut so_far = 0;
    for (at, size) in sizes.iter().enumerate() {
        so_far += size;
        if so_far * 2 >= total {
            return (at + 1).min(sizes.len() - 1).max(1);
        }
    }
    1
}

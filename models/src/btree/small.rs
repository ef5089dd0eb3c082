//! A small tree: leaves that are linked, below one branch where there are several. A leaf that is full is split, one that
//! is empty is freed, and a branch with one leaf goes.

use super::{HEADER, Pages, Shape};
use crate::cells::{Content, Page};
use crate::contract::{Key, OpId, Value, Write};
use std::collections::BTreeMap;

/// Its sizes.
#[derive(Clone, Copy, Debug)]
pub struct Small {
    /// Keys in a leaf.
    pub leaf: usize,
    /// Cells of a page.
    pub page: usize,
    /// Whether a tree whose leaves are linked in another way than its branch has them is no tree.
    pub links_checked: bool,
}

impl Shape for Small {
    fn empty(&self) -> Vec<Page> {
        let (root, next) = (HEADER + 1, HEADER + 2);
        let free = Vec::new();
        vec![
            self.page(HEADER, Content::Header { root, free, next }),
            self.page(root, leaf(Vec::new(), None)),
        ]
    }

    /// New leaves come first, then the leaf that was split, the branch, and the header: as a tree that writes in place
    /// has to.
    fn apply(&self, pages: &Pages, op: OpId, writes: &[Write]) -> Vec<Page> {
        let mut tree = Open {
            leaf: self.leaf,
            pages: pages
                .iter()
                .map(|(n, page)| (*n, page.content.clone()))
                .collect(),
            changed: Vec::new(),
        };
        for write in writes {
            tree.write(op, *write);
        }
        let mut order = tree.changed.clone();
        order.sort_by_key(|&number| match (&tree.pages[&number], pages.get(&number)) {
            (Content::Leaf { .. }, None) => 0,
            (Content::Leaf { .. }, Some(_)) => 1,
            (Content::Branch(_), _) => 2,
            _ => 3,
        });
        order.dedup();
        let is_other = |number: &u64| {
            let before = pages.get(number).map(|page| &page.content);
            before != Some(&tree.pages[number])
        };
        let changed = order.into_iter().filter(is_other);
        changed
            .map(|number| self.page(number, tree.pages[&number].clone()))
            .collect()
    }

    fn values(&self, pages: &Pages) -> Option<BTreeMap<Key, Value>> {
        let content = |number: u64| pages.get(&number).map(|page| &page.content);
        let Content::Header { root, .. } = content(HEADER)? else {
            return None;
        };
        let leaves = match content(*root)? {
            Content::Branch(leaves) => leaves.iter().map(|(_, leaf)| *leaf).collect(),
            _ => vec![*root],
        };
        let mut values = BTreeMap::new();
        for (number, leaf) in leaves.iter().enumerate() {
            let Content::Leaf { entries, next } = content(*leaf)? else {
                return None;
            };
            // A scan goes along the leaves, and sees what the branch sees.
            if self.links_checked && *next != leaves.get(number + 1).copied() {
                return None;
            }
            values.extend(entries.iter().map(|(key, op)| (*key, Value::Of(*op))));
        }
        Some(values)
    }
}

impl Small {
    fn page(&self, number: u64, content: Content) -> Page {
        Page {
            number,
            content,
            cells: self.page,
        }
    }
}

fn leaf(entries: Vec<(Key, OpId)>, next: Option<u64>) -> Content {
    Content::Leaf { entries, next }
}

/// A tree while it is changed.
struct Open {
    leaf: usize,
    pages: BTreeMap<u64, Content>,
    changed: Vec<u64>,
}

impl Open {
    fn set(&mut self, number: u64, content: Content) {
        self.pages.insert(number, content);
        self.changed.push(number);
    }

    fn header(&self) -> (u64, Vec<u64>, u64) {
        match &self.pages[&HEADER] {
            Content::Header { root, free, next } => (*root, free.clone(), *next),
            _ => unreachable!("page {HEADER} is the header"),
        }
    }

    fn leaves(&self) -> Vec<(Key, u64)> {
        let (root, ..) = self.header();
        match &self.pages[&root] {
            Content::Branch(leaves) => leaves.clone(),
            _ => vec![(0, root)],
        }
    }

    fn entries(&self, number: u64) -> (Vec<(Key, OpId)>, Option<u64>) {
        match &self.pages[&number] {
            Content::Leaf { entries, next } => (entries.clone(), *next),
            _ => unreachable!("the pages of a tree are whole"),
        }
    }

    fn allocate(&mut self) -> u64 {
        let (root, mut free, mut next) = self.header();
        let number = free.pop().unwrap_or(next);
        next = next.max(number + 1);
        self.set(HEADER, Content::Header { root, free, next });
        number
    }

    fn free(&mut self, number: u64) {
        let (root, mut free, next) = self.header();
        free.push(number);
        self.set(HEADER, Content::Header { root, free, next });
    }

    fn set_leaves(&mut self, leaves: Vec<(Key, u64)>) {
        let (root, ..) = self.header();
        let is_branch = matches!(self.pages[&root], Content::Branch(_));
        let root = match (&leaves[..], is_branch) {
            ([(_, only)], true) => {
                self.free(root);
                *only
            }
            ([(_, only)], false) => *only,
            (_, true) => {
                self.set(root, Content::Branch(leaves));
                root
            }
            (_, false) => {
                let branch = self.allocate();
                self.set(branch, Content::Branch(leaves));
                branch
            }
        };
        let (_, free, next) = self.header();
        self.set(HEADER, Content::Header { root, free, next });
    }

    fn write(&mut self, op: OpId, write: Write) {
        let mut leaves = self.leaves();
        let at = leaves
            .partition_point(|(least, _)| *least <= write.key)
            .max(1)
            - 1;
        let number = leaves[at].1;
        let (mut entries, next) = self.entries(number);
        entries.retain(|(key, _)| *key != write.key);
        if !write.delete {
            entries.push((write.key, op));
            entries.sort_unstable();
        }
        if entries.len() > self.leaf {
            let right = entries.split_off(entries.len() / 2);
            let new = self.allocate();
            leaves.insert(at + 1, (right[0].0, new));
            self.set(new, leaf(right, next));
            self.set(number, leaf(entries, Some(new)));
            self.set_leaves(leaves);
        } else if entries.is_empty() && leaves.len() > 1 {
            leaves.remove(at);
            if at == 0 {
                leaves[0].0 = 0;
            } else {
                let (before, _) = self.entries(leaves[at - 1].1);
                self.set(leaves[at - 1].1, leaf(before, next));
            }
            self.free(number);
            self.set_leaves(leaves);
        } else {
            self.set(number, leaf(entries, next));
        }
    }
}

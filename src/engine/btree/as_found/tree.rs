//! The pages of the tree as found: their bytes, and which of them a write changes. One branch, over leaves that are linked.
//!
//! ```text
//! page      crc32 of what follows u32 | 1, 2 or 3 | .. | zeros       all numbers u64, a text its length and its bytes
//! 1 header  root | first page never used | count | each free page
//! 2 leaf    the leaf to the right, 0 none | count | key, value
//! 3 branch  count | least key, leaf
//! ```
//!
//! A page does not say which it is: the log has that in front of it.

use super::super::error::Error;
use crate::engine::wal::Write;
use std::collections::{BTreeMap, BTreeSet};

/// The page of the metadata.
pub(super) const HEADER: u64 = 0;

pub(super) type Pages = BTreeMap<u64, Node>;
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Header {
        root: u64,
        next: u64,
        free: Vec<u64>,
    },
    Leaf {
        right: u64,
        entries: Entries,
    },
    Branch(Vec<(Vec<u8>, u64)>),
}

impl Node {
    /// Its bytes, if that many hold it.
    pub(super) fn encode(&self, page_bytes: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; 4];
        let mut number = |number: u64, text: &[u8]| {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(text);
        };
        match self {
            Node::Header { root, next, free } => {
                for said in [1, *root, *next, free.len() as u64].iter().chain(free) {
                    number(*said, &[]);
                }
            }
            Node::Leaf { right, entries } => {
                for said in [2, *right, entries.len() as u64] {
                    number(said, &[]);
                }
                for (key, value) in entries {
                    number(key.len() as u64, key);
                    number(value.len() as u64, value);
                }
            }
            Node::Branch(leaves) => {
                number(3, &[]);
                number(leaves.len() as u64, &[]);
                for (least, leaf) in leaves {
                    number(least.len() as u64, least);
                    number(*leaf, &[]);
                }
            }
        }
        if bytes.len() > page_bytes {
            return Err(Error::PageFull {
                bytes: bytes.len(),
                bytes_max: page_bytes,
            });
        }
        bytes.resize(page_bytes, 0);
        let crc = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        Ok(bytes)
    }

    /// What the page says, if it is whole.
    pub(super) fn decode(bytes: &[u8]) -> Option<Node> {
        let (crc, covered) = bytes.split_first_chunk::<4>()?;
        if crc32fast::hash(covered) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields(covered);
        Some(match fields.number()? {
            1 => {
                let (root, next, count) = (fields.number()?, fields.number()?, fields.number()?);
                let free = (0..count).map(|_| fields.number());
                let free = free.collect::<Option<_>>()?;
                Node::Header { root, next, free }
            }
            2 => {
                let (right, count) = (fields.number()?, fields.number()?);
                let entries = (0..count).map(|_| Some((fields.text()?, fields.text()?)));
                let entries = entries.collect::<Option<_>>()?;
                Node::Leaf { right, entries }
            }
            3 => {
                let count = fields.number()?;
                let leaves = (0..count).map(|_| Some((fields.text()?, fields.number()?)));
                Node::Branch(leaves.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text.to_vec())
    }
}

/// The pages of an empty tree.
pub(super) fn empty() -> Pages {
    let (root, next, free) = (HEADER + 1, HEADER + 2, Vec::new());
    let leaf = Node::Leaf {
        right: 0,
        entries: Vec::new(),
    };
    Pages::from([(HEADER, Node::Header { root, next, free }), (root, leaf)])
}

/// All keys with their values; none: a page of the tree is missing.
pub(super) fn values(pages: &Pages) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let Node::Header { root, .. } = pages.get(&HEADER)? else {
        return None;
    };
    let leaves = match pages.get(root)? {
        Node::Branch(leaves) => leaves.iter().map(|(_, leaf)| *leaf).collect(),
        _ => vec![*root],
    };
    let mut values = BTreeMap::new();
    for leaf in leaves {
        let Node::Leaf { entries, .. } = pages.get(&leaf)? else {
            return None;
        };
        values.extend(entries.iter().cloned());
    }
    Some(values)
}

/// The pages that these writes change, in the order in which they are written: new leaves, other leaves, branches, the
/// header. `None`: a page is not what the tree takes it for.
pub(super) fn changed(
    pages: &Pages,
    leaf_keys: usize,
    writes: &[Write],
) -> Option<Vec<(u64, Node)>> {
    let mut tree = Change {
        leaf_keys: leaf_keys.max(1),
        pages: pages.clone(),
        changed: Vec::new(),
    };
    for write in writes {
        tree.write(write)?;
    }
    let mut order = std::mem::take(&mut tree.changed);
    let mut seen = BTreeSet::new();
    order.retain(|number| seen.insert(*number));
    order.sort_by_key(|number| match tree.pages.get(number) {
        Some(Node::Leaf { .. }) => u8::from(pages.contains_key(number)),
        Some(Node::Branch(_)) => 2,
        _ => 3,
    });
    let now = order
        .iter()
        .filter_map(|number| Some((*number, tree.pages.get(number)?)));
    let others = now.filter(|(number, node)| pages.get(number) != Some(node));
    Some(
        others
            .map(|(number, node)| (number, node.clone()))
            .collect(),
    )
}

/// A tree while it is changed.
struct Change {
    leaf_keys: usize,
    pages: Pages,
    changed: Vec<u64>,
}

impl Change {
    fn set(&mut self, number: u64, node: Node) {
        self.pages.insert(number, node);
        self.changed.push(number);
    }

    fn header(&self) -> Option<(u64, u64, Vec<u64>)> {
        match self.pages.get(&HEADER)? {
            Node::Header { root, next, free } => Some((*root, *next, free.clone())),
            _ => None,
        }
    }

    fn leaf(&self, number: u64) -> Option<(u64, Entries)> {
        match self.pages.get(&number)? {
            Node::Leaf { right, entries } => Some((*right, entries.clone())),
            _ => None,
        }
    }

    fn allocate(&mut self) -> Option<u64> {
        let (root, next, mut free) = self.header()?;
        let number = free.pop().unwrap_or(next);
        let next = next.max(number + 1);
        self.set(HEADER, Node::Header { root, next, free });
        Some(number)
    }

    fn free(&mut self, number: u64) -> Option<()> {
        let (root, next, mut free) = self.header()?;
        free.push(number);
        self.set(HEADER, Node::Header { root, next, free });
        Some(())
    }

    /// A branch with one leaf goes, and there is one where there are more.
    fn set_leaves(&mut self, leaves: Vec<(Vec<u8>, u64)>) -> Option<()> {
        let (mut root, ..) = self.header()?;
        let is_branch = matches!(self.pages.get(&root)?, Node::Branch(_));
        match &leaves[..] {
            [(_, only)] => {
                if is_branch {
                    self.free(root)?;
                }
                root = *only;
            }
            _ => {
                if !is_branch {
                    root = self.allocate()?;
                }
                self.set(root, Node::Branch(leaves));
            }
        }
        let (_, next, free) = self.header()?;
        self.set(HEADER, Node::Header { root, next, free });
        Some(())
    }

    fn write(&mut self, write: &Write) -> Option<()> {
        let (Write::Put { key, .. } | Write::Delete { key }) = write;
        let (root, ..) = self.header()?;
        let mut leaves = match self.pages.get(&root)? {
            Node::Branch(leaves) => leaves.clone(),
            _ => vec![(Vec::new(), root)],
        };
        let after = leaves.partition_point(|(least, _)| least <= key);
        let at = after.max(1) - 1;
        let number = leaves.get(at)?.1;
        let (right, mut entries) = self.leaf(number)?;
        entries.retain(|(other, _)| other != key);
        if let Write::Put { key, value } = write {
            entries.push((key.clone(), value.clone()));
            entries.sort_unstable();
        }
        if entries.len() > self.leaf_keys {
            let upper = entries.split_off(entries.len() / 2);
            let new = self.allocate()?;
            leaves.insert(at + 1, (upper[0].0.clone(), new));
            let entries_of = |right, entries| Node::Leaf { right, entries };
            self.set(new, entries_of(right, upper));
            self.set(number, entries_of(new, entries));
            self.set_leaves(leaves)
        } else if entries.is_empty() && leaves.len() > 1 {
            leaves.remove(at);
            if at == 0 {
                leaves[0].0 = Vec::new();
            } else {
                let before = leaves[at - 1].1;
                let (_, entries) = self.leaf(before)?;
                self.set(before, Node::Leaf { right, entries });
            }
            self.free(number)?;
            self.set_leaves(leaves)
        } else {
            self.set(number, Node::Leaf { right, entries });
            Some(())
        }
    }
}

//! The bytes of a page. All numbers are little endian, and zeros fill it up.
//!
//! ```text
//! page      crc32 of everything after it, zeros included u32 | kind u8 | zeros 3 | its number u64 | count u32 | link u64 | entries
//! header    kind 1: count the height of the tree | link the root | first page never used u64 | first free page u64, 0 none
//! leaf      kind 2: link the leaf to the right, 0 none | entry: key length u16 | value length u32 | key | value
//! branch    kind 3: link the leftmost child | entry: key length u16 | child u64 | key; the child has the keys from it on
//! free      kind 4: link the next free page, 0 none
//! ```
//!
//! Its number is under the checksum: a page that stands where another belongs is damaged.

/// The bytes of a page before its entries.
const HEAD: usize = 28;
const LEAF_ENTRY: usize = 6;
const BRANCH_ENTRY: usize = 10;

/// The keys of a leaf with their values, in order.
pub(crate) type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// The children of a branch but the leftmost, each with the least key that may be in it, in order.
pub(crate) type Children = Vec<(Vec<u8>, u64)>;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Page 2: where the tree begins.
    Header {
        height: u32,
        root: u64,
        next: u64,
        free: u64,
    },
    Leaf {
        right: u64,
        entries: Entries,
    },
    Branch {
        left: u64,
        children: Children,
    },
    Free {
        next: u64,
    },
}

/// A page that was read.
pub(crate) type NodeOf = std::sync::Arc<Node>;

impl Node {
    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        HEAD + match self {
            Node::Header { .. } => 16,
            Node::Leaf { entries, .. } => entries.iter().map(Node::leaf_entry).sum(),
            Node::Branch { children, .. } => children
                .iter()
                .map(|(key, _)| BRANCH_ENTRY + key.len())
                .sum(),
            Node::Free { .. } => 0,
        }
    }

    /// How many bytes an entry of a leaf takes.
    pub(super) fn leaf_entry((key, value): &(Vec<u8>, Vec<u8>)) -> usize {
        LEAF_ENTRY + key.len() + value.len()
    }

    /// The most bytes that a key and its value may have, so that a page with one more can be split into two that hold
    /// their halves.
    pub(super) fn entry_bytes_max(page_bytes: usize) -> usize {
        (page_bytes - HEAD) / 4 - BRANCH_ENTRY
    }

    /// The bytes of the page of that number.
    pub(crate) fn encode(&self, number: u64, page_bytes: usize) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        let (kind, count, link) = match self {
            Node::Header { height, root, .. } => (1_u8, *height, *root),
            Node::Leaf { right, entries } => (2, entries.len() as u32, *right),
            Node::Branch { left, children } => (3, children.len() as u32, *left),
            Node::Free { next } => (4, 0, *next),
        };
        bytes.extend_from_slice(&[kind, 0, 0, 0]);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&link.to_le_bytes());
        match self {
            Node::Header { next, free, .. } => {
                bytes.extend_from_slice(&next.to_le_bytes());
                bytes.extend_from_slice(&free.to_le_bytes());
            }
            Node::Leaf { entries, .. } => {
                for (key, value) in entries {
                    bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
                    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
                    bytes.extend_from_slice(key);
                    bytes.extend_from_slice(value);
                }
            }
            Node::Branch { children, .. } => {
                for (key, child) in children {
                    bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
                    bytes.extend_from_slice(&child.to_le_bytes());
                    bytes.extend_from_slice(key);
                }
            }
            Node::Free { .. } => {}
        }
        debug_assert!(bytes.len() <= page_bytes);
        bytes.resize(page_bytes, 0);
        let crc = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// What the page of that number says, or why it is none.
    pub(crate) fn decode(number: u64, bytes: &[u8]) -> Result<Node, &'static str> {
        let (crc, covered) = bytes.split_first_chunk::<4>().ok_or("it is cut short")?;
        if crc32fast::hash(covered) != u32::from_le_bytes(*crc) {
            return Err("its checksum is wrong");
        }
        let mut fields = Fields(covered);
        let damaged = "its checksum is right and its contents make no sense";
        Node::read(number, &mut fields).ok_or(damaged)
    }

    fn read(number: u64, fields: &mut Fields<'_>) -> Option<Node> {
        let kind = fields.take(4)?[0];
        if fields.u64()? != number {
            return None;
        }
        let (count, link) = (fields.u32()?, fields.u64()?);
        Some(match kind {
            1 => Node::Header {
                height: count,
                root: link,
                next: fields.u64()?,
                free: fields.u64()?,
            },
            2 => {
                let entry = |_| {
                    let (key, value) = (fields.u16()?, fields.u32()?);
                    let key = fields.take(usize::from(key))?.to_vec();
                    Some((key, fields.take(value as usize)?.to_vec()))
                };
                Node::Leaf {
                    right: link,
                    entries: (0..count).map(entry).collect::<Option<_>>()?,
                }
            }
            3 => {
                let child = |_| {
                    let (key, child) = (fields.u16()?, fields.u64()?);
                    Some((fields.take(usize::from(key))?.to_vec(), child))
                };
                Node::Branch {
                    left: link,
                    children: (0..count).map(child).collect::<Option<_>>()?,
                }
            }
            4 => Node::Free { next: link },
            _ => return None,
        })
    }
}

struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(*self.take(2)?.first_chunk()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }
}

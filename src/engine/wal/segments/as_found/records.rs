//! The records of the log as found: their bytes, and what a reader makes of them.

use super::super::super::format::Write;
use super::{Brackets, Options, Tail};

/// The bytes of a record before its key.
const HEAD: usize = 24;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Write(Write),
    Begin,
    Commit,
    Truncated,
}

/// Reads segment after segment: what is whole, and follows what was read before.
pub(super) struct Reader {
    options: Options,
    pub(super) records: Vec<(u64, Write)>,
    /// Those of a batch that is begun and not committed.
    open: Option<Vec<(u64, Write)>>,
    /// Where that begins, with which number, and how many records are before it; where it is in this segment.
    pub(super) begun: Option<(usize, u64, u64)>,
    pub(super) next: u64,
    pub(super) tail: usize,
    pub(super) in_last: u64,
    stopped: bool,
}

impl Reader {
    pub(super) fn new(options: &Options) -> Self {
        Reader {
            options: *options,
            records: Vec::new(),
            open: None,
            begun: None,
            next: 1,
            tail: 0,
            in_last: 0,
            stopped: false,
        }
    }

    /// Reads a segment, and says whether something is left of it that was not read.
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        (self.tail, self.in_last, self.begun) = (0, 0, None);
        while !self.stopped
            && let Some((number, entry, taken)) = parse(&bytes[self.tail..])
            && self.follows(number, &entry)
        {
            self.take(number, entry);
            self.tail += taken;
            self.in_last += 1;
            self.next = number + 1;
        }
        let torn = self.tail < bytes.len();
        self.stopped |= torn && self.options.tail != Tail::NewSegmentPassed;
        torn
    }

    /// Whether a record may come next: a truncated log begins anywhere, later ones follow by number.
    fn follows(&self, number: u64, entry: &Entry) -> bool {
        let restarts = *entry == Entry::Truncated && number > self.next;
        self.next == 1 || number == self.next || restarts
    }

    fn take(&mut self, number: u64, entry: Entry) {
        match entry {
            Entry::Write(write) => match &mut self.open {
                Some(open) => open.push((number, write)),
                None => self.records.push((number, write)),
            },
            Entry::Begin if self.options.brackets != Brackets::Ignored => {
                self.begun = Some((self.tail, number, self.in_last));
                self.open = Some(Vec::new());
            }
            Entry::Commit => {
                self.begun = None;
                self.records.extend(self.open.take().unwrap_or_default());
            }
            Entry::Begin | Entry::Truncated => {}
        }
    }
}

/// The bytes of a record.
pub(super) fn encode(number: u64, entry: &Entry) -> Vec<u8> {
    let (kind, key, value): (u32, &[u8], &[u8]) = match entry {
        Entry::Write(Write::Put { key, value }) => (1, key, value),
        Entry::Write(Write::Delete { key }) => (2, key, &[]),
        Entry::Begin => (3, &[], &[]),
        Entry::Commit => (4, &[], &[]),
        Entry::Truncated => (5, &[], &[]),
    };
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    let crc = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The record that these bytes begin with, its number, and how many it takes.
fn parse(bytes: &[u8]) -> Option<(u64, Entry, usize)> {
    let head = bytes.get(..HEAD)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head[at..].first_chunk()?));
    let (key, value) = (u32_at(16)? as usize, u32_at(20)? as usize);
    let end = HEAD.checked_add(key)?.checked_add(value)?;
    if crc32fast::hash(bytes.get(4..end)?) != u32_at(0)? {
        return None;
    }
    let number = u64::from_le_bytes(*head[8..].first_chunk()?);
    let (key, value) = bytes[HEAD..end].split_at(key);
    let (key, value) = (key.to_vec(), value.to_vec());
    let entry = match u32_at(4)? {
        1 => Entry::Write(Write::Put { key, value }),
        2 => Entry::Write(Write::Delete { key }),
        3 => Entry::Begin,
        4 => Entry::Commit,
        5 => Entry::Truncated,
        _ => return None,
    };
    Some((number, entry, end))
}

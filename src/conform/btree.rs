//! The B-tree, held to its model.
//!
//! The model's tree is the engine's own: what is compared here is where and when its pages are written, not which. The
//! tree is held to a map by tests of its own. A counterexample has the model's small tree, in one leaf: the pages are the
//! same then.

use super::dictionary::{Dictionary, Whole, whole};
use super::script::{Engine, Pages as Settings, value_bytes};
use super::subject::{Answer, Subject};
use super::wal::{Records, discipline_of, identity_of, models_mode, sync_mode};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::engine::btree::{Btree, Node, NodeOf, Options, Pages, SLOT_BYTES, Slot, changed, empty};
use crate::engine::wal::format::{Chain, Owner, RECORD_HEADER};
use crate::engine::wal::{Lsn, Write};
use crate::storage::simulated::Simulated;
use models::btree::memory::{Change, Memory};
use models::btree::{self, HEADER, Shape, Trees, Variant};
use models::cells::{Content, Page, Token};
use models::contract::{Key, OpId, Operation, Value};
use models::machine::process::Process;
use models::protocol::{Protocol, Step as ModelStep};
use models::wal::memory::Change as LogChange;
use models::wal::{self, Layout, Wal};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the engine's store is.
const STORE: &str = "/store";
/// Bytes of a page.
const PAGE_BYTES: usize = 256;
const PAGE_CELLS: usize = PAGE_BYTES / CELL_BYTES;
const SLOT_CELLS: usize = SLOT_BYTES / CELL_BYTES;
/// Cells of the head of a record with one page, and of that page.
const RECORD: (usize, usize) = (2, 18);

/// The B-tree and its model.
#[derive(Debug)]
pub(super) struct BtreeSubject {
    pub(super) script: Arc<Script>,
    settings: Settings,
    protocol: btree::Btree,
    dictionary: Dictionary,
    records: Records,
}

impl Subject for BtreeSubject {
    type Protocol = btree::Btree;
    type Store = Btree<Simulated>;

    fn of(script: &Script, _: Discipline) -> Self {
        let settings = match script.engine {
            Engine::Btree(settings) => settings,
            _ => Settings::default(),
        };
        let script = Arc::new(script.clone());
        Self {
            protocol: protocol(&script, settings),
            dictionary: Dictionary::new(Owner::Btree.file_header()),
            records: Records::new(false, Chain::start_of(Owner::Btree)),
            script,
            settings,
        }
    }

    fn script(protocol: &btree::Btree, operations: &[Operation]) -> Result<Script, String> {
        if protocol.variant != Variant::Durable {
            return Err("no engine makes this mistake".into());
        }
        let Trees::Small {
            leaf: leaf @ 3..,
            page: PAGE_CELLS,
            slot: SLOT_CELLS,
            record: RECORD,
        } = protocol.tree
        else {
            return Err(format!(
                "the engine's pages have {PAGE_CELLS} cells, and no leaf is split"
            ));
        };
        let (discipline, sync) = discipline_of(&protocol.log)?;
        let script = Script::of(discipline, sync, operations);
        Ok(Script {
            engine: Engine::Btree(Settings {
                leaf: Some(leaf),
                ..Settings::default()
            }),
            ..script
        })
    }

    fn protocol(&self) -> btree::Btree {
        self.protocol.clone()
    }

    fn open(&self, storage: &Simulated) -> Result<Btree<Simulated>, String> {
        let opened = Btree::open(storage.clone(), Path::new(STORE), self.options());
        opened.map_err(|error| error.to_string())
    }

    fn ask(
        &self,
        store: Btree<Simulated>,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Btree<Simulated>>) {
        let answer = match operation {
            Operation::Write(_) => store.write(&writes(&self.script, id)).map(Some),
            Operation::Sync => store.sync().map(|()| None),
            Operation::Flush | Operation::Compact => store.checkpoint().map(|()| None),
            Operation::Close => {
                let closed = store.close().map(|()| None);
                return (closed.map_err(|error| error.to_string()), None);
            }
        };
        let answer = answer.map(|lsn| lsn.map(identity_of));
        (answer.map_err(|error| error.to_string()), Some(store))
    }

    fn learn(&mut self, process: &Process<btree::Btree>) -> Result<(), String> {
        let mut memory = process.memory.clone();
        for step in &process.steps {
            let ModelStep::Change(change) = step else {
                continue;
            };
            if let Change::Log(LogChange::Appended(record)) = change {
                let previous = memory.log.records.last();
                let pages = record.pages.iter().map(|page| Write::Put {
                    key: page.number.to_le_bytes().to_vec(),
                    value: bytes_of(&self.script, page),
                });
                let pages: Vec<Write> = pages.collect();
                let bytes = self.records.encode(record, previous, &pages)?;
                self.dictionary
                    .learn(Whole::Record(record.clone()), bytes)?;
            }
            self.protocol.change(&mut memory, change);
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        let cell = |cell: &Token| match cell {
            Token::Page { page, part } => {
                let from = part * CELL_BYTES;
                bytes_of(&self.script, page)[from..from + CELL_BYTES].to_vec()
            }
            other => self.dictionary.bytes(std::slice::from_ref(other)),
        };
        cells.iter().flat_map(cell).collect()
    }

    fn whole(&self, cell: &Token) -> Option<Vec<Token>> {
        whole(cell)
    }

    /// Both serve the same values, one by one and as a scan.
    fn compare(&self, store: &Btree<Simulated>, memory: &Memory) -> Result<(), Divergence> {
        let other = |expected: String, found: String| {
            Err(Divergence::new(Kind::OtherRecovery, expected, found))
        };
        let view = self.protocol.observe(memory);
        let mut expected = Vec::new();
        for key in 0..self.script.key_count() as u8 {
            let name = key_bytes(&self.script, key);
            let value = match view.value(key) {
                Value::Of(op) => value_of(&self.script, op, &name),
                Value::Absent | Value::Invented => None,
            };
            let found = store.get(&name);
            if !found.as_ref().is_ok_and(|found| *found == value) {
                return other(format!("{key}: {value:?}"), format!("{found:?}"));
            }
            expected.extend(value.map(|value| (name, value)));
        }
        expected.sort();
        let found: Result<Vec<_>, _> = store.range::<[u8]>(..).collect();
        match found.as_ref().is_ok_and(|found| *found == expected) {
            true => Ok(()),
            false => other(format!("{expected:?}"), format!("{found:?}")),
        }
    }
}

/// The model, with the engine's tree.
fn protocol(script: &Arc<Script>, settings: Settings) -> btree::Btree {
    let sync = models_mode(script.sync);
    btree::Btree {
        variant: Variant::Durable,
        log: Wal {
            variant: wal::Variant::Durable,
            sync,
            layout: Layout::Small { head: 1, write: 1 },
            preallocate: 0,
        },
        tree: match settings.leaf {
            Some(leaf) => Trees::Small {
                leaf,
                page: PAGE_CELLS,
                slot: SLOT_CELLS,
                record: RECORD,
            },
            None => Trees::Real {
                shape: Arc::new(Real(script.clone())),
                page: PAGE_CELLS,
                slot: SLOT_CELLS,
                record: |pages, cells| {
                    let page = 1 + 4 + 8 + 4 + cells * CELL_BYTES;
                    (RECORD_HEADER + pages * page).div_ceil(CELL_BYTES)
                },
            },
        },
        checkpoint_at: settings
            .checkpoint_at
            .map(|bytes| bytes.div_ceil(CELL_BYTES)),
    }
}

fn bytes_of(script: &Script, page: &Page) -> Vec<u8> {
    match &page.content {
        Content::Real(bytes) => bytes.to_vec(),
        Content::Header { root, next, .. } => {
            let (height, root, next, free) = (1, *root, *next, 0);
            let header = Node::Header {
                height,
                root,
                next,
                free,
            };
            header.encode(page.number, PAGE_BYTES)
        }
        Content::Leaf { entries, .. } => {
            let entry = |(key, op): &(Key, OpId)| {
                let name = key_bytes(script, *key);
                let value = value_of(script, *op, &name).unwrap_or_default();
                (name, value)
            };
            let entries = entries.iter().map(entry).collect();
            Node::Leaf { right: 0, entries }.encode(page.number, PAGE_BYTES)
        }
        Content::Slot { generation, index } => {
            let (generation, index) = (*generation, *index);
            let slot = Slot {
                page_bytes: PAGE_BYTES,
                floor: (index > 0).then_some(Lsn { generation, index }),
            };
            slot.encode().to_vec()
        }
        // No leaf is split.
        Content::Branch(_) => vec![0; page.cells * CELL_BYTES],
    }
}

/// The engine's tree, on the model's pages.
#[derive(Debug)]
struct Real(Arc<Script>);

/// Pages of the model, to be read by the engine.
struct Read<'p>(&'p btree::Pages);

/// Why the engine cannot read one.
#[derive(Debug)]
struct Missing;

impl Pages for Read<'_> {
    type Error = Missing;

    fn node(&self, number: u64) -> Result<NodeOf, Missing> {
        let page = self.0.get(&number).ok_or(Missing)?;
        let Content::Real(bytes) = &page.content else {
            return Err(Missing);
        };
        let node = Node::decode(number, bytes);
        node.map(Arc::new).map_err(|_| Missing)
    }

    fn misplaced(&self, _: u64) -> Missing {
        Missing
    }
}

impl Shape for Real {
    fn empty(&self) -> Vec<Page> {
        empty()
            .iter()
            .map(|(number, node)| page(*number, node))
            .collect()
    }

    fn apply(&self, pages: &btree::Pages, op: OpId, _: &[models::contract::Write]) -> Vec<Page> {
        let changed = changed(&Read(pages), PAGE_BYTES, &writes(&self.0, op));
        let changed = changed.unwrap_or_default();
        changed
            .iter()
            .map(|(number, node)| page(*number, node))
            .collect()
    }

    fn values(&self, pages: &btree::Pages) -> Option<BTreeMap<Key, Value>> {
        let read = Read(pages);
        let Node::Header { height, root, .. } = *read.node(HEADER).ok()? else {
            return None;
        };
        let mut number = root;
        for _ in 1..height {
            let Node::Branch { left, .. } = *read.node(number).ok()? else {
                return None;
            };
            number = left;
        }
        let mut values = BTreeMap::new();
        while number != 0 {
            let leaf = read.node(number).ok()?;
            let Node::Leaf { right, entries } = &*leaf else {
                return None;
            };
            for entry in entries {
                let (key, op) = self.written(entry)?;
                values.insert(key, Value::Of(op));
            }
            number = *right;
        }
        Some(values)
    }
}

impl Real {
    /// The key, and the operation that gave it this value.
    fn written(&self, (name, value): &(Vec<u8>, Vec<u8>)) -> Option<(Key, OpId)> {
        let mut keys = 0..self.0.key_count() as Key;
        let key = keys.find(|key| key_bytes(&self.0, *key) == *name)?;
        let mut ids = (0..self.0.steps.len()).map(Script::id);
        let op = ids.find(|id| value_of(&self.0, *id, name).as_ref() == Some(value))?;
        Some((key, op))
    }
}

fn page(number: u64, node: &Node) -> Page {
    Page {
        number,
        content: Content::Real(node.encode(number, PAGE_BYTES).into()),
        cells: PAGE_CELLS,
    }
}

/// The writes of an operation: keys are short, and values long enough to tell their operation.
pub(super) fn writes(script: &Script, id: OpId) -> Vec<Write> {
    let writes = script.writes(id).into_iter().zip(0..);
    let short = |mut key: Vec<u8>| {
        key.truncate(7);
        key
    };
    writes
        .map(|(write, number)| match write {
            Write::Put { key, value } => Write::Put {
                key: short(key),
                value: value_bytes(id, number, value.len().clamp(8, 40)),
            },
            Write::Delete { key } => Write::Delete { key: short(key) },
        })
        .collect()
}

fn key_bytes(script: &Script, key: Key) -> Vec<u8> {
    let mut bytes = script.key_bytes(key);
    bytes.truncate(7);
    bytes
}

/// The value that an operation gives a key; the last, where it writes the key twice.
fn value_of(script: &Script, id: OpId, name: &[u8]) -> Option<Vec<u8>> {
    let mut writes = writes(script, id).into_iter().rev();
    writes.find_map(|write| match write {
        Write::Put { key, value } if key == name => Some(Some(value)),
        Write::Delete { key } if key == name => Some(None),
        _ => None,
    })?
}

impl BtreeSubject {
    /// The engine's settings.
    pub(super) fn options(&self) -> Options {
        let of_records = |bytes: usize| bytes.next_multiple_of(CELL_BYTES) as u64;
        Options {
            sync: sync_mode(self.script.sync),
            page_bytes: PAGE_BYTES,
            preallocate: 0,
            checkpoint_at: self.settings.checkpoint_at.map_or(u64::MAX, of_records),
        }
    }
}

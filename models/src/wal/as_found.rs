//! The LSM tree's log as the study found it: write, flush, acknowledge.
//!
//! ```text
//!   put -> buffer length, key, length, value   \[study\]
//!       -> flush                               \[study\]   cached, never durable
//!       -> return Ok                           \[study\]
//! ```
//!
//! What the study does not say: the flush is one call to the operating system, or two \[assumed\];
//! recovery reads until a record is cut short, and cuts that tail off or leaves it \[assumed\]; the log
//! is made on opening, without a barrier \[assumed\]. There is no checksum: recovery believes what
//! it reads \[assumed\].

use super::memory::Memory;
use super::record::{Parsed, Record, Token, cells_of};
use super::{LOG, Wal};
use crate::contract::Key;
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Step, StepOf};
use std::sync::Arc;

/// What the study leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// The flush takes two calls, and a kill may come between them.
    pub split_flush: bool,
    /// Recovery leaves a torn tail in place.
    pub tail_left: bool,
}

/// Length, key, length, value; then a flush.
pub fn append(assumed: Assumed, record: &Arc<Record>, tail: usize) -> Vec<StepOf<Wal>> {
    let buffer = Step::Buffer {
        file: LOG.into(),
        at: tail,
        cells: cells_of(record),
        site: "append: buffer",
    };
    let mut steps = vec![buffer];
    if assumed.split_flush {
        steps.push(Step::Flush {
            cells: Some(1),
            site: "append: first part of the flush",
        });
    }
    steps.push(Step::Flush {
        cells: None,
        site: "append: flush",
    });
    steps
}

/// Reads until a record is cut short, and believes what it reads.
pub fn recover(assumed: Assumed, tree: &Tree<Token>, mut steps: Vec<StepOf<Wal>>) -> PlanOf<Wal> {
    let Some(cells) = tree.file(LOG) else {
        steps.push(Step::call("init: create", Call::Create(LOG.into())));
        return Plan {
            memory: Memory {
                tail: 0,
                ..Memory::empty(LOG)
            },
            steps,
            odd: false,
        };
    };
    let mut parsed = Parsed::default();
    let mut invented: Vec<Key> = Vec::new();
    loop {
        match cells.get(parsed.tail) {
            Some(Token::Part { record, part: 0 }) if parsed.tail + record.cells <= cells.len() => {
                let whole = cells[parsed.tail..].starts_with(&cells_of(record));
                invented.retain(|key| record.writes.iter().all(|write| write.key != *key));
                if !whole {
                    // The key was read; the value is whatever stands there.
                    invented.extend(record.writes.iter().map(|write| write.key));
                }
                parsed.tail += record.cells;
                parsed.records.push(record.clone());
            }
            Some(Token::Zero) => {
                // Length zero, key "", length zero, value "".
                invented.push(Key::MAX);
                parsed.tail += 1;
            }
            _ => break,
        }
    }
    let torn = parsed.tail < cells.len();
    let mut memory = Memory::recovered(LOG, &parsed);
    memory.invented = invented;
    if torn && assumed.tail_left {
        memory.tail = cells.len();
    } else if torn {
        let cut = Call::SetLen {
            file: LOG.into(),
            to: parsed.tail,
        };
        steps.push(Step::call("recovery: cut the tail", cut));
    }
    Plan {
        memory,
        steps,
        odd: torn || !memory_is_clean(&parsed, cells),
    }
}

fn memory_is_clean(parsed: &Parsed, cells: &[Token]) -> bool {
    let written: Vec<Token> = parsed.records.iter().flat_map(cells_of).collect();
    written == cells[..parsed.tail]
}

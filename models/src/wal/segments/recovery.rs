//! Recovery: which segments count, where the last one ends, and what is made durable before the log serves.
//!
//! ```text
//!   name             what it is                      what recovery does
//!   FIRST.log.tmp    in the making when it crashed   removes it
//!   FIRST.log        all below the truncation point  removes it, once the checkpoint is durable
//!                    followed by another             reads it; it is whole, or the store is damaged
//!                    the last one                    as the log does: rewrite, end mark, barrier
//! ```

use super::memory::Memory;
use super::{Segments, Variant, log_steps, path_of};
use crate::cells::{Record, Token};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Refused, Site, Step, StepOf};
use crate::wal::record::{Floor, Parsed, parse};
use crate::wal::{self, STORE, name_barriers};
use std::sync::Arc;

/// A log as it was found.
pub(crate) struct Found {
    /// What the process will know.
    pub(crate) memory: Memory,
    /// Every record in the segments that count, those below the truncation point too.
    pub(crate) records: Vec<Arc<Record>>,
    /// The last segment.
    last: Parsed,
    /// Segments that do not count.
    truncated: Vec<String>,
    /// Whether something was met that is no record.
    odd: bool,
}

/// What recovery does with what it finds.
pub(super) fn recover(
    segments: &Segments,
    tree: &Tree<Token>,
) -> Result<PlanOf<Segments>, Refused> {
    let mut steps = Vec::new();
    let Some(names) = tree.list(STORE) else {
        let make = Call::CreateDirectory(STORE.into());
        steps.push(Step::call("init: store directory", make));
        steps.extend(log_steps(segments.log.initialise(&path_of(1))));
        return Ok(nothing(steps));
    };
    let in_the_making = names.iter().filter(|name| name.ends_with(".log.tmp"));
    let leftovers = in_the_making.map(|name| format!("{STORE}/{name}"));
    let leftovers: Vec<_> = remove("recovery: leftover", leftovers).collect();
    if firsts(tree).is_empty() {
        steps.extend(leftovers);
        steps.extend(log_steps(segments.log.initialise(&path_of(1))));
        return Ok(nothing(steps));
    }
    let found = read(segments, tree)?;
    let mut last = found.last;
    let path = found.memory.log.file.to_string();
    if segments.variant == Variant::TornSegmentPassed {
        last.tail = tree.file(&path).unwrap_or_default().len();
    }
    steps.extend(log_steps(segments.log.repair(&path, &last)));
    steps.extend(log_steps(
        name_barriers(
            "recovery: directory barrier",
            "recovery: parent directory barrier",
        )
        .into(),
    ));
    let odd = found.odd || !leftovers.is_empty();
    steps.extend(leftovers);
    let truncated = found.truncated.into_iter();
    steps.extend(remove("recovery: truncated segment", truncated));
    let mut memory = found.memory;
    memory.log.tail = last.tail;
    Ok(Plan { memory, steps, odd })
}

fn nothing(steps: Vec<StepOf<Segments>>) -> PlanOf<Segments> {
    let memory = Memory {
        log: wal::memory::Memory::empty(&path_of(1)),
        segments: vec![1],
        earlier: Vec::new(),
    };
    let odd = false;
    Plan { memory, steps, odd }
}

fn remove(
    site: Site,
    paths: impl Iterator<Item = String>,
) -> impl Iterator<Item = StepOf<Segments>> {
    paths.map(move |path| Step::call(site, Call::Remove(path)))
}

/// The index of the first record of each segment, in order.
fn firsts(tree: &Tree<Token>) -> Vec<u64> {
    let names = tree.list(STORE).unwrap_or_default();
    let first = |name: &Arc<str>| name.strip_suffix(".log")?.parse().ok();
    let mut firsts: Vec<u64> = names.iter().filter_map(first).collect();
    firsts.sort_unstable();
    firsts
}

/// Reads the segments that count.
pub(crate) fn read(segments: &Segments, tree: &Tree<Token>) -> Result<Found, Refused> {
    let firsts = firsts(tree);
    let cells = |first: u64| tree.file(&path_of(first)).unwrap_or_default();
    let read = |first: u64, generation: u32| {
        let index = first - 1;
        let floor = Floor { generation, index };
        parse(cells(first), segments.log.variant, Some(floor))
    };
    // The newest checkpoint is in a segment that counts, for it lies above its own point.
    let mut point = 0;
    let mut counts = firsts.len();
    while counts > 0 && (counts == firsts.len() || firsts[counts] > point + 1) {
        counts -= 1;
        let records = read(firsts[counts], 0).records;
        let up_to = |record: &Arc<Record>| Some(record.checkpoint.as_ref()?.up_to);
        point = point.max(records.iter().filter_map(up_to).max().unwrap_or(0));
    }
    let (truncated, live) = firsts.split_at(counts);
    if live.first().is_none_or(|first| *first > point + 1) {
        return Err(Refused(format!(
            "the segment of record {} is missing",
            point + 1
        )));
    }
    let mut records: Vec<Arc<Record>> = Vec::new();
    let mut earlier = Vec::new();
    let mut last = Parsed::default();
    let mut odd = !truncated.is_empty();
    for (number, &first) in live.iter().enumerate() {
        let path = path_of(first);
        if cells(first).first() != Some(&Token::Header) {
            return Err(Refused(format!(
                "{path} has no valid header: foreign or damaged"
            )));
        }
        let generation = records.last().map_or(0, |record| record.generation);
        last = read(first, generation);
        records.extend(last.records.iter().cloned());
        odd |= segments.log.is_odd(&last, cells(first));
        if let Some(next) = live.get(number + 1) {
            let reached = last.records.last().map_or(first - 1, |record| record.index);
            if reached + 1 != *next && segments.variant != Variant::TornSegmentPassed {
                return Err(Refused(format!(
                    "record {} of {path} is damaged",
                    reached + 1
                )));
            }
            earlier.append(&mut last.records);
        }
    }
    let first = live[live.len() - 1];
    let log = wal::memory::Memory {
        allocated: segments.log.allocated(cells(first)),
        ..wal::memory::Memory::recovered(&path_of(first), &last)
    };
    let mut memory = Memory {
        log,
        segments: live.to_vec(),
        earlier,
    };
    memory.give_up();
    Ok(Found {
        memory,
        records,
        last,
        truncated: truncated.iter().map(|first| path_of(*first)).collect(),
        odd,
    })
}

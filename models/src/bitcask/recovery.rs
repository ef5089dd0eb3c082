//! Recovery: the data files as a log in segments, then which merged file counts, and which hint.
//!
//! The log's directory barrier makes the name of the merged file durable, which the removals rely on.

use super::memory::Memory;
use super::{Bitcask, Variant, file_steps, hint_path, merged_path};
use crate::cells::{Hint, Token, cells_of_hint, whole_table};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Protocol, Refused, Step};
use crate::wal::STORE;
use std::sync::Arc;

/// What recovery does with what it finds.
pub(super) fn recover(bitcask: &Bitcask, tree: &Tree<Token>) -> Result<PlanOf<Bitcask>, Refused> {
    let files = bitcask.files.recover(tree)?;
    let names = tree.list(STORE).unwrap_or_default();
    let numbers = |suffix: &str| {
        let number = |name: &Arc<str>| name.strip_suffix(suffix)?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    let (merges, hints) = (numbers(".merged"), numbers(".hint"));
    let point = files.memory.point();
    let hi = merges.last().copied();
    let files_end = match tree.list(STORE) {
        Some(names) if names.iter().any(|name| name.ends_with(".log")) => files.memory.log.index,
        _ => 0,
    };
    if hi.unwrap_or(0) > files_end {
        return Err(Refused(
            "data files behind the merged file are missing".into(),
        ));
    }
    if hi.unwrap_or(0) < point {
        return Err(Refused(format!("records up to {point} are in no file")));
    }
    let merged = match hi {
        None => None,
        Some(hi) => {
            let path = merged_path(hi);
            let found = tree.file(&path).and_then(whole_table);
            let found = found.filter(|merged| merged.hi == hi);
            Some(found.ok_or_else(|| Refused(format!("{path} is not whole: damaged")))?)
        }
    };
    let hint = hi.and_then(|hi| tree.file(&hint_path(hi)));
    let found = hint.and_then(whole_hint);
    let found = found.filter(|hint| Some(&hint.table) == merged.as_ref());
    let is_blind = bitcask.variant == Variant::HintUnproved;
    let misled = is_blind && hint.is_some() && found.is_none();
    let mut steps = file_steps(files.steps);
    let leftovers = names.iter().filter(|name| name.ends_with(".merged.tmp"));
    let leftovers = leftovers.map(|name| format!("{STORE}/{name}"));
    let old = merges.iter().filter(|&&other| Some(other) != hi);
    let old = old.map(|&other| merged_path(other));
    let counts = |other: u64| Some(other) == hi && (found.is_some() || is_blind);
    let useless = hints.iter().filter(|&&other| !counts(other));
    let useless = useless.map(|&other| hint_path(other));
    let removed: Vec<String> = leftovers.chain(old).chain(useless).collect();
    let odd = files.odd || !removed.is_empty();
    let removals = removed
        .into_iter()
        .map(|path| Step::call("recovery: leftover of a merge", Call::Remove(path)));
    steps.extend(removals);
    Ok(Plan {
        memory: Memory {
            files: files.memory,
            merged,
            hint: found,
            misled,
        },
        steps,
        odd,
    })
}

/// The hint that these cells are, if they are one.
fn whole_hint(cells: &[Token]) -> Option<Arc<Hint>> {
    match cells.first() {
        Some(Token::Hint { hint, part: 0 }) if cells == cells_of_hint(hint) => Some(hint.clone()),
        _ => None,
    }
}

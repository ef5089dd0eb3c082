//! Recovery: which tables are live, what of the log they do not hold, and what is made durable before
//! the store serves.
//!
//! ```text
//!   name                        what it is                       what recovery does
//!   LO-HI.sst.tmp, log.tmp      in the making when it crashed    removes it
//!   LO-HI.sst inside another    an input of a merge              removes it, once the output is durable
//!   LO-HI.sst                   live                             makes its name durable
//!   log, at or below the floor  what a table holds               puts an end mark at the head
//!   log, above the floor        live                             as the log does: rewrite, end mark, barrier
//! ```
//!
//! The names come first: the end mark at the head and the removal of inputs rely on tables that were
//! perhaps found in the cache only. The removals need no barrier: what comes back is removed again.

use super::memory::{Memory, floor};
use super::{Lsm, Variant, path_of};
use crate::cells::{Table, Token, whole_table};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Refused, Site, Step, StepOf};
use crate::wal::record::parse;
use crate::wal::{self, LOG, STORE, TEMPORARY, name_barriers};
use std::sync::Arc;

/// The tables of a store, as their names say.
struct Found {
    /// Those that count, oldest first: the first and last index of each.
    live: Vec<(u64, u64)>,
    /// Paths of inputs of merges that were done, in order of names.
    superseded: Vec<String>,
    /// Paths of tables in the making, in order of names.
    leftovers: Vec<String>,
}

/// What recovery does with what it finds.
pub(super) fn recover(lsm: &Lsm, tree: &Tree<Token>) -> Result<PlanOf<Lsm>, Refused> {
    let mut steps = Vec::new();
    if tree.lookup(STORE).is_none() {
        steps.push(Step::call(
            "init: store directory",
            Call::CreateDirectory(STORE.into()),
        ));
    }
    let found = names(lsm, tree);
    let tables = read(lsm, tree, &found.live)?;
    let leftover = tree.lookup(TEMPORARY).map(|_| TEMPORARY.to_string());
    let leftovers = leftover.into_iter().chain(found.leftovers);
    let remove =
        |site: Site| move |path: String| -> StepOf<Lsm> { Step::call(site, Call::Remove(path)) };
    let Some(cells) = tree.file(LOG) else {
        if !tables.is_empty() {
            return Err(Refused(format!("{LOG} is missing, and there are tables")));
        }
        steps.extend(leftovers.map(remove("recovery: leftover")));
        steps.extend(lsm.log_steps(lsm.log.initialise(LOG)));
        let log = wal::memory::Memory::empty(LOG);
        let memory = Memory { log, tables };
        return Ok(Plan {
            memory,
            steps,
            odd: false,
        });
    };
    if cells.first() != Some(&Token::Header) {
        return Err(Refused(format!(
            "{LOG} has no valid header: foreign or damaged"
        )));
    }
    let parsed = parse(cells, lsm.log.variant, Some(floor(&tables)));
    if parsed.hole {
        return Err(Refused(format!(
            "records are missing between the tables and {LOG}"
        )));
    }
    let barriers = name_barriers(
        "recovery: directory barrier",
        "recovery: parent directory barrier",
    );
    let (names, log) = (
        lsm.log_steps(barriers.into()),
        lsm.log_steps(lsm.log.repair(LOG, &parsed)),
    );
    steps.extend(match lsm.variant {
        Variant::NamesTrusted => [log, names].concat(),
        _ => [names, log].concat(),
    });
    let removals: Vec<StepOf<Lsm>> = leftovers
        .map(remove("recovery: leftover"))
        .chain(
            found
                .superseded
                .into_iter()
                .map(remove("recovery: superseded table")),
        )
        .collect();
    let odd = parsed.odd || !removals.is_empty();
    steps.extend(removals);
    let log = wal::memory::Memory::recovered(LOG, &parsed);
    Ok(Plan {
        memory: Memory { log, tables },
        steps,
        odd,
    })
}

/// Sorts the names of a store.
fn names(lsm: &Lsm, tree: &Tree<Token>) -> Found {
    let names = tree.list(STORE).unwrap_or_default();
    let path = |name: &str| format!("{STORE}/{name}");
    let mut all: Vec<((u64, u64), String)> = Vec::new();
    let mut leftovers = Vec::new();
    for name in &names {
        if name.ends_with(".sst.tmp") {
            leftovers.push(path(name));
        } else if let Some(interval) = interval_of(name) {
            all.push((interval, path(name)));
        }
    }
    let inside = |(lo, hi): (u64, u64), (from, to): (u64, u64)| {
        (lo, hi) != (from, to) && from <= lo && hi <= to
    };
    let is_superseded = |interval: (u64, u64)| {
        lsm.variant != Variant::SupersededServed
            && all.iter().any(|(other, _)| inside(interval, *other))
    };
    let mut live: Vec<(u64, u64)> = (all.iter().map(|(interval, _)| *interval))
        .filter(|interval| !is_superseded(*interval))
        .collect();
    live.sort_by_key(|(lo, hi)| (*hi, *lo));
    let superseded = all.iter().filter(|(interval, _)| is_superseded(*interval));
    Found {
        superseded: superseded.map(|(_, path)| path.clone()).collect(),
        live,
        leftovers,
    }
}

/// The interval in the name of a table.
fn interval_of(name: &str) -> Option<(u64, u64)> {
    let (lo, hi) = name.strip_suffix(".sst")?.split_once('-')?;
    Some((lo.parse().ok()?, hi.parse().ok()?))
}

/// Reads the live tables. They are whole, and follow each other without a gap.
fn read(lsm: &Lsm, tree: &Tree<Token>, live: &[(u64, u64)]) -> Result<Vec<Arc<Table>>, Refused> {
    let mut tables: Vec<Arc<Table>> = Vec::new();
    for &(lo, hi) in live {
        let path = path_of(lo, hi);
        let cells = tree.file(&path).unwrap_or_default();
        let table = match whole_table(cells).filter(|table| (table.lo, table.hi) == (lo, hi)) {
            Some(table) => table,
            // What of it is not there is not missed.
            None if lsm.variant == Variant::TableUnproved => Arc::new(Table {
                lo,
                hi,
                generation: 1,
                level: 0,
                entries: Vec::new(),
                cells: cells.len(),
            }),
            None => return Err(Refused(format!("{path} is not whole: damaged"))),
        };
        let next = tables.last().map_or(1, |last| last.hi + 1);
        if lo != next && lsm.variant != Variant::SupersededServed {
            return Err(Refused(format!("records {next} to {lo} are in no table")));
        }
        tables.push(table);
    }
    Ok(tables)
}

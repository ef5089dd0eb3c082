//! Recovery: which tables are live, what of the log they do not hold, and what is made durable before
//! the store serves.
//!
//! ```text
//!   name                        what it is                       what recovery does
//!   LO-HI.sst.tmp, LOG.tmp      in the making when it crashed    removes it
//!   LO-HI.sst inside another    an input of a merge              removes it, once the output is durable
//!   LO-HI.sst                   live                             makes its name durable
//!   LOG, at or below the floor  what a table holds               puts an end mark at the head
//!   LOG, above the floor        live                             as the log does: rewrite, end mark, barrier
//!   LOG, not there              a first creation that crashed    makes it, where nothing was ever written
//! ```
//!
//! `LOG` is `log` or `log.2`. Where both are live, the one with the lower indexes is due, and the floor of the other
//! one is its last record.
//!
//! The names come first: the end mark at the head and the removal of inputs rely on tables that were
//! perhaps found in the cache only. The removals need no barrier: what comes back is removed again.

use super::memory::{Memory, SECOND, floor};
use super::{Lsm, Variant, path_of};
use crate::cells::{Table, Token, whole_table};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Refused, Site, Step, StepOf};
use crate::wal::record::{Floor, Parsed, Record, parse};
use crate::wal::{self, INIT, LOG, STORE, name_barriers};
use std::sync::Arc;

const LOGS: [&str; 2] = [LOG, SECOND];
const LOGS_IN_THE_MAKING: [&str; 2] = ["log.tmp", "log.2.tmp"];

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
    let remove =
        |site: Site| move |path: String| -> StepOf<Lsm> { Step::call(site, Call::Remove(path)) };
    let mut leftovers: Vec<StepOf<Lsm>> = found
        .leftovers
        .into_iter()
        .map(remove("recovery: leftover"))
        .collect();
    let is_missing = |log: &&str| tree.file(log).is_none();
    let missing: Vec<&str> = LOGS.iter().copied().filter(|log| is_missing(log)).collect();
    let logs = Logs::read(lsm, tree, floor(&tables))?;
    let mut odd = logs.before.1.odd || logs.behind.1.odd;
    if !missing.is_empty() {
        if !tables.is_empty() || LOGS.iter().any(|log| head(lsm, tree, log) > 0) {
            return Err(Refused(format!("{} is missing", missing[0])));
        }
        odd |= !leftovers.is_empty();
        steps.append(&mut leftovers);
        for log in missing {
            steps.extend(lsm.log_steps(lsm.log.make(log, INIT)));
        }
    }
    let barriers = name_barriers(
        "recovery: directory barrier",
        "recovery: parent directory barrier",
    );
    let names = lsm.log_steps(barriers.into());
    let repairs = LOGS.map(|log| lsm.log.repair(log, logs.of(log)));
    let repairs = lsm.log_steps(repairs.concat());
    steps.extend(match lsm.variant {
        Variant::NamesTrusted => [repairs, names].concat(),
        _ => [names, repairs].concat(),
    });
    let superseded = found.superseded.into_iter();
    let superseded = superseded.map(remove("recovery: superseded table"));
    let removals: Vec<StepOf<Lsm>> = leftovers.into_iter().chain(superseded).collect();
    odd |= !removals.is_empty();
    steps.extend(removals);
    let (log, due) = logs.memory();
    Ok(Plan {
        memory: Memory::new(log, due, tables),
        steps,
        odd,
    })
}

/// The two logs, as they were found.
struct Logs {
    /// The one whose live records come first.
    before: (&'static str, Parsed),
    /// The other one, read behind that; perhaps it has none.
    behind: (&'static str, Parsed),
}

impl Logs {
    /// Reads both. One that is missing has a header and nothing else.
    fn read(lsm: &Lsm, tree: &Tree<Token>, floor: Floor) -> Result<Logs, Refused> {
        let place = |log| Some(head(lsm, tree, log)).filter(|head| *head > floor.index);
        let mut order = LOGS;
        if lsm.variant != Variant::LogsInOrderOfNames {
            order.sort_by_key(|log| place(log).unwrap_or(u64::MAX));
        }
        let read = |log: &'static str, floor: Floor| {
            let cells = tree.file(log).unwrap_or(&[Token::Header]);
            if cells.first() != Some(&Token::Header) {
                let what = format!("{log} has no valid header: foreign or damaged");
                return Err(Refused(what));
            }
            let parsed = parse(cells, lsm.log.variant, Some(floor));
            match parsed.hole {
                true => Err(Refused(format!(
                    "records are missing before those in {log}"
                ))),
                false => Ok((log, parsed)),
            }
        };
        let before = read(order[0], floor)?;
        let reached = before.1.records.last().map_or(floor, |last| Floor {
            generation: last.generation,
            index: last.index,
        });
        let behind = read(order[1], reached)?;
        Ok(Logs { before, behind })
    }

    fn of(&self, log: &str) -> &Parsed {
        match self.before.0 == log {
            true => &self.before.1,
            false => &self.behind.1,
        }
    }

    /// The active log, and what of the other one is due.
    fn memory(&self) -> (wal::memory::Memory, Vec<Arc<Record>>) {
        let (active, due) = match self.behind.1.records.is_empty() {
            true => (&self.before, Vec::new()),
            false => (&self.behind, self.before.1.records.clone()),
        };
        (wal::memory::Memory::recovered(active.0, &active.1), due)
    }
}

/// The index of the record at the head of a log; 0: there is none.
fn head(lsm: &Lsm, tree: &Tree<Token>, log: &str) -> u64 {
    let cells = tree.file(log).unwrap_or_default();
    let parsed = parse(cells, lsm.log.variant, Some(Floor::default()));
    parsed.records.first().map_or(0, |first| first.index)
}

/// The intervals of the tables that count, oldest first.
pub(super) fn live_tables(lsm: &Lsm, tree: &Tree<Token>) -> Vec<(u64, u64)> {
    names(lsm, tree).live
}

/// Sorts the names of a store.
fn names(lsm: &Lsm, tree: &Tree<Token>) -> Found {
    let names = tree.list(STORE).unwrap_or_default();
    let path = |name: &str| format!("{STORE}/{name}");
    let mut all: Vec<((u64, u64), String)> = Vec::new();
    let mut leftovers = Vec::new();
    for name in &names {
        if name.ends_with(".sst.tmp") || LOGS_IN_THE_MAKING.contains(&&**name) {
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

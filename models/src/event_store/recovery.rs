//! Recovery: the log as a log on its own, and the snapshot if it counts.

use super::memory::Memory;
use super::{EventStore, SNAPSHOT, SNAPSHOT_IN_THE_MAKING, Variant, log_steps};
use crate::cells::{Record, Table, Token, whole_table};
use crate::disk::{Call, Tree};
use crate::protocol::{Plan, PlanOf, Refused, Step};
use crate::wal::record::parse;
use crate::wal::{self, LOG, STORE, TEMPORARY, name_barriers};
use std::sync::Arc;

/// What recovery does with what it finds.
pub(super) fn recover(
    store: &EventStore,
    tree: &Tree<Token>,
) -> Result<PlanOf<EventStore>, Refused> {
    let mut steps = Vec::new();
    if tree.lookup(STORE).is_none() {
        let make = Call::CreateDirectory(STORE.into());
        steps.push(Step::call("init: store directory", make));
    }
    let leftover = |path: &str| {
        let remove = Step::call("recovery: leftover", Call::Remove(path.into()));
        tree.lookup(path).map(|_| remove)
    };
    steps.extend(leftover(TEMPORARY));
    let saved = tree.lookup(SNAPSHOT).is_some();
    let Some(cells) = tree.file(LOG) else {
        if saved {
            return Err(Refused(format!(
                "{LOG} is missing, and there is a snapshot"
            )));
        }
        steps.extend(log_steps(store.log.initialise(LOG)));
        steps.extend(leftover(SNAPSHOT_IN_THE_MAKING));
        let log = wal::memory::Memory::empty(LOG);
        let memory = Memory {
            log,
            snapshot: None,
        };
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
    let parsed = parse(cells, store.log.variant, None);
    let snapshot = tree.file(SNAPSHOT).and_then(whole_table);
    let snapshot = snapshot.filter(|it| counts(store, it, &parsed.records));
    steps.extend(log_steps(store.log.repair(LOG, &parsed)));
    steps.extend(log_steps(
        name_barriers(
            "recovery: directory barrier",
            "recovery: parent directory barrier",
        )
        .into(),
    ));
    steps.extend(leftover(SNAPSHOT_IN_THE_MAKING));
    if saved && snapshot.is_none() {
        let remove = Call::Remove(SNAPSHOT.into());
        steps.push(Step::call("recovery: snapshot that does not count", remove));
    }
    let log = wal::memory::Memory::recovered(LOG, &parsed);
    Ok(Plan {
        memory: Memory { log, snapshot },
        steps,
        odd: parsed.odd,
    })
}

/// Whether the log has the record that the snapshot stands at.
fn counts(store: &EventStore, snapshot: &Table, records: &[Arc<Record>]) -> bool {
    records.iter().any(|record| {
        let by_position = store.variant == Variant::SnapshotByPosition;
        record.index == snapshot.hi && (by_position || record.generation == snapshot.generation)
    })
}

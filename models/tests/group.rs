//! Group commit, told as stories: who waits for what, who is told what, and what each mistake breaks.

use models::contract::{Event, OpId, Operation, Promise, Terms, Write};
use models::disk::Failure;
use models::machine::bounds::Bounds;
use models::machine::process::Ground;
use models::machine::script::{Move, Run};
use models::machine::{Machine, Setup};
use models::profile::Profile;
use models::wal::group::{Group, Variant};
use models::wal::{self, LOG, Layout, SyncMode, Wal};
use stateright::Model;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// A group of that many writers that ask that many operations, each of a key of its own.
fn setup(variant: Variant, sync: SyncMode, writers: u8, operations: u8) -> Setup<Group> {
    Setup {
        ground: Ground {
            protocol: Group {
                variant,
                log: Wal {
                    variant: wal::Variant::Durable,
                    sync,
                    layout: Layout::Small { head: 1, write: 1 },
                    preallocate: 0,
                },
            },
            profile: Profile::posix(),
            without: None,
            guarded: true,
            forget: true,
        },
        terms: Terms {
            judged: Promise::CONTRACT.to_vec(),
            every: None,
            kills_only: false,
        },
        bounds: Bounds {
            operations,
            keys: operations,
            deletes: 0,
            batches: 0,
            syncs: 1,
            closes: 1,
            flushes: 0,
            compactions: 0,
            writers,
            crashes: 2,
            failures: 1,
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: true,
            fresh_keys: false,
            count_refused: true,
        },
    }
}

fn durable(sync: SyncMode) -> Run<Group> {
    Run::new(&setup(Variant::Durable, sync, 3, 9))
}

fn put(key: u8) -> Move {
    Move::Invoke(Operation::Write(vec![Write { key, delete: false }]))
}

/// What the client is told by a move: each answer, with its operation.
fn told(run: &mut Run<Group>, next: &Move) -> Vec<(OpId, &'static str)> {
    let events = run.make(next).expect("a move that is possible");
    let answer = |event: &Event| match event {
        Event::Returned { op, durable, .. } => {
            Some((*op, if *durable { "durable" } else { "returned" }))
        }
        Event::Failed(op) => Some((*op, "failed")),
        Event::Refused(op) => Some((*op, "refused")),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

/// What the client is told until nobody waits.
fn told_until_idle(run: &mut Run<Group>) -> Vec<(OpId, &'static str)> {
    let mut all = Vec::new();
    while !run.process.steps.is_empty() {
        all.extend(told(run, &Move::Step));
    }
    all
}

/// The calls until the next answer, by site.
fn sites_until_told(run: &mut Run<Group>) -> Vec<&'static str> {
    let mut sites = Vec::new();
    while !run.process.steps.is_empty() {
        let site = run.process.site();
        if !told(run, &Move::Step).is_empty() {
            break;
        }
        sites.push(site);
    }
    sites
}

#[test]
fn those_who_come_while_a_leader_writes_share_the_next_write_and_its_barrier() {
    let mut run = durable(SyncMode::Every);
    assert!(told(&mut run, &put(0)).is_empty());
    assert!(told(&mut run, &Move::Step).is_empty(), "the leader writes");
    assert!(told(&mut run, &put(1)).is_empty());
    assert!(told(&mut run, &put(2)).is_empty());
    assert_eq!(sites_until_told(&mut run), ["group: data barrier"]);
    let batch = ["group: write", "group: data barrier"];
    assert_eq!(sites_until_told(&mut run), batch);
    assert_eq!(told_until_idle(&mut run), [(3, "durable")]);
}

#[test]
fn a_writer_is_one_operation_at_a_time() {
    let mut run = durable(SyncMode::Every);
    (0..3).for_each(|key| drop(told(&mut run, &put(key))));
    assert_eq!(run.make(&put(3)), None);
    assert_eq!(run.oracle.in_progress(), 3);
    let mut one = Run::new(&setup(Variant::Durable, SyncMode::Every, 1, 9));
    drop(told(&mut one, &put(0)));
    assert_eq!(one.make(&put(1)), None);
}

#[test]
fn between_two_answers_of_a_batch_another_operation_comes_or_a_crash() {
    let mut run = durable(SyncMode::Every);
    told(&mut run, &put(0));
    told_until_idle(&mut run);
    told(&mut run, &put(1));
    told(&mut run, &put(2));
    assert_eq!(sites_until_told(&mut run).len(), 2);
    assert_eq!(
        run.oracle.in_progress(),
        1,
        "the second is told, the third not"
    );
    assert!(told(&mut run, &put(3)).is_empty());
    let mut crashed = run.clone();
    let rest = told_until_idle(&mut run);
    assert_eq!(rest, [(3, "durable"), (4, "durable")]);
    assert!(told(&mut crashed, &Move::Kill).is_empty());
    assert!(told_until_idle(&mut crashed).is_empty());
    assert_eq!(crashed.breach, None);
    let found = crashed.process.memory.log.records.len();
    assert_eq!(found, 3, "what was in the buffer is gone");
}

#[test]
fn the_first_batch_of_a_life_is_one_record() {
    let mut run = durable(SyncMode::Never);
    told(&mut run, &put(0));
    told(&mut run, &put(1));
    let first = ["group: write", "group: generation barrier"];
    assert_eq!(sites_until_told(&mut run), first);
    assert_eq!(sites_until_told(&mut run), ["group: write"]);
    let cells = run.disk.view().file(LOG).expect("the log").len();
    assert_eq!(cells, 5, "a header and two records");
}

#[test]
fn a_failed_barrier_fails_all_who_wait_and_those_who_come_are_refused() {
    let mut run = durable(SyncMode::Every);
    told(&mut run, &put(0));
    told(&mut run, &Move::Step);
    told(&mut run, &put(1));
    told(&mut run, &Move::Fail(Failure::DataStays));
    assert!(told(&mut run, &put(2)).is_empty());
    let all = [(3, "refused"), (1, "failed"), (2, "failed")];
    assert_eq!(told_until_idle(&mut run), all);
    told(&mut run, &put(3));
    assert_eq!(told_until_idle(&mut run), [(4, "refused")]);
    assert_eq!(run.breach, None);
}

#[test]
fn a_sync_waits_for_all_that_was_there_and_writes_nothing_where_all_is_written() {
    let mut run = durable(SyncMode::Never);
    told(&mut run, &put(0));
    told_until_idle(&mut run);
    told(&mut run, &put(1));
    assert_eq!(told_until_idle(&mut run), [(2, "returned")]);
    told(&mut run, &Move::Invoke(Operation::Sync));
    let mut alone = run.clone();
    assert_eq!(sites_until_told(&mut alone), ["group: sync barrier"]);
    told(&mut run, &put(2));
    let batch = ["group: write", "group: sync barrier"];
    assert_eq!(sites_until_told(&mut run), batch);
    assert_eq!(told_until_idle(&mut run), [(4, "durable")]);
}

#[test]
fn a_close_waits_for_everybody_and_the_next_life_goes_on() {
    let mut run = durable(SyncMode::Never);
    told(&mut run, &put(0));
    let close = Move::Invoke(Operation::Close);
    assert_eq!(run.make(&close), None, "somebody waits");
    told_until_idle(&mut run);
    told(&mut run, &put(1));
    told_until_idle(&mut run);
    told(&mut run, &close);
    assert_eq!(run.make(&put(2)), None, "the handle is given up");
    let closed = ["close: data barrier"];
    assert_eq!(sites_until_told(&mut run), closed);
    assert_eq!(run.make(&put(2)), None);
    told_until_idle(&mut run);
    assert_eq!(run.process.memory.log.records.len(), 2);
    assert_eq!(run.breach, None);
}

#[test]
fn a_batch_has_a_barrier_where_it_fills_a_group_of_calls() {
    let mut run = durable(SyncMode::EveryN(3));
    told(&mut run, &put(0));
    assert_eq!(
        told_until_idle(&mut run),
        [(1, "durable")],
        "its generation"
    );
    told(&mut run, &put(1));
    assert_eq!(told_until_idle(&mut run), [(2, "returned")]);
    told(&mut run, &put(2));
    told(&mut run, &put(3));
    let batch = [(3, "durable"), (4, "durable")];
    assert_eq!(told_until_idle(&mut run), batch);
}

/// The promises that are broken in the fewest actions.
fn broken(mut setup: Setup<Group>) -> BTreeSet<Promise> {
    (setup.bounds.closes, setup.bounds.count_refused) = (0, false);
    setup.bounds.keys = 2;
    setup.ground.guarded = setup.terms.judged.contains(&Promise::Inner(1));
    let machine = Machine::new(setup);
    let mut seen = HashSet::new();
    let mut queue: VecDeque<_> = machine.init_states().into();
    let mut found = BTreeSet::new();
    let mut actions = Vec::new();
    while let Some(state) = queue.pop_front() {
        if !seen.insert(state) {
            continue;
        }
        found.extend(state.breach);
        if !found.is_empty() {
            break;
        }
        machine.actions(&state, &mut actions);
        let next = actions.drain(..);
        queue.extend(next.filter_map(|action| machine.next_state(&state, action)));
    }
    found
}

fn by_mistake(variant: Variant, operations: u8) -> Setup<Group> {
    setup(variant, SyncMode::Every, 2, operations)
}

#[test]
fn two_writers_keep_the_contract_and_the_inner_invariants() {
    for sync in [SyncMode::Every, SyncMode::EveryN(2), SyncMode::Never] {
        let mut setup = setup(Variant::Durable, sync, 2, 3);
        setup.terms.judged.extend([1, 3].map(Promise::Inner));
        assert_eq!(broken(setup), [].into(), "{sync:?}");
    }
}

#[test]
fn each_mistake_breaks_its_promise() {
    let breaks = |variant, operations, promise| {
        let found = broken(by_mistake(variant, operations));
        assert_eq!(found, [promise].into(), "{variant:?}");
    };
    breaks(Variant::CoveredByRunning, 2, Promise::D1);
    breaks(Variant::AcknowledgedWhenWritten, 3, Promise::D1);
    breaks(Variant::BarrierRetried, 1, Promise::D9);
    breaks(Variant::MarkOfStaged, 3, Promise::D7);
    breaks(Variant::FirstBatchOfMany, 3, Promise::D2);
}

#[test]
fn a_mistake_of_several_writers_is_none_of_one() {
    for variant in [Variant::CoveredByRunning, Variant::FirstBatchOfMany] {
        let mut setup = by_mistake(variant, 3);
        setup.bounds.writers = 1;
        assert_eq!(broken(setup), [].into(), "{variant:?}");
    }
}

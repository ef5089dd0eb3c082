//! The machine against its oracles: the plain representation, the twin with explicit writeback, and
//! the reductions one by one. Sets are compared, not counts alone.

use models::contract::{Event, Key, Promise, Terms, Value, View};
use models::disk::{Call, Failure};
use models::lsm::{self, Lsm, TableSize};
use models::machine::bounds::Bounds;
use models::machine::plain::{Crash, Plain, World};
use models::machine::process::{Doing, Ground};
use models::machine::script::Run;
use models::machine::{Machine, Setup};
use models::profile::{NAMES, Profile};
use models::protocol::{Protocol, Step};
use models::wal::as_found::Assumed;
use models::wal::group::{self, Group};
use models::wal::{LOG, Layout, SyncMode, Variant, Wal};
use rustc_hash::FxHashSet;
use stateright::{Checker, Model};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::Hash;

fn setup<P: Protocol>(protocol: P, profile: &str) -> Setup<P> {
    Setup {
        ground: Ground {
            protocol,
            profile: Profile::named(profile).expect("a profile"),
            without: None,
            guarded: false,
            forget: true,
        },
        terms: Terms {
            judged: Promise::CONTRACT.to_vec(),
            every: None,
            kills_only: false,
        },
        bounds: Bounds {
            operations: 2,
            keys: 2,
            deletes: 1,
            batches: 1,
            syncs: 0,
            closes: 0,
            flushes: 0,
            compactions: 0,
            writers: 1,
            crashes: 2,
            failures: 0,
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: true,
            fresh_keys: false,
            count_refused: false,
        },
    }
}

fn log(variant: Variant, sync: SyncMode) -> Wal {
    Wal {
        variant,
        sync,
        layout: Layout::Small { head: 1, write: 1 },
        preallocate: 0,
    }
}

/// Protocols of the log: two that hold, two that do not.
fn logs() -> [Wal; 4] {
    let as_found = Variant::AsFoundLsm(Assumed {
        split_flush: true,
        tail_left: true,
    });
    [
        log(Variant::Durable, SyncMode::Every),
        log(Variant::Durable, SyncMode::EveryN(2)),
        log(Variant::AcknowledgeBeforeBarrier, SyncMode::Every),
        log(as_found, SyncMode::Every),
    ]
}

/// Protocols of several writers, likewise.
fn groups() -> [Group; 4] {
    let group = |variant, sync| Group {
        variant,
        log: log(Variant::Durable, sync),
    };
    [
        group(group::Variant::Durable, SyncMode::Every),
        group(group::Variant::Durable, SyncMode::EveryN(2)),
        group(group::Variant::CoveredByRunning, SyncMode::Every),
        group(group::Variant::FirstBatchOfMany, SyncMode::Never),
    ]
}

/// A setup of two writers.
fn two_writers(group: Group, profile: &str) -> Setup<Group> {
    let mut setup = setup(group, profile);
    setup.bounds.writers = 2;
    (setup.bounds.deletes, setup.bounds.batches) = (0, 0);
    (setup.bounds.operations, setup.bounds.keys) = (3, 1);
    setup
}

/// Protocols of the LSM tree, likewise.
fn trees() -> [Lsm; 4] {
    let tree = |variant, sync| Lsm {
        variant,
        log: log(Variant::Durable, sync),
        table: TableSize::Fixed(2),
        fanout: 2,
        flush_at: None,
        background: false,
        chunk: usize::MAX,
    };
    [
        tree(lsm::Variant::Durable, SyncMode::Every),
        tree(lsm::Variant::Durable, SyncMode::EveryN(2)),
        tree(lsm::Variant::NamesTrusted, SyncMode::Every),
        Lsm::as_found(lsm::as_found::Assumed::default()),
    ]
}

/// A setup of the LSM tree, small enough for every oracle.
fn tree_setup(protocol: Lsm, profile: &str) -> Setup<Lsm> {
    let mut setup = setup(protocol, profile);
    (setup.bounds.flushes, setup.bounds.compactions) = (1, 1);
    (setup.bounds.batches, setup.bounds.keys) = (0, 1);
    setup.bounds.deletes = 0;
    setup
}

/// The LSM tree with a table that is made beside the operations: one record in each log, and one that wants the first log
/// again. One protocol holds, one does not.
fn beside(profile: &str) -> [Setup<Lsm>; 2] {
    let [tree, ..] = trees();
    [lsm::Variant::Durable, lsm::Variant::OtherLogFreeTooEarly].map(|variant| {
        let tree = Lsm {
            variant,
            flush_at: Some(2),
            background: true,
            ..tree.clone()
        };
        let mut setup = tree_setup(tree, profile);
        (setup.bounds.flushes, setup.bounds.compactions) = (0, 0);
        setup.bounds.operations = 3;
        setup.bounds.crashes = 1;
        setup
    })
}

/// Every state, breadth first, by a search that shares nothing with stateright.
fn reachable<M: Model>(model: &M) -> FxHashSet<M::State>
where
    M::State: Clone + Eq + Hash,
{
    let mut seen = FxHashSet::default();
    let mut queue: VecDeque<M::State> = model.init_states().into();
    let mut actions = Vec::new();
    while let Some(state) = queue.pop_front() {
        if !seen.insert(state.clone()) {
            continue;
        }
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            queue.extend(model.next_state(&state, action));
        }
    }
    seen
}

/// What a recovery served, of what files, after how many operations and crashes; and each breach.
type Recovered = (View, String, u8, u8);
type Sets = (HashSet<Recovered>, BTreeSet<Promise>);

/// The files as a reader sees them: what no recovery reads does not count.
fn read<P: Protocol>(setup: &Setup<P>, world: &World<P>) -> String {
    let plan = setup.ground.protocol.recover(world.disk.view());
    format!("{:?}", plan.map(|plan| plan.memory))
}

fn sets<P: Protocol>(setup: Setup<P>, crash: Crash) -> (Sets, usize) {
    let plain = Plain::new(setup.clone(), crash);
    let states = reachable(&plain);
    let mut recovered = HashSet::new();
    let mut breaches = BTreeSet::new();
    for world in &states {
        if world.just_recovered {
            let view = setup.ground.protocol.observe(&world.process.memory);
            let spent = &world.spent;
            let files = read(&setup, world);
            recovered.insert((view, files, spent.operations, spent.crashes));
        }
        breaches.extend(world.breach);
    }
    ((recovered, breaches), states.len())
}

fn assert_same<P: Protocol>(one: Setup<P>, other: Setup<P>, crash: Crash) -> (usize, usize) {
    let case = format!("{:?} on {}", one.ground.protocol, one.ground.profile.name);
    let ((recovered, breaches), few) = sets(one, Crash::Images);
    let ((all, all_breaches), many) = sets(other, crash);
    assert_eq!(breaches, all_breaches, "{case}: breaches");
    assert!(recovered == all, "{case}: recovered sets differ");
    (few, many)
}

fn assert_interning_changes_nothing<P: Protocol>(mut setup: Setup<P>) {
    setup.bounds.failures = 1;
    setup.bounds.crashes = 1;
    let case = format!("{:?}", setup.ground.protocol);
    let interned = reachable(&Machine::new(setup.clone()));
    let plain: FxHashSet<_> = reachable(&Plain::new(setup, Crash::Images))
        .into_iter()
        .map(|world| World {
            just_recovered: false,
            ..world
        })
        .collect();
    assert_eq!(interned.len(), plain.len(), "{case}");
}

/// A failed barrier that reverts what is cached can be seen, so it is left out.
fn assert_writeback_is_the_same<P: Protocol>(mut setup: Setup<P>, failures: u8) {
    setup.bounds.crashes = 1;
    setup.bounds.failures = failures;
    setup.bounds.failure_kinds = vec![Failure::DataStays, Failure::Abort];
    setup.ground.forget = false;
    assert_same(setup.clone(), setup, Crash::Writeback);
}

fn assert_forgetting_is_the_same<P: Protocol>(forgets: Setup<P>) {
    let mut remembers = forgets.clone();
    remembers.ground.forget = false;
    let (few, many) = assert_same(forgets, remembers, Crash::Images);
    assert!(few <= many);
}

#[test]
fn interning_changes_no_state() {
    logs()
        .into_iter()
        .for_each(|log| assert_interning_changes_nothing(setup(log, "posix")));
    trees()
        .into_iter()
        .for_each(|tree| assert_interning_changes_nothing(tree_setup(tree, "posix")));
    beside("posix")
        .into_iter()
        .for_each(assert_interning_changes_nothing);
    groups()
        .into_iter()
        .for_each(|group| assert_interning_changes_nothing(two_writers(group, "posix")));
}

#[test]
fn stateright_visits_every_reachable_state_of_a_variant_that_holds() {
    let setup = setup(log(Variant::Durable, SyncMode::Every), "posix");
    let ours = reachable(&Machine::new(setup.clone())).len();
    let theirs = Machine::new(setup).checker().spawn_dfs().join();
    assert_eq!(theirs.unique_state_count(), ours);
    assert!(theirs.discovery("contract").is_none());
}

#[test]
fn explicit_writeback_recovers_and_violates_the_same_for_the_log() {
    for profile in NAMES {
        logs()
            .into_iter()
            .for_each(|log| assert_writeback_is_the_same(setup(log, profile), 1));
    }
}

#[test]
fn explicit_writeback_recovers_and_violates_the_same_for_the_tree() {
    for profile in ["posix", "ext4-ordered", "btrfs"] {
        trees()
            .into_iter()
            .for_each(|tree| assert_writeback_is_the_same(tree_setup(tree, profile), 0));
    }
    beside("posix")
        .into_iter()
        .for_each(|setup| assert_writeback_is_the_same(setup, 0));
}

#[test]
fn explicit_writeback_recovers_and_violates_the_same_for_several_writers() {
    for profile in ["posix", "ext4-ordered"] {
        groups()
            .into_iter()
            .for_each(|group| assert_writeback_is_the_same(two_writers(group, profile), 1));
    }
}

#[test]
fn the_reductions_together_save_four_states_in_five_or_more() {
    let mut reduced = setup(log(Variant::Durable, SyncMode::EveryN(2)), "posix");
    reduced.bounds.crashes = 1;
    reduced.bounds.operations = 3;
    let mut whole = reduced.clone();
    whole.ground.forget = false;
    whole.bounds.keys_in_order = false;
    let (_, few) = sets(reduced, Crash::Images);
    let (_, many) = sets(whole, Crash::Writeback);
    assert!(
        many >= 4 * few,
        "{many} states with explicit writeback, {few} without"
    );
}

#[test]
fn forgetting_what_nobody_can_read_changes_no_verdict_and_no_recovered_set() {
    logs()
        .into_iter()
        .for_each(|log| assert_forgetting_is_the_same(setup(log, "posix")));
    // One that holds, one that does not: two crashes of each are many states.
    let [holds, _, breaks, _] = trees();
    [holds, breaks]
        .into_iter()
        .for_each(|tree| assert_forgetting_is_the_same(tree_setup(tree, "posix")));
    beside("posix")
        .into_iter()
        .for_each(assert_forgetting_is_the_same);
}

#[test]
fn forgetting_what_nobody_can_read_changes_nothing_for_several_writers() {
    groups()
        .into_iter()
        .for_each(|group| assert_forgetting_is_the_same(two_writers(group, "posix")));
}

#[test]
fn not_counting_what_is_refused_changes_no_verdict_and_no_recovered_set() {
    let failing = |mut setup: Setup<Wal>| {
        setup.bounds.failures = 1;
        setup.bounds.deletes = 0;
        setup
    };
    for log in logs() {
        let skips = failing(setup(log, "posix"));
        let mut counts = skips.clone();
        counts.bounds.count_refused = true;
        let case = format!("{:?}", skips.ground.protocol);
        let ((recovered, breaches), few) = sets(skips, Crash::Images);
        let ((all, all_breaches), many) = sets(counts, Crash::Images);
        assert_eq!(breaches, all_breaches, "{case}");
        // What was refused is counted in the one and not in the other.
        let seen = |sets: HashSet<Recovered>| -> HashSet<(BTreeMap<Key, bool>, u8)> {
            let shape = |view: View| view.values.into_keys().map(|key| (key, true)).collect();
            sets.into_iter()
                .map(|(view, _, _, crashes)| (shape(view), crashes))
                .collect()
        };
        assert_eq!(seen(recovered), seen(all), "{case}");
        assert!(few <= many, "{case}");
    }
}

/// Walks at random through a machine and, by the same moves, a run; how many were refused, and how many operations
/// were in progress at once.
fn assert_runs_are_where_the_machine_is<P: Protocol>(setup: &Setup<P>) -> (usize, usize) {
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % below
    };
    let (mut refused, mut at_once) = (0, 0);
    let machine = Machine::new(setup.clone());
    for _ in 0..400 {
        let mut run = Run::new(setup);
        let mut state = machine.init_states().remove(0);
        for _ in 0..30 {
            let mut actions = Vec::new();
            machine.actions(&state, &mut actions);
            if actions.is_empty() {
                break;
            }
            let action = actions[next(actions.len())];
            let events = run.make(&machine.to_move(&state, action));
            let events = events.expect("a move that is possible");
            let is_refused = |event: &&Event| matches!(event, Event::Refused(_));
            refused += events.iter().filter(is_refused).count();
            at_once = at_once.max(run.oracle.in_progress());
            state = machine.next_state(&state, action).expect("a state");
            assert_eq!(run.process, *machine.process(&state));
            assert_eq!(run.disk, *machine.disk(&state));
            assert_eq!(run.oracle, *machine.oracle(&state));
        }
    }
    (refused, at_once)
}

/// A refusal that does not count is one move, in a script as in the machine.
#[test]
fn a_run_along_the_moves_of_the_machine_is_where_the_machine_is() {
    let mut all_refused = 0;
    for count_refused in [false, true] {
        let mut setup = setup(log(Variant::Durable, SyncMode::EveryN(2)), "posix");
        (setup.bounds.operations, setup.bounds.failures) = (3, 1);
        setup.bounds.count_refused = count_refused;
        let (refused, at_once) = assert_runs_are_where_the_machine_is(&setup);
        assert_eq!(at_once, 1);
        all_refused += refused;
        let [group, ..] = groups();
        let mut setup = two_writers(group, "posix");
        (setup.bounds.operations, setup.bounds.failures) = (5, 1);
        setup.bounds.count_refused = count_refused;
        let (refused, at_once) = assert_runs_are_where_the_machine_is(&setup);
        assert_eq!(at_once, 2);
        all_refused += refused;
    }
    assert!(all_refused > 40, "{all_refused}");
}

#[test]
fn offering_keys_in_order_changes_no_verdict_and_every_recovered_set_by_renaming_only() {
    for log in logs() {
        let case = format!("{log:?}");
        let ordered = setup(log, "posix");
        let mut any = ordered.clone();
        any.bounds.keys_in_order = false;
        let ((recovered, breaches), few) = sets(ordered, Crash::Images);
        let ((all, all_breaches), many) = sets(any, Crash::Images);
        assert_eq!(breaches, all_breaches);
        assert!(few < many);
        // Every run of the whole space is one of the ordered space with keys renamed.
        let plain = |(view, _, operations, crashes): &Recovered| {
            (view.values.clone(), *operations, *crashes)
        };
        let swapped = |(values, operations, crashes): (BTreeMap<Key, Value>, u8, u8)| {
            let values = values
                .into_iter()
                .map(|(key, value)| (key ^ u8::from(key < 2), value));
            (values.collect(), operations, crashes)
        };
        let mut renamed: HashSet<_> = recovered.iter().map(plain).collect();
        renamed.extend(recovered.iter().map(plain).map(swapped));
        assert_eq!(renamed, all.iter().map(plain).collect(), "{case}");
    }
}

/// Else a protocol's own mistake would waive D6 until the next power cut.
#[test]
fn a_call_that_is_refused_for_no_fault_excuses_nothing() {
    let setup = setup(log(Variant::Durable, SyncMode::Every), "posix");
    let (disk, mut process) = setup.start();
    let taken = Step::call("create", Call::Create(LOG.into()));
    process.doing = Doing::Operation(1);
    process.steps = vec![taken];
    let (process, _, events) = setup.ground.step(&process, &disk);
    assert_eq!(events, []);
    assert_eq!(process.steps, [Step::Fail]);
}

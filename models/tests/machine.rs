//! The machine against its oracles: the plain representation, the twin with explicit writeback, and
//! the reductions one by one. Sets are compared, not counts alone.

use models::contract::{Key, Promise, Terms, Value, View};
use models::disk::Failure;
use models::machine::bounds::Bounds;
use models::machine::plain::{Crash, Plain, World};
use models::machine::process::Ground;
use models::machine::{Machine, Setup};
use models::profile::Profile;
use models::wal::as_found::Assumed;
use models::wal::{LOG, Layout, SyncMode, Variant, Wal};
use stateright::{Checker, Model};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::Hash;

fn setup(variant: Variant, sync: SyncMode, profile: &str) -> Setup<Wal> {
    let protocol = Wal {
        variant,
        sync,
        layout: Layout::Small { head: 1, write: 1 },
    };
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
            crashes: 2,
            failures: 0,
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: true,
        },
    }
}

const VARIANTS: [(Variant, SyncMode); 4] = [
    (Variant::Durable, SyncMode::Every),
    (Variant::Durable, SyncMode::EveryN(2)),
    (Variant::AcknowledgeBeforeBarrier, SyncMode::Every),
    (
        Variant::AsFoundLsm(Assumed {
            split_flush: true,
            tail_left: true,
        }),
        SyncMode::Every,
    ),
];

/// Every state, breadth first, by a search that shares nothing with stateright.
fn reachable<M: Model>(model: &M) -> HashSet<M::State>
where
    M::State: Clone + Eq + Hash,
{
    let mut seen = HashSet::new();
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

/// What a recovery served, on what log, after how many operations and crashes; and each breach.
type Recovered = (View, Vec<String>, u8, u8);
type Sets = (HashSet<Recovered>, BTreeSet<Promise>);

/// The log as a reader sees it: what lies beyond the records does not count.
fn records(world: &World<Wal>) -> Vec<String> {
    let cells = world.disk.view().file(LOG).unwrap_or_default();
    let variant = Variant::Durable;
    let parsed = models::wal::record::parse(cells, variant);
    parsed
        .records
        .iter()
        .map(|record| format!("{record:?}"))
        .collect()
}

fn sets(setup: Setup<Wal>, crash: Crash) -> (Sets, usize) {
    use models::protocol::Protocol;
    let plain = Plain::new(setup.clone(), crash);
    let states = reachable(&plain);
    let mut recovered = HashSet::new();
    let mut breaches = BTreeSet::new();
    for world in &states {
        if world.just_recovered {
            let view = setup.ground.protocol.observe(&world.process.memory);
            let spent = &world.spent;
            recovered.insert((view, records(world), spent.operations, spent.crashes));
        }
        breaches.extend(world.breach);
    }
    ((recovered, breaches), states.len())
}

#[test]
fn interning_changes_no_state() {
    for (variant, sync) in VARIANTS {
        let mut setup = setup(variant, sync, "posix");
        setup.bounds.failures = 1;
        setup.bounds.crashes = 1;
        let interned = reachable(&Machine::new(setup.clone()));
        let plain: HashSet<_> = reachable(&Plain::new(setup, Crash::Images))
            .into_iter()
            .map(|world| World {
                just_recovered: false,
                ..world
            })
            .collect();
        assert_eq!(interned.len(), plain.len(), "{variant:?} {sync:?}");
    }
}

#[test]
fn stateright_visits_every_reachable_state_of_a_variant_that_holds() {
    let setup = setup(Variant::Durable, SyncMode::Every, "posix");
    let ours = reachable(&Machine::new(setup.clone())).len();
    let theirs = Machine::new(setup).checker().spawn_dfs().join();
    assert_eq!(theirs.unique_state_count(), ours);
    assert!(theirs.discovery("contract").is_none());
}

#[test]
fn explicit_writeback_recovers_and_violates_the_same() {
    for profile in [
        "posix",
        "ext4-ordered",
        "xfs",
        "btrfs",
        "ext4-writeback",
        "strict",
    ] {
        for (variant, sync) in VARIANTS {
            let mut setup = setup(variant, sync, profile);
            setup.bounds.crashes = 1;
            setup.bounds.failures = 1;
            setup.bounds.failure_kinds = vec![Failure::DataStays, Failure::Abort];
            setup.ground.forget = false;
            let (images, _) = sets(setup.clone(), Crash::Images);
            let (writeback, _) = sets(setup, Crash::Writeback);
            assert_eq!(
                images.1, writeback.1,
                "{profile} {variant:?} {sync:?}: breaches"
            );
            assert_eq!(
                images.0, writeback.0,
                "{profile} {variant:?} {sync:?}: recovered"
            );
        }
    }
}

#[test]
fn the_reductions_together_save_four_states_in_five_or_more() {
    let mut reduced = setup(Variant::Durable, SyncMode::EveryN(2), "posix");
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
    for (variant, sync) in VARIANTS {
        let forgets = setup(variant, sync, "posix");
        let mut remembers = forgets.clone();
        remembers.ground.forget = false;
        let ((recovered, breaches), few) = sets(forgets, Crash::Images);
        let ((all, all_breaches), many) = sets(remembers, Crash::Images);
        assert_eq!(breaches, all_breaches, "{variant:?} {sync:?}");
        assert_eq!(recovered, all, "{variant:?} {sync:?}");
        assert!(few <= many);
    }
}

#[test]
fn offering_keys_in_order_changes_no_verdict_and_every_recovered_set_by_renaming_only() {
    for (variant, sync) in VARIANTS {
        let ordered = setup(variant, sync, "posix");
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
        assert_eq!(
            renamed,
            all.iter().map(plain).collect(),
            "{variant:?} {sync:?}"
        );
    }
}

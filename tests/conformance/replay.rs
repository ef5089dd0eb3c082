//! Counterexamples of the model, replayed on the real engines; and that a replay notices what is wrong.

use lightsout::check::catalogue::{
    bitcask_setup, btree_setup, event_store_setup, found_bitcask_setup, lines_setup, lsm_setup,
    segments_setup, wal_setup,
};
use lightsout::check::search::{Case, Until};
use lightsout::check::spec::{self, Check, Spec};
use lightsout::conform::{
    Divergence, Kind, replay_bitcask, replay_btree, replay_events, replay_found_bitcask,
    replay_lines, replay_log, replay_lsm, replay_segments,
};
use models::bitcask::Bitcask;
use models::btree::Btree;
use models::cells::Token;
use models::contract::{Operation, Promise};
use models::disk::effect::Effect;
use models::disk::image::Fates;
use models::event_store::EventStore;
use models::event_store::lines::Lines;
use models::lsm::Lsm;
use models::machine::Setup;
use models::machine::process::Doing;
use models::machine::script::{Move, Run};
use models::protocol::Protocol;
use models::wal::segments::{self, Segments};
use models::wal::{Layout, Variant, Wal};
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

/// Runs a script, which ends in that breach, on the real engine.
type Replay<P> =
    fn(&Setup<P>, &[Move], Promise) -> Result<lightsout::conform::Replayed, Divergence>;

/// An engine whose counterexamples are replayed.
struct Replayed<P> {
    spec: Spec,
    /// Whether a check of the spec is of it.
    is_of_it: fn(&Check) -> bool,
    setup: fn(&Spec, &Check) -> Result<Setup<P>, String>,
    replay: Replay<P>,
    /// Whether a variant exists as an engine.
    is_real: fn(&P) -> bool,
}

fn spec_of(engine: &str) -> Spec {
    let specs = spec::read(Path::new("specs")).expect("the specs");
    let mut engines = specs.engines.into_iter();
    let found = engines.find(|spec| spec.engine == engine);
    found.expect("a spec of that engine")
}

fn log() -> Replayed<Wal> {
    Replayed {
        spec: spec_of("wal"),
        is_of_it: |check| {
            // A script has one thread, and the writers of a group are several.
            let others = ["segments", "as-found-module", "group"];
            !others.iter().any(|other| check.variant.starts_with(other))
        },
        setup: wal_setup,
        replay: replay_log,
        is_real: |wal| matches!(wal.variant, Variant::Durable | Variant::AsFoundLsm(_)),
    }
}

fn segments() -> Replayed<Segments> {
    Replayed {
        spec: spec_of("wal"),
        is_of_it: |check| check.variant.starts_with("segments"),
        setup: |spec, check| segments_setup(spec, check).expect("a check of the log in segments"),
        replay: replay_segments,
        is_real: |segments| {
            let log = segments.log.variant == Variant::Durable;
            log && segments.variant == segments::Variant::Durable
        },
    }
}

fn bitcask() -> Replayed<Bitcask> {
    Replayed {
        spec: spec_of("bitcask"),
        is_of_it: |check| !check.variant.starts_with("as-found"),
        setup: bitcask_setup,
        replay: replay_bitcask,
        is_real: |store| store.variant == models::bitcask::Variant::Durable,
    }
}

fn found_bitcask() -> Replayed<models::bitcask::as_found::AsFound> {
    Replayed {
        spec: spec_of("bitcask"),
        is_of_it: |check| check.variant.starts_with("as-found"),
        setup: |spec, check| found_bitcask_setup(spec, check).expect("a check of it as found"),
        replay: replay_found_bitcask,
        is_real: |store| !store.assumed.hint_checked,
    }
}

fn btree() -> Replayed<Btree> {
    Replayed {
        spec: spec_of("btree"),
        is_of_it: |check| !check.variant.starts_with("as-found"),
        setup: btree_setup,
        replay: replay_btree,
        is_real: |tree| tree.variant == models::btree::Variant::Durable,
    }
}

fn events() -> Replayed<EventStore> {
    Replayed {
        spec: spec_of("event_store"),
        is_of_it: |check| !check.variant.starts_with("as-found"),
        setup: event_store_setup,
        replay: replay_events,
        is_real: |store| store.variant == models::event_store::Variant::Durable,
    }
}

fn lines() -> Replayed<Lines> {
    Replayed {
        spec: spec_of("event_store"),
        is_of_it: |check| check.variant.starts_with("as-found"),
        setup: |spec, check| lines_setup(spec, check).expect("a check of the store as found"),
        replay: replay_lines,
        is_real: |lines| !lines.assumed.two_calls,
    }
}

fn tree() -> Replayed<Lsm> {
    use models::lsm::Variant::{AsFound, Durable};
    Replayed {
        spec: spec_of("lsm"),
        is_of_it: |_| true,
        setup: lsm_setup,
        replay: replay_lsm,
        is_real: |lsm| {
            let log = matches!(lsm.log.variant, Variant::Durable | Variant::AsFoundLsm(_));
            log && matches!(lsm.variant, Durable | AsFound(_))
        },
    }
}

/// A shortest script of a check, and what it breaks.
fn shortest<P: Protocol>(setup: &Setup<P>) -> (Vec<Move>, Promise) {
    let found = setup
        .shortest(Until::default())
        .expect("time")
        .expect("a violation");
    let breach = spec::promise(&found.broken.promise).expect("a promise");
    (found.moves().to_vec(), breach)
}

impl<P: Protocol> Replayed<P> {
    /// The checks that are violated, with what they are of; those of an engine, or of a mistake.
    fn violated(&self, real: bool) -> Vec<(&str, Setup<P>)> {
        let checks = self.spec.checks.iter();
        let violated =
            checks.filter(|check| (self.is_of_it)(check) && check.expect.starts_with("violates"));
        let setups = violated.map(|check| {
            let setup = (self.setup)(&self.spec, check).expect("a setup");
            (check.name.as_str(), setup)
        });
        setups
            .filter(|(_, setup)| (self.is_real)(&setup.ground.protocol) == real)
            .collect()
    }

    /// Each breaks the same promise, but those that are not modelled to the byte.
    fn breaks_the_same(&self, not_modelled: &[&str]) -> usize {
        let violated = self.violated(true).into_iter();
        let modelled = violated.filter(|(name, _)| !not_modelled.contains(name));
        modelled
            .map(|(name, setup)| {
                let (moves, breach) = shortest(&setup);
                let found = (self.replay)(&setup, &moves, breach);
                assert_eq!(found.map(drop), Ok(()), "{name}");
            })
            .count()
    }

    fn mistakes_are_not_replayed(&self) -> usize {
        let mistakes = self.violated(false).into_iter();
        mistakes
            .map(|(name, setup)| {
                let found = (self.replay)(&setup, &[Move::Kill], Promise::D1).expect_err(name);
                assert_eq!(found.kind, Kind::NotModelled, "{name}");
            })
            .count()
    }

    /// Where everything is kept, a disk that damages nothing loses nothing.
    fn tampering_is_noticed(&self) -> usize {
        let mut tampered = 0;
        for (name, setup) in self.violated(true) {
            let (mut moves, breach) = shortest(&setup);
            // Where the breach is in the script before any power cut, its fates decide nothing.
            let cut = moves.iter_mut().rfind(|m| matches!(m, Move::PowerCut(_)));
            let Some(Move::PowerCut(fates)) = cut else {
                continue;
            };
            fates.kept = (0..1_000).collect();
            if setup.ground.profile.power_safe_overwrite {
                let found = (self.replay)(&setup, &moves, breach).expect_err(name);
                assert_eq!(found.kind, Kind::NoBreach, "{name}: {found}");
                tampered += 1;
            }
        }
        tampered
    }

    fn barriers_in_place_keep_it(&self) -> usize {
        let mut kept = 0;
        for (name, mut setup) in self.violated(true) {
            if setup.ground.without.is_some() {
                let (moves, breach) = shortest(&setup);
                setup.ground.without = None;
                let found = (self.replay)(&setup, &moves, breach).expect_err(name);
                assert_eq!(found.kind, Kind::NoBreach, "{name}: {found}");
                kept += 1;
            }
        }
        kept
    }
}

#[test]
fn every_counterexample_that_is_not_of_a_mistake_breaks_the_same_promise_on_the_real_engine() {
    let replayed = (
        log().breaks_the_same(&[]),
        segments().breaks_the_same(&[]),
        tree().breaks_the_same(&["as-found/all-synced-torn"]),
        events().breaks_the_same(&[]),
        lines().breaks_the_same(&[]),
        bitcask().breaks_the_same(&[]),
        btree().breaks_the_same(&["without/checkpoint-log-data-barrier"]),
        found_bitcask().breaks_the_same(&[]),
    );
    assert!(replayed.7 >= 8, "{replayed:?}");
    assert!(replayed.6 >= 18, "{replayed:?}");
    assert!(replayed.5 >= 20, "{replayed:?}");
    assert!(replayed.3 >= 15 && replayed.4 >= 5, "{replayed:?}");
    assert!(replayed.0 >= 16 && replayed.1 >= 15, "{replayed:?}");
    assert!(replayed.2 >= 20, "{replayed:?}");
}

#[test]
fn a_mistake_that_no_engine_makes_is_not_replayed() {
    let mistakes = (
        log().mistakes_are_not_replayed(),
        segments().mistakes_are_not_replayed(),
        tree().mistakes_are_not_replayed(),
        events().mistakes_are_not_replayed(),
        lines().mistakes_are_not_replayed(),
        bitcask().mistakes_are_not_replayed(),
        btree().mistakes_are_not_replayed(),
    );
    assert!(mistakes.6 >= 4, "{mistakes:?}");
    assert!(mistakes.5 >= 4, "{mistakes:?}");
    assert!(mistakes.3 >= 3 && mistakes.4 >= 3, "{mistakes:?}");
    assert!(mistakes.0 >= 8 && mistakes.1 >= 8, "{mistakes:?}");
    assert!(mistakes.2 >= 8, "{mistakes:?}");
}

#[test]
fn a_replay_whose_fates_were_tampered_with_is_noticed() {
    let tampered = (
        log().tampering_is_noticed(),
        segments().tampering_is_noticed(),
        tree().tampering_is_noticed(),
        events().tampering_is_noticed(),
        bitcask().tampering_is_noticed(),
    );
    assert!(tampered.4 >= 12, "{tampered:?}");
    assert!(tampered.3 >= 8, "{tampered:?}");
    assert!(tampered.0 >= 12 && tampered.1 >= 12, "{tampered:?}");
    assert!(tampered.2 >= 12, "{tampered:?}");
}

#[test]
fn with_its_barrier_in_place_the_real_engine_keeps_what_the_script_breaks() {
    let kept = (
        log().barriers_in_place_keep_it(),
        segments().barriers_in_place_keep_it(),
        tree().barriers_in_place_keep_it(),
        events().barriers_in_place_keep_it(),
        bitcask().barriers_in_place_keep_it(),
    );
    assert!(kept.4 >= 14, "{kept:?}");
    assert!(kept.3 >= 12, "{kept:?}");
    assert!(kept.0 >= 12 && kept.1 >= 14, "{kept:?}");
    assert!(kept.2 >= 14, "{kept:?}");
}

#[test]
fn a_breach_by_another_name_is_noticed() {
    let log = log();
    let checks = log.violated(true);
    let (_, setup) = &checks[checks
        .iter()
        .position(|(name, _)| *name == "without/append-data-barrier")
        .expect("the check")];
    let (moves, breach) = shortest(setup);
    assert_eq!(breach, Promise::D1);
    let found = replay_log(setup, &moves, Promise::D7).expect_err("another name");
    assert_eq!(found.kind, Kind::Breach(Promise::D1));
}

/// Fates by a number. The head of a record is kept or lost as one, and lost space reads zeros or
/// garbage: the second cells of two heads may be the same bytes, and the model tells them apart.
fn fates(run: &Run<Wal>, number: usize) -> Fates {
    let log = run.disk.log();
    let is_second = |i: &usize| match &*log[*i].effect {
        Effect::Data { cells, .. } => matches!(cells[..], [Token::Part { part: 1, .. }]),
        _ => false,
    };
    // The cells of a head are two writes one after the other, with a size of a block between them.
    let first = |i: usize| {
        if is_second(&i) {
            (0..i).rfind(|&j| matches!(*log[j].effect, Effect::Data { .. }))
        } else {
            None
        }
    };
    let bit = |i: usize| number >> (i % 24) & 1;
    Fates {
        kept: (0..log.len())
            .filter(|&i| bit(first(i).unwrap_or(i)) == 1)
            .collect(),
        fills: (0..24).map(bit).collect(),
    }
}

/// A run of the model, by numbers: mostly steps, with failures, kills and power cuts at any place. It
/// ends where a promise breaks.
fn walk(setup: &Setup<Wal>, numbers: &[u32]) -> (Vec<Move>, Option<Promise>) {
    // Two deletes of one key are the same bytes to the engine, and two operations to the model.
    let is_plain = |operation: &Operation| match operation {
        Operation::Write(writes) => writes.iter().all(|write| !write.delete),
        _ => true,
    };
    let letters = setup.bounds.alphabet().into_iter();
    let operations = letters.map(|letter| letter.operation);
    let alphabet: Vec<Operation> = operations.filter(is_plain).collect();
    let (mut run, mut moves) = (Run::new(setup), Vec::new());
    for &number in numbers {
        let choice = number as usize / 16;
        let operation = alphabet[choice % alphabet.len()].clone();
        let failures = run.process.failures();
        let next = match number % 16 {
            0 => Move::Kill,
            1 => Move::PowerCut(fates(&run, choice)),
            2 if !failures.is_empty() => Move::Fail(failures[choice % failures.len()]),
            _ if run.process.doing == Doing::Idle => Move::Invoke(operation),
            _ if run.process.doing == Doing::Down => Move::Kill,
            _ => Move::Step,
        };
        run.make(&next).expect("a move that is possible");
        moves.push(next);
        if run.breach.is_some() {
            break;
        }
    }
    (moves, run.breach)
}

/// The checks of the durable log. A disk that damages what stands beside a write is not walked: the engine proves
/// the damage and refuses, where its model cuts the log off. That is no crash. Scripts do not say how a log grows.
static WALKED: LazyLock<Vec<Setup<Wal>>> = LazyLock::new(|| {
    let is_walked = |setup: &Setup<Wal>| {
        let log = &setup.ground.protocol;
        log.variant == Variant::Durable
            && log.preallocate == 0
            && setup.ground.profile.power_safe_overwrite
    };
    let log = log();
    let checks = log.spec.checks.iter().filter(|check| (log.is_of_it)(check));
    let setups = checks.map(|check| wal_setup(&log.spec, check).expect("a setup"));
    setups.filter(is_walked).collect()
});

proptest! {
    #![proptest_config(super::config(1000))]

    /// What the model can do, the real log does: with a barrier left out as well, down to the breach.
    #[test]
    fn any_run_of_the_model_replays_on_the_real_log(
        check in 0usize..1_000,
        numbers in prop::collection::vec(any::<u32>(), 1..120),
    ) {
        let mut setup = WALKED[check % WALKED.len()].clone();
        setup.ground.protocol.layout = Layout::Small { head: 2, write: 1 };
        let (moves, breach) = walk(&setup, &numbers);
        let found = replay_log(&setup, &moves, breach.unwrap_or(Promise::D1));
        // A log whose barrier did nothing may find the proof in a later record, and refuse what its
        // model serves.
        let profile = &setup.ground.profile;
        let barriers_lie = setup.ground.without.is_some() || !profile.data_barrier_covers_size;
        let proved = |found: &Divergence| barriers_lie && found.found.contains("is damaged at");
        match (found.map(drop), breach) {
            (Err(found), _) if proved(&found) => {}
            (found, Some(_)) => prop_assert_eq!(found, Ok(()), "{:?}", moves),
            (found, None) => {
                let found = found.expect_err("no breach");
                prop_assert!(found.kind == Kind::NoBreach, "{} {:?}", found, moves);
            }
        }
    }
}

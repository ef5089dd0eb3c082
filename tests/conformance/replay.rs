//! Counterexamples of the model, replayed on the real log; and that a replay notices what is wrong.

use lightsout::check::catalogue::wal_setup;
use lightsout::check::search::Case;
use lightsout::check::spec::{self, Spec};
use lightsout::conform::{Divergence, Kind, replay_log};
use models::cells::Token;
use models::contract::{Operation, Promise};
use models::disk::effect::Effect;
use models::disk::image::Fates;
use models::machine::Setup;
use models::machine::process::Doing;
use models::machine::script::{Move, Run};
use models::wal::{Layout, Variant, Wal};
use proptest::prelude::*;
use std::path::Path;

fn log() -> Spec {
    let specs = spec::read(Path::new("specs")).expect("the specs");
    let mut engines = specs.engines.into_iter();
    engines.find(|spec| spec.engine == "wal").expect("the log")
}

/// A shortest script of a check, and what it breaks.
fn shortest(setup: &Setup<Wal>) -> (Vec<Move>, Promise) {
    let found = setup.shortest(None).expect("time").expect("a violation");
    let breach = spec::promise(&found.breach).expect("a promise");
    (found.moves, breach)
}

/// The checks that are violated, with what they are of.
fn violated(spec: &Spec) -> Vec<(&str, Setup<Wal>)> {
    let checks = spec.checks.iter();
    let violated = checks.filter(|check| check.expect.starts_with("violates"));
    violated
        .map(|check| {
            let setup = wal_setup(spec, check).expect("a setup");
            (check.name.as_str(), setup)
        })
        .collect()
}

fn has_engine(setup: &Setup<Wal>) -> bool {
    matches!(
        setup.ground.protocol.variant,
        Variant::Durable | Variant::AsFoundLsm(_)
    )
}

#[test]
fn every_counterexample_that_is_not_of_a_mistake_breaks_the_same_promise_on_the_real_log() {
    let (spec, mut replayed) = (log(), 0);
    for (name, setup) in violated(&spec) {
        if has_engine(&setup) {
            let (moves, breach) = shortest(&setup);
            let found = replay_log(&setup, &moves, breach);
            assert_eq!(found, Ok(()), "{name}");
            replayed += 1;
        }
    }
    assert!(replayed >= 16, "{replayed}");
}

#[test]
fn a_mistake_that_no_engine_makes_is_not_replayed() {
    let spec = log();
    let checks = violated(&spec);
    let mistakes = checks.iter().filter(|(_, setup)| !has_engine(setup));
    for (name, setup) in mistakes {
        let found = replay_log(setup, &[Move::Kill], Promise::D1).expect_err(name);
        assert_eq!(found.kind, Kind::NotModelled, "{name}");
    }
}

#[test]
fn a_replay_whose_fates_were_tampered_with_is_noticed() {
    let (spec, mut tampered) = (log(), 0);
    for (name, setup) in violated(&spec) {
        // Where the breach is in the script before any power cut, its fates decide nothing.
        let (mut moves, breach) = match has_engine(&setup) {
            true => shortest(&setup),
            false => continue,
        };
        let Some(Move::PowerCut(fates)) =
            moves.iter_mut().rfind(|m| matches!(m, Move::PowerCut(_)))
        else {
            continue;
        };
        // Everything is kept: a disk that damages nothing loses nothing then.
        fates.kept = (0..1_000).collect();
        if setup.ground.profile.power_safe_overwrite {
            let found = replay_log(&setup, &moves, breach).expect_err(name);
            assert_eq!(found.kind, Kind::NoBreach, "{name}: {found}");
            tampered += 1;
        }
    }
    assert!(tampered >= 12, "{tampered}");
}

#[test]
fn with_its_barrier_in_place_the_real_log_keeps_what_the_script_breaks() {
    let (spec, mut kept) = (log(), 0);
    for (name, mut setup) in violated(&spec) {
        if setup.ground.without.is_some() {
            let (moves, breach) = shortest(&setup);
            setup.ground.without = None;
            let found = replay_log(&setup, &moves, breach).expect_err(name);
            assert_eq!(found.kind, Kind::NoBreach, "{name}: {found}");
            kept += 1;
        }
    }
    assert!(kept >= 12, "{kept}");
}

#[test]
fn a_breach_by_another_name_is_noticed() {
    let spec = log();
    let checks = violated(&spec);
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
    let is_second = |i: &usize| match &log[*i].effect {
        Effect::Data { cells, .. } => matches!(cells[..], [Token::Part { part: 1, .. }]),
        _ => false,
    };
    // The cells of a head are two writes one after the other, with a size of a block between them.
    let first = |i: usize| {
        if is_second(&i) {
            (0..i).rfind(|&j| matches!(log[j].effect, Effect::Data { .. }))
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

proptest! {
    #![proptest_config(super::config(1000))]

    /// What the model can do, the real log does: with a barrier left out as well, down to the breach.
    #[test]
    fn any_run_of_the_model_replays_on_the_real_log(
        check in 0usize..1_000,
        numbers in prop::collection::vec(any::<u32>(), 1..120),
    ) {
        let spec = log();
        // A disk that damages what stands beside a write: the engine proves the damage and refuses,
        // where its model cuts the log off. That is no crash.
        let is_walked = |setup: &Setup<Wal>| {
            setup.ground.protocol.variant == Variant::Durable
                && setup.ground.profile.power_safe_overwrite
        };
        let setups = spec.checks.iter().map(|check| wal_setup(&spec, check).expect("a setup"));
        let setups: Vec<Setup<Wal>> = setups.filter(is_walked).collect();
        let mut setup = setups[check % setups.len()].clone();
        setup.ground.protocol.layout = Layout::Small { head: 2, write: 1 };
        let (moves, breach) = walk(&setup, &numbers);
        let found = replay_log(&setup, &moves, breach.unwrap_or(Promise::D1));
        // A log whose barrier did nothing may find the proof in a later record, and refuse what its
        // model serves.
        let profile = &setup.ground.profile;
        let barriers_lie = setup.ground.without.is_some() || !profile.data_barrier_covers_size;
        let proved = |found: &Divergence| barriers_lie && found.found.contains("is damaged at");
        match (found, breach) {
            (Err(found), _) if proved(&found) => {}
            (found, Some(_)) => prop_assert_eq!(found, Ok(()), "{:?}", moves),
            (found, None) => {
                let found = found.expect_err("no breach");
                prop_assert!(found.kind == Kind::NoBreach, "{} {:?}", found, moves);
            }
        }
    }
}

//! The specs against the code: every promise is judged, every barrier is audited, bad specs are refused.

use lightsout::check::lock::{Lock, Locked};
use lightsout::check::run::{Selection, run, validate};
use lightsout::check::search::Limits;
use lightsout::check::spec::{self, Specs};
use lightsout::check::verdict::Verdict;
use lightsout::interrupt::Interrupt;
use lightsout::report::checking;
use models::contract::Promise;
use std::collections::BTreeSet;
use std::path::Path;

fn specs() -> Specs {
    let specs =
        spec::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")).expect("the specs");
    validate(&specs).expect("valid specs");
    specs
}

fn lock() -> Lock {
    Lock::read(&specs().directory).expect("the lock")
}

#[test]
fn every_durable_protocol_has_each_promise_judged_or_a_reason() {
    for spec in &specs().engines {
        let holds = |check: &&spec::Check| {
            check.variant == "durable" && check.without.is_none() && check.expect == "holds"
        };
        let judged: BTreeSet<Promise> = (spec.checks.iter().filter(holds))
            .flat_map(|check| spec.judged(check).expect("known ids"))
            .collect();
        for promise in Promise::CONTRACT {
            let excused = spec.not_applicable.contains_key(&promise.to_string());
            assert!(
                judged.contains(&promise) || excused,
                "{}: nobody judges {promise}",
                spec.engine
            );
        }
        assert!(
            spec.checks
                .iter()
                .filter(holds)
                .any(|check| check.start == spec::Start::Empty),
            "{}: nobody crashes the first initialisation",
            spec.engine
        );
    }
}

#[test]
fn every_promise_of_a_durable_protocol_has_its_witness_reached_in_some_check_that_holds() {
    let lock = lock();
    for spec in &specs().engines {
        let prefix = format!("{}/durable/", spec.engine);
        let holds = lock
            .verdict
            .iter()
            .filter(|(id, locked)| id.starts_with(&prefix) && locked.verdict == "holds");
        let reached: BTreeSet<&String> = holds.flat_map(|(_, locked)| &locked.witnesses).collect();
        for promise in Promise::CONTRACT {
            let id = promise.to_string();
            let excused = spec.not_applicable.contains_key(&id);
            assert!(
                reached.contains(&id) || excused,
                "{}: no witness of {promise}",
                spec.engine
            );
        }
    }
}

/// Whether a check is of a protocol that keeps the contract, with all of its barriers.
fn durable_names(name: &str) -> bool {
    let kinds = ["durable/", "group/", "allocated/"];
    kinds.iter().any(|kind| name.starts_with(kind))
}

#[test]
fn every_barrier_of_a_durable_protocol_is_missed_by_some_check_or_kept_for_a_reason() {
    let lock = lock();
    for spec in &specs().engines {
        let locked =
            |check: &spec::Check| &lock.verdict[&format!("{}/{}", spec.engine, check.name)];
        let durable = spec.checks.iter();
        let sites: BTreeSet<(&String, &String)> = durable
            .filter(|check| durable_names(&check.name) && check.expect == "holds")
            .flat_map(|check| {
                locked(check)
                    .barriers
                    .iter()
                    .map(|site| (&check.variant, site))
            })
            .collect();
        assert!(!sites.is_empty());
        for (variant, site) in sites {
            let refuted = spec.checks.iter().any(|check| {
                check.without.as_ref() == Some(site)
                    && check.variant == *variant
                    && check.expect != "holds"
            });
            let kept = spec.kept_barriers.contains_key(site);
            assert!(
                refuted || kept,
                "{}: no counterexample to {variant} without `{site}`",
                spec.engine
            );
        }
        for check in spec.checks.iter().filter(|check| check.without.is_some()) {
            let site = check.without.as_ref().expect("a site");
            let known = lock
                .verdict
                .values()
                .any(|locked| locked.barriers.contains(site));
            assert!(known, "{}: there is no barrier `{site}`", check.name);
        }
    }
}

#[test]
fn every_inner_invariant_holds_in_one_check_and_is_broken_in_another() {
    let lock = lock();
    for spec in &specs().engines {
        for invariant in &spec.invariants {
            let id = &invariant.id;
            let judging = spec.checks.iter().filter(|check| check.judges.contains(id));
            let verdict =
                |check: &spec::Check| &lock.verdict[&format!("{}/{}", spec.engine, check.name)];
            let verdicts: Vec<_> = judging.map(verdict).collect();
            let holds = |locked: &&Locked| locked.verdict == "holds";
            let reached = (verdicts.iter().copied())
                .filter(holds)
                .any(|locked| locked.witnesses.contains(id));
            let broken = verdicts
                .iter()
                .any(|locked| locked.verdict == format!("violates {id}"));
            assert!(reached && broken, "{} {id}", spec.engine);
        }
    }
}

#[test]
fn every_check_is_in_the_lock_with_the_expected_verdict_and_checking_md_shows_it() {
    let (specs, lock) = (specs(), lock());
    let count: usize = specs.engines.iter().map(|spec| spec.checks.len()).sum();
    assert_eq!(lock.verdict.len(), count);
    for spec in &specs.engines {
        for check in &spec.checks {
            let locked = &lock.verdict[&format!("{}/{}", spec.engine, check.name)];
            assert_eq!(locked.verdict, check.expect, "{}", check.name);
        }
        for finding in &spec.findings {
            let bears = spec
                .checks
                .iter()
                .any(|check| check.finding.as_ref() == Some(&finding.id));
            assert!(bears, "no check bears on {}", finding.id);
            let page = specs
                .directory
                .join("findings")
                .join(format!("{}.md", finding.id));
            assert!(page.exists(), "{} is missing", page.display());
        }
    }
    let path = specs.directory.with_file_name("CHECKING.md");
    let document = std::fs::read_to_string(path).expect("CHECKING.md");
    assert_eq!(
        checking::rendered(&document, &lock).as_deref(),
        Some(&*document),
        "run --bless"
    );
}

/// The cheap half of the specs, run here too: each ends as expected, with the shortest script kept.
#[test]
fn every_refuted_check_is_refuted_by_the_script_in_the_lock() {
    let (specs, lock) = (specs(), lock());
    let limits = Limits {
        threads: 1,
        time: None,
        gauge: None,
        interrupt: Interrupt::default(),
    };
    let mut refuted = 0;
    for (spec, check) in Selection::default().of(&specs).expect("checks") {
        if check.expect == "holds" {
            continue;
        }
        let judged = run(spec, &check, limits, &|_| {}).expect("a verdict");
        assert!(judged.as_expected(), "{}: {}", judged.id, judged.verdict);
        let Verdict::Violates(_, found) = &judged.verdict else {
            unreachable!("as expected")
        };
        assert_eq!(
            found.in_words(),
            lock.verdict[&judged.id].script,
            "{}",
            judged.id
        );
        refuted += 1;
    }
    assert!(refuted > 20);
}

#[test]
fn the_lock_notices_what_got_worse() {
    let lock = lock();
    let kept = &lock.verdict["wal/durable/every"];
    let mut worse = kept.clone();
    worse.verdict = "inconclusive".into();
    worse.states = Some(1);
    worse.crashed_at.pop();
    worse.barriers.clear();
    let differences = worse.differences(kept);
    assert_eq!(differences.len(), 4, "{differences:?}");
    assert!(kept.differences(kept).is_empty());
}

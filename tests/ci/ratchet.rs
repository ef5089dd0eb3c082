//! The lock fails on whatever got worse. Each way to fail is planted, and found.

use super::{Home, command, ends, lightsout, refusal, stdout};
use lightsout::check::lock::{Lock, Locked, LockedExploration};
use std::fs;

const HOLDS: &str = "wal/durable/inner";
const FAILS: &str = "wal/without/append-data-barrier";

/// The check that is run against a lock that was tampered with: how it differs.
fn check(only: &str, tamper: impl FnOnce(&mut Lock)) -> String {
    let home = Home::with_specs();
    differs(&home, &["check", "--only", only], tamper)
}

/// The exploration.
fn explore(args: &[&str], tamper: impl FnOnce(&mut Lock)) -> String {
    differs(&Home::with_specs(), &[&["explore"], args].concat(), tamper)
}

fn differs(home: &Home, args: &[&str], tamper: impl FnOnce(&mut Lock)) -> String {
    let here = home.0.path();
    let mut lock = Lock::read(here).expect("the lock");
    tamper(&mut lock);
    lock.write(here).expect("written");
    let here = here.display().to_string();
    let text = ends(1, &[args, &["--specs", &here]].concat());
    let (_, differences) = text
        .split_once("not as in specs/verdicts.lock:\n")
        .expect(&text);
    differences.trim_end().to_string()
}

fn locked<'l>(lock: &'l mut Lock, id: &str) -> &'l mut Locked {
    lock.verdict.get_mut(id).expect("it is kept")
}

fn explored<'l>(lock: &'l mut Lock, id: &str) -> &'l mut LockedExploration {
    lock.exploration.get_mut(id).expect("it is kept")
}

#[test]
fn a_check_is_held_to_all_that_the_lock_keeps_of_it() {
    let holds = |tamper: fn(&mut Locked)| check(HOLDS, move |lock| tamper(locked(lock, HOLDS)));
    let text = holds(|kept| kept.states = Some(1));
    assert!(text.contains("it had 1 states, now "), "{text}");
    let text = holds(|kept| kept.bounds = "operations 1".into());
    assert!(
        text.contains("the bounds were `operations 1`, now `"),
        "{text}"
    );
    let text = holds(|kept| kept.witnesses.push("D11".into()));
    assert_eq!(
        text,
        format!("  {HOLDS}: of the witnesses, these are gone: D11")
    );
    let text = holds(|kept| kept.barriers.push("append: barrier".into()));
    assert!(
        text.contains("of the barriers, these are gone: append: barrier"),
        "{text}"
    );
    let text = holds(|kept| kept.crashed_at.push("lunch".into()));
    assert!(
        text.contains("of the steps crashed at, these are gone: lunch"),
        "{text}"
    );
    let text = holds(|kept| kept.faults.push("Fire".into()));
    assert!(
        text.contains("of the faults, these are gone: Fire"),
        "{text}"
    );
    let text = holds(|kept| kept.profiles.push("fat".into()));
    assert!(
        text.contains("of the profiles, these are gone: fat"),
        "{text}"
    );
    let text = holds(|kept| drop(kept.crashed_at.pop()));
    assert!(
        text.contains("of the steps crashed at, these are new: "),
        "{text}"
    );
}

#[test]
fn a_verdict_that_got_worse_and_a_violation_of_another_kind_are_found() {
    let text = check(FAILS, |lock| locked(lock, FAILS).verdict = "holds".into());
    assert!(
        text.contains("the verdict was `holds`, now `violates D1`"),
        "{text}"
    );
    let text = check(FAILS, |lock| {
        locked(lock, FAILS).verdict = "violates D3".into()
    });
    assert!(
        text.contains("the verdict was `violates D3`, now `violates D1`"),
        "{text}"
    );
    let text = check(FAILS, |lock| drop(locked(lock, FAILS).script.pop()));
    assert!(text.contains("the shortest script had "), "{text}");
}

#[test]
fn a_check_that_vanished_and_one_that_is_new_are_found() {
    let gone = "wal/without/a-barrier-of-old";
    let text = check("wal/without/*", |lock| {
        lock.verdict.insert(gone.into(), Locked::default());
        lock.verdict
            .insert("lsm/without/another".into(), Locked::default());
    });
    assert_eq!(text, format!("  {gone}: it is gone"));
    let text = check(FAILS, |lock| drop(lock.verdict.remove(FAILS)));
    assert!(text.contains("not in the lock yet"), "{text}");
}

#[test]
fn an_inconclusive_check_is_not_compared_and_is_not_gone() {
    let home = Home::with_specs();
    let here = home.0.path().display().to_string();
    let only = "--only=wal/durable/every";
    let text = ends(3, &["check", "--specs", &here, only, "--time-limit=0.01"]);
    assert!(!text.contains("not as in"), "{text}");
}

#[test]
fn an_exploration_is_held_to_all_that_the_lock_keeps_of_it() {
    let id = "lsm-truncate-before-sstable-sync/strict";
    let args = ["lsm-truncate-before-sstable-sync", "--profile=strict"];
    let holds =
        |tamper: fn(&mut LockedExploration)| explore(&args, move |lock| tamper(explored(lock, id)));
    let text = holds(|kept| kept.operations += 1);
    assert_eq!(text, format!("  {id}: it had 3 operations, now 2"));
    let text = holds(|kept| kept.recoveries = Some(1_000));
    assert!(text.contains("it had 1000 recoveries, now "), "{text}");
    let text = holds(|kept| kept.distinct = Some(1_000));
    assert!(
        text.contains("it had 1000 distinct crash points, now "),
        "{text}"
    );
    let text = holds(|kept| kept.states = Some("1e9".into()));
    assert!(text.contains("it had 1e9 crash states, now "), "{text}");
    let text = holds(|kept| kept.families.push("crashes at lunch".into()));
    assert_eq!(
        text,
        format!("  {id}: of the families, these are gone: crashes at lunch")
    );
    let text = holds(|kept| kept.verdict = "violates D1: lost".into());
    assert!(
        text.contains("the verdict was `violates D1: lost`, now `holds`"),
        "{text}"
    );
    let text = explore(&args, |lock| drop(lock.exploration.remove(id)));
    assert!(text.contains("not in the lock yet"), "{text}");
}

#[test]
fn a_violation_of_real_code_is_held_to_its_kind_and_to_its_shortest_script() {
    let id = "lsm-wal-no-fsync/posix";
    let args = ["lsm-wal-no-fsync", "--profile=posix"];
    let text = explore(&args, |lock| {
        explored(lock, id).verdict = "violates D3: partial".into()
    });
    assert!(
        text.contains("`violates D3: partial`, now `violates D1: lost`"),
        "{text}"
    );
    let text = explore(&args, |lock| explored(lock, id).verdict = "holds".into());
    assert!(text.contains("the verdict was `holds`, now"), "{text}");
    let text = explore(&args, |lock| {
        explored(lock, id).script = Some("0 operations, 1 crash".into());
    });
    let now = "the shortest script had 0 operations, 1 crash, now 1 operation, 1 crash";
    assert!(text.contains(now), "{text}");
}

#[test]
fn an_exploration_that_vanished_is_found_and_a_selection_compares_what_it_ran() {
    let home = Home::with_specs();
    let here = home.0.path().display().to_string();
    let mut lock = Lock::read(home.0.path()).expect("the lock");
    let kept = lock.exploration["lsm-wal-no-fsync/posix"].clone();
    lock.exploration
        .insert("lsm-wal-no-fsync/fat".into(), kept.clone());
    lock.exploration.insert("lmdb/posix".into(), kept);
    lock.write(home.0.path()).expect("written");
    let args = ["explore", "lsm-wal-no-fsync", "--specs", &here];
    let text = ends(1, &args);
    assert!(
        text.contains("lsm-wal-no-fsync/fat: it is gone") && !text.contains("lmdb"),
        "{text}"
    );
    ends(0, &[&args[..], &["--profile=posix"]].concat());
    // Other bounds give other numbers, which the lock does not keep.
    ends(0, &[&args[..], &["--from-nothing"]].concat());
    // Part of a run does not know what is gone.
    ends(0, &[&args[..], &["--shard=1/1"]].concat());
}

#[test]
fn every_exploration_is_in_the_lock_and_has_a_file_name_of_its_own() {
    let home = Home::with_specs();
    let lock = Lock::read(home.0.path()).expect("the lock");
    let ids: Vec<String> = lightsout::explore::engines::catalogue()
        .iter()
        .flat_map(|entry| {
            lightsout::explore::PROFILES.map(|profile| format!("{}/{profile}", entry.name))
        })
        .collect();
    for id in &ids {
        assert!(lock.exploration.contains_key(id), "{id}");
    }
    assert_eq!(lock.exploration.len(), ids.len());
    for ids in [ids, lock.verdict.keys().cloned().collect()] {
        let names: std::collections::BTreeSet<String> =
            ids.iter().map(|id| id.replace('/', "-")).collect();
        assert_eq!(names.len(), ids.len());
    }
}

#[test]
fn blessing_one_kind_keeps_the_other() {
    let home = Home::with_specs();
    let begin = "<!-- verdicts: written by `lightsout check --bless` -->";
    let page = format!("before\n{begin}\n<!-- end of verdicts -->\nafter\n");
    fs::write(home.path("CHECKING.md"), page).expect("written");
    let here = home.0.path();
    let before = Lock::read(here).expect("the lock");
    let bless = |args: &[&str]| {
        let run = command()
            .current_dir(here)
            .args(args)
            .args(["--specs=.", "--bless"])
            .output();
        let run = run.expect("it runs");
        assert_eq!(run.status.code(), Some(0), "{}", stdout(&run));
        Lock::read(here).expect("the lock")
    };
    let mut planted = before.clone();
    locked(&mut planted, FAILS).verdict = "holds".into();
    planted
        .verdict
        .insert("wal/without/old".into(), Locked::default());
    explored(&mut planted, "lsm-wal-no-fsync/posix").verdict = "holds".into();
    planted.write(here).expect("written");

    let once = bless(&["check", "--only=wal/without/*"]);
    assert_eq!(once.verdict, before.verdict);
    assert_eq!(once.exploration, planted.exploration);
    assert!(home.read("CHECKING.md").contains(FAILS));
    let page = home.read("CHECKING.md");

    let twice = bless(&["explore", "lsm-wal-no-fsync"]);
    assert_eq!(twice, before);
    assert_eq!(home.read("CHECKING.md"), page);
}

#[test]
fn what_nobody_should_bless_is_not_blessed() {
    let home = Home::with_specs();
    let here = home.0.path().display().to_string();
    let lock = home.read("verdicts.lock");
    for args in [["check", "wal"], ["explore", "lsm-wal-no-fsync"]] {
        let refused = command()
            .args(args)
            .args(["--specs", &here, "--bless"])
            .env("CI", "true")
            .output();
        let refused = refused.expect("it runs");
        assert_eq!(refused.status.code(), Some(2));
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(text.contains("where CI is set"), "{text}");
    }
    let explore = ["explore", "lsm-wal-no-fsync", "--specs", &here, "--bless"];
    for more in [
        "--operations=1",
        "--faults=1",
        "--from-nothing",
        "--eager",
        "--converges",
    ] {
        let text = refusal(&[&explore[..], &[more]].concat());
        assert!(
            text.contains("--bless keeps what the default bounds give"),
            "{text}"
        );
    }
    for args in [
        ["explore", "btree", "--profile=posix"],
        ["check", "wal", "--only=wal/durable/every"],
    ] {
        let more = ["--time-limit=0.01", "--bless", "--specs", &here];
        let output = lightsout(&[&args[..], &more].concat());
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains("is inconclusive: the lock is as it was"),
            "{text}"
        );
    }
    assert_eq!(home.read("verdicts.lock"), lock);
}

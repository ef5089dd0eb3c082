//! raft-engine, which nobody here wrote, under exploration: what holds, and what that hangs on.
//!
//! Where nothing else is said, crashes begin in a store that was made and is durable.

use lightsout::explore::{
    Bounds, Breach, MapWrite, Operation, PROFILES, Profile, Report, Subject, Trouble, Verdict,
    Workload, explore, workload,
};
use lightsout::storage::simulated::{Simulated, Traced};
use lightsout_others::raft_engine::{
    Allocation, Barriers, RaftEngine, RecoveryMode, World, operations, put,
};

/// On a file system, with switches: `posix stale=no`.
fn run(
    subject: &RaftEngine,
    profile: &str,
    workload: &Workload<MapWrite>,
    bounds: &Bounds,
) -> Report {
    let mut words = profile.split(' ');
    let name = words.next().unwrap_or_default();
    let mut profile = Profile::named(name).expect("a profile");
    for word in words {
        let (switch, value) = word.split_once('=').expect("a switch");
        profile = profile.with(switch, value).expect("a switch");
    }
    explore(subject, &profile.with_sizes(512, 4096), workload, bounds).report
}

fn settled() -> Bounds {
    Bounds {
        settled: true,
        recoveries: Some(50_000),
        ..Bounds::default()
    }
}

/// These operations, and nothing after a recovery.
fn one_life(operations: Vec<Operation<MapWrite>>) -> Workload<MapWrite> {
    Workload {
        operations,
        then: Vec::new(),
    }
}

/// These operations, and a write after each recovery.
fn two_lives(operations: &[Operation<MapWrite>]) -> Workload<MapWrite> {
    workload::<RaftEngine>(operations)
}

fn with_barriers(barriers: Barriers) -> RaftEngine {
    let careful = RaftEngine::with_care();
    RaftEngine {
        world: World {
            barriers,
            ..careful.world
        },
        ..careful
    }
}

/// The calls that a workload makes, without any crash.
fn calls(subject: &RaftEngine, operations: &[Operation<MapWrite>]) -> Vec<String> {
    let storage = Simulated::named("strict").expect("a profile");
    let mut store = subject.open(&storage).expect("an empty disk");
    for operation in operations {
        let told = subject.apply(&mut store, operation);
        told.expect("a disk without faults");
    }
    let said = |traced: &Traced| format!("{:?}", traced.call);
    storage.take_trace().iter().map(said).collect()
}

fn delete(key: &str) -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::delete(key)])
}

#[track_caller]
fn holds(report: &Report) {
    assert_eq!(report.verdict, Verdict::Holds, "{report}");
    assert!(report.promises, "{report}");
}

#[track_caller]
fn violates(report: &Report, breach: Breach, promise: &str) {
    let so = matches!(
        &report.verdict,
        Verdict::Violates { breach: found, promise: broken, .. }
            if *found == breach && *broken == promise
    );
    assert!(so, "{report}");
}

/// Every file system that reads nothing stale in lost space.
const NOT_STALE: [&str; 6] = [
    "strict",
    "ext4-ordered",
    "xfs",
    "btrfs",
    "ext4-writeback stale=no",
    "posix stale=no",
];

/// A batch that spans sectors and fills its file, and one in the next file.
#[test]
fn with_care_it_holds_over_a_rotation() {
    let operations = [put("1/a", 600), put("1/b", 10)];
    for profile in NOT_STALE {
        let subject = RaftEngine::with_care();
        holds(&run(&subject, profile, &two_lives(&operations), &settled()));
    }
}

#[test]
fn with_care_it_holds_over_a_purge() {
    for recycle in [true, false] {
        let subject = RaftEngine {
            recycle,
            ..RaftEngine::with_care().in_small_files()
        };
        let profiles = match recycle {
            true => &PROFILES[..],
            false => &PROFILES[..1],
        };
        for profile in profiles {
            holds(&run(&subject, profile, &one_life(operations()), &settled()));
        }
    }
}

/// The rewritten files are rewritten too.
#[test]
fn with_care_it_holds_over_purges_of_what_was_rewritten() {
    let mut operations = Vec::new();
    for round in 0..3 {
        operations.extend(["1/a", "1/b", "1/c"].map(|key| put(key, 60 - round)));
        operations.push(Operation::maintain("purge"));
        operations.push(Operation::maintain("purge"));
    }
    let subject = RaftEngine::with_care().in_small_files();
    let gives_up = |call: &String| call.starts_with("Remove") && call.contains(".rewrite");
    assert!(calls(&subject, &operations).iter().any(gives_up));
    operations.extend([Operation::Reopen, put("1/d", 60)]);
    holds(&run(&subject, "strict", &one_life(operations), &settled()));
}

/// Entries of a group beside its pairs in one batch, a compaction, a group that is cleaned and begins anew.
#[test]
fn with_care_entries_hold() {
    let entry = |index: usize, state: usize| {
        Operation::Write(vec![
            MapWrite::put(format!("1#{index}"), vec![b'e'; 40 + index]),
            MapWrite::put("1/state", vec![b's'; state]),
        ])
    };
    let clean = ["1", "1/state", "1#2", "1#3"].map(MapWrite::delete);
    let operations = vec![
        entry(1, 10),
        entry(2, 11),
        entry(3, 12),
        delete("1#1"),
        Operation::maintain("purge"),
        Operation::Write(clean.to_vec()),
        put("1#7", 60),
        put("2/x", 60),
        Operation::maintain("purge"),
        Operation::Reopen,
    ];
    let subject = RaftEngine::with_care().in_small_files();
    for profile in ["strict", "xfs"] {
        holds(&run(
            &subject,
            profile,
            &one_life(operations.clone()),
            &settled(),
        ));
    }
}

/// The purges above do what they are there for.
#[test]
fn a_purge_gives_files_up_and_they_are_used_again() {
    for recycle in [true, false] {
        let subject = RaftEngine {
            recycle,
            ..RaftEngine::with_care().in_small_files()
        };
        let calls = calls(&subject, &operations());
        let there = |call: &str| calls.iter().any(|made| made.starts_with(call));
        assert_eq!(there("Rename"), recycle);
        assert_eq!(there("Remove"), !recycle);
    }
}

#[test]
fn the_making_of_a_store_holds_with_care() {
    let bounds = Bounds {
        settled: false,
        ..settled()
    };
    let workload = one_life(vec![put("1/a", 10)]);
    holds(&run(&RaftEngine::with_care(), "strict", &workload, &bounds));
}

/// It panics where a sync fails. After a reboot that holds.
#[test]
fn with_care_it_holds_over_a_failed_barrier_and_a_reboot() {
    let bounds = Bounds {
        faults: 1,
        kills: 0,
        ..settled()
    };
    let workload = one_life(vec![put("1/a", 10)]);
    holds(&run(&RaftEngine::with_care(), "strict", &workload, &bounds));
}

#[test]
fn with_care_it_holds_over_a_full_disk() {
    let bounds = Bounds {
        faults: 1,
        troubles: vec![Trouble::Full],
        ..settled()
    };
    let subject = RaftEngine::with_care().in_small_files();
    let operations = vec![put("1/a", 60), put("1/b", 60)];
    holds(&run(&subject, "strict", &one_life(operations), &bounds));
}

/// The data stays in the cache, and no later barrier covers it. The next process on the same machine serves it.
#[test]
fn a_failed_barrier_and_no_reboot_is_served_and_lost() {
    let bounds = Bounds {
        faults: 1,
        troubles: Trouble::ALL[..1].to_vec(),
        ..settled()
    };
    let subject = RaftEngine::with_care();
    let report = run(&subject, "xfs", &one_life(vec![put("1/a", 10)]), &bounds);
    violates(&report, Breach::Lost, "D7");
}

/// The files that an open makes have no directory barrier. Where fdatasync covers no name (in a profile R14 is
/// about fsync), what is acknowledged may go with the name of its file.
#[test]
fn as_found_the_first_file_may_lose_its_name() {
    let bounds = Bounds {
        settled: false,
        ..settled()
    };
    for profile in ["ext4-ordered", "xfs", "btrfs", "ext4-writeback", "posix"] {
        let workload = one_life(vec![put("1/a", 10)]);
        let report = run(&RaftEngine::default(), profile, &workload, &bounds);
        violates(&report, Breach::Lost, "D1");
    }
}

/// An open syncs a file only where it cuts it. A batch that ends with its file, written and not yet synced when
/// the process is killed, is served from the cache.
#[test]
fn as_found_what_a_recovery_served_may_be_lost() {
    let workload = one_life(vec![put("1/a", 600)]);
    for profile in [
        "strict",
        "ext4-ordered",
        "xfs",
        "btrfs",
        "ext4-writeback",
        "posix",
    ] {
        let report = run(&RaftEngine::default(), profile, &workload, &settled());
        violates(&report, Breach::Lost, "D7");
    }
}

/// Records are signed by their file, and a recovery goes on in the last one: at the same place of the same file,
/// a lost record that nobody was told of may be read once more.
#[test]
fn a_record_that_was_lost_may_come_back_in_stale_space() {
    for allocation in [Allocation::Lengthens, Allocation::Missing] {
        let careful = RaftEngine::with_care();
        let subject = RaftEngine {
            world: World {
                allocation,
                ..careful.world
            },
            ..careful
        };
        for profile in ["ext4-writeback", "posix garbage=no"] {
            let report = run(&subject, profile, &two_lives(&[put("1/a", 10)]), &settled());
            violates(&report, Breach::Gap, "D2");
        }
    }
}

/// `Engine::sync` writes an empty batch, and an empty batch returns at once.
#[test]
fn a_sync_makes_nothing_durable() {
    let subject = RaftEngine {
        synced: false,
        ..RaftEngine::with_care()
    };
    let workload = one_life(vec![put("1/a", 10), Operation::Sync]);
    let report = run(&subject, "strict", &workload, &settled());
    violates(&report, Breach::Lost, "D1");
}

/// A pair is rewritten, then deleted; a purge gives up the file with the delete. No crash is needed.
#[test]
fn a_deleted_pair_may_be_back_after_a_purge() {
    let operations = vec![
        put("1/a", 60),
        put("1/b", 60),
        put("1/c", 60),
        Operation::maintain("purge"),
        delete("1/a"),
        put("1/d", 60),
        put("1/e", 60),
        Operation::maintain("purge"),
        Operation::Reopen,
    ];
    let subject = RaftEngine::with_care().in_small_files();
    let report = run(&subject, "strict", &one_life(operations), &settled());
    let back = matches!(
        &report.verdict,
        Verdict::Broken(why) if why.starts_with("after a clean close, 1/a is")
    );
    assert!(back, "{report}");
}

/// Space that is allocated and not yet written is corruption to it.
#[test]
fn absolute_consistency_refuses_what_a_power_cut_leaves() {
    let subject = RaftEngine {
        mode: RecoveryMode::AbsoluteConsistency,
        ..RaftEngine::with_care()
    };
    let report = run(
        &subject,
        "strict",
        &one_life(vec![put("1/a", 10)]),
        &settled(),
    );
    violates(&report, Breach::Unopenable, "D6");
}

#[test]
fn without_barriers_it_loses_what_it_promised() {
    let subject = with_barriers(Barriers::Left);
    let report = run(
        &subject,
        "strict",
        &one_life(vec![put("1/a", 10)]),
        &settled(),
    );
    violates(&report, Breach::Lost, "D1");
}

/// Without those that the adapter places, names of acknowledged files go. `strict` has one order for everything.
#[test]
fn without_the_directory_barrier_of_a_rotation_it_loses() {
    let subject = with_barriers(Barriers::OfFilesOnly);
    for profile in &NOT_STALE[1..] {
        let workload = one_life(vec![put("1/a", 600), put("1/b", 10)]);
        violates(
            &run(&subject, profile, &workload, &settled()),
            Breach::Lost,
            "D1",
        );
    }
}

/// The header of a file has no checksum: where its lost space reads a part that is stale and a part that is
/// garbage, the alignment that it names may be any, and the reader panics.
#[test]
fn a_header_of_stale_space_and_garbage_may_be_one_that_it_panics_at() {
    let bounds = Bounds {
        kills: 0,
        judged: vec![Breach::Unopenable],
        ..settled()
    };
    let subject = RaftEngine::with_care().in_small_files();
    let workload = two_lives(&[put("1/a", 60), put("1/b", 60)]);
    let report = run(&subject, "posix", &workload, &bounds);
    violates(&report, Breach::Unopenable, "D6");
}

/// As found, a batch that leaves space in its file holds: a recovery cuts the file there, and syncs it.
#[test]
fn as_found_it_holds_where_every_recovery_cuts() {
    for profile in NOT_STALE {
        let workload = two_lives(&[put("1/a", 10)]);
        holds(&run(&RaftEngine::default(), profile, &workload, &settled()));
    }
}

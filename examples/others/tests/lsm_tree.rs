//! coordinode-lsm-tree, which nobody here wrote, under exploration: what a flush acknowledged is there, where the
//! file system, or the client, sees to what the engine leaves to it.
//!
//! There is no fixpoint to be reached: every open installs what it read under the next number, and one that is
//! interrupted before it has cleaned up leaves one file more. So crashes are counted. Two of them are: one in the
//! work, and one anywhere in the recovery of it, or in the work that follows.

use lightsout::explore::{
    Bounds, Breach, Mode, PROFILES, Profile, Trouble, Verdict, Workload, explore, workload,
};
use lightsout_others::lsm_tree::{
    Barriers, Folder, LsmTree, Opening, TornTail, Writes, operations,
};

/// Manifests are written whole, so there is no log that a crash could tear.
const WHOLE: LsmTree = LsmTree {
    log_bytes: 0,
    ..LsmTree::USUAL
};

/// A temporary manifest is removed by the next open. Where lost space may read what was removed, all that it could
/// have held is chosen, sector by sector: more than can be explored here.
fn profile(name: &str) -> Profile {
    let profile = Profile::named(name).expect("a profile");
    let profile = profile.with_sizes(512, 4096);
    profile.with("stale", "no").expect("a switch")
}

fn crashes(crashes: usize) -> Bounds {
    Bounds {
        crashes,
        recoveries: Some(50_000),
        ..Bounds::default()
    }
}

/// The first operations, and a write and a flush after each recovery.
fn verdict(subject: &LsmTree, profile: &Profile, first: usize, bounds: &Bounds) -> Verdict {
    let workload = workload::<LsmTree>(&operations()[..first]);
    explore(subject, profile, &workload, bounds).report.verdict
}

/// Up to so many crashes everything was explored, and nothing is wrong.
#[track_caller]
fn no_breach(verdict: &Verdict, crashes: usize, profile: &Profile) {
    let until = format!("no fixpoint after {crashes} crashes in a row");
    match verdict {
        Verdict::Inconclusive(why) if why.starts_with(&until) => {}
        other => panic!("{}: {other}", profile.name),
    }
}

#[track_caller]
fn breaks(verdict: &Verdict, expected: Breach, why: &str) {
    match verdict {
        Verdict::Violates { breach, says, .. } if *breach == expected => {
            assert!(says.contains(why), "{says}");
        }
        other => panic!("{expected} was to be found: {other}"),
    }
}

fn all_of_it(subject: &LsmTree, profiles: &[&str]) {
    for name in profiles {
        let profile = profile(name);
        let verdict = verdict(subject, &profile, operations().len(), &crashes(1));
        no_breach(&verdict, 1, &profile);
    }
}

#[test]
fn with_whole_manifests_a_flush_is_there_on_every_file_system() {
    all_of_it(&WHOLE, &PROFILES);
}

#[test]
fn with_whole_manifests_a_flush_is_there_after_two_crashes() {
    for name in ["strict", "xfs"] {
        let profile = profile(name);
        no_breach(&verdict(&WHOLE, &profile, 2, &crashes(2)), 2, &profile);
    }
}

#[test]
fn files_that_are_made_ahead_change_nothing() {
    let subject = LsmTree { pool: 2, ..WHOLE };
    all_of_it(&subject, &["strict", "xfs"]);
}

/// What is left out elsewhere: crashes between the small writes of which a file is made.
#[test]
fn crashes_between_small_writes_change_nothing() {
    let subject = LsmTree {
        writes: Writes::AsTheyCome,
        ..WHOLE
    };
    for name in ["xfs", "posix"] {
        let profile = profile(name);
        no_breach(&verdict(&subject, &profile, 2, &crashes(1)), 1, &profile);
    }
}

#[test]
fn a_failed_barrier_loses_nothing_that_was_acknowledged() {
    let bounds = Bounds {
        faults: 1,
        troubles: (Trouble::ALL.into_iter())
            .filter(|trouble| matches!(trouble, Trouble::Barrier(_)))
            .collect(),
        ..crashes(1)
    };
    let workload = Workload {
        operations: operations()[..2].to_vec(),
        then: Vec::new(),
    };
    for name in ["strict", "xfs"] {
        let profile = profile(name);
        let exploration = explore(&WHOLE, &profile, &workload, &bounds);
        no_breach(&exploration.report.verdict, 1, &profile);
    }
}

/// As it comes, it appends to a log of the manifest.
#[test]
fn with_a_log_a_flush_is_there_where_no_size_outlives_its_data() {
    all_of_it(&LsmTree::USUAL, &["strict", "xfs", "btrfs"]);
}

/// R5: the size of the log grew, and what was to fill it is lost. What is there instead counts as damage, not as
/// an append that was cut short.
#[test]
fn with_a_log_it_does_not_open_where_a_size_outlives_its_data() {
    for name in ["ext4-ordered", "ext4-writeback", "posix"] {
        let verdict = verdict(&LsmTree::USUAL, &profile(name), 2, &crashes(1));
        breaks(&verdict, Breach::Unopenable, "TornManifestEditLog");
    }
    let eager = Bounds {
        mode: Mode::Eager,
        settled: true,
        ..crashes(1)
    };
    let verdict_of_all = verdict(&LsmTree::USUAL, &profile("ext4-ordered"), 2, &eager);
    breaks(&verdict_of_all, Breach::Unopenable, "checksum-mismatch");
    let ordered = profile("ext4-ordered").with("R5", "yes").expect("a switch");
    let verdict = verdict(&LsmTree::USUAL, &ordered, 9, &crashes(1));
    no_breach(&verdict, 1, &ordered);
}

/// The remedy that its documentation names: the manifest is made anew from the tables.
#[test]
fn with_a_log_and_repaired_a_flush_is_there_on_every_file_system() {
    let subject = LsmTree {
        opening: Opening::Repairing,
        ..LsmTree::USUAL
    };
    all_of_it(&subject, &PROFILES);
}

/// As documented: unless it is told to, it does not open where the log ends in the middle of a record.
#[test]
fn by_default_a_kill_in_a_flush_leaves_what_it_refuses() {
    let subject = LsmTree {
        torn_tail: TornTail::AbsoluteConsistency,
        ..LsmTree::USUAL
    };
    let verdict = verdict(&subject, &profile("strict"), 2, &crashes(1));
    breaks(&verdict, Breach::Unopenable, "truncated");
}

/// The folder that a killed process had made is not new to the next one, which does not make its name durable.
#[test]
fn a_folder_whose_maker_was_killed_may_go_with_all_that_is_in_it() {
    let subject = LsmTree {
        folder: Folder::ByEngine,
        ..WHOLE
    };
    for name in ["btrfs", "posix"] {
        let lost = verdict(&subject, &profile(name), 0, &crashes(2));
        breaks(&lost, Breach::Lost, "fresh 1 is gone");
    }
    let ordered = profile("posix").with("R10", "names").expect("a switch");
    no_breach(&verdict(&subject, &ordered, 0, &crashes(2)), 2, &ordered);
}

/// A kill leaves a first manifest that is cached, and the next open begins with the second one. Where names are not
/// made in order, a power cut takes both manifests and leaves the log of the second: to the engine, a tree that lost
/// its manifest. Nothing was acknowledged.
#[test]
fn a_tree_whose_making_was_cut_short_twice_may_be_refused() {
    let btrfs = profile("btrfs");
    let refused = verdict(&WHOLE, &btrfs, 0, &crashes(2));
    breaks(&refused, Breach::Unopenable, "no installed manifest");
    let ordered = btrfs.with("R10", "names").expect("a switch");
    no_breach(&verdict(&WHOLE, &ordered, 0, &crashes(2)), 2, &ordered);
    let repaired = LsmTree {
        opening: Opening::Repairing,
        ..WHOLE
    };
    let btrfs = profile("btrfs");
    no_breach(&verdict(&repaired, &btrfs, 0, &crashes(2)), 2, &btrfs);
}

#[test]
fn without_barriers_it_loses_what_it_promised() {
    let subject = LsmTree {
        barriers: Barriers::Left,
        ..WHOLE
    };
    let verdict = verdict(&subject, &profile("strict"), 2, &crashes(1));
    breaks(&verdict, Breach::Lost, "a is gone");
}

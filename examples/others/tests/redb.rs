//! redb, which nobody here wrote, under exploration: it holds, and without its barriers it does not.

use lightsout::explore::{Bounds, Breach, Profile, Verdict, Workload, explore};
use lightsout_others::redb::{Barriers, Commit, Header, Making, Redb, operations};

fn verdict(subject: &Redb, profile: &str, transactions: usize) -> Verdict {
    let profile = Profile::named(profile).expect("a profile");
    let profile = profile.with_sizes(512, 4096);
    let bounds = Bounds {
        recoveries: Some(200_000),
        ..Bounds::default()
    };
    let workload = Workload {
        operations: operations(0..transactions),
        then: Vec::new(),
    };
    let exploration = explore(subject, &profile, &workload, &bounds);
    exploration.report.verdict
}

/// A recovery that finds the state of the allocator commits nothing, so there is a fixpoint.
const QUICK: Redb = Redb {
    barriers: Barriers::Kept,
    making: Making::Copied,
    commit: Commit::QuickRepair,
    header: Header::Whole,
};

#[test]
fn redb_holds() {
    for profile in ["strict", "ext4-ordered", "xfs", "btrfs"] {
        assert_eq!(verdict(&QUICK, profile, 6), Verdict::Holds, "{profile}");
    }
}

/// A repair commits under a new number each time, so this ends at a bound; until there nothing is wrong.
#[test]
fn redb_with_one_barrier_a_commit_shows_no_breach() {
    let subject = Redb::default();
    for profile in ["strict", "ext4-ordered", "xfs", "btrfs"] {
        let verdict = verdict(&subject, profile, 1);
        assert!(
            matches!(verdict, Verdict::Inconclusive(_)),
            "{profile}: {verdict:?}"
        );
    }
}

/// Not a promise of redb's: a power cut while it makes its file leaves one that it refuses.
#[test]
fn a_file_that_is_made_in_its_place_may_be_refused() {
    let subject = Redb {
        making: Making::InPlace,
        ..QUICK
    };
    let verdict = verdict(&subject, "xfs", 0);
    let refused = matches!(
        &verdict,
        Verdict::Violates {
            breach: Breach::Unopenable,
            ..
        }
    );
    assert!(refused, "{verdict:?}");
}

#[test]
fn without_barriers_it_loses_what_it_promised() {
    let subject = Redb {
        barriers: Barriers::Left,
        ..QUICK
    };
    let verdict = verdict(&subject, "strict", 1);
    let lost = matches!(
        &verdict,
        Verdict::Violates {
            breach: Breach::Lost,
            ..
        }
    );
    assert!(lost, "{verdict:?}");
}

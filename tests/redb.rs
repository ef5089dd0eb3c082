//! redb, which nobody here wrote, under exploration: it holds, and without its barriers it does not.

#[expect(dead_code, reason = "the example uses more of it")]
#[path = "../examples/redb/adapter.rs"]
mod adapter;

use adapter::{Barriers, Commit, Making, Redb, workload};
use lightsout::explore::{Bounds, Breach, Verdict, explore};
use models::profile::Profile;

fn verdict(subject: &Redb, profile: &str, transactions: usize) -> Verdict {
    let profile = Profile::named(profile).expect("a profile");
    let profile = profile.with_sizes(512, 4096);
    let bounds = Bounds {
        recoveries: Some(200_000),
        ..Bounds::default()
    };
    let exploration = explore(subject, &profile, &workload(transactions), &bounds);
    exploration.report.verdict
}

/// A recovery that finds the state of the allocator commits nothing, so there is a fixpoint.
const QUICK: Redb = Redb {
    barriers: Barriers::Kept,
    making: Making::Copied,
    commit: Commit::QuickRepair,
};

#[test]
fn redb_holds() {
    for profile in ["strict", "ext4-ordered"] {
        assert_eq!(verdict(&QUICK, profile, 1), Verdict::Holds, "{profile}");
    }
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

//! redb, which nobody here wrote, under exploration: it holds, and without its barriers it does not.

use lightsout::explore::{Bounds, Breach, Mode, Profile, Trouble, Verdict, Workload, explore};
use lightsout_others::redb::{Barriers, Commit, Header, Making, Redb, operations};

/// How much is explored.
struct Work {
    transactions: usize,
    /// After a recovery.
    then: usize,
    sector: usize,
    bounds: Bounds,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            transactions: 1,
            then: 0,
            sector: 512,
            bounds: Bounds {
                recoveries: Some(200_000),
                ..Bounds::default()
            },
        }
    }
}

impl Work {
    fn verdict(&self, subject: &Redb, profile: &str) -> Verdict {
        let profile = Profile::named(profile).expect("a profile");
        let profile = profile.with_sizes(self.sector, 4096);
        let subject = Redb {
            header: Header::in_sectors_of(self.sector),
            ..*subject
        };
        let workload = Workload {
            operations: operations(0..self.transactions),
            then: operations(self.transactions..self.transactions + self.then),
        };
        explore(&subject, &profile, &workload, &self.bounds)
            .report
            .verdict
    }

    fn holds(&self, subject: &Redb, profile: &str) {
        assert_eq!(
            self.verdict(subject, profile),
            Verdict::Holds,
            "{subject:?} on {profile}"
        );
    }
}

const ONE_PHASE: Redb = Redb {
    barriers: Barriers::Kept,
    making: Making::Copied,
    commit: Commit::OnePhase,
    header: Header::Whole,
};

const TWO_PHASE: Redb = Redb {
    commit: Commit::TwoPhase,
    ..ONE_PHASE
};

const QUICK: Redb = Redb {
    commit: Commit::QuickRepair,
    ..ONE_PHASE
};

#[test]
fn redb_holds() {
    let work = Work {
        transactions: 6,
        ..Work::default()
    };
    for profile in ["strict", "ext4-ordered", "xfs", "btrfs"] {
        work.holds(&QUICK, profile);
    }
}

#[test]
fn redb_holds_with_one_barrier_a_commit() {
    Work::default().holds(&ONE_PHASE, "ext4-ordered");
}

/// Of a file that is there: one that is removed half-made would have to be known, every sector of it.
#[test]
fn redb_holds_in_two_phases_where_lost_space_reads_anything() {
    let work = Work {
        bounds: Bounds {
            settled: true,
            ..Work::default().bounds
        },
        ..Work::default()
    };
    work.holds(&TWO_PHASE, "posix");
}

/// A slot of its header is in two of them, a page in sixty-four.
#[test]
fn redb_holds_on_sectors_of_64_bytes() {
    let work = Work {
        sector: 64,
        ..Work::default()
    };
    work.holds(&QUICK, "btrfs");
}

#[test]
fn redb_holds_where_a_call_fails() {
    let work = Work {
        bounds: Bounds {
            faults: 1,
            ..Work::default().bounds
        },
        ..Work::default()
    };
    work.holds(&QUICK, "xfs");
}

#[test]
fn redb_holds_where_work_goes_on_after_a_recovery() {
    let work = Work {
        then: 1,
        ..Work::default()
    };
    work.holds(&QUICK, "xfs");
}

/// The pages of a commit whose barrier failed are seen in the cache, and no later barrier writes them. Opened again
/// before the power is cut, redb finds them valid, and its repair commits over them as if they were durable.
/// A commit in two phases has not named them yet.
#[test]
fn a_failed_barrier_is_believed_after_a_restart_with_one_barrier_a_commit() {
    for mode in [Mode::Lazy, Mode::Eager] {
        let work = Work {
            bounds: Bounds {
                mode,
                faults: 1,
                // A barrier fails, and what it was to cover stays in the cache.
                troubles: Trouble::ALL[..1].to_vec(),
                settled: true,
                ..Work::default().bounds
            },
            ..Work::default()
        };
        let verdict = work.verdict(&ONE_PHASE, "strict");
        let refused = matches!(
            &verdict,
            Verdict::Violates {
                breach: Breach::Unopenable,
                ..
            }
        );
        assert!(refused, "{mode:?}: {verdict:?}");
    }
}

/// Not a promise of redb's: a power cut while it makes its file leaves one that it refuses.
#[test]
fn a_file_that_is_made_in_its_place_may_be_refused() {
    let subject = Redb {
        making: Making::InPlace,
        ..QUICK
    };
    let work = Work {
        transactions: 0,
        ..Work::default()
    };
    let verdict = work.verdict(&subject, "xfs");
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
    for subject in [ONE_PHASE, TWO_PHASE, QUICK] {
        let subject = Redb {
            barriers: Barriers::Left,
            ..subject
        };
        let verdict = Work::default().verdict(&subject, "strict");
        let lost = matches!(
            &verdict,
            Verdict::Violates {
                breach: Breach::Lost,
                ..
            }
        );
        assert!(lost, "{subject:?}: {verdict:?}");
    }
}

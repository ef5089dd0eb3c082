//! The stand-alone log and the B-tree as found, situation by situation as in `specs/findings`: real code breaks as its
//! model does, on the same file systems and no others.

use super::*;
use lightsout::engine::btree::as_found as tree;
use lightsout::engine::wal::segments::as_found::{self as log, Brackets, Tail};
use lightsout::explore::engines::{FoundBtreeSubject, FoundLogSubject};

/// Those on which a size can outlive the data behind it.
const SIZE_FIRST: &[&str] = &["ext4-writeback", "posix"];
/// Those on which a page can be torn in place.
const TORN: &[&str] = &["ext4-ordered", "xfs", "ext4-writeback", "posix"];
/// Those on which what is written last can be durable first.
const UNORDERED: &[&str] = &["ext4-ordered", "xfs", "btrfs", "ext4-writeback", "posix"];

/// One promise, after power cuts.
fn judging(breach: Breach) -> Bounds {
    Bounds {
        judged: vec![breach],
        kills: 0,
        ..settled()
    }
}

/// The same, after kills too.
fn killing(breach: Breach) -> Bounds {
    Bounds {
        kills: 1,
        ..judging(breach)
    }
}

/// Values of equal length, so that what is written in the place of another record is as long.
fn put(key: &str, number: u8) -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::put(key, format!("value {number:07}"))])
}

fn batch() -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::put("a", "1"), MapWrite::put("b", "1")])
}

fn delete(key: &str) -> Operation<MapWrite> {
    Operation::Write(vec![MapWrite::delete(key)])
}

/// Explores on every file system. `goes_on`: a client writes and syncs after the recovery.
fn check<S: Subject<Contract = Map>>(
    what: &str,
    subject: &S,
    operations: &[Operation<MapWrite>],
    goes_on: bool,
    bounds: &Bounds,
    breaks_on: &[&str],
) {
    let mut work = workload::<S>(operations);
    if !goes_on {
        work.then.clear();
    }
    for profile in PROFILES {
        let report = explore(subject, &named(profile), &work, bounds).report;
        let broken = match report.verdict {
            Verdict::Holds => false,
            Verdict::Violates { breach, .. } if bounds.judged.contains(&breach) => true,
            _ => panic!("{what} on {report}"),
        };
        assert_eq!(broken, breaks_on.contains(&profile), "{what} on {report}");
    }
}

#[test]
fn the_log_as_found_breaks_where_its_model_does() {
    let favoured = log::Options::default();
    let tail = |tail| log::Options { tail, ..favoured };
    let brackets = |brackets| log::Options {
        brackets,
        ..favoured
    };
    let names_cached = log::Options {
        names_cached: true,
        ..favoured
    };
    let recovery_cached = log::Options {
        recovery_cached: true,
        ..favoured
    };
    let small = log::Options {
        rotate_at: Some(2),
        ..favoured
    };
    let rotate = || Operation::maintain("rotate");
    let truncate = || Operation::maintain("truncate");
    let lost = || judging(Breach::Lost);
    let is_barrier = |trouble: &Trouble| matches!(trouble, Trouble::Barrier(_));
    let barriers = Trouble::ALL.into_iter().filter(is_barrier);
    let a_barrier_fails = Bounds {
        faults: 1,
        troubles: barriers.collect(),
        ..lost()
    };
    let check = |what, options, operations: &[_], goes_on, bounds, breaks_on| {
        let subject = FoundLogSubject { options };
        check(what, &subject, operations, goes_on, &bounds, breaks_on);
    };
    check(
        "every",
        favoured,
        &[put("a", 1)],
        true,
        judging(Breach::Gap),
        SIZE_FIRST,
    );
    check(
        "every-acknowledged",
        favoured,
        &[put("a", 1), delete("a")],
        true,
        lost(),
        SIZE_FIRST,
    );
    check(
        "torn-tail",
        tail(Tail::Left),
        &[put("a", 1)],
        true,
        lost(),
        SIZE_FIRST,
    );
    check(
        "torn-segment",
        tail(Tail::NewSegment),
        &[put("a", 1)],
        true,
        lost(),
        SIZE_FIRST,
    );
    check(
        "passed",
        tail(Tail::NewSegmentPassed),
        &[put("a", 1), put("b", 1)],
        true,
        lost(),
        &[],
    );
    check(
        "brackets-open",
        brackets(Brackets::Open),
        &[batch()],
        true,
        lost(),
        PROFILES.as_slice(),
    );
    check(
        "brackets-ignored",
        brackets(Brackets::Ignored),
        &[batch()],
        false,
        judging(Breach::Partial),
        PROFILES.as_slice(),
    );
    check(
        "new-segment",
        names_cached,
        &[rotate(), put("a", 1)],
        false,
        lost(),
        &["posix"],
    );
    check(
        "rewritten-segment",
        names_cached,
        &[truncate(), put("a", 1)],
        false,
        lost(),
        &["posix"],
    );
    check(
        "kill-then-power-cut",
        recovery_cached,
        &[put("a", 1)],
        false,
        killing(Breach::Lost),
        PROFILES.as_slice(),
    );
    check(
        "batch-across",
        small,
        &[batch(), put("c", 1)],
        false,
        settled(),
        &[],
    );
    check(
        "torn-batch-across",
        small,
        &[batch()],
        true,
        lost(),
        PROFILES.as_slice(),
    );
    check(
        "failed-barrier",
        favoured,
        &[put("a", 1), put("b", 1)],
        false,
        a_barrier_fails,
        PROFILES.as_slice(),
    );
}

#[test]
fn the_log_as_found_keeps_its_contract_where_no_size_outlives_the_data_behind_it() {
    let subject = FoundLogSubject {
        options: log::Options::default(),
    };
    let operations = [
        put("a", 1),
        Operation::maintain("rotate"),
        batch(),
        Operation::maintain("truncate"),
        delete("a"),
    ];
    let explored = |profile| {
        let work = workload::<FoundLogSubject>(&operations);
        explore(&subject, &named(profile), &work, &settled()).report
    };
    let report = explored("ext4-ordered");
    assert_eq!(report.verdict, Verdict::Holds, "{report}");
    assert_ne!(explored("ext4-writeback").verdict, Verdict::Holds);
}

#[test]
fn the_tree_as_found_breaks_where_its_model_does() {
    let of = |leaf_keys| tree::Options {
        leaf_keys,
        page_bytes: 1024,
        ..tree::Options::default()
    };
    let (one_leaf, all) = (of(8), PROFILES.as_slice());
    let zeros = tree::Options {
        zeros_are_valid: true,
        ..one_leaf
    };
    let recovery_cached = tree::Options {
        recovery_cached: true,
        ..one_leaf
    };
    let committed = |options| tree::Options {
        committed: true,
        ..options
    };
    // It fills a sector, so that a page with it can be torn.
    let long = || Operation::Write(vec![MapWrite::put("a", [7; 600])]);
    let three = [put("a", 1), put("b", 1), put("c", 1)];
    let commit = || Operation::maintain("commit");
    let lost = || judging(Breach::Lost);
    let unopenable = || judging(Breach::Unopenable);
    let from_nothing = Bounds {
        settled: false,
        ..unopenable()
    };
    let before_a_split = [put("a", 1), put("b", 1), commit(), put("c", 1)];
    let check = |what, options, operations: &[_], bounds, breaks_on| {
        let subject = FoundBtreeSubject { options };
        check(what, &subject, operations, false, &bounds, breaks_on);
    };
    check(
        "split-acknowledged",
        of(1),
        &[put("a", 1), put("b", 1)],
        lost(),
        all,
    );
    check("split", of(2), &three, lost(), all);
    check(
        "recovery-interrupted",
        one_leaf,
        &[long()],
        killing(Breach::Unopenable),
        TORN,
    );
    // The model's check allows kills: there it is the recovery that is interrupted, where a size cannot come first.
    check("tail-of-zeros", zeros, &[long()], unopenable(), SIZE_FIRST);
    check(
        "recovery-cached",
        recovery_cached,
        &[put("a", 1)],
        lost(),
        UNORDERED,
    );
    check("from-nothing", one_leaf, &[], from_nothing, all);
    check(
        "committed-torn",
        committed(one_leaf),
        &[long()],
        unopenable(),
        TORN,
    );
    check(
        "committed-split",
        committed(of(2)),
        &before_a_split,
        killing(Breach::Lost),
        all,
    );
}

#[test]
fn the_tree_as_found_that_never_splits_loses_nothing_to_power_cuts_on_ext4_ordered() {
    for committed in [false, true] {
        let subject = FoundBtreeSubject {
            options: tree::Options {
                page_bytes: 1024,
                committed,
                ..tree::Options::default()
            },
        };
        let operations = [
            put("a", 1),
            put("b", 1),
            Operation::maintain("commit"),
            delete("a"),
        ];
        let work = workload::<FoundBtreeSubject>(&operations);
        // Mended, a page of what is not committed may be torn, and is not redone.
        let bounds = match committed {
            true => judging(Breach::Lost),
            false => Bounds {
                judged: vec![Breach::Lost, Breach::Unopenable],
                ..judging(Breach::Lost)
            },
        };
        let explored = |profile| explore(&subject, &named(profile), &work, &bounds).report;
        let report = explored("ext4-ordered");
        assert_eq!(report.verdict, Verdict::Holds, "{report}");
    }
}

#[test]
fn an_entry_of_a_log_that_was_given_away_comes_back_where_a_size_outlives_the_data_behind_it() {
    let subject = FoundBtreeSubject {
        options: tree::Options {
            page_bytes: 1024,
            ..tree::Options::default()
        },
    };
    let operations = [put("a", 1), put("a", 2)];
    let bounds = judging(Breach::Lost);
    check("one-leaf", &subject, &operations, true, &bounds, SIZE_FIRST);
}

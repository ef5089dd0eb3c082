//! How much was explored: in parts as at once, by families, and more states than recoveries.

use super::one_file::{OneFile, put};
use super::*;
use lightsout::counterexample::Script;
use lightsout::explore::{Coverage, During, Family, Ongoing, functions};
use std::collections::BTreeMap;

fn met(coverage: &Coverage, during: During) -> usize {
    let family = Family {
        during,
        trouble: None,
    };
    coverage.families.get(&family).map_or(0, |met| met.followed)
}

#[test]
fn an_exploration_in_parts_is_the_exploration_at_once() {
    let subject = LogSubject::default();
    let (profile, bounds) = (named("posix"), settled());
    let work = workload::<LogSubject>(&LogSubject::workload()[..3]);
    let whole = explore(&subject, &profile, &work, &bounds);
    assert_eq!(whole.report.verdict, Verdict::Holds);

    // Some crash points take more recoveries than a part has.
    let mut ongoing = Ongoing::new(&subject, &profile, &work, &bounds);
    let mut parts = 0;
    let last = loop {
        let (exploration, left) = ongoing.go_on(Some(5), None);
        parts += 1;
        let Some(left) = left else { break exploration };
        let verdict = &exploration.report.verdict;
        assert!(matches!(verdict, Verdict::Inconclusive(_)), "{verdict}");
        assert!(exploration.report.coverage.states.left > 0.0);
        ongoing = left;
    };
    assert!(parts > 3, "{parts} parts");
    assert_eq!(last.report.verdict, Verdict::Holds);
    assert_eq!(last.report.coverage.states, whole.report.coverage.states);
    assert_eq!(
        last.report.coverage.families,
        whole.report.coverage.families
    );
    assert_eq!(last.report.served, whole.report.served);
    assert_eq!(last.report.crash_points, whole.report.crash_points);
    assert!(last.report.recoveries >= whole.report.recoveries);
    let shown = |states: Vec<_>| states.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(shown(last.shown), shown(whole.shown));
}

#[test]
fn a_budget_says_which_families_were_run_and_what_is_left() {
    let subject = LogSubject::default();
    let bounds = Bounds {
        recoveries: Some(300),
        faults: 1,
        ..settled()
    };
    let work = workload::<LogSubject>(&LogSubject::workload()[..2]);
    let report = explore(&subject, &named("ext4-ordered"), &work, &bounds).report;
    assert!(
        matches!(report.verdict, Verdict::Inconclusive(_)),
        "{report}"
    );
    let coverage = &report.coverage;
    assert!(met(coverage, During::Work) > 0, "{coverage:?}");
    let lines = coverage.lines().join("\n");
    assert!(lines.contains("crashes in the work: "), "{lines}");
    assert!(
        lines.contains("crashes in the work, once a barrier failed"),
        "{lines}"
    );
    let left: usize = (coverage.families.values())
        .map(|met| met.distinct - met.followed - met.superseded)
        .sum();
    assert!(
        left > 0 && coverage.states.left >= left as f64,
        "{coverage:?}"
    );
}

#[test]
fn where_it_holds_no_crash_point_of_any_family_is_left() {
    let subject = LogSubject::default();
    let bounds = Bounds {
        faults: 1,
        ..settled()
    };
    let work = workload::<LogSubject>(&LogSubject::workload()[..2]);
    let report = explore(&subject, &named("ext4-ordered"), &work, &bounds).report;
    assert_eq!(report.verdict, Verdict::Holds);
    let coverage = &report.coverage;
    for during in [During::Work, During::Recovery, During::LaterWork] {
        assert!(met(coverage, during) > 0, "{during:?} of {coverage:?}");
    }
    for (family, met) in &coverage.families {
        assert_eq!(met.distinct, met.followed + met.superseded, "{family}");
    }
    let troubles = |family: &Family| family.trouble;
    let troubles: BTreeSet<_> = coverage.families.keys().filter_map(troubles).collect();
    assert_eq!(troubles.len(), bounds.troubles.len());
    assert_eq!(coverage.states.left, 0.0);
}

/// A store whose values lie in a second file, which is read where somebody asks for them: nobody does.
#[test]
fn what_no_recovery_reads_is_covered_all_the_same() {
    let values = Path::new("values");
    let store = functions::<Map, _, _, _, _>(
        |disk: &Simulated| {
            if !disk.exists(values)? {
                drop(disk.create(values)?);
            }
            disk.directory_barrier(Path::new("."))?;
            Ok(disk.clone())
        },
        |disk: &mut Simulated, _: &Operation<MapWrite>| {
            disk.open(values)?.write_at(0, &[7; 20 * 512])?;
            Ok(Told::Returned)
        },
        |_: &mut Simulated| Ok(BTreeMap::new()),
    );
    // Only what goes wrong with files is looked for, and nothing is.
    let bounds = Bounds {
        judged: Vec::new(),
        ..settled()
    };
    let explorer = Explorer::new(&store).within(bounds).with_one_life();
    let report = explorer.explore(&[Operation::Sync]).report;
    assert_eq!(report.verdict, Verdict::Holds);
    // Before the write: nothing. After it: each of twenty sectors, and the size of each of three blocks.
    let states = report.coverage.states;
    assert!(states.covered >= 2_f64.powi(20), "{states}");
    assert!(report.recoveries < 20, "{report}");
}

#[test]
fn the_read_that_branched_most_is_named() {
    let store = OneFile::default();
    let explorer = Explorer::new(&store).within(settled());
    let report = explorer.explore(&[put("a", "1"), put("b", "2")]).report;
    let widest = report.coverage.widest.expect("a read that branched");
    assert!(widest.site.file.ends_with("one_file.rs"), "{widest:?}");
    assert!(report.coverage.states.covered > 0.0);
}

/// Opens empty where the barrier of its recovery fails, as if nothing had been there.
#[test]
fn what_goes_wrong_in_the_last_recovery_is_part_of_the_counterexample() {
    let store = functions::<Map, _, _, _, _>(
        |disk: &Simulated| {
            let failed = disk.directory_barrier(Path::new(".")).is_err();
            Ok((disk.clone(), failed))
        },
        |(disk, _): &mut (Simulated, bool), asked: &Operation<MapWrite>| {
            OneFile::default().apply(disk, asked)
        },
        |(disk, failed): &mut (Simulated, bool)| match failed {
            true => Ok(BTreeMap::new()),
            false => OneFile::default().observe(disk),
        },
    );
    let bounds = Bounds {
        faults: 1,
        ..settled()
    };
    let explorer = Explorer::new(&store).on("strict").within(bounds);
    let found = explorer.explore(&[put("a", "1")]).counterexample;
    let found = found.expect("a counterexample");
    assert_eq!(found.breach(), Some(Breach::Lost));
    let Script::Code(code) = &found.script else {
        panic!("it is real code")
    };
    let last = code.lives.last().expect("a life");
    assert!(last.trouble.is_some(), "{found}");
    let again = replay(&store, &found).expect("it runs");
    let shown = again.shown.expect("it opens");
    assert_eq!(shown, BTreeMap::new(), "{found}");
}

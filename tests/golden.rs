//! What people and programs read, word for word: a change of any of these is seen in review. Nothing in
//! them depends on time or on how a search was scheduled.

use lightsout::check::run::{Selection, run};
use lightsout::check::search::Limits;
use lightsout::check::spec::{self, Specs};
use lightsout::check::verdict::{Judged, Verdict};
use lightsout::counterexample::Counterexample;
use lightsout::interrupt::Interrupt;
use lightsout::litmus::{Detail, Report, Test};
use lightsout::report::explain::explain;
use lightsout::report::text::{self, plain};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

static SPECS: LazyLock<Specs> =
    LazyLock::new(|| spec::read(Path::new("specs")).expect("the specs"));

/// A check of the log with its verdict; what was measured is replaced by round numbers.
fn judged(name: &str) -> Judged {
    let selection = Selection {
        only: vec![glob::Pattern::new(&format!("wal/{name}")).expect("a pattern")],
        ..Selection::default()
    };
    let selected = selection.of(&SPECS).expect("the check");
    let [(spec, check)] = &selected[..] else {
        panic!("{name} is not one check");
    };
    let limits = Limits {
        threads: 1,
        time: None,
        gauge: None,
        interrupt: Interrupt::default(),
    };
    let mut judged = run(spec, check, limits, &|_| ()).expect("it runs");
    let exploration = &mut judged.exploration;
    (exploration.unique, exploration.generated) = (2_000_000, 3_000_000);
    exploration.time = Duration::from_secs(4);
    judged.bytes = Some(500_000_000);
    judged
}

fn counterexample(judged: &Judged) -> &Counterexample {
    match &judged.verdict {
        Verdict::Violates(_, found) => found,
        other => panic!("{}: {other:?}", judged.id),
    }
}

fn table_of_steps(name: &str) -> String {
    let judged = judged(name);
    explain(counterexample(&judged), None, plain)
}

#[test]
fn the_table_of_verdicts() {
    let holds = judged("durable/inner");
    let as_found = judged("as-found-lsm/power-cut");
    let without = judged("without/append-data-barrier");
    let mistake = judged("mistake/no-end-mark");
    let unexpected = Judged {
        expected: None,
        ..mistake.clone()
    };
    let inconclusive = Judged {
        verdict: Verdict::Inconclusive("stopped after 7 states".into()),
        ..holds.clone()
    };
    let broken = Judged {
        verdict: Verdict::Broken("never reached: D9 (a write is refused)".into()),
        ..holds.clone()
    };
    let all = [
        holds,
        as_found,
        without,
        mistake,
        unexpected,
        inconclusive,
        broken,
    ];
    let lines = all.iter().map(|one| text::verdict(one, plain));
    let table = text::heading() + &lines.collect::<String>() + &text::summary(&all);
    insta::assert_snapshot!(table);
}

#[test]
fn a_counterexample_of_the_log_as_found() {
    insta::assert_snapshot!(table_of_steps("as-found-lsm/kill-split-flush-tail-left"));
}

#[test]
fn a_counterexample_without_a_barrier() {
    insta::assert_snapshot!(table_of_steps("without/append-data-barrier"));
}

#[test]
fn a_counterexample_with_a_failed_barrier() {
    insta::assert_snapshot!(table_of_steps("mistake/cache-trusted"));
}

#[test]
fn a_counterexample_as_json_with_the_version_of_its_schema() {
    let judged = judged("as-found-lsm/power-cut");
    let json = serde_json::to_string(counterexample(&judged)).expect("JSON");
    // One step a line.
    let json = json.replace("{\"mark\"", "\n{\"mark\"");
    insta::assert_snapshot!(json);
    let again: Counterexample = serde_json::from_str(&json).expect("it reads back");
    assert_eq!(again, *counterexample(&judged));
}

#[test]
fn a_litmus_answer_with_its_reason() {
    let ask = r#"
        name = "log-append"
        question = "Can a log that is appended to lose what was synced before?"
        sector = 2
        block = 4
        setup = ["create log", "append log 4*a"]
        program = ["append log 4*b", "fdatasync log"]

        [[ask]]
        name = "the new block is torn"
        state = ["log is 4*a 2*b 2*zero"]
        rows = [
          { profiles = ["posix"], expect = "allowed", source = "R3" },
          { profiles = ["ext4-ordered"], expect = "forbidden", source = "R5" },
        ]

        [[ask]]
        name = "the old block is gone"
        crash = "end"
        state = ["not log is 4*a 4*b"]
        rows = [{ profiles = ["posix"], expect = "forbidden", source = "K1" }]
    "#;
    let test = Test::parse(Path::new("ask.toml"), ask).expect("a litmus test");
    let outcomes = test.run();
    let report = Report {
        tests: vec![(test, outcomes)],
    };
    insta::assert_snapshot!(report.render(Detail::Reasons));
}

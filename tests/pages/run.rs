//! A whole run, made of the committed verdicts.

use lightsout::check::lock::{Lock, Locked};
use lightsout::counterexample::Broken;
use lightsout::report::html::{Finding, Kind, Row, Run};
use models::profile::NAMES;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The run that `specs/verdicts.lock` tells of, with two explorations and a hostile row.
pub(crate) fn committed(root: &Path) -> Run {
    let lock = Lock::read(&root.join("specs")).expect("the lock");
    let mut rows: Vec<Row> = lock
        .verdict
        .iter()
        .flat_map(|(id, locked)| rows(id, locked))
        .collect();
    let code = |id: &str, verdict: &str, violated: Option<&str>| Row {
        id: id.into(),
        engine: "lsm".into(),
        variant: if violated.is_some() {
            "as-found".into()
        } else {
            "durable".into()
        },
        kind: Kind::Code,
        profile: "posix".into(),
        verdict: verdict.into(),
        expected: true,
        judged: vec!["D1".into(), "D2".into()],
        violated: violated.map(Into::into),
        finding: violated.map(|_| "lsm-truncate-before-sstable-sync".into()),
        states: 66_629,
        link: violated
            .map(|_| "counterexamples/lsm-truncate-before-sstable-sync-posix-d1.html".into()),
        ..Row::default()
    };
    rows.push(code("lsm", "holds", None));
    rows.push(code(
        "lsm-truncate-before-sstable-sync",
        "violates D1",
        Some("D1"),
    ));
    rows.push(Row {
        id: "<script>alert(1)</script>".into(),
        engine: "\u{202e}lsm".into(),
        profile: "posix".into(),
        verdict: "violates D9".into(),
        violated: Some("D9".into()),
        link: Some("javascript:alert(2)".into()),
        ..Row::default()
    });
    let promise = |n: usize| (format!("D{n}"), Broken::of(&format!("D{n}")).name);
    Run {
        profiles: NAMES.iter().map(ToString::to_string).collect(),
        promises: (1..=10).map(promise).collect(),
        rows,
        findings: vec![Finding {
            id: "lsm-truncate-before-sstable-sync".into(),
            claim: "the log is truncated before the table is on disk".into(),
            outcome: "proved".into(),
        }],
    }
}

/// One row for each profile.
fn rows(id: &str, locked: &Locked) -> Vec<Row> {
    let mut parts = id.split('/');
    let (engine, variant) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let violated = locked.verdict.strip_prefix("violates ").map(String::from);
    let set = |items: &[String]| items.iter().cloned().collect::<BTreeSet<_>>();
    let row = |profile: &String| Row {
        id: id.into(),
        engine: engine.into(),
        variant: variant.into(),
        profile: profile.clone(),
        verdict: locked.verdict.clone(),
        expected: true,
        judged: locked.witnesses.clone(),
        violated: violated.clone(),
        states: locked.states.unwrap_or(0) as u64,
        coverage: BTreeMap::from([
            ("barriers".into(), set(&locked.barriers)),
            ("crash sites".into(), set(&locked.crashed_at)),
        ]),
        ..Row::default()
    };
    locked.profiles.iter().map(row).collect()
}

//! A whole run as pages, from the results of its parts.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn lightsout(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command
        .args(args)
        .env_remove("CI")
        .output()
        .expect("the binary runs")
}

#[test]
fn every_verdict_has_its_place_and_every_counterexample_its_page() {
    let home = tempfile::tempdir().expect("a directory");
    let at = |name: &str| home.path().join(name).display().to_string();
    let (models, code, pages) = (at("check.json"), at("explore.json"), at("report"));
    let only = [
        "--only=lsm/as-found/log-synced",
        "--only=lsm/without/flush-*",
        "--only=wal/durable/inner",
        "--only=wal/durable/data-barrier-without-size",
        "--only=wal/durable/segments-data-barrier-without-size",
    ];
    let checked = lightsout(&[&["check", "--json", &models], &only[..]].concat());
    assert_eq!(checked.status.code(), Some(0));
    let explored = lightsout(&[
        "explore",
        "lsm-truncate-before-sstable-sync",
        "--json",
        &code,
    ]);
    assert_eq!(explored.status.code(), Some(0));
    let written = lightsout(&["report", "--html", &pages, &models, &code]);
    let said = String::from_utf8_lossy(&written.stdout).into_owned();
    assert_eq!(written.status.code(), Some(0), "{said}");

    let index = fs::read_to_string(Path::new(&pages).join("index.html")).expect("the index");
    for id in [
        "lsm/as-found/log-synced",
        "wal/durable/inner",
        "lsm-truncate-before-sstable-sync/posix",
    ] {
        assert!(index.contains(id), "{id}");
    }
    assert!(
        index.contains("Proved, and repaired less easily than the study hopes"),
        "{index}"
    );
    let linked: Vec<&str> = index.split("href=\"counterexamples/").skip(1).collect();
    assert!(linked.len() >= 6, "{} links", linked.len());
    for link in linked {
        let name = link.split('"').next().expect("a name");
        let page = fs::read_to_string(Path::new(&pages).join("counterexamples").join(name));
        assert!(
            page.expect("the page").contains("What was promised"),
            "{name}"
        );
    }

    let refused = lightsout(&[
        "report",
        "--html",
        &pages,
        "tests/counterexamples/lsm-as-found-log-synced.json",
    ]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
}

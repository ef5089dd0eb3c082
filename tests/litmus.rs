//! Every litmus test comes out as its source says, and wrong verdicts are noticed.

use lightsout::litmus::{self, Detail, Report};
use std::fs;
use std::path::PathBuf;

fn run(path: PathBuf) -> Report {
    litmus::run(&[path]).unwrap_or_else(|error| panic!("{error}"))
}

fn all() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs/litmus")
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("mine.toml");
    fs::write(&path, text).expect("written");
    (directory, path)
}

const MINE: &str = r#"
name = "mine"
question = "Can a file be empty after it was created, written and renamed?"
sector = 2
block = 4
program = ["create tmp", "append tmp aa", "rename tmp to file"]

[[ask]]
name = "Without a barrier."
source = "a user"
state = ["file is empty"]
rows = [{ profiles = ["ext4-ordered", "strict"], expect = "allowed" }]
"#;

#[test]
fn every_row_is_as_expected() {
    let report = run(all());
    assert_eq!(report.unexpected(), 0, "\n{}", report.render(Detail::Rows));
    assert!(report.rows() > 500);
    assert_eq!(report.undecided(), 0);
}

#[test]
fn a_wrong_verdict_is_noticed() {
    let (_directory, path) = written(MINE);
    let report = run(path);
    assert_eq!(report.unexpected(), 1, "{}", report.render(Detail::Reasons));
}

#[test]
fn bad_litmus_tests_are_refused_in_one_sentence() {
    for (from, to) in [
        ("question", "qestion"),
        ("\"strict\"", "\"strcit\""),
        ("append tmp aa", "apend tmp aa"),
        ("rename tmp to file", "rename nothing to file"),
        ("\"allowed\"", "\"perhaps\""),
    ] {
        let (_directory, path) = written(&MINE.replacen(from, to, 1));
        let error = litmus::run(&[path]).map(|report| report.rows());
        let error = error.expect_err(to).to_string();
        assert!(error.contains("mine.toml"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

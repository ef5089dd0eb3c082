//! Every litmus test comes out as its source says, and every row of the sources is covered.

use lightsout::litmus::{self, Detail, Report};
use std::path::PathBuf;

fn report() -> Report {
    let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs/litmus");
    litmus::run(&[all]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_row_is_as_expected() {
    let report = report();
    assert!(
        report.unexpected() == 0,
        "\n{}",
        report.render(Detail::Tests)
    );
}

#[test]
fn one() {
    let Ok(f) = std::env::var("LIT") else { return };
    match litmus::run(&[PathBuf::from(f)]) {
        Ok(r) => assert!(r.unexpected() == 0, "\n{}", r.render(Detail::Tests)),
        Err(e) => panic!("{e}"),
    }
}

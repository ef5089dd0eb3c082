//! A counterexample as a test: it compiles, fails today, and passes once the engine is mended.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PRINTED: &str = "tests/exported/lsm-as-found-log-synced.rs";

fn export(path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .args(["export", "--test"])
        .arg(path)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_counterexample_of_real_code_becomes_a_test_and_others_say_why_not() {
    let (mut tests, mut refusals) = (0, 0);
    for entry in fs::read_dir("tests/counterexamples").expect("the directory") {
        let path = entry.expect("an entry").path();
        let output = export(&path);
        let (printed, error) = (text(&output.stdout), text(&output.stderr));
        if output.status.success() {
            let file =
                syn::parse_file(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
            assert_eq!(file.items.len(), 1, "{printed}");
            assert!(printed.contains("#[test]"), "{printed}");
            tests += 1;
        } else {
            assert_eq!(output.status.code(), Some(2), "{error}");
            assert!(
                error.starts_with("error: no test can be made of "),
                "{error}"
            );
            assert_eq!(error.trim_end().lines().count(), 1, "{error}");
            refusals += 1;
        }
    }
    assert!(
        tests >= 8 && refusals >= 1,
        "{tests} tests, {refusals} refusals"
    );
}

#[test]
fn what_is_printed_fails_today_and_passes_once_the_engine_is_mended() {
    let counterexample = Path::new("tests/counterexamples/lsm-as-found-log-synced.json");
    let printed = text(&export(counterexample).stdout);
    let kept = fs::read_to_string(PRINTED).expect("the test that is compiled");
    assert_eq!(
        printed, kept,
        "`lightsout export` prints another test than {PRINTED}"
    );
    let mended =
        fs::read_to_string("tests/exported/mended.rs").expect("the test of the mended engine");
    assert_eq!(
        kept.replace("discipline: AsFound", "discipline: Durable"),
        mended
    );

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // As what runs this was built: with the features of other packages, or all would be built again.
    let scope = match std::env::var_os("LIGHTSOUT_WORKSPACE") {
        Some(_) => &["--workspace", "--exclude", "lightsout-threads"][..],
        None => &[],
    };
    let output = Command::new(cargo)
        .args(["test", "--test", "exported"])
        .args(scope)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("cargo runs");
    let said = text(&output.stdout);
    assert!(!output.status.success(), "{said}{}", text(&output.stderr));
    let name = "lsm_as_found_log_synced_keeps_d1";
    assert!(
        said.contains(&format!("as_found::{name} ... FAILED")),
        "{said}"
    );
    assert!(said.contains(&format!("mended::{name} ... ok")), "{said}");
    assert!(
        said.contains("lost (D1)") && said.contains("POWER CUT"),
        "{said}"
    );
}

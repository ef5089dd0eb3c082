//! The command line as a person meets it: exit codes, one sentence for bad input, nothing lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn lightsout(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CI")
        .output()
        .expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The error: one sentence on one line, exit 2, no panic.
fn refusal(args: &[&str]) -> String {
    let output = lightsout(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert!(
        text.starts_with("error: ") && text.trim_end().lines().count() == 1,
        "{text}"
    );
    assert!(!text.contains("panicked"));
    text
}

/// A copy of the specs with one replacement in wal.toml.
fn specs(from: &str, to: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    for name in ["contract.toml", "wal.toml", "verdicts.lock"] {
        let text = fs::read_to_string(source.join(name)).expect("a spec");
        let text = if name == "wal.toml" {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        } else {
            text
        };
        fs::write(directory.path().join(name), text).expect("written");
    }
    directory
}

fn refusal_of_spec(from: &str, to: &str) -> String {
    let directory = specs(from, to);
    refusal(&["check", "--specs", &directory.path().display().to_string()])
}

#[test]
fn bad_specs_are_refused_with_a_sentence_that_says_what_and_where() {
    let text = refusal_of_spec("variant = \"durable\"", "varaint = \"durable\"");
    assert!(
        text.contains("wal.toml: line") && text.contains("varaint"),
        "{text}"
    );
    let text = refusal_of_spec("crashes = 2, failures = 1 }", "crashes = 0, failures = 1 }");
    assert!(
        text.contains("`crashes` is 0") && text.contains("durable/every"),
        "{text}"
    );
    let text = refusal_of_spec("variant = \"durable\"", "variant = \"durabel\"");
    assert!(
        text.contains("no variant `durabel`") && text.contains("torn-tail-left"),
        "{text}"
    );
    let text = refusal_of_spec("expect = \"holds\"", "expect = \"hold\"");
    assert!(text.contains("neither `holds` nor"), "{text}");
    let text = refusal_of_spec("judges = [\"contract\"]", "judges = [\"D11\"]");
    assert!(text.contains("`D11` is no invariant"), "{text}");
    let text = refusal_of_spec("R9 = \"no\"", "R99 = \"no\"");
    assert!(text.contains("R99"), "{text}");
}

#[test]
fn bad_arguments_are_refused() {
    assert!(refusal(&["check", "wall"]).contains("no engine `wall`"));
    assert!(refusal(&["check", "--only", "wal/nothing*"]).contains("no check matches"));
    assert!(refusal(&["check", "--bounds", "operations=0"]).contains("bound `operations` is 0"));
    assert!(refusal(&["check", "--bounds", "size=1"]).contains("`size` is no bound"));
    assert!(refusal(&["check", "--profile", "ext5"]).contains("no profile `ext5`"));
    assert!(refusal(&["check", "--time-limit=-1"]).contains("--time-limit"));
    assert!(refusal(&["check", "--specs", "nowhere"]).contains("nowhere"));
    assert!(refusal(&["litmus", "nowhere.toml"]).contains("nowhere.toml"));
}

#[test]
fn a_verdict_as_expected_exits_0_and_another_one_exits_1_with_its_counterexample() {
    let good = lightsout(&["check", "--only", "wal/as-found-lsm/power-cut", "--show"]);
    assert_eq!(good.status.code(), Some(0), "{}", stdout(&good));
    let directory = specs(
        "expect = \"violates D1\"\nfinding",
        "expect = \"holds\"\nfinding",
    );
    let path = directory.path().display().to_string();
    let bad = lightsout(&[
        "check",
        "--specs",
        &path,
        "--only",
        "wal/as-found-lsm/power-cut",
    ]);
    assert_eq!(bad.status.code(), Some(1));
    let text = stdout(&bad);
    assert!(
        text.contains("NOT AS EXPECTED") && text.contains("POWER CUT"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "colour in a pipe");
}

#[test]
fn a_counterexample_reads_the_same_every_time() {
    let shown = lightsout(&["check", "--only", "wal/as-found-lsm/power-cut", "--show"]);
    let text = stdout(&shown);
    let start = text
        .find("wal/as-found-lsm/power-cut: ")
        .expect("a counterexample");
    let end = text.find("1 verdict").expect("a summary");
    insta::assert_snapshot!(text[start..end].trim_end());
}

#[test]
fn a_lock_that_differs_exits_1_and_says_how() {
    let directory = specs("engine = \"wal\"", "engine = \"wal\"");
    let lock = directory.path().join("verdicts.lock");
    let text = fs::read_to_string(&lock).expect("the lock");
    let script = "client: put a";
    assert!(text.contains(script));
    fs::write(&lock, text.replace(script, "client: put b")).expect("written");
    let path = directory.path().display().to_string();
    let output = lightsout(&[
        "check",
        "--specs",
        &path,
        "--only",
        "wal/as-found-lsm/power-cut",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("not as in specs/verdicts.lock"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_check_that_runs_out_of_time_is_inconclusive_and_exits_3() {
    let output = lightsout(&[
        "check",
        "--only",
        "wal/durable/every",
        "--time-limit",
        "0.01",
    ]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("inconclusive"));
}

/// A litmus file of one row, of a program with so many sectors.
fn litmus(sectors: usize, row: &str) -> (Output, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("ask.toml");
    let bytes = 64 * sectors;
    let text = format!(
        r#"
            name = "ask"
            question = "Can zeros appear from nowhere?"
            sector = 64
            block = 1024
            setup = ["create f"]
            program = ["append f {bytes}*a"]
            [[ask]]
            state = ["f is 3*z"]
            rows = [{{ profiles = ["posix"], {row} }}]
        "#
    );
    fs::write(&path, text).expect("written");
    (
        lightsout(&["litmus", &path.display().to_string()]),
        directory,
    )
}

#[test]
fn a_litmus_row_exits_0_as_expected_1_otherwise_and_3_where_it_is_undecided() {
    let exit = |sectors, row| {
        let (output, _) = litmus(sectors, row);
        (output.status.code(), stdout(&output))
    };
    let (code, text) = exit(2, r#"expect = "forbidden", source = "s""#);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = exit(2, r#"expect = "allowed", source = "s""#);
    assert_eq!(code, Some(1), "{text}");
    // More crash images than are looked at.
    let (code, text) = exit(32, r#"expect = "forbidden", source = "s""#);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("1 undecided"), "{text}");
}

#[test]
fn blessing_is_refused_where_ci_is_set() {
    let output = Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .args(["check", "--bless"])
        .env("CI", "true")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn results_are_json_that_reads_back_and_a_full_disk_is_an_error() {
    use lightsout::report::results::Results;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("out.json");
    let file = path.display().to_string();
    let output = lightsout(&[
        "check",
        "--only",
        "wal/mistake/no-end-mark",
        "--json",
        &file,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let text = fs::read_to_string(&path).expect("the results");
    let results: Results = serde_json::from_str(&text).expect("they read back");
    let found = results.entries[0].counterexample.clone();
    let found = found.expect("a counterexample");
    assert_eq!(found.broken.promise, "D2");
    assert_eq!(found.steps.len(), found.moves().len() + 1);
    let nowhere = directory
        .path()
        .join("missing/out.json")
        .display()
        .to_string();
    assert!(
        refusal(&[
            "check",
            "--only",
            "wal/mistake/no-end-mark",
            "--json",
            &nowhere
        ])
        .contains("missing")
    );
    if Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a full device");
        let output = Command::new(env!("CARGO_BIN_EXE_lightsout"))
            .arg("list")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(full)
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "a full disk is told");
    }
}

#[test]
fn list_names_what_there_is() {
    let text = stdout(&lightsout(&["list"]));
    for word in [
        "wal",
        "D10",
        "lsm-wal-no-fsync",
        "ext4-ordered",
        "R16",
        "no-end-mark",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn the_demo_loads_kills_and_recovers_a_store_and_goes_on_from_there() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let store = home.path().join("store").display().to_string();
    for _ in 0..2 {
        let output = lightsout(&["demo", "lsm", &store]);
        let text = stdout(&output);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{text}{error}");
        for words in [
            "100000 keys",
            "finds nothing",
            "was killed",
            "are there, and",
        ] {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(words), "no `{words}` in {text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}

#[test]
fn the_demo_leaves_other_peoples_directories_alone() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| home.path().join(name);
    let refused = |name: &str| refusal(&["demo", "lsm", &path(name).display().to_string()]);

    fs::create_dir(path("full")).expect("a directory");
    fs::write(path("full/thesis.txt"), "ten years of work").expect("written");
    assert!(refused("full").contains("is not a store"));
    assert_eq!(fs::read_dir(path("full")).expect("read").count(), 1);

    fs::create_dir(path("foreign")).expect("a directory");
    fs::write(path("foreign/log"), "a log of something else").expect("written");
    assert!(refused("foreign").contains("is not a file of a lightsout LSM tree"));
    assert_eq!(
        fs::read(path("foreign/log")).expect("read"),
        b"a log of something else"
    );

    assert!(refused("full/thesis.txt").contains("thesis.txt"));
    assert!(refused("no/parent").contains("parent"));

    use lightsout::engine::lsm::{Options, Store};
    use lightsout::storage::os::OsStorage;
    let theirs = || Store::open(OsStorage, &path("theirs"), Options::default()).expect("open");
    let store = theirs();
    store.put(b"a key", b"of somebody").expect("put");
    let at = path("theirs").display().to_string();
    assert!(refusal(&["demo", "lsm", &at]).contains("is open already"));
    store.close().expect("closed");
    assert!(refused("theirs").contains("not this demo's"));
    let count = theirs().scan::<[u8]>(..).count();
    assert_eq!(count, 1, "nothing was written there");
}

#[test]
fn exploring_says_what_came_of_it_and_which_rules_a_loss_needs() {
    let args = [
        "explore",
        "bitcask-conditional-sync",
        "--profile",
        "posix",
        "--rules",
        "--show",
    ];
    let output = lightsout(&args);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("violates D1: lost"), "{text}");
    assert!(
        text.contains("needs R10 = no, R14 = no, R15 = no"),
        "{text}"
    );
    assert!(text.contains("lost: name store/2.data"), "{text}");
    assert!(text.contains("1 explorations, 1 as expected"), "{text}");
}

#[test]
fn exploring_what_is_not_there_is_refused_with_what_there_is() {
    let text = refusal(&["explore", "lmdb"]);
    assert!(
        text.contains("`lmdb`") && text.contains("event_store"),
        "{text}"
    );
    let text = refusal(&["explore", "lsm", "--profile", "fat"]);
    assert!(
        text.contains("`fat`") && text.contains("ext4-ordered"),
        "{text}"
    );
    let text = refusal(&["explore", "lsm", "--time-limit", "1e99"]);
    assert!(text.contains("--time-limit"), "{text}");
}

#[test]
fn an_exploration_that_a_limit_ends_is_inconclusive() {
    let args = ["explore", "lsm", "--profile", "posix", "--time-limit", "0"];
    let output = lightsout(&args);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("inconclusive"));
}

//! The files that a run writes: what stands in them, and that they are written whole or not at all.

use super::{Home, command, ends, refusal, stdout};
use lightsout::report::results::Results;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const FILES: [&str; 4] = ["--json", "--junit", "--markdown", "--timings"];
const RUNS: [[&str; 3]; 2] = [
    ["check", "wal", "--only=wal/mistake/no-end-mark"],
    ["explore", "lsm-wal-no-fsync", "--profile=posix"],
];

#[test]
fn a_verdict_that_differs_comes_first_with_its_steps() {
    let home = Home::with_specs();
    let spec = home.read("wal.toml");
    let (was, planted) = (
        "expect = \"violates D1\"\nfinding",
        "expect = \"holds\"\nfinding",
    );
    fs::write(home.path("wal.toml"), spec.replacen(was, planted, 1)).expect("written");
    let [json, junit, markdown] = ["out.json", "out.xml", "out.md"].map(|name| home.at(name));
    let here = home.0.path().display().to_string();
    let args = [
        "check",
        "--specs",
        &here,
        "--only=wal/as-found-lsm/power-cut",
        "--only=wal/mistake/no-end-mark",
        "--json",
        &json,
        "--junit",
        &junit,
        "--markdown",
        &markdown,
    ];
    ends(1, &args);
    // How a counterexample reads is a snapshot elsewhere.
    let cut = |text: &str, begin: &str, end: &str| {
        let (before, rest) = text.split_once(begin).expect(begin);
        let (steps, after) = rest.split_once(end).expect(end);
        assert!(
            steps.contains("POWER CUT") && steps.lines().count() > 10,
            "{steps}"
        );
        format!("{before}{begin}(its steps){end}{after}")
    };
    let text = cut(&home.read("out.md"), "`````text\n", "\n`````");
    insta::assert_snapshot!("markdown", text);
    let text = cut(&home.read("out.xml"), "type=\"violates D1\">", "</failure>");
    insta::assert_snapshot!("junit", text);
    let results: Results = serde_json::from_str(&home.read("out.json")).expect("it reads back");
    let totals = results.totals;
    assert_eq!(
        (totals.verdicts, totals.as_expected, totals.differ),
        (2, 1, 1)
    );
}

#[test]
fn what_differs_from_the_lock_is_in_every_file() {
    let home = Home::with_specs();
    let lock = home.read("verdicts.lock");
    let kept = "[exploration.\"lsm-wal-no-fsync/posix\"]\nverdict = \"violates D1: lost\"";
    assert!(lock.contains(kept), "{lock}");
    let planted = lock.replace(kept, &kept.replace("violates D1: lost", "holds"));
    fs::write(home.path("verdicts.lock"), planted).expect("written");
    let here = home.0.path().display().to_string();
    let [json, junit, markdown] = ["out.json", "out.xml", "out.md"].map(|name| home.at(name));
    let files = [
        "--specs",
        &here,
        "--json",
        &json,
        "--junit",
        &junit,
        "--markdown",
        &markdown,
    ];
    ends(1, &[&RUNS[1][..], &files].concat());
    let says = "the verdict was `holds`, now `violates D1: lost`";
    assert!(home.read("out.json").contains(says));
    assert!(home.read("out.xml").contains("failures=\"1\"") && home.read("out.xml").contains(says));
    let text = home.read("out.md");
    assert!(text.contains("not as in specs/verdicts.lock"), "{text}");
    assert!(
        text.contains("the verdict was \\`holds\\`, now \\`violates D1: lost\\`"),
        "{text}"
    );
}

#[test]
fn a_run_from_a_directory_without_a_lock_compares_with_none() {
    let home = Home::new();
    let run = command()
        .current_dir(home.0.path())
        .args(RUNS[1])
        .output()
        .expect("it runs");
    assert_eq!(run.status.code(), Some(0), "{}", stdout(&run));
}

#[test]
fn nothing_that_differs_from_run_to_run_is_in_them_and_timings_are_apart() {
    for args in RUNS {
        let home = Home::new();
        let [json, junit, timings] = ["out.json", "out.xml", "time.json"].map(|name| home.at(name));
        let files = ["--json", &json, "--junit", &junit, "--timings", &timings];
        ends(0, &[&args[..], &files].concat());
        for word in ["seconds", "generated", "time=", "timestamp", "threads"] {
            assert!(
                !home.read("out.json").contains(&format!("\"{word}\"")),
                "{word}"
            );
            assert!(
                !home.read("out.xml").contains(&format!(" {word}")),
                "{word}"
            );
        }
        let timings = home.read("time.json");
        for word in ["seconds", "visited", "threads"] {
            assert!(timings.contains(&format!("\"{word}\"")), "{timings}");
        }
    }
}

#[test]
fn each_violation_is_a_file_of_its_own_under_either_name_of_the_flag() {
    let home = Home::new();
    let at = home.at("all/of/them");
    ends(
        0,
        &[
            "check",
            "--only=wal/durable/inner",
            "--only=wal/mistake/no-end-mark",
            "--counterexamples",
            &at,
        ],
    );
    ends(
        0,
        &[
            "explore",
            "lsm-wal-no-fsync",
            "--profile=posix",
            "--profile=strict",
            "--save",
            &at,
        ],
    );
    let mut names: Vec<_> = fs::read_dir(&at)
        .expect("a directory")
        .map(|one| one.expect("one").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "lsm-wal-no-fsync-posix-d1.json",
            "lsm-wal-no-fsync-strict-d1.json",
            "wal-mistake-no-end-mark.json"
        ]
    );
    for name in names {
        let text = fs::read_to_string(Path::new(&at).join(name)).expect("read");
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(found.get("schema").is_some() && text.ends_with("}\n"));
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_the_work_and_nothing_is_left() {
    let home = Home::new();
    fs::write(home.path("file"), "not a directory").expect("written");
    fs::create_dir(home.path("directory")).expect("made");
    for args in RUNS {
        for flag in FILES {
            for path in ["file/out", "missing/out", "directory"] {
                let text = refusal(&[&args[..], &[flag, &home.at(path)]].concat());
                assert!(
                    text.contains("cannot write") && text.contains(path),
                    "{text}"
                );
            }
        }
        let text = refusal(&[&args[..], &["--counterexamples", &home.at("file/out")]].concat());
        assert!(
            text.contains("cannot make") && text.contains("file/out"),
            "{text}"
        );
        let out = home.at("out");
        let text = refusal(&[&args[..], &["--json", &out, "--timings", &out]].concat());
        assert!(
            text.contains("--json and --timings both write to"),
            "{text}"
        );
    }
    let result = home.at("directory/whole.json");
    ends(0, &[&RUNS[0][..], &["--json", &result]].concat());
    for flag in &FILES[..3] {
        let text = refusal(&["merge", &result, flag, &home.at("file/out")]);
        assert!(text.contains("cannot write"), "{text}");
    }
    assert_eq!(home.names(), ["directory", "file"]);
    assert_eq!(home.read("file"), "not a directory");
}

#[test]
fn a_full_disk_is_told_and_leaves_what_was_there() {
    let home = Home::new();
    for args in RUNS {
        if Path::new("/dev/full").exists() {
            for flag in FILES {
                let text = refusal(&[&args[..], &[flag, "/dev/full"]].concat());
                assert!(text.contains("/dev/full: No space left"), "{text}");
            }
        }
        for (flag, written) in [
            ("--json", "out.json"),
            ("--junit", "out.xml"),
            ("--markdown", "out.md"),
        ] {
            fs::write(home.path(written), "what was there").expect("written");
            let limited = in_no_space(&args, flag, &home.at(written));
            let text = String::from_utf8_lossy(&limited.stderr).into_owned();
            assert_eq!(limited.status.code(), Some(2), "{text}");
            assert!(
                text.contains(written) && text.lines().count() == 1,
                "{text}"
            );
            assert_eq!(home.read(written), "what was there");
            fs::remove_file(home.path(written)).expect("removed");
        }
    }
    let limited = in_no_space(&RUNS[0], "--counterexamples", &home.at("found"));
    assert_eq!(limited.status.code(), Some(2));
    let names = fs::read_dir(home.path("found"))
        .expect("a directory")
        .count();
    assert_eq!((names, home.names()), (0, vec!["found".to_string()]));
}

/// A run in which no file may have anything in it.
fn in_no_space(args: &[&str], flag: &str, path: &str) -> Output {
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_lightsout")])
        .args(args)
        .args([flag, path])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("it runs")
}

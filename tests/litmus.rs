//! Every litmus test comes out as its source says, and every row of the sources is covered.

use lightsout::litmus::{self, Detail, Error, Reason, Report, Test, Verdict};
use models::profile::{NAMES, SWITCHES};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// All of `specs/litmus`, run once.
static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/litmus");
    litmus::run(&[all]).unwrap_or_else(|error| panic!("{error}"))
});

const EXAMPLE: &str = r#"
name = "example"
question = "Can an append be lost?"
sector = 2
block = 4
setup = ["create f"]
program = ["append f 2*a"]

[[ask]]
state = ["f is empty"]
rows = [{ profiles = ["xfs"], expect = "allowed" }]
"#;

fn parse(text: &str) -> Result<Test, Error> {
    Test::parse(Path::new("example.toml"), text)
}

fn report(text: &str) -> Report {
    let test = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let outcomes = test.run();
    Report {
        tests: vec![(test, outcomes)],
    }
}

/// The example with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replace(from, to)
}

#[test]
fn every_row_is_as_expected() {
    assert!(REPORT.rows() > 500, "{} rows", REPORT.rows());
    let text = REPORT.render(Detail::Tests);
    assert_eq!(REPORT.unexpected() + REPORT.undecided(), 0, "\n{text}");
}

#[test]
fn every_row_that_is_shipped_expects_something_and_says_who_does() {
    for (test, asks) in &REPORT.tests {
        for row in asks.iter().flatten().map(|outcome| &outcome.row) {
            let says = row.verdict.is_some() && !row.source.is_empty();
            assert!(says, "{}: {}", test.path.display(), row.profile.name);
        }
    }
}

/// A state that no crash could leave anyway would be forbidden for nothing.
#[test]
fn every_forbidden_row_names_the_rules_or_the_barrier_that_forbid_it() {
    for (test, asks) in &REPORT.tests {
        for outcome in asks.iter().flatten() {
            let vacuous = matches!(outcome.reason, Reason::Never | Reason::Unknown);
            assert!(!vacuous, "{}: {:?}", test.name, outcome.row);
        }
    }
}

#[test]
fn every_allowed_row_shows_a_crash() {
    for outcome in REPORT.outcomes() {
        let allowed = outcome.answer.verdict == Verdict::Allowed;
        assert_eq!(allowed, outcome.answer.witness.is_some());
    }
}

#[test]
fn no_line_is_wider_than_100_columns() {
    for detail in [Detail::Tests, Detail::Rows, Detail::Reasons] {
        for line in REPORT.render(detail).lines() {
            assert!(line.chars().count() <= 100, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

/// Each switch changes a verdict at each of its values: the same question, asked of two profiles
/// that differ in nothing else.
#[test]
fn every_value_of_every_switch_changes_a_verdict() {
    for (switch, values) in SWITCHES {
        for pair in values.windows(2) {
            let with = |value: &str| format!(" + {switch} = {value}");
            let changes = |ask: &Vec<litmus::Outcome>| {
                ask.iter().any(|weaker| {
                    let name = &weaker.row.profile.name;
                    let stronger = name.replace(&with(pair[0]), &with(pair[1]));
                    stronger != *name
                        && weaker.answer.verdict == Verdict::Allowed
                        && ask.iter().any(|o| {
                            o.row.profile.name == stronger && o.answer.verdict == Verdict::Forbidden
                        })
                })
            };
            let mut asks = REPORT.tests.iter().flat_map(|(_, asks)| asks);
            assert!(asks.any(changes), "{switch}: {pair:?}");
        }
    }
}

/// Every row of the sources, by an id of our own.
fn sources() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut add = |parts: &[&str]| {
        let mut made = vec![String::new()];
        for part in parts {
            let words = || part.split_whitespace();
            let longer = made
                .iter()
                .flat_map(|id| words().map(move |word| format!("{id}/{word}")));
            made = longer.collect();
        }
        ids.extend(made.into_iter().map(|id| id[1..].to_string()));
    };
    // Pillai et al., OSDI '14, table 1.
    add(&[
        "alice",
        "single-sector-overwrite single-sector-append single-block-overwrite single-block-append \
         multi-block-write multi-block-prefix directory-operation overwrite-then-any \
         append-rename-then-any truncate-append-then-any append-then-append append-then-any \
         directory-operation-then-any",
        "ext2 ext2-sync ext3-wb ext3-ord ext3-dj ext4-wb ext4-ord ext4-nodelalloc ext4-dj btrfs \
         xfs xfs-wsync reiserfs",
    ]);
    // Bornholt et al., ASPLOS '16: figure 3, the litmus tests beside it, the tests in Rosette.
    add(&["ferrite", "PA ARVR ACVR", "ext4 xfs f2fs nilfs2 btrfs ufs2"]);
    add(&["ferrite", "PA", "ext4-seen"]);
    add(&["ferrite", "definition-7", "rule-1 rule-2 rule-3 rule-4"]);
    add(&[
        "ferrite",
        "ordered-same-file-overwrites ordered-two-file-overwrites implied-directory-fsync",
    ]);
    add(&[
        "ferrite",
        "ordered-dir-ops",
        "same-directory two-directories",
    ]);
    add(&[
        "ferrite",
        "create-rename create-rename+fsync",
        "seqfs advfs ext4",
    ]);
    add(&["ferrite", "replace replace+fsync", "seqfs advfs"]);
    add(&["ferrite", "two-appends two-appends+fsync", "seqfs advfs"]);
    add(&["ferrite", "append-chrome", "seqfs ext4 ext4-nodelalloc"]);
    add(&["ferrite", "append-chrome+fsync", "ext4"]);
    // Kokologiannakis et al., POPL '21.
    add(&[
        "persevere",
        "pord-rvr-at pord-rvt-at pord-MP pord-MP+fsync pord-MP+osync pord-app-mfl pord-app-sfl \
         pwbk-appapp-sfl pord-app-sbl pwbk-app-sbl pord-app-delalloc pord-app-na pord-owr-na \
         pord-owr-ooo pord-owr-sbl pord-crowr-ooo pord-crapp-ooo pord-rnm-at pord-rnm-at2 \
         pord-rnmtrapp-ord pord-owrapp-ord pjnl-owr-at pjnl-crowr-ord pjnl-app-mfl",
    ]);
    add(&["persevere", "pord-app-mbl", "delalloc nodelalloc"]);
    // Seen on Linux 6.18.
    let all = "ext4 xfs btrfs";
    add(&["kernel", "sstable", "old both-empty", all]);
    add(&["kernel", "sstable+fsync", "lost", all]);
    add(&["kernel", "log", "old", all]);
    add(&["kernel", "log", "zeros", "ext4"]);
    add(&["kernel", "replace", "old new", all]);
    add(&["kernel", "replace", "empty", "xfs"]);
    add(&["kernel", "create", "absent empty", all]);
    add(&["kernel", "create", "full", "btrfs"]);
    add(&["kernel", "replace+fsync", "old-with-tmp new", all]);
    add(&["kernel", "replace+fsync+fsync-dir", "new", all]);
    add(&["kernel", "create-fsync", "named", all]);
    add(&[
        "kernel",
        "pages",
        "ooo oon ono onn noo non nno nnn",
        "ext4 xfs",
    ]);
    add(&["kernel", "pages", "ooo nnn", "btrfs"]);
    add(&[
        "kernel",
        "failed-barrier",
        "old read-sees-new second-says-ok",
        all,
    ]);
    // The rules that are no switch, over the six profiles; what a profile is wrong without.
    add(&["R1 R4 R12 R13 R17", &NAMES.join(" ")]);
    add(&["zero-length-2009", "rename truncate"]);
    add(&["switch", &SWITCHES.map(|(switch, _)| switch).join(" ")]);
    ids
}

/// Whether an id is meant; `*` stands for any one part.
fn means(pattern: &str, id: &str) -> bool {
    let parts = |text| str::split(text, '/').collect::<Vec<_>>();
    let (pattern, id) = (parts(pattern), parts(id));
    let mut pairs = pattern.iter().zip(&id);
    pattern.len() == id.len() && pairs.all(|(p, i)| *p == "*" || p == i)
}

#[test]
fn every_row_of_the_sources_is_covered_or_said_to_be_inexpressible() {
    let sources = sources();
    assert!(sources.len() > 300, "{}", sources.len());
    let covered: BTreeSet<&str> = (REPORT.outcomes())
        .flat_map(|outcome| outcome.row.covers.iter().map(String::as_str))
        .collect();
    let excused: Vec<&str> = (REPORT.tests.iter())
        .flat_map(|(test, _)| &test.inexpressible)
        .inspect(|excuse| assert!(excuse.reason.len() > 20, "{excuse:?}"))
        .flat_map(|excuse| excuse.covers.iter().map(String::as_str))
        .collect();
    for id in &sources {
        let excused = excused.iter().any(|pattern| means(pattern, id));
        let covered = covered.contains(id.as_str());
        assert!(covered || excused, "{id} is not covered");
        assert!(
            !(covered && excused),
            "{id} is covered, and said to be inexpressible"
        );
    }
    for id in covered {
        assert!(sources.contains(id), "{id} is not a row of the sources");
    }
    for pattern in excused {
        assert!(
            sources.iter().any(|id| means(pattern, id)),
            "{pattern} excuses nothing"
        );
    }
}

#[test]
fn a_planted_wrong_verdict_is_reported() {
    assert_eq!(report(EXAMPLE).unexpected(), 0);
    let planted = report(&changed("\"allowed\"", "\"forbidden\""));
    assert_eq!(planted.unexpected(), 1);
    let text = planted.render(Detail::Tests);
    assert!(text.contains("EXPECTED forbidden"), "{text}");
    assert!(text.contains("1 not as expected"), "{text}");
}

#[test]
fn a_planted_wrong_count_is_reported() {
    let right = changed("\"allowed\"", "\"allowed\", outcomes = 2");
    assert_eq!(report(&right).unexpected(), 0);
    let wrong = changed("\"allowed\"", "\"allowed\", outcomes = 3");
    assert_eq!(report(&wrong).unexpected(), 1);
}

#[test]
fn a_test_without_rows_asks_all_six_profiles_and_says_why() {
    let rows = r#"rows = [{ profiles = ["xfs"], expect = "allowed" }]"#;
    let report = report(&changed(rows, "").replace("f is empty", "f is 2*zero"));
    assert_eq!(
        report.render(Detail::Reasons),
        "\
example
  Can an append be lost?

  durable  create f
  program  append f 2*a
  state    f is 2*zero
    strict                                        forbidden      2 outcomes
      would be allowed with R4 = no and R5 = no
    ext4-ordered                                  forbidden      2 outcomes
      would be allowed with R5 = no
    xfs                                           forbidden      2 outcomes
      would be allowed with R5 = no
    btrfs                                         forbidden      2 outcomes
      would be allowed with R5 = no
    ext4-writeback                                allowed        3 outcomes
      crash after the last operation
        kept  size of f becomes 2
        lost  bytes 0..2 of f become aa
      leaves f is 2*zero
    posix                                         allowed        4 outcomes
      crash after the last operation
        kept  size of f becomes 2
        lost  bytes 0..2 of f become aa
      leaves f is 2*zero

1 test, 6 rows
"
    );
}

#[test]
fn what_only_a_barrier_forbids_is_said_to_be_so() {
    let text = changed("\"append f 2*a\"", "\"append f 2*a\", \"fsync f\"")
        .replace("\"allowed\"", "\"forbidden\"")
        .replace("[[ask]]", "[[ask]]\ncrash = \"end\"");
    let report = report(&text);
    assert_eq!(report.unexpected(), 0);
    let barrier = Reason::Barriers(vec!["fsync f".into()]);
    assert_eq!(report.outcomes().next().map(|o| &o.reason), Some(&barrier));
}

#[test]
fn a_state_that_nothing_can_leave_is_said_to_be_so() {
    let report = report(&changed("f is empty", "f is 2*x"));
    assert_eq!(
        report.outcomes().next().map(|o| &o.reason),
        Some(&Reason::Never)
    );
}

#[test]
fn a_slip_is_answered_with_the_line_and_what_to_write() {
    for (from, to, line, says) in [
        ("question", "queston", 3, "unknown field `queston`"),
        ("rows", "row", 11, "unknown field `row`"),
        (
            "\"xfs\"",
            "\"zfs\"",
            11,
            "no profile `zfs`: name one of strict",
        ),
        ("\"allowed\"", "\"alowed\"", 11, "unknown variant `alowed`"),
        (
            "append f",
            "appnd f",
            7,
            "is not an operation: write one of `create F`",
        ),
        ("append f 2*a", "append f 2*", 7, "`2*` is not a run"),
        ("append f", "append g", 7, "no such file or directory"),
        (
            "\"create f\"",
            "\"create f\", \"create f\"",
            6,
            "the name is taken",
        ),
        (
            "f is empty",
            "f empty",
            10,
            "says nothing about a file: write one of",
        ),
        ("f is empty", "g is empty", 10, "no operation names `g`"),
        ("block = 4", "block = 3", 5, "a whole number of sectors"),
        (
            "\"allowed\"",
            "\"allowed\", with = { R99 = \"no\" }",
            11,
            "no switch `R99`",
        ),
        (
            "\"allowed\"",
            "\"allowed\", with = { R5 = \"so\" }",
            11,
            "write one of no, new-blocks",
        ),
        ("program", "crash = \"end\"\n#", 10, "no `program`"),
    ] {
        let error = parse(&changed(from, to)).expect_err(to).to_string();
        assert!(
            error.starts_with(&format!("example.toml:{line}: ")),
            "{to}: {error}"
        );
        assert!(error.contains(says), "{to}: {error}");
        assert!(!error.contains('\n'), "{to}: {error}");
    }
}

/// The first example of the README is a whole test.
#[test]
fn the_example_of_the_readme_runs() {
    let readme = include_str!("../specs/litmus/README.md");
    let example = readme
        .split("```")
        .nth(1)
        .and_then(|code| code.strip_prefix("toml"));
    let report = report(example.expect("an example"));
    assert_eq!((report.rows(), report.unexpected()), (NAMES.len(), 0));
    let text = report.render(Detail::Tests);
    assert!(text.contains("3 allowed, 3 forbidden"), "{text}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = litmus::run(&[PathBuf::from("no-such.toml")]).expect_err("it is not there");
    assert!(
        error.to_string().starts_with("cannot read no-such.toml: "),
        "{error}"
    );
}

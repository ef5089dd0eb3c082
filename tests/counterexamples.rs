//! The counterexamples that are committed, `tests/counterexamples`: each is what this version finds, reads back, is
//! explained within 100 columns, runs again on model and engine, and becomes a test.

use lightsout::check::run::{Selection, run};
use lightsout::check::search::Limits;
use lightsout::check::spec;
use lightsout::check::verdict::Verdict;
use lightsout::counterexample::{Counterexample, Script, Step};
use lightsout::explore::engines::catalogue;
use lightsout::explore::{Bounds, Profile};
use lightsout::report::explain::{explain, lines};
use lightsout::report::text::plain;
use lightsout::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DIRECTORY: &str = "tests/counterexamples";

/// Checks of models, one for each finding that a check proves, and some with a mistake, a kill, a failed barrier.
const CHECKS: [&str; 9] = [
    "bitcask/as-found/on-merge-resurrects",
    "btree/as-found/split-kill",
    "event_store/as-found/power-cut",
    "lsm/as-found/log-synced",
    "lsm/without/flush-table-barrier",
    "wal/as-found-lsm/kill-split-flush-tail-left",
    "wal/as-found-lsm/power-cut",
    "wal/as-found-module/every-acknowledged",
    "wal/mistake/cache-trusted",
];

/// Engines under exploration.
const ENGINES: [&str; 4] = [
    "btree-recovery-interrupted",
    "event-store-persist-no-durability",
    "lsm-truncate-before-sstable-sync",
    "wal-module-syncs-every-write",
];

fn committed() -> Vec<PathBuf> {
    let entries = fs::read_dir(DIRECTORY).expect("the directory");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Counterexample {
    Counterexample::read(path).unwrap_or_else(|error| panic!("{error}"))
}

fn lightsout(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command.args(args).env_remove("CI").env("NO_COLOR", "1");
    command.output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Lines of the code move.
fn without_lines(mut found: Counterexample) -> Counterexample {
    let line = |step: &mut Step| {
        if let Some(site) = &mut step.site
            && let Some((file, line)) = site.rsplit_once(':')
            && line.parse::<u32>().is_ok()
        {
            *site = file.into();
        }
    };
    found.steps.iter_mut().for_each(line);
    found
}

fn of_checks() -> Vec<Counterexample> {
    let specs = spec::read(Path::new("specs")).expect("the specs");
    let only = CHECKS.map(|id| glob::Pattern::new(id).expect("a pattern"));
    let selection = Selection {
        only: only.to_vec(),
        ..Selection::default()
    };
    let selected = selection.of(&specs).expect("checks");
    assert_eq!(selected.len(), CHECKS.len());
    let limits = Limits {
        threads: 1,
        ..Limits::default()
    };
    let judged = selected
        .iter()
        .map(|(spec, check)| run(spec, check, limits, &|_| ()).expect("it runs"));
    let found = judged.map(|judged| match judged.verdict {
        Verdict::Violates(_, found) => *found,
        other => panic!("{}: {other}", judged.id),
    });
    found.collect()
}

fn of_engines() -> Vec<Counterexample> {
    let posix = Profile::posix().with_sizes(SECTOR_BYTES, BLOCK_BYTES);
    let bounds = Bounds {
        settled: true,
        ..Bounds::default()
    };
    let all = catalogue();
    let found = ENGINES.map(|name| {
        let entry = all
            .iter()
            .find(|entry| entry.name == name)
            .expect("an engine");
        let outcome = entry.explore(&posix, &bounds, usize::MAX);
        outcome
            .counterexample
            .unwrap_or_else(|| panic!("{name}: {}", outcome.report))
    });
    found.to_vec()
}

#[test]
fn each_is_what_this_version_finds() {
    let found: Vec<_> = of_checks().into_iter().chain(of_engines()).collect();
    assert_eq!(
        found.len(),
        committed().len(),
        "one file each in {DIRECTORY}"
    );
    for found in found {
        let path = Path::new(DIRECTORY).join(format!("{}.json", found.file_name()));
        let kept = without_lines(read(&path));
        let found = without_lines(found);
        assert_eq!(
            kept.to_json(),
            found.to_json(),
            "{}: look at what changed; `--counterexamples {DIRECTORY}` writes the new one",
            path.display()
        );
    }
}

#[test]
fn each_is_the_same_when_it_is_written_again() {
    for path in committed() {
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(read(&path).to_json(), text, "{}", path.display());
    }
}

#[test]
fn power_cuts_of_real_code_are_decided_at_once() {
    for found in of_engines() {
        let Script::Code(code) = &found.script else {
            panic!("{} is real code", found.name)
        };
        assert!(!code.lazily, "{}", found.name);
    }
}

#[test]
fn each_is_explained_within_100_columns_in_a_table_and_in_lines() {
    for path in committed() {
        let found = read(&path);
        for text in [
            explain(&found, Some(&path), plain),
            lines(&found, Some(&path), plain),
        ] {
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(
                widest <= Some(100),
                "{}: {widest:?} columns\n{text}",
                path.display()
            );
            assert!(
                text.contains("promised") && text.contains(&found.broken.promise),
                "{text}"
            );
            assert!(
                text.contains("again") && text.contains("lightsout replay"),
                "{text}"
            );
            for step in &found.steps {
                for effect in &step.effects {
                    let word = effect.in_words();
                    let first = word.split_whitespace().next().expect("a word");
                    assert!(text.contains(first), "{word} is not in\n{text}");
                }
            }
        }
    }
}

#[test]
fn the_one_of_the_truncated_log_reads_like_this() {
    let path = Path::new(DIRECTORY).join("lsm-as-found-log-synced.json");
    insta::assert_snapshot!(explain(&read(&path), Some(&path), plain));
    insta::assert_snapshot!(lines(&read(&path), Some(&path), plain));
}

#[test]
fn each_runs_again_and_its_image_opens_on_real_files() {
    for path in committed() {
        let directory = tempfile::tempdir().expect("a directory");
        let image = directory.path().join("image");
        let path = path.display().to_string();
        let args = ["replay", &path];
        let output = lightsout(&args);
        let text = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{path}: {text}");
        assert!(text.contains("step by step"), "{path}: {text}");
        if text.contains("not replayed") {
            continue;
        }
        let output = lightsout(&["replay", &path, "--dir", &image.display().to_string()]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{path}: {text}");
        let opened = text
            .lines()
            .find(|line| line.starts_with("what the last crash left is in"));
        assert!(
            opened.is_some_and(|line| line.contains("on real files")),
            "{path}: {text}"
        );
        assert!(
            fs::read_dir(&image).expect("the image").next().is_some(),
            "{path}"
        );
        let refused = lightsout(&["replay", &path, "--dir", &image.display().to_string()]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{path}: {text}");
        assert!(text.contains("nothing is written over"), "{text}");
    }
}

#[test]
fn what_real_code_shows_on_real_files_is_what_it_shows_on_the_simulated_disk() {
    for found in of_engines() {
        let directory = tempfile::tempdir().expect("a directory");
        let all = catalogue();
        let entry = all
            .iter()
            .find(|entry| entry.name == found.name)
            .expect("an engine");
        let again = entry
            .replay(&found, Some(directory.path()))
            .expect("it runs");
        let last = found.steps.last().expect("a step");
        match again.on_files.expect("it was opened") {
            Ok(shown) => assert_eq!(last.client, format!("reads {shown}")),
            Err(_) => assert!(
                last.client.starts_with("the store does not open"),
                "{}",
                last.client
            ),
        }
    }
}

#[test]
fn bad_input_is_one_sentence() {
    let directory = tempfile::tempdir().expect("a directory");
    let good = fs::read_to_string(Path::new(DIRECTORY).join("lsm-as-found-log-synced.json"))
        .expect("a file");
    let older = good.replacen("\"schema\": 2", "\"schema\": 1", 1);
    let newer = good.replacen("\"schema\": 2", "\"schema\": 3", 1);
    let other_model = good.replacen("write store/1.sst", "write store/2.sst", 1);
    let other_check = good.replacen("lsm/as-found/log-synced", "lsm/as-found/gone", 1);
    let unknown = good.replacen("\"about\"", "\"abuot\"", 1);
    let long = good.replacen("\"len\": 2", "\"len\": 99999999999", 1);
    let cases: [(&str, &str, &str); 9] = [
        ("explain", &older, "of the older schema 1"),
        ("explain", &newer, "of the newer schema 3"),
        ("explain", &good[..good.len() / 2], "it was cut off"),
        ("explain", "# not JSON", "is no JSON"),
        ("explain", "{\"a\": 1}", "it has no `schema`"),
        ("explain", &unknown, "unknown field `abuot`"),
        ("explain", &long, "have it written again"),
        ("replay", &other_model, "another version of the model"),
        ("replay", &other_check, "has none of that name"),
    ];
    for (command, text, says) in cases {
        let path = directory.path().join("bad.json");
        fs::write(&path, text).expect("it is written");
        let output = lightsout(&[command, &path.display().to_string()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{says}: {error}");
        assert!(
            error.starts_with("error: ") && error.trim_end().lines().count() == 1,
            "{error}"
        );
        assert!(
            error.contains(says) && error.contains("bad.json"),
            "{says}: {error}"
        );
        assert!(stdout(&output).is_empty());
    }
    let output = lightsout(&["explain", "no/such/file.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read no/such/file.json"));
}

#[test]
fn a_counterexample_of_somebody_elses_code_is_explained_and_not_replayed_here() {
    let path = Path::new(DIRECTORY).join("lsm-truncate-before-sstable-sync-posix-d1.json");
    let text = fs::read_to_string(path).expect("a file");
    let text = text.replace("\"lsm-truncate-before-sstable-sync\"", "\"TheirStore\"");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("theirs.json");
    fs::write(&path, text).expect("it is written");
    let path = path.display().to_string();
    assert_eq!(lightsout(&["explain", &path]).status.code(), Some(0));
    let refused = lightsout(&["replay", &path]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`lightsout::explore::replay`"));
    let test = stdout(&lightsout(&["export", &path, "--test"]));
    assert!(
        test.contains("let subject = TheirStore /* your subject"),
        "{test}"
    );
}

//! Workflows rot where nobody runs them: what of them can be held to something, is.

mod command_lines;

use command_lines::{assert_accepted, in_script};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;
use std::fs;
use std::path::Path;

const WORKFLOWS: [&str; 3] = [
    ".github/workflows/ci.yml",
    ".github/workflows/nightly.yml",
    "examples/ci/lightsout.yml",
];

/// What says where results go, and which part of them: the verdicts are the same without.
const OUTPUTS: [&str; 5] = [
    "--shard",
    "--json",
    "--junit",
    "--markdown",
    "--counterexamples",
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Sequence(all) => all.iter().map(json).collect(),
        Yaml::Mapping(all) => {
            let text = |key: &Yaml<'_>| key.as_str().expect("keys are text").to_string();
            all.iter()
                .map(|(key, value)| (text(key), json(value)))
                .collect()
        }
        other => panic!("not for a workflow: {other:?}"),
    }
}

fn workflow(path: &str) -> Value {
    let documents =
        Yaml::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(documents.len(), 1, "{path}");
    json(&documents[0])
}

/// The jobs of a workflow with their names.
fn jobs(workflow: &Value) -> Vec<(&str, &Value)> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    jobs.iter()
        .map(|(name, job)| (name.as_str(), job))
        .collect()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().expect("steps")
}

/// What a job runs, with `1` for every expression.
fn script(job: &Value) -> String {
    let mut script = String::new();
    for run in steps(job).iter().filter_map(|step| step["run"].as_str()) {
        let mut parts = run.split("${{");
        script.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (_, after) = part.split_once("}}").expect("an expression that ends");
            script.push('1');
            script.push_str(after);
        }
        script.push('\n');
    }
    script
}

/// A command line without its outputs; no arguments mean `check`.
fn asks(mut line: Vec<String>) -> Vec<String> {
    while let Some(at) = line
        .iter()
        .position(|word| OUTPUTS.contains(&word.as_str()))
    {
        line.drain(at..(at + 2).min(line.len()));
    }
    if line.is_empty() {
        line.push("check".into());
    }
    line
}

#[test]
fn every_command_line_is_one_that_the_parser_accepts() {
    let mut lines = Vec::new();
    for path in WORKFLOWS {
        let workflow = workflow(path);
        lines.extend(
            jobs(&workflow)
                .into_iter()
                .flat_map(|(_, job)| in_script(&script(job))),
        );
    }
    assert!(lines.len() >= 9, "{lines:?}");
    assert_accepted(&lines);
}

#[test]
fn the_shards_of_a_matrix_are_all_of_them() {
    let mut sharded = 0;
    for path in WORKFLOWS {
        let workflow = workflow(path);
        for (name, job) in jobs(&workflow) {
            let text = job.to_string();
            let of = text.split("--shard ${{ matrix.shard }}/").skip(1);
            for of in of.map(|rest| rest.split(' ').next().unwrap_or_default()) {
                let of: u64 = of.parse().expect("a number of shards");
                let all: Value = (1..=of).collect();
                assert_eq!(job["strategy"]["matrix"]["shard"], all, "{path}: {name}");
                sharded += 1;
            }
            let mentioned = text.matches("--shard").count();
            assert_eq!(
                text.matches("--shard ${{ matrix.shard }}/").count(),
                mentioned
            );
        }
    }
    assert_eq!(sharded, 3, "check, explore and the large bounds");
}

#[test]
fn ci_does_all_that_the_gate_does() {
    let ci = workflow(WORKFLOWS[0]);
    let run: String = jobs(&ci).into_iter().map(|(_, job)| script(job)).collect();
    let asked: Vec<_> = in_script(&run).into_iter().map(asks).collect();
    let commands: Vec<&str> = run.lines().map(str::trim).collect();
    let gate = read(".ci/run");
    let other = [" ", "echo ", "if ", "#"];
    let is_ours = |line: &&str| line.contains("cargo ") || line.contains("/lightsout ");
    let gate = gate.lines().filter(is_ours);
    let gate = gate.filter(|line| !other.iter().any(|begins| line.starts_with(begins)));
    let mut held = 0;
    for line in gate {
        let there = match &in_script(line)[..] {
            [] => commands.contains(&line),
            lines => lines.iter().all(|line| asked.contains(&asks(line.clone()))),
        };
        assert!(there, "not in ci.yml: {line}");
        held += 1;
    }
    assert!(held >= 9, "{held}");
}

#[test]
fn ci_knows_the_oldest_rust_that_cargo_toml_promises() {
    let manifest: toml::Value = toml::from_str(&read("Cargo.toml")).expect("a manifest");
    let oldest = manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .expect("a version");
    let ci = workflow(WORKFLOWS[0]);
    let script = script(&ci["jobs"]["minimum-rust"]);
    assert!(
        script.contains(&format!("cargo +{oldest} check")),
        "{script}"
    );
    assert!(script.contains(&format!("install {oldest} ")), "{script}");
}

#[test]
fn a_workflow_may_little_ends_and_is_pinned() {
    for path in WORKFLOWS {
        let workflow = workflow(path);
        assert_eq!(
            workflow["permissions"].to_string(),
            r#"{"contents":"read"}"#,
            "{path}"
        );
        assert_eq!(
            workflow["concurrency"]["cancel-in-progress"], true,
            "{path}"
        );
        assert!(workflow["on"].is_object(), "{path}");
        let jobs = jobs(&workflow);
        for (name, job) in &jobs {
            assert!(job["timeout-minutes"].is_u64(), "{path}: {name}");
            for needed in job["needs"]
                .as_array()
                .into_iter()
                .flatten()
                .chain([&job["needs"]])
            {
                let needed = needed.as_str();
                assert!(needed.is_none_or(|needed| jobs.iter().any(|(name, _)| *name == needed)));
            }
            for action in steps(job).iter().filter_map(|step| step["uses"].as_str()) {
                let (_, version) = action.split_once('@').expect("a version");
                let parts = version
                    .strip_prefix('v')
                    .map(|version| version.split('.').count());
                let commit = version.len() == 40;
                assert!(parts == Some(3) || commit, "{path}: {action}");
            }
        }
    }
}

#[test]
fn what_was_found_is_kept_where_a_job_is_red_too() {
    for path in WORKFLOWS {
        let workflow = workflow(path);
        let mut kept = 0;
        for (name, job) in jobs(&workflow) {
            let mut written: Vec<String> = Vec::new();
            for step in steps(job) {
                let run = step["run"].as_str().unwrap_or_default();
                let after = run.split("--counterexamples ").skip(1);
                written.extend(
                    after
                        .filter_map(|rest| rest.split_whitespace().next())
                        .map(String::from),
                );
                let uploads = step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.contains("upload-artifact"));
                if uploads && name != "build" {
                    assert_eq!(step["if"], "always()", "{path}: {name}");
                    let path = step["with"]["path"].as_str().expect("a path");
                    written.retain(|one| !path.contains(one.split('/').next().expect("a part")));
                    kept += 1;
                }
            }
            assert!(
                written.is_empty(),
                "{path}: {name}: {written:?} are not kept"
            );
        }
        assert!(kept > 0, "{path}");
    }
}

#[test]
fn a_directory_that_results_are_written_to_is_there() {
    for path in WORKFLOWS {
        let workflow = workflow(path);
        for (name, job) in jobs(&workflow) {
            let script = script(job);
            for line in in_script(&script) {
                let files = line
                    .windows(2)
                    .filter(|pair| OUTPUTS[1..4].contains(&pair[0].as_str()));
                for (directory, _) in files.filter_map(|pair| pair[1].rsplit_once('/')) {
                    let made = script.contains(&format!("mkdir {directory}"));
                    assert!(made, "{path}: {name}: nobody makes {directory}");
                }
            }
        }
    }
}

#[test]
fn the_checking_document_shows_the_test_that_is_copied() {
    let shown = format!("```rust\n{}```\n", read("examples/ci/power_cuts.rs"));
    assert!(
        read("CHECKING.md").contains(&shown),
        "CHECKING.md shows another power_cuts.rs"
    );
}

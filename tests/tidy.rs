//! House rules that a test can hold: dependencies point one way, files stay small, nothing is ignored.

mod command_lines;

use command_lines::{assert_accepted, in_script};
use std::fs;
use std::path::{Path, PathBuf};

fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut open = vec![root];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a readable directory");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable file");
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "no sources in {directory}");
    found
}

/// The code of a file, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
}

fn names(text: &str, module: &str) -> bool {
    let forms = [
        format!("crate::{module}"),
        format!("lightsout::{module}"),
        format!("super::super::{module}"),
    ];
    code(text).any(|line| forms.iter().any(|form| line.contains(form)))
}

fn names_models(text: &str) -> bool {
    code(text).any(|line| line.contains("models::"))
}

fn assert_names_none(directory: &str, modules: &[&str]) {
    for (path, text) in sources(directory) {
        for module in modules {
            assert!(!names(&text, module), "{} names {module}", path.display());
        }
    }
}

#[test]
fn an_engine_knows_storage_and_sync_only() {
    assert_names_none(
        "src/engine",
        &["check", "report", "conform", "explore", "cli", "litmus"],
    );
    for (path, text) in sources("src/engine") {
        assert!(!names_models(&text), "{} names models", path.display());
    }
}

#[test]
fn a_soak_knows_engines_and_storage_only() {
    let others = [
        "check",
        "cli",
        "conform",
        "counterexample",
        "explore",
        "interrupt",
        "litmus",
        "parallel",
        "report",
        "simfs",
        "sync",
    ];
    assert_names_none("src/soak", &others);
    for (path, text) in sources("src/soak") {
        assert!(!names_models(&text), "{} names models", path.display());
    }
}

#[test]
fn storage_knows_no_engine_and_only_the_simulated_one_knows_the_disk() {
    assert_names_none(
        "src/storage",
        &["engine", "check", "report", "conform", "explore", "litmus"],
    );
    for (path, text) in sources("src/storage") {
        let simulated = path
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("simulated"));
        assert!(
            simulated || !names_models(&text),
            "{} names models",
            path.display()
        );
    }
}

#[test]
fn only_conform_sees_models_and_engines() {
    for (path, text) in sources("src") {
        let conform = path
            .components()
            .any(|part| part.as_os_str() == "conform" || part.as_os_str() == "conform.rs");
        let both = names_models(&text) && names(&text, "engine");
        assert!(
            conform || !both,
            "{} sees models and engines",
            path.display()
        );
    }
}

#[test]
fn models_name_nothing_of_ours_and_do_no_io() {
    for (path, text) in sources("models/src") {
        for word in [
            "lightsout::",
            "std::fs",
            "std::io",
            "std::net",
            "std::time",
            "std::thread",
            "rand::",
        ] {
            let found = code(&text).any(|line| line.contains(word));
            assert!(!found, "{} names {word}", path.display());
        }
    }
}

#[test]
fn the_dependency_test_can_fail() {
    assert!(names("use crate::engine::wal;", "engine"));
    assert!(!names("// use crate::engine::wal;", "engine"));
    assert!(names_models("use models::disk::Disk;"));
}

#[test]
fn no_test_is_ignored_and_no_file_is_a_novel() {
    for directory in [
        "src",
        "models/src",
        "tests",
        "models/tests",
        "examples/others",
    ] {
        for (path, text) in sources(directory) {
            let ignored = ["#[ign", "ore"].concat();
            assert!(
                !text.contains(&ignored),
                "{} ignores a test",
                path.display()
            );
            let lines = text.lines().count();
            let limit = if directory.ends_with("tests") {
                1_000
            } else {
                500
            };
            assert!(lines <= limit, "{} has {lines} lines", path.display());
        }
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_changelog_has_this_version_and_what_is_to_come_in_the_usual_form() {
    let changelog = read("CHANGELOG.md");
    let versions: Vec<&str> = (changelog.lines())
        .filter_map(|line| line.strip_prefix("## ["))
        .filter_map(|line| Some(line.split_once(']')?.0))
        .collect();
    let expected = ["Unreleased", env!("CARGO_PKG_VERSION")];
    assert_eq!(versions.get(..2), Some(&expected[..]), "the first two");
    let groups = [
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    ];
    for group in (changelog.lines()).filter_map(|line| line.strip_prefix("### ")) {
        assert!(groups.contains(&group), "{group}");
    }
}

#[test]
fn both_licences_are_there_and_every_package_and_the_readme_say_so() {
    let apache = read("LICENSE-APACHE");
    assert!(apache.contains("Version 2.0, January 2004") && apache.lines().count() == 202);
    assert!(read("LICENSE-MIT").starts_with("MIT License"));
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("\nlicense = \"MIT OR Apache-2.0\"\n"));
    for package in [
        "Cargo.toml",
        "models/Cargo.toml",
        "examples/others/Cargo.toml",
    ] {
        let package = read(package);
        assert!(
            package.contains("\nlicense.workspace = true\n"),
            "{package}"
        );
    }
    let own = read("models/LICENSE-APACHE") + &read("models/LICENSE-MIT");
    assert_eq!(
        own,
        apache + &read("LICENSE-MIT"),
        "a package brings them along"
    );
    let readme = read("README.md");
    assert!(readme.contains("(LICENSE-MIT)") && readme.contains("(LICENSE-APACHE)"));
}

/// What a document tells its reader to type: blocks of `sh`, and code within a sentence.
fn told(document: &str) -> Vec<Vec<String>> {
    let mut script = String::new();
    for (place, block) in document.split("```").enumerate() {
        match block.strip_prefix("sh\n") {
            Some(lines) => script.push_str(lines),
            None if place % 2 == 0 => {
                let code = block.split('`').skip(1).step_by(2);
                let lines = code.filter(|code| !code.contains(" = ")); // a dependency
                lines.for_each(|code| script.push_str(&format!("{code}\n")));
            }
            None => {}
        }
    }
    in_script(&script)
}

#[test]
fn the_commands_of_the_documents_are_commands_of_the_binary() {
    let mut least = [6, 15].into_iter();
    for document in ["README.md", "CHECKING.md"] {
        let lines = told(&read(document));
        assert!(
            lines.len() >= least.next().expect("one each"),
            "{document}: {lines:?}"
        );
        assert_accepted(&lines);
    }
}

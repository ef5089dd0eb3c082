//! Verdicts in CI: the files a run writes, parts of a run, the ratchet, an end before the end.

mod files;
mod interrupts;
mod ratchet;
mod shards;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CI");
    command
}

fn lightsout(args: &[&str]) -> Output {
    command().args(args).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// It ends with that code; says what it wrote.
fn ends(code: i32, args: &[&str]) -> String {
    let output = lightsout(args);
    let error = String::from_utf8_lossy(&output.stderr);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}{error}");
    text
}

/// The error: one sentence on one line, exit 2, no panic.
fn refusal(args: &[&str]) -> String {
    let output = lightsout(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    let is_line = text.starts_with("error: ") && text.trim_end().lines().count() == 1;
    assert!(is_line && !text.contains("panicked"), "{text}");
    text
}

/// A directory for specs and for what is written.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// With the specs of the log and the lock.
    fn with_specs() -> Self {
        let home = Self::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
        for name in ["contract.toml", "wal.toml", "verdicts.lock"] {
            fs::copy(source.join(name), home.path(name)).expect("copied");
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

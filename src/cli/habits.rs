//! What people expect of a command: examples under `--help`, completions for their shell, pages for `man`.
//!
//! `tests/habits.rs` holds each example to the parser.

use super::{Cli, print};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use lightsout::check::Error;
use lightsout::check::verdict::Exit;
use std::fs;
use std::path::Path;

/// The name that the command goes by.
const NAME: &str = "lightsout";

pub(super) const LIGHTSOUT: &str = "\
Examples:
  lightsout                          # every check of specs/
  lightsout check lsm                # the checks of one engine
  lightsout explore lsm --faults 1   # a real engine, with one call that goes wrong
  lightsout explain found.json       # a counterexample, to read
  lightsout litmus my.toml           # which states can a crash leave?

Exit codes: 0 every verdict as expected, 1 a verdict differs, 2 usage, spec, I/O or a broken
harness, 3 inconclusive.";

pub(super) const CHECK: &str = "\
Examples:
  lightsout check lsm
  lightsout check --only 'wal/as-found-lsm/*' --show
  lightsout check wal --profile ext4-ordered --bounds operations=2
  lightsout check lsm --bounds large
  lightsout check --time-limit 5 --json out.json";

pub(super) const LITMUS: &str = "\
Examples:
  lightsout litmus
  lightsout litmus --verbose specs/litmus/create-via-rename.toml";

pub(super) const EXPLORE: &str = "\
Examples:
  lightsout explore wal
  lightsout explore lsm --profile posix --operations 6 --faults 1
  lightsout explore lsm --profile posix --operations 5 --audit
  lightsout explore lsm-wal-no-fsync --rules --show";

pub(super) const MERGE: &str = "\
Examples:
  lightsout merge results/*.json --junit all.xml --markdown all.md";

pub(super) const LIST: &str = "\
Examples:
  lightsout list
  lightsout list --specs my/specs";

pub(super) const DEMO: &str = "\
Examples:
  lightsout demo lsm a/new/directory";

pub(super) const DEMO_LSM: &str = DEMO;

pub(super) const SOAK: &str = "\
Examples:
  lightsout soak lsm --seconds 60
  lightsout soak all --kills 500 --threads 8 --sync every-10
  lightsout soak wal bitcask --seconds 3600 --dir a/disk/that/is/empty

Exit codes: 0 every promise kept, 1 one broken (its store is kept), 2 usage, I/O, or a process that
ended by itself, 3 interrupted.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  lightsout completions bash > ~/.local/share/bash-completion/completions/lightsout
  lightsout completions zsh > ~/.zfunc/_lightsout
  lightsout completions fish > ~/.config/fish/completions/lightsout.fish";

pub(super) const MAN: &str = "\
Examples:
  lightsout man | man -l -
  lightsout man --dir ~/.local/share/man/man1";

/// The completions of a shell, on standard output.
pub(super) fn completions(shell: Shell) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut offered(), NAME, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Expected as u8)
}

/// The command without what only the program itself asks for: `clap_complete` would offer that.
fn offered() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|one| !one.is_hide_set());
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments())
        .subcommands(shown)
}

/// The page of the whole on standard output, or in a directory one for each command.
pub(super) fn man(directory: Option<&Path>) -> Result<u8, Error> {
    let path = directory.unwrap_or(Path::new("standard output"));
    let io = |doing| {
        let path = path.to_path_buf();
        move |source| Error::Io {
            doing,
            path,
            source,
        }
    };
    // Every command has a page: `help COMMAND` needs none.
    let command = Cli::command().disable_help_subcommand(true);
    if let Some(directory) = directory {
        fs::create_dir_all(directory).map_err(io("make"))?;
        clap_mangen::generate_to(command, directory).map_err(io("write pages to"))?;
    } else {
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .map_err(io("write a page to"))?;
        print(&String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Expected as u8)
}

//! `lightsout merge`.

use super::outputs::{Outputs, finish, summary};
use super::{Cli, Command, check, explore};
use clap::{Args, Parser};
use lightsout::check::Error;
use lightsout::report::merge::merge;
use lightsout::report::plan::Plan;
use lightsout::report::results::{Entry, Results};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// What --json wrote, of each part of a run.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

pub(super) fn run(directory: &Path, args: &MergeArgs) -> Result<u8, Error> {
    let read = |path: &PathBuf| Ok((path.display().to_string(), Results::read(path)?));
    let parts: Vec<(String, Results)> =
        args.files.iter().map(read).collect::<Result<_, Error>>()?;
    let Some((name, first)) = parts.first() else {
        return Err(Error::Usage("there is nothing to merge".into()));
    };
    let command = ["lightsout".to_string(), first.kind.to_string()];
    let selected = Cli::try_parse_from(command.iter().chain(&first.selection));
    let put = |plan: &Plan| -> Result<Vec<Entry>, Error> {
        merge(parts.clone(), plan).map_err(Error::Usage)
    };
    let results = match selected.map(|cli| cli.command) {
        Ok(Some(Command::Check(args))) => check::merged(directory, &args, put)?,
        Ok(Some(Command::Explore(args))) => explore::merged(directory, &args, put)?,
        _ => {
            return Err(Error::Usage(format!(
                "{name} says that it has selected `{}`, which is no selection",
                first.selection.join(" ")
            )));
        }
    };
    summary(&results)?;
    finish(&args.outputs, &results)
}

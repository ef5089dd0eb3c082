//! `lightsout explain`.

use super::{paint, print};
use clap::Args;
use lightsout::check::Error;
use lightsout::check::replace::replace;
use lightsout::counterexample::Counterexample;
use lightsout::report::{explain, html};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    lightsout explain lsm-as-found-log-synced.json\n  \
    lightsout explain lsm-as-found-log-synced.json --html lsm.html")]
pub(super) struct ExplainArgs {
    /// The counterexample, as `--counterexamples` or a failing test wrote it.
    file: PathBuf,
    /// A line for each step instead of a table: for a screen reader.
    #[arg(long)]
    lines: bool,
    /// Write a page there, with pictures, instead of text. One file, which needs no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(args: &ExplainArgs) -> Result<u8, Error> {
    let found = Counterexample::read(&args.file)?;
    if let Some(page) = &args.html {
        replace(page, &html::page(&found))?;
        print(&format!(
            "{} is written: open it in a browser\n",
            page.display()
        ))?;
        return Ok(0);
    }
    print(&match args.lines {
        true => explain::lines(&found, Some(&args.file), paint),
        false => explain::explain(&found, Some(&args.file), paint),
    })?;
    Ok(0)
}

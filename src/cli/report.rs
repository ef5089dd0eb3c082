//! `lightsout report`.

use super::{CheckArgs, check, explore, print};
use clap::Args;
use lightsout::check::{Error, spec};
use lightsout::report::pages;
use lightsout::report::results::Results;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    lightsout report --html report\n  \
    lightsout report --html report results/check.json results/explore.json")]
pub(super) struct ReportArgs {
    /// Results, as `check --json`, `explore --json` or `merge --json` wrote them; if none is given, both are run first.
    results: Vec<PathBuf>,
    /// Write the pages there: `index.html`, and one for each counterexample.
    #[arg(long, value_name = "DIR", required = true)]
    html: PathBuf,
}

pub(super) fn run(specs: &Path, args: &ReportArgs) -> Result<u8, Error> {
    let all = match &args.results[..] {
        [] => run_both(specs)?,
        files => files
            .iter()
            .map(|file| Results::read(file))
            .collect::<Result<_, _>>()?,
    };
    let (index, pages) = pages::write(&args.html, &spec::read(specs)?, &all)?;
    print(&format!(
        "{pages} pages are written: open {} in a browser\n",
        index.display()
    ))?;
    let exits = all.iter().map(Results::exit);
    Ok(exits
        .reduce(|one, other| one.worse(other))
        .map_or(0, |exit| exit as u8))
}

/// Checks every protocol and explores every engine.
fn run_both(specs: &Path) -> Result<Vec<Results>, Error> {
    let (models, _) = check::results(specs, &CheckArgs::default())?;
    print("\n")?;
    let (code, _) = explore::results(specs, &explore::ExploreArgs::default())?;
    print("\n")?;
    Ok(vec![models, code])
}

//! `lightsout export`.

use super::print;
use clap::{ArgGroup, Args};
use lightsout::check::again::again;
use lightsout::check::{Error, spec};
use lightsout::counterexample::{Counterexample, Script};
use lightsout::explore::engines::catalogue;
use lightsout::explore::export::test_of;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true),
    after_help = "Examples:\n  \
    lightsout export lsm-as-found-log-synced.json --test >> tests/durability.rs\n  \
    lightsout export lsm-as-found-log-synced.json --itf > lsm.itf.json"
)]
pub(super) struct ExportArgs {
    /// The counterexample.
    file: PathBuf,
    /// As a `#[test]` that explores what its client asked for: it fails as long as a crash there breaks the promise, and
    /// passes once the engine is mended.
    #[arg(long, group = "what")]
    test: bool,
    /// As a trace in the Informal Trace Format, which viewers of other model checkers read.
    #[arg(long, group = "what")]
    itf: bool,
}

pub(super) fn run(specs: &Path, args: &ExportArgs) -> Result<u8, Error> {
    let found = Counterexample::read(&args.file)?;
    print(&match args.itf {
        true => format!("{:#}\n", lightsout::counterexample::itf::itf(&found)),
        false => test(specs, &found, args)?,
    })?;
    Ok(0)
}

fn test(specs: &Path, found: &Counterexample, args: &ExportArgs) -> Result<String, Error> {
    let no_test = |why: String| {
        Error::Usage(format!(
            "no test can be made of {}: {why}",
            args.file.display()
        ))
    };
    match &found.script {
        Script::Model { .. } => {
            let again = again(&spec::read(specs)?, found, &args.file)?;
            let engine = again
                .engine
                .ok_or_else(|| no_test("it is only a model's".into()))?;
            let replayed = engine
                .replayed
                .ok_or_else(|| no_test(engine.says.clone()))?;
            replayed.test(found).map_err(no_test)
        }
        Script::Code(_) => {
            let all = catalogue();
            match all.iter().find(|entry| entry.name == found.name) {
                Some(entry) => entry.test(found).map_err(no_test),
                None => test_of(found).ok_or_else(|| no_test("it has no script".into())),
            }
        }
    }
}

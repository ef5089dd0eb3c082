//! `lightsout replay`.

use super::print;
use clap::Args;
use lightsout::check::again::{again, first_difference};
use lightsout::check::verdict::Exit;
use lightsout::check::{Error, spec};
use lightsout::counterexample::{Counterexample, Script, image};
use lightsout::explore::engines::{Entry, catalogue};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    lightsout replay lsm-as-found-log-synced.json\n  \
    lightsout replay lsm-as-found-log-synced.json --dir image\n\n\
    Exit codes: 0 it breaks the promise as it is written down, 1 it does not any more, 2 it cannot be run.")]
pub(super) struct ReplayArgs {
    /// The counterexample.
    file: PathBuf,
    /// Write what the last crash left there, as real files, and open the real engine on them.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(specs: &Path, args: &ReplayArgs) -> Result<u8, Error> {
    let found = Counterexample::read(&args.file)?;
    let exit = match &found.script {
        Script::Model { .. } => on_the_model(specs, &found, args)?,
        Script::Code(_) => on_the_engine(&found, args)?,
    };
    Ok(exit as u8)
}

fn on_the_model(specs: &Path, found: &Counterexample, args: &ReplayArgs) -> Result<Exit, Error> {
    let specs = spec::read(specs)?;
    let again = again(&specs, found, &args.file)?;
    print(&format!(
        "the model of {} breaks {} by this script, step by step as it is written down\n",
        found.name, found.broken.promise
    ))?;
    if let Some(engine) = &again.engine {
        print(&format!("{}\n", engine.says))?;
    }
    if let Some(dir) = &args.dir {
        let engine = again
            .engine
            .as_ref()
            .and_then(|engine| engine.replayed.as_ref());
        let left = engine.and_then(|engine| engine.left.as_ref().map(|left| (engine, left)));
        let (engine, left) = left.ok_or_else(|| {
            Error::Usage(format!(
                "nothing is written to {}: no real engine ran this script up to a crash",
                dir.display()
            ))
        })?;
        image::write(left, dir).map_err(Error::Usage)?;
        print(&opened(dir, &engine.on_files(dir)))?;
    }
    if let Some(parted) = &again.parted {
        print(&format!("{parted}\n"))?;
        return Ok(Exit::Differs);
    }
    Ok(Exit::Expected)
}

fn on_the_engine(found: &Counterexample, args: &ReplayArgs) -> Result<Exit, Error> {
    let all = catalogue();
    let entry = all.iter().find(|entry| entry.name == found.name);
    let entry: &Entry = entry.ok_or_else(|| {
        Error::Usage(format!(
            "{} is a counterexample of `{}`, which is no engine of this program: call `lightsout::explore::replay` in \
             a test of the code that it is of",
            args.file.display(),
            found.name
        ))
    })?;
    let replayed = entry.replay(found, args.dir.as_deref());
    let replayed = replayed.map_err(Error::Usage)?;
    match first_difference(&found.steps, &replayed.steps) {
        None => print(
            "the real engine, on simulated storage, does what is written down, step by step\n",
        )?,
        Some(difference) => print(&format!(
            "the real engine, on simulated storage, does something else by now: {difference}\n"
        ))?,
    }
    if let (Some(dir), Some(shown)) = (&args.dir, &replayed.on_files) {
        print(&opened(dir, shown))?;
    }
    match &replayed.breach {
        Some((breach, says)) => {
            print(&format!(
                "it breaks {}: {breach}: {says}\n",
                found.broken.promise
            ))?;
            Ok(Exit::Expected)
        }
        None => {
            print(&format!(
                "it breaks nothing by this script; whether it keeps its promises, `lightsout explore {}` says\n",
                found.name
            ))?;
            Ok(Exit::Differs)
        }
    }
}

/// What the engine makes of the files that a crash left.
fn opened(dir: &Path, shown: &Result<String, String>) -> String {
    match shown {
        Ok(shown) => format!(
            "what the last crash left is in {}; the engine opened it there, on real files, and reads {shown}\n",
            dir.display()
        ),
        Err(why) => format!(
            "what the last crash left is in {}; the engine does not open it there, on real files: {why}\n",
            dir.display()
        ),
    }
}

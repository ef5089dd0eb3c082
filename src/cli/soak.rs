//! `lightsout soak`.

use super::progress::Bar;
use super::{interrupt, paint, print};
use clap::Args;
use lightsout::check::Error;
use lightsout::check::verdict::Exit;
use lightsout::report::text::Tone;
use lightsout::soak::{self, ENGINES, Engine, Outcome, Soak, Tally, Until, named, sync_mode};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a child is asked for.
pub(super) const CHILD: &str = "soak-child";

#[derive(Debug, Args)]
pub(super) struct SoakArgs {
    /// Engines, one after another; `all` for all of them.
    #[arg(required = true, value_name = "ENGINE")]
    engines: Vec<String>,
    /// Seconds for each engine.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Kills for each engine; with --seconds, whichever comes first.
    #[arg(long, value_name = "N")]
    kills: Option<u64>,
    /// Threads that write, at most 64.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// When a write is synced: `every`, `every-N` or `never`. A kill takes nothing that returned, in any of them.
    #[arg(long, value_name = "MODE", default_value = "every")]
    sync: String,
    /// What operations do, and when kills come, follows from it; from the clock if left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A directory that is empty or not there yet, for the stores; a temporary one if left out.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Say what is done before it is done: this must be found out.
    #[arg(long, hide = true)]
    lies: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChildArgs {
    /// The store.
    store: PathBuf,
    /// What to do with it.
    job: String,
}

pub(super) fn child(args: &ChildArgs) -> Result<u8, Error> {
    soak::child(&args.store, &args.job).map_err(Error::Usage)?;
    Ok(Exit::Expected as u8)
}

pub(super) fn run(args: &SoakArgs) -> Result<u8, Error> {
    let engines = engines(&args.engines)?;
    let until = until(args)?;
    let sync = sync_mode(&args.sync).ok_or_else(|| {
        let told = &args.sync;
        Error::Usage(format!(
            "--sync {told} is none of `every`, `every-N` and `never`"
        ))
    })?;
    let program = std::env::current_exe().map_err(io("find", Path::new("this program")))?;
    let interrupt = interrupt::listen()?;
    let seed = args.seed.unwrap_or_else(by_the_clock);
    let dir = directory(args.dir.as_deref())?;
    print(&format!("seed {seed}\n"))?;
    let mut exit = Exit::Expected;
    for engine in engines {
        let home = dir.join(engine.name);
        fs::create_dir(&home).map_err(io("make", &home))?;
        let soak = Soak {
            engine,
            threads: args.threads,
            sync,
            seed,
            lies: args.lies,
            program: program.clone(),
            arguments: vec![CHILD.into()],
            home,
        };
        exit = exit.worse(one(&soak, until, &|| interrupt.is_set())?);
        if interrupt.is_set() {
            break;
        }
    }
    if args.dir.is_none() {
        // What shows that a promise was broken stays: then it is not empty.
        let _ = fs::remove_dir(&dir);
    }
    Ok(exit as u8)
}

/// Soaks an engine, and says what came of it.
fn one(soak: &Soak, until: Until, is_interrupted: &dyn Fn() -> bool) -> Result<Exit, Error> {
    let name = soak.engine.name;
    let mut tally = Tally::default();
    let bar = Bar::counting(name);
    let ended = soak.run(until, is_interrupted, &mut |far| {
        tally = *far;
        if let Some(bar) = &bar {
            bar.say(counts(far));
        }
    });
    drop(bar);
    let (exit, words) = match ended.map_err(error)? {
        Outcome::Kept => (Exit::Expected, paint(Tone::Good, "as expected")),
        Outcome::Interrupted => (Exit::Inconclusive, "interrupted".into()),
        Outcome::Broken { how, again } => {
            let (bad, how) = (paint(Tone::Bad, "BROKEN"), filled(&how));
            (Exit::Differs, format!("{bad}\n\n{how}\nagain: {again}\n"))
        }
    };
    print(&format!("{name:<12} {}: {words}\n", counts(&tally)))?;
    Ok(exit)
}

fn counts(tally: &Tally) -> String {
    let plural = |count: u64, one: &str, more: &str| {
        format!("{count} {}", if count == 1 { one } else { more })
    };
    format!(
        "{} of {}, {} acknowledged, {} under way found, {} struck maintenance",
        plural(tally.kills, "kill", "kills"),
        plural(tally.stores, "store", "stores"),
        plural(tally.acknowledged, "operation", "operations"),
        tally.under_way,
        tally.struck
    )
}

/// A paragraph of at most a hundred columns; no path is broken.
fn filled(words: &str) -> String {
    let options = textwrap::Options::new(100)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(words, options)
}

fn engines(names: &[String]) -> Result<Vec<&'static Engine>, Error> {
    let mut engines: Vec<&'static Engine> = Vec::new();
    for name in names {
        let more = match (name.as_str(), named(name)) {
            ("all", _) => ENGINES.to_vec(),
            (_, Some(engine)) => vec![engine],
            (_, None) => {
                let known: Vec<&str> = ENGINES.iter().map(|engine| engine.name).collect();
                return Err(Error::Usage(format!(
                    "there is no engine `{name}` to soak: it is one of {}, or all",
                    known.join(", ")
                )));
            }
        };
        for engine in more {
            if engines.iter().all(|other| other.name != engine.name) {
                engines.push(engine);
            }
        }
    }
    Ok(engines)
}

fn until(args: &SoakArgs) -> Result<Until, Error> {
    if args.seconds.is_none() && args.kills.is_none() {
        return Err(Error::Usage(
            "a soak has no end of its own: say --seconds N or --kills N".into(),
        ));
    }
    Ok(Until {
        kills: args.kills.unwrap_or(u64::MAX),
        time: args.seconds.map_or(Duration::MAX, Duration::from_secs),
    })
}

fn by_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| u64::from(now.subsec_nanos()) ^ now.as_secs())
}

/// Where stores are made.
fn directory(asked: Option<&Path>) -> Result<PathBuf, Error> {
    let Some(dir) = asked else {
        let temporary = tempfile::Builder::new().prefix("lightsout-soak-").tempdir();
        let temporary = temporary.map_err(io("make a directory in", &std::env::temp_dir()))?;
        return Ok(temporary.keep());
    };
    match fs::create_dir(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made.map_err(io("make", dir))?,
    }
    let mut entries = fs::read_dir(dir).map_err(io("look into", dir))?;
    match entries.next() {
        None => Ok(dir.to_path_buf()),
        Some(_) => Err(Error::Usage(format!(
            "{} has files in it; name a directory that is empty or not there yet",
            dir.display()
        ))),
    }
}

fn io<'p>(doing: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Error + use<'p> {
    move |source| Error::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

fn error(error: soak::Error) -> Error {
    match error {
        soak::Error::Io {
            doing,
            path,
            source,
        } => Error::Io {
            doing,
            path,
            source,
        },
        other => Error::Usage(other.to_string()),
    }
}

//! The command line: thin. What a command does stands in the library.

mod check;
mod demo;
mod explore;
mod explorer;
mod list;
mod litmus;
mod memory;

use clap::{Args, Parser, Subcommand};
use lightsout::report::text::Tone;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "lightsout",
    version,
    about = "When the lights go out, is every acknowledged write still there?",
    after_help = "Exit codes: 0 every verdict as expected, 1 a verdict differs, 2 usage, spec, I/O or \
                  a broken harness, 3 inconclusive."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where the specs are.
    #[arg(long, global = true, default_value = "specs", value_name = "DIR")]
    specs: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the protocols, all of them or some; the default.
    Check(CheckArgs),
    /// Ask which states a crash can leave, by litmus tests.
    Litmus {
        /// Files with litmus tests; all of `specs/litmus` if none is given.
        files: Vec<PathBuf>,
        /// Show every row, with fates and rules, not only the unexpected ones.
        #[arg(long, short)]
        verbose: bool,
    },
    /// Explore real engines: recover every state that a crash could leave, at every storage call.
    Explore(explore::ExploreArgs),
    /// Walk through the states of a model in a browser, with stateright's Explorer.
    Explorer(explorer::ExplorerArgs),
    /// List engines, variants, invariants, findings, checks and profiles.
    List,
    /// See a real engine at work: loaded, read, killed while it writes, opened again.
    #[command(subcommand)]
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
enum Demo {
    /// The LSM tree.
    Lsm(DemoArgs),
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// A directory that is empty or not there yet; it is made, and kept.
    dir: PathBuf,
    /// Write until killed: what the demo starts.
    #[arg(long, hide = true)]
    child: bool,
}

#[derive(Debug, Default, Args)]
struct CheckArgs {
    /// Only this engine.
    engine: Option<String>,
    /// Only checks whose id matches: `wal/durable*`. Can be given again.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// On this profile instead of the spec's.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// With these bounds instead of the spec's: `operations=3,crashes=1`.
    #[arg(long, value_name = "NAME=N,..", value_delimiter = ',')]
    bounds: Vec<String>,
    /// Threads: so many checks run at a time; as many as there are cores if left out. Memory is counted with one.
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Seconds for each check; one that needs more is inconclusive.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
    /// Write the results there as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print the counterexample of every violation, the expected ones too.
    #[arg(long)]
    show: bool,
    /// Write what is found into specs/verdicts.lock and CHECKING.md.
    #[arg(long)]
    bless: bool,
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Check(CheckArgs::default())) {
        Command::Check(args) => check::run(&cli.specs, &args),
        Command::Litmus { files, verbose } => litmus::run(&cli.specs, &files, verbose),
        Command::Explore(args) => explore::run(&args),
        Command::Explorer(args) => explorer::run(&cli.specs, &args),
        Command::List => list::run(&cli.specs),
        Command::Demo(Demo::Lsm(args)) => demo::run(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Writes results; a reader that went away is no error.
fn print(text: &str) -> Result<(), lightsout::check::Error> {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let path = PathBuf::from("standard output");
            Err(lightsout::check::Error::Io {
                doing: "write to",
                path,
                source: error,
            })
        }
        _ => Ok(()),
    }
}

/// Colour, which `anstream` takes away where there is no terminal for it.
fn paint(tone: Tone, text: &str) -> String {
    use anstyle::{AnsiColor, Style};
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Faint => Style::new().dimmed(),
    };
    format!("{style}{text}{style:#}")
}

/// Whether progress has somebody to look at it.
fn watched() -> bool {
    std::io::stderr().is_terminal()
}

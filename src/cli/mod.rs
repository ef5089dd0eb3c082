//! The command line: thin. What a command does stands in the library.

mod check;
mod demo;
mod explain;
mod explore;
mod explorer;
mod export;
mod habits;
mod interrupt;
mod list;
mod litmus;
mod memory;
mod merge;
mod outputs;
mod progress;
mod replay;
mod report;
mod soak;

use clap::{Args, Parser, Subcommand};
use lightsout::report::text::Tone;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "lightsout",
    version,
    about = "When the lights go out, is every acknowledged write still there?",
    after_help = habits::LIGHTSOUT
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
    #[command(after_help = habits::CHECK)]
    Check(CheckArgs),
    /// Ask which states a crash can leave, by litmus tests.
    #[command(after_help = habits::LITMUS)]
    Litmus {
        /// Files with litmus tests; all of `specs/litmus` if none is given.
        files: Vec<PathBuf>,
        /// Show every row, with fates and rules, not only the unexpected ones.
        #[arg(long, short)]
        verbose: bool,
    },
    /// Explore real engines: recover every state that a crash could leave, at every storage call.
    #[command(after_help = habits::EXPLORE)]
    Explore(explore::ExploreArgs),
    /// Explain a counterexample: in the terminal, or as a page.
    Explain(explain::ExplainArgs),
    /// Run a counterexample again: on the model, on the real engine, on real files.
    Replay(replay::ReplayArgs),
    /// Make a test of a counterexample, or a trace for other viewers.
    Export(export::ExportArgs),
    /// Put the results of the parts of a run together, which --shard and --json wrote, and judge all of it.
    #[command(after_help = habits::MERGE)]
    Merge(merge::MergeArgs),
    /// A whole run as pages: verdicts, findings, coverage, and each counterexample.
    Report(report::ReportArgs),
    /// Walk through the states of a model in a browser, with stateright's Explorer.
    Explorer(explorer::ExplorerArgs),
    /// List engines, variants, invariants, findings, checks and profiles.
    #[command(after_help = habits::LIST)]
    List,
    /// See a real engine at work: loaded, read, killed while it writes, opened again.
    #[command(subcommand, after_help = habits::DEMO)]
    Demo(Demo),
    /// Write real stores with threads, kill the process at random, open them again: is all there that it was told?
    #[command(after_help = habits::SOAK)]
    Soak(soak::SoakArgs),
    /// Write until killed: what `soak` starts.
    #[command(name = soak::CHILD, hide = true)]
    SoakChild(soak::ChildArgs),
    /// Print the completions of a shell.
    #[command(after_help = habits::COMPLETIONS)]
    Completions {
        /// The shell that is to read them.
        shell: clap_complete::Shell,
    },
    /// Print the page for `man`, or write one for each command.
    #[command(after_help = habits::MAN)]
    Man {
        /// Write a page for each command there, instead of printing the first.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum Demo {
    /// The LSM tree.
    #[command(after_help = habits::DEMO_LSM)]
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
    /// The I-th of N parts, which `lightsout merge` puts together.
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    #[command(flatten)]
    outputs: outputs::TimedOutputs,
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
        Command::Explore(args) => explore::run(&cli.specs, &args),
        Command::Report(args) => report::run(&cli.specs, &args),
        Command::Explorer(args) => explorer::run(&cli.specs, &args),
        Command::Merge(args) => merge::run(&cli.specs, &args),
        Command::Explain(args) => explain::run(&args),
        Command::Replay(args) => replay::run(&cli.specs, &args),
        Command::Export(args) => export::run(&cli.specs, &args),
        Command::List => list::run(&cli.specs),
        Command::Demo(Demo::Lsm(args)) => demo::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::SoakChild(args) => soak::child(&args),
        Command::Completions { shell } => habits::completions(shell),
        Command::Man { dir } => habits::man(dir.as_deref()),
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

//! `lightsout explore`.

mod chosen;

use super::check::{refuse_to_bless, shard};
use super::outputs::TimedOutputs;
use super::progress::Bars;
use super::{interrupt, paint, print};
use chosen::{Chosen, is_default};
use clap::Args;
use lightsout::check::Error;
use lightsout::check::lock::Kind;
use lightsout::check::verdict::Exit;
use lightsout::explore::engines::{self, Outcome};
use lightsout::explore::{Bounds, Mode, Progress, States, Verdict};
use lightsout::interrupt::Interrupt;
use lightsout::parallel::in_order;
use lightsout::report::explain::explain;
use lightsout::report::plan::{Plan, Shard};
use lightsout::report::results::{Entry, Results, exploration_id, kept};
use lightsout::report::text::Tone;
use lightsout::report::timings::{Timing, Timings};
use std::cmp::Reverse;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, Default, Args)]
pub(super) struct ExploreArgs {
    /// Only these engines; all if none is given.
    engines: Vec<String>,
    /// On this file system; on all six if none is given. Can be given again.
    #[arg(long, value_name = "PROFILE")]
    profile: Vec<String>,
    /// The first so many operations of each engine's work.
    #[arg(long, value_name = "N")]
    operations: Option<usize>,
    /// So many calls go wrong along one way, each at every place.
    #[arg(long, value_name = "N", default_value_t = 0)]
    faults: usize,
    /// Begin with an empty disk, so that the lights may go out while the store is made. Else it is made, and
    /// durable, before.
    #[arg(long)]
    from_nothing: bool,
    /// Make every crash image, instead of choosing what is read.
    #[arg(long)]
    eager: bool,
    /// A recovery that was interrupted must be followed by one that ends alike.
    #[arg(long)]
    converges: bool,
    /// Seconds for each exploration; one that needs more is inconclusive.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
    /// Threads: so many explorations run at a time; as many as there are cores if left out.
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Audit the barriers, call site by call site: leave each out in turn, weaken it, or find the one that is
    /// missing.
    #[arg(long)]
    audit: bool,
    /// Name the rules of the file system that each violation needs to be off.
    #[arg(long)]
    rules: bool,
    /// Print the counterexample of every violation, the expected ones too.
    #[arg(long)]
    show: bool,
    /// The I-th of N parts, which `lightsout merge` puts together.
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    #[command(flatten)]
    outputs: TimedOutputs,
    /// Write what is found into specs/verdicts.lock; with the default bounds only.
    #[arg(long)]
    bless: bool,
}

pub(super) fn run(directory: &Path, args: &ExploreArgs) -> Result<u8, Error> {
    match args.audit {
        true => audited(directory, args),
        false => Ok(results(directory, args)?.1),
    }
}

fn audited(directory: &Path, args: &ExploreArgs) -> Result<u8, Error> {
    let shard = shard(args.shard.as_deref())?;
    refuse_to_bless(args.bless, shard)?;
    let chosen = Chosen::of(directory, args)?;
    let bounds = bounds(args, interrupt::listen()?)?;
    audit(args, &chosen, shard, &bounds)
}

/// Runs the explorations, and says what came of them, and how the run ended.
pub(super) fn results(directory: &Path, args: &ExploreArgs) -> Result<(Results, u8), Error> {
    let shard = shard(args.shard.as_deref())?;
    refuse_to_bless(args.bless, shard)?;
    let chosen = Chosen::of(directory, args)?;
    if args.bless && !is_default(args) {
        return Err(Error::Usage(
            "--bless keeps what the default bounds give: leave out --operations, --faults, --from-nothing, --eager and \
             --converges"
                .into(),
        ));
    }
    let bounds = bounds(args, interrupt::listen()?)?;
    args.outputs.probe()?;
    let places = chosen.plan.part(shard);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, usize::from);
    // The weakest file system has the most to do: it goes first.
    let begin: Vec<usize> = {
        let weakness = |i: &usize| places[*i] % chosen.profiles.len();
        let mut begin: Vec<usize> = (0..places.len()).collect();
        begin.sort_by_key(|i| Reverse(weakness(i)));
        begin
    };
    print(&heading())?;
    let started = Instant::now();
    let bars = Bars::new(places.len());
    let first = args.operations.unwrap_or(usize::MAX);
    let explore = |i: usize| {
        let (entry, profile) = chosen.job(places[i]);
        let progress = Arc::new(Progress::default());
        let id = exploration_id(entry.name, &profile.name);
        let known = chosen
            .lock
            .exploration
            .get(&id)
            .filter(|_| is_default(args));
        let _bar = bars.exploration(&id, known.and_then(|kept| kept.recoveries), &progress);
        let watched = Bounds {
            progress: Some(progress),
            ..bounds.clone()
        };
        let outcome = entry.explore(profile, &watched, first);
        let needs = match &outcome.report.verdict {
            Verdict::Violates { .. } if args.rules && !bounds.interrupt.is_set() => {
                Some(entry.needs(profile, &bounds, first))
            }
            _ => None,
        };
        // Of one that was interrupted nothing is known.
        let needs = needs.filter(|_| !bounds.interrupt.is_set());
        (i, outcome, needs)
    };
    let (mut entries, mut timings) = (Vec::new(), Vec::new());
    let (mut recoveries, mut states) = (0, States::default());
    in_order(begin, threads, explore, |(i, outcome, needs)| {
        let (entry, _) = chosen.job(places[i]);
        recoveries += outcome.report.recoveries;
        states = states.and(outcome.report.coverage.states);
        let found = Entry::exploration(entry, &outcome, needs);
        timings.push(Timing::exploration(found.id.clone(), &outcome.report));
        bars.done(|| tell(args, entry, &outcome, &found))?;
        entries.push(found);
        Ok::<(), Error>(())
    })?;
    drop(bars);
    let expected = entries
        .iter()
        .filter(|found| found.exit() == Exit::Expected);
    print(&format!(
        "\n{} explorations, {} as expected; {recoveries} recoveries cover {states} crash states\n",
        entries.len(),
        expected.count()
    ))?;
    let differences = match args.bless {
        true => Vec::new(),
        false => chosen.differences(args, shard, &entries),
    };
    let timings = Timings::of(threads, started.elapsed(), timings);
    let results = Results::of(&chosen.plan, shard, entries, differences);
    let exit = args.outputs.finish(&results, &timings)?;
    if args.bless {
        let mut lock = chosen.lock.clone();
        lock.bless(Kind::Explore, kept(&results.entries), |id| {
            chosen.covers(args, id)
        })?;
        lock.write(directory)?;
        print("specs/verdicts.lock is written: look at the difference\n")?;
    }
    Ok((results, exit))
}

/// The line of an exploration, and what belongs to it below.
fn tell(
    args: &ExploreArgs,
    entry: &engines::Entry,
    outcome: &Outcome,
    found: &Entry,
) -> Result<(), Error> {
    print(&line(entry, outcome, found.as_expected))?;
    let needs = found
        .explored
        .as_ref()
        .and_then(|explored| explored.needs.as_deref());
    match needs {
        Some([]) => print("      whatever one rule says\n")?,
        Some(needs) => print(&format!("      needs {}\n", needs.join(", ")))?,
        None => {}
    }
    if args.show || matches!(outcome.report.verdict, Verdict::Inconclusive(_)) {
        for line in outcome.report.coverage.lines() {
            print(&format!("      {line}\n"))?;
        }
    }
    match &outcome.counterexample {
        Some(way) if args.show || !found.as_expected => {
            print(&format!("\n{}\n", explain(way, None, paint)))
        }
        _ => Ok(()),
    }
}

/// The results of a run whose parts are put together.
pub(super) fn merged(
    directory: &Path,
    args: &ExploreArgs,
    put: impl FnOnce(&Plan) -> Result<Vec<Entry>, Error>,
) -> Result<Results, Error> {
    let chosen = Chosen::of(directory, args)?;
    let entries = put(&chosen.plan)?;
    let differences = chosen.differences(args, None, &entries);
    Ok(Results::of(&chosen.plan, None, entries, differences))
}

fn audit(
    args: &ExploreArgs,
    chosen: &Chosen,
    shard: Option<Shard>,
    bounds: &Bounds,
) -> Result<u8, Error> {
    if !args.outputs.is_empty() || shard.is_some() || args.bless {
        return Err(Error::Usage(
            "--audit has no verdicts to write down or to split: leave out the files, --shard and --bless".into(),
        ));
    }
    let first = args.operations.unwrap_or(usize::MAX);
    for place in chosen.plan.part(None) {
        let (entry, profile) = chosen.job(place);
        print(&format!("{} on {}\n", entry.name, profile.name))?;
        let lines = entry.audit(profile, bounds, first);
        if bounds.interrupt.is_set() {
            print("  interrupted\n")?;
            return Ok(Exit::Inconclusive as u8);
        }
        for line in lines {
            print(&format!("  {line}\n"))?;
        }
    }
    Ok(Exit::Expected as u8)
}

fn bounds(args: &ExploreArgs, interrupt: Interrupt) -> Result<Bounds, Error> {
    let time = match args.time_limit {
        None => None,
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::Usage(format!("--time-limit {seconds} is not a number of seconds"))
        })?),
    };
    Ok(Bounds {
        mode: if args.eager { Mode::Eager } else { Mode::Lazy },
        faults: args.faults,
        converges: args.converges,
        settled: !args.from_nothing,
        time,
        interrupt,
        ..Bounds::default()
    })
}

fn heading() -> String {
    format!(
        "  {:<34} {:<15} {:>10} {:>9} {:>5} {:>7} {:>9}  verdict\n",
        "engine", "file system", "recoveries", "states", "depth", "time", "a second"
    )
}

fn line(entry: &engines::Entry, outcome: &Outcome, as_expected: bool) -> String {
    let report = &outcome.report;
    let seconds = report.time.as_secs_f64();
    let expected = match as_expected {
        true => paint(Tone::Good, "as expected"),
        false => paint(Tone::Bad, "NOT AS EXPECTED"),
    };
    format!(
        "  {:<34} {:<15} {:>10} {:>9} {:>5} {seconds:>6.1}s {:>9.0}  {} {expected}\n",
        entry.name,
        report.profile,
        report.recoveries,
        report.coverage.states,
        report.depth,
        report.recoveries as f64 / seconds.max(1e-6),
        report.verdict,
    )
}

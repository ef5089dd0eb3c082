//! `lightsout explore`.

use super::{paint, print};
use clap::Args;
use lightsout::check::Error;
use lightsout::check::verdict::Exit;
use lightsout::explore::engines::{Entry, Outcome, catalogue};
use lightsout::explore::{Bounds, Mode, PROFILES, Profile, States, Verdict};
use lightsout::parallel::in_order;
use lightsout::report::explain::explain;
use lightsout::report::text::Tone;
use lightsout::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
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
    /// Write the counterexamples there, as JSON.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

pub(super) fn run(args: &ExploreArgs) -> Result<u8, Error> {
    let entries = selected(args)?;
    let profiles = profiles(args)?;
    let bounds = bounds(args)?;
    if args.audit {
        return audit(args, &entries, &profiles, &bounds);
    }
    let jobs: Vec<(&Entry, &Profile)> = (entries.iter())
        .flat_map(|entry| profiles.iter().map(move |profile| (entry, profile)))
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, usize::from);
    // The weakest file system has the most to do: it goes first.
    let begin: Vec<usize> = {
        let mut places: Vec<usize> = (0..jobs.len()).collect();
        places.sort_by_key(|place| std::cmp::Reverse(place % profiles.len()));
        places
    };
    print(&heading())?;
    let first = args.operations.unwrap_or(usize::MAX);
    let run = |place: usize| {
        let (entry, profile) = jobs[place];
        let outcome = entry.explore(profile, &bounds, first);
        let needs = match &outcome.report.verdict {
            Verdict::Violates { .. } if args.rules => Some(entry.needs(profile, &bounds, first)),
            _ => None,
        };
        (place, outcome, needs)
    };
    let mut exit = Exit::Expected;
    let (mut recoveries, mut differing) = (0, 0);
    let mut states = States::default();
    in_order(begin, threads, run, |(place, outcome, needs)| {
        let (entry, profile) = jobs[place];
        let ended = judge(entry, profile, &outcome);
        recoveries += outcome.report.recoveries;
        states = states.and(outcome.report.coverage.states);
        differing += usize::from(ended != Exit::Expected);
        exit = exit.worse(ended);
        print(&line(entry, &outcome, ended))?;
        match needs.as_deref() {
            Some([]) => print("      whatever one rule says\n")?,
            Some(needs) => print(&format!("      needs {}\n", needs.join(", ")))?,
            None => {}
        }
        if args.show || matches!(outcome.report.verdict, Verdict::Inconclusive(_)) {
            for line in outcome.report.coverage.lines() {
                print(&format!("      {line}\n"))?;
            }
        }
        if let Some(found) = &outcome.counterexample
            && (args.show || ended != Exit::Expected)
        {
            print(&format!("\n{}\n", explain(found, None, paint)))?;
        }
        save(args, &outcome)
    })?;
    print(&format!(
        "\n{} explorations, {} as expected; {recoveries} recoveries cover {states} crash states\n",
        jobs.len(),
        jobs.len() - differing
    ))?;
    Ok(exit as u8)
}

fn audit(
    args: &ExploreArgs,
    entries: &[Entry],
    profiles: &[Profile],
    bounds: &Bounds,
) -> Result<u8, Error> {
    let first = args.operations.unwrap_or(usize::MAX);
    for entry in entries {
        for profile in profiles {
            print(&format!("{} on {}\n", entry.name, profile.name))?;
            for line in entry.audit(profile, bounds, first) {
                print(&format!("  {line}\n"))?;
            }
        }
    }
    Ok(Exit::Expected as u8)
}

fn selected(args: &ExploreArgs) -> Result<Vec<Entry>, Error> {
    let all = catalogue();
    let known: Vec<&str> = all.iter().map(|entry| entry.name).collect();
    if let Some(unknown) = args
        .engines
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(Error::Usage(format!(
            "there is no engine `{unknown}` to explore: it is one of {}",
            known.join(", ")
        )));
    }
    let wanted = |entry: &Entry| {
        args.engines.is_empty() || args.engines.iter().any(|name| name == entry.name)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

fn profiles(args: &ExploreArgs) -> Result<Vec<Profile>, Error> {
    let names: Vec<&str> = match args.profile.is_empty() {
        true => PROFILES.to_vec(),
        false => args.profile.iter().map(String::as_str).collect(),
    };
    let profile = |name: &&str| {
        let named = Profile::named(name).ok_or_else(|| {
            Error::Usage(format!(
                "there is no profile `{name}`: it is one of {}",
                PROFILES.join(", ")
            ))
        })?;
        Ok(named.with_sizes(SECTOR_BYTES, BLOCK_BYTES))
    };
    names.iter().map(profile).collect()
}

fn bounds(args: &ExploreArgs) -> Result<Bounds, Error> {
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
        ..Bounds::default()
    })
}

fn heading() -> String {
    format!(
        "  {:<34} {:<15} {:>10} {:>9} {:>5} {:>7} {:>9}  verdict\n",
        "engine", "file system", "recoveries", "states", "depth", "time", "a second"
    )
}

fn line(entry: &Entry, outcome: &Outcome, ended: Exit) -> String {
    let report = &outcome.report;
    let seconds = report.time.as_secs_f64();
    let expected = match ended {
        Exit::Expected => paint(Tone::Good, "as expected"),
        _ => paint(Tone::Bad, "NOT AS EXPECTED"),
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

/// A durable engine holds everywhere; one as found breaks on the weakest file system as the study says, and may
/// hold on stronger ones.
fn judge(entry: &Entry, profile: &Profile, outcome: &Outcome) -> Exit {
    match (&outcome.report.verdict, entry.breaks) {
        (Verdict::Broken(_), _) => Exit::Broken,
        (Verdict::Inconclusive(_), _) => Exit::Inconclusive,
        (Verdict::Holds, None) => Exit::Expected,
        (Verdict::Holds, Some(_)) if profile.name != "posix" => Exit::Expected,
        (Verdict::Violates { breach, .. }, Some(expected)) if *breach == expected => Exit::Expected,
        _ => Exit::Differs,
    }
}

fn save(args: &ExploreArgs, outcome: &Outcome) -> Result<(), Error> {
    if let (Some(directory), Some(found)) = (&args.save, &outcome.counterexample) {
        found.save(directory)?;
    }
    Ok(())
}

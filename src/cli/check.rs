//! `lightsout check`.

use super::{CheckArgs, paint, print, watched};
use indicatif::{ProgressBar, ProgressStyle};
use lightsout::check::lock::Lock;
use lightsout::check::run::{Selection, run as run_check, validate};
use lightsout::check::search::{Gauge, Limits};
use lightsout::check::verdict::{Exit, Judged, Verdict};
use lightsout::check::{Error, spec};
use lightsout::report::{checking, json, text};
use std::path::Path;
use std::time::Duration;

/// The bounds that a check may have under this name.
const LARGE: &str = "large";

pub(super) fn run(directory: &Path, args: &CheckArgs) -> Result<u8, Error> {
    if args.bless && std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        return Err(Error::BlessInCi);
    }
    let specs = spec::read(directory)?;
    validate(&specs)?;
    let selection = selection(args)?;
    if args.bless && selection.overrides() {
        return Err(Error::Usage(
            "--bless keeps what the specs say: leave out --profile and --bounds".into(),
        ));
    }
    let selected = selection.of(&specs)?;
    let limits = limits(args)?;
    let mut lock = Lock::read(directory)?;

    print(&text::heading())?;
    let mut all: Vec<Judged> = Vec::new();
    for (spec, check) in &selected {
        let bar = bar(&format!("{}/{}", spec.engine, check.name));
        let judged = run_check(spec, check, limits, &|states| {
            bar.set_position(states as u64)
        })?;
        bar.finish_and_clear();
        print(&text::verdict(&judged, paint))?;
        let unexpected = !judged.as_expected() && !selection.overrides();
        if let Verdict::Violates(_, found) = &judged.verdict
            && (args.show || unexpected)
        {
            print(&format!(
                "\n{}\n",
                text::counterexample(&judged, found, &specs)
            ))?;
        }
        all.push(judged);
    }
    print(&format!("\n{}", text::summary(&all)))?;

    if let Some(path) = &args.json {
        write_json(path, &all)?;
    }
    let mut exit = all.iter().map(Exit::of).fold(Exit::Expected, Exit::worse);
    if args.bless {
        lock.bless(&all, selection.is_everything());
        lock.write(directory)?;
        checking::write(Path::new("CHECKING.md"), &lock)?;
        print("specs/verdicts.lock and CHECKING.md are written: look at the difference\n")?;
    } else if !selection.overrides() {
        let complete: Vec<Judged> = all
            .into_iter()
            .filter(|one| !matches!(one.verdict, Verdict::Inconclusive(_)))
            .collect();
        let differences = lock.differences(&complete, selection.is_everything());
        if !differences.is_empty() {
            let lines: Vec<String> = differences.iter().map(|d| format!("  {d}\n")).collect();
            print(&format!(
                "\nnot as in specs/verdicts.lock:\n{}",
                lines.concat()
            ))?;
            exit = exit.worse(Exit::Differs);
        }
    }
    Ok(exit as u8)
}

fn selection(args: &CheckArgs) -> Result<Selection, Error> {
    let pattern = |text: &String| {
        glob::Pattern::new(text)
            .map_err(|error| Error::Usage(format!("--only `{text}` is no pattern: {error}")))
    };
    let bound = |text: &String| {
        let wrong = || {
            Error::Usage(format!(
                "--bounds `{text}` is neither `large` nor NAME=N with N from 0 to 255"
            ))
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        Ok((
            name.trim().to_string(),
            value.trim().parse().map_err(|_| wrong())?,
        ))
    };
    Ok(Selection {
        engine: args.engine.clone(),
        only: args.only.iter().map(pattern).collect::<Result<_, _>>()?,
        profile: args.profile.clone(),
        large: args.bounds.iter().any(|text| text == LARGE),
        bounds: args
            .bounds
            .iter()
            .filter(|text| *text != LARGE)
            .map(bound)
            .collect::<Result<_, Error>>()?,
    })
}

fn limits(args: &CheckArgs) -> Result<Limits, Error> {
    let time = match args.time_limit {
        None => None,
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::Usage(format!("--time-limit {seconds} is not a number of seconds"))
        })?),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let gauge = Gauge {
        reset: || crate::MEMORY.reset_peak_usage(),
        peak: || crate::MEMORY.peak_usage(),
    };
    Ok(Limits {
        threads: args.threads.map_or(cores, usize::from),
        time,
        gauge: Some(gauge),
    })
}

fn bar(name: &str) -> ProgressBar {
    if !watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(name.to_string());
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {msg}: {human_pos} states, {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn write_json(path: &Path, all: &[Judged]) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(&json::Results::of(all))
        .map_err(|error| Error::Usage(format!("the results are no JSON: {error}")))?;
    lightsout::check::lock::replace(path, &(text + "\n"))
}

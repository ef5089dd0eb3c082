//! `lightsout check`.

use super::{CheckArgs, memory, paint, print, watched};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lightsout::check::lock::Lock;
use lightsout::check::queue::{Progress, run_all};
use lightsout::check::run::{Selection, validate};
use lightsout::check::search::Limits;
use lightsout::check::verdict::{Exit, Judged, Verdict};
use lightsout::check::{Error, spec};
use lightsout::report::{checking, explain, json, text};
use std::path::Path;
use std::time::Duration;

/// A line of progress that goes with its check.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

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
    let (at_a_time, limits) = limits(args, selected.len())?;
    let mut lock = Lock::read(directory)?;

    print(&text::heading())?;
    let mut all: Vec<Judged> = Vec::new();
    let bars = MultiProgress::new();
    let watch = |id: &str| progress(&bars, id);
    run_all(&selected, &lock, at_a_time, limits, &watch, |judged| {
        print(&text::verdict(&judged, paint))?;
        let unexpected = !judged.as_expected() && !selection.overrides();
        if let Verdict::Violates(_, found) = &judged.verdict
            && (args.show || unexpected)
        {
            print(&format!("\n{}\n", explain::explain(found, None, paint)))?;
        }
        all.push(judged);
        Ok(())
    })?;
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

pub(super) fn selection(args: &CheckArgs) -> Result<Selection, Error> {
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

/// How many checks run at a time, and how far each goes. One alone has all threads, and the memory of
/// the process is its own.
fn limits(args: &CheckArgs, checks: usize) -> Result<(usize, Limits), Error> {
    let time = match args.time_limit {
        None => None,
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::Usage(format!("--time-limit {seconds} is not a number of seconds"))
        })?),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, usize::from);
    let at_a_time = threads.min(checks);
    let limits = Limits {
        threads: threads / at_a_time,
        time,
        gauge: (checks == 1).then(memory::gauge).flatten(),
    };
    Ok((at_a_time, limits))
}

/// A line of progress for one check, until it ends.
fn progress(bars: &MultiProgress, id: &str) -> Progress {
    if !watched() {
        return Box::new(|_| ());
    }
    let bar = bars.add(ProgressBar::new_spinner().with_message(id.to_string()));
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {msg}: {human_pos} states, {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    let bar = Bar(bar);
    Box::new(move |states| bar.0.set_position(states as u64))
}

fn write_json(path: &Path, all: &[Judged]) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(&json::Results::of(all))
        .map_err(|error| Error::Usage(format!("the results are no JSON: {error}")))?;
    lightsout::check::lock::replace(path, &(text + "\n"))
}

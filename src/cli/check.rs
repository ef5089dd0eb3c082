//! `lightsout check`.

use super::progress::Bars;
use super::{CheckArgs, interrupt, memory, paint, print};
use lightsout::check::lock::{Difference, Kind, Lock};
use lightsout::check::queue::run_all;
use lightsout::check::run::{Selection, id, validate};
use lightsout::check::search::Limits;
use lightsout::check::spec::{Check, Spec, Specs};
use lightsout::check::verdict::Judged;
use lightsout::check::{Error, spec};
use lightsout::interrupt::Interrupt;
use lightsout::report::plan::{Plan, Shard};
use lightsout::report::results::{Entry, Results, kept};
use lightsout::report::timings::{Timing, Timings};
use lightsout::report::{checking, explain, text};
use std::path::Path;
use std::time::{Duration, Instant};

/// The bounds that a check may have under this name.
const LARGE: &str = "large";

pub(super) fn run(directory: &Path, args: &CheckArgs) -> Result<u8, Error> {
    Ok(results(directory, args)?.1)
}

/// Runs the checks, and says what came of them, and how the run ended.
pub(super) fn results(directory: &Path, args: &CheckArgs) -> Result<(Results, u8), Error> {
    let shard = shard(args.shard.as_deref())?;
    refuse_to_bless(args.bless, shard)?;
    let specs = specs(directory)?;
    let chosen = Chosen::of(directory, &specs, args)?;
    let Chosen {
        selection,
        lock,
        plan,
        ..
    } = &chosen;
    if args.bless && selection.overrides() {
        return Err(Error::Usage(
            "--bless keeps what the specs say: leave out --profile and --bounds".into(),
        ));
    }
    let places = plan.part(shard);
    let selected: Vec<(&Spec, Check)> = places
        .iter()
        .map(|&place| chosen.checks[place].clone())
        .collect();
    let (at_a_time, limits) = limits(args, selected.len(), interrupt::listen()?)?;
    args.outputs.probe()?;

    print(&text::heading())?;
    let started = Instant::now();
    let (mut all, mut entries): (Vec<Judged>, Vec<Entry>) = Default::default();
    let bars = Bars::new(selected.len());
    let known = |id: &str| lock.verdict.get(id).and_then(|kept| kept.states);
    let watch = |id: &str| bars.check(id, known(id));
    run_all(&selected, lock, at_a_time, limits, &watch, |judged| {
        let unexpected = !judged.as_expected() && !selection.overrides();
        let entry = Entry::check(&judged);
        let shown = entry.counterexample.as_ref();
        let shown = shown.filter(|_| args.show || unexpected);
        bars.done(|| {
            print(&text::verdict(&judged, paint))?;
            match shown {
                Some(found) => print(&format!("\n{}\n", explain::explain(found, None, paint))),
                None => Ok(()),
            }
        })?;
        entries.push(entry);
        all.push(judged);
        Ok(())
    })?;
    drop(bars);
    print(&format!("\n{}", text::summary(&all)))?;
    let timings = all.iter().map(Timing::check).collect();
    let timings = Timings::of(at_a_time * limits.threads, started.elapsed(), timings);

    let differences = match args.bless {
        true => Vec::new(),
        false => chosen.differences(shard, &entries),
    };
    let results = Results::of(plan, shard, entries, differences);
    let exit = args.outputs.finish(&results, &timings)?;
    if args.bless {
        let found = kept(&results.entries);
        let mut lock = lock.clone();
        lock.bless(Kind::Check, found, |id| selection.covers(id))?;
        lock.write(directory)?;
        checking::write(Path::new("CHECKING.md"), &lock)?;
        print("specs/verdicts.lock and CHECKING.md are written: look at the difference\n")?;
    }
    Ok((results, exit))
}

/// The results of a run whose parts are put together.
pub(super) fn merged(
    directory: &Path,
    args: &CheckArgs,
    put: impl FnOnce(&Plan) -> Result<Vec<Entry>, Error>,
) -> Result<Results, Error> {
    let specs = specs(directory)?;
    let chosen = Chosen::of(directory, &specs, args)?;
    let entries = put(&chosen.plan)?;
    let differences = chosen.differences(None, &entries);
    Ok(Results::of(&chosen.plan, None, entries, differences))
}

/// What `--shard` says.
pub(super) fn shard(text: Option<&str>) -> Result<Option<Shard>, Error> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(Error::Usage)
}

/// Nobody looks at what is blessed in CI, and a part of a run is not what the lock keeps.
pub(super) fn refuse_to_bless(bless: bool, shard: Option<Shard>) -> Result<(), Error> {
    if bless && std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        return Err(Error::BlessInCi);
    }
    match shard {
        Some(shard) if bless => Err(Error::Usage(format!(
            "--bless keeps a whole run: leave out --shard {shard}"
        ))),
        _ => Ok(()),
    }
}

fn specs(directory: &Path) -> Result<Specs, Error> {
    let specs = spec::read(directory)?;
    validate(&specs)?;
    Ok(specs)
}

/// What the arguments select.
struct Chosen<'s> {
    selection: Selection,
    checks: Vec<(&'s Spec, Check)>,
    lock: Lock,
    plan: Plan,
}

impl<'s> Chosen<'s> {
    fn of(directory: &Path, specs: &'s Specs, args: &CheckArgs) -> Result<Self, Error> {
        let selection = selection(args)?;
        let checks = selection.of(specs)?;
        let lock = Lock::read(directory)?;
        let ids = checks.iter().map(|(spec, check)| id(spec, check));
        let contents = [format!("{:?} {:?}", specs.contract, specs.engines)];
        let plan = Plan::new(
            Kind::Check,
            arguments(args),
            ids.collect(),
            &lock,
            &contents,
        );
        Ok(Self {
            selection,
            checks,
            lock,
            plan,
        })
    }

    /// How it differs from the lock; what is gone is seen in a whole run only.
    fn differences(&self, shard: Option<Shard>, entries: &[Entry]) -> Vec<Difference> {
        if self.selection.overrides() {
            return Vec::new();
        }
        let found = kept(entries);
        let ought = |id: &str| shard.is_none() && self.selection.covers(id);
        self.lock.differences(Kind::Check, found, ought)
    }
}

/// The selection, as arguments: what is selected by them again is the same.
fn arguments(args: &CheckArgs) -> Vec<String> {
    let mut arguments = Vec::from_iter(args.engine.clone());
    let mut add = |name: &str, value: &str| arguments.push(format!("{name}={value}"));
    args.only.iter().for_each(|pattern| add("--only", pattern));
    args.profile
        .iter()
        .for_each(|profile| add("--profile", profile));
    args.bounds.iter().for_each(|bound| add("--bounds", bound));
    arguments
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
fn limits(args: &CheckArgs, checks: usize, interrupt: Interrupt) -> Result<(usize, Limits), Error> {
    let time = match args.time_limit {
        None => None,
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::Usage(format!("--time-limit {seconds} is not a number of seconds"))
        })?),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, usize::from);
    let at_a_time = threads.min(checks.max(1));
    let limits = Limits {
        threads: threads / at_a_time,
        time,
        gauge: (checks == 1).then(memory::gauge).flatten(),
        interrupt,
    };
    Ok((at_a_time, limits))
}

//! Runs checks: explores, finds shortest scripts, asks which profiles show a violation.

use super::Error;
use super::catalogue::{self, ENGINES};
use super::replayed::replayed;
use super::search::{Case, Exploration, Limits, TimeUp, Until};
use super::spec::{Check, CrashKind, Spec, Specs, expected};
use super::verdict::{Judged, Verdict};
use crate::counterexample::Counterexample;
use crate::counterexample::about::in_full;
use models::profile::{NAMES, Profile};

/// What to run, and how far.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only this engine.
    pub engine: Option<String>,
    /// Only checks whose id matches one of these patterns.
    pub only: Vec<glob::Pattern>,
    /// On this profile instead of the spec's.
    pub profile: Option<String>,
    /// Only checks that have bounds called `large`, with them.
    pub large: bool,
    /// With these bounds instead of the spec's.
    pub bounds: Vec<(String, u8)>,
}

impl Selection {
    /// Whether bounds or profile are not the spec's, so that its expectations do not bind.
    pub fn overrides(&self) -> bool {
        self.profile.is_some() || self.large || !self.bounds.is_empty()
    }

    /// Whether a check of this id is selected, if it is there and has the bounds that are asked for.
    pub fn covers(&self, id: &str) -> bool {
        let engine = id.split('/').next();
        (self.engine.is_none() || self.engine.as_deref() == engine)
            && (self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(id)))
    }

    /// The checks that are selected, with the overrides applied. At least one, or an error.
    pub fn of<'a>(&self, specs: &'a Specs) -> Result<Vec<(&'a Spec, Check)>, Error> {
        if let Some(engine) = &self.engine
            && !specs.engines.iter().any(|spec| spec.engine == *engine)
        {
            return Err(Error::Usage(format!(
                "there is no engine `{engine}` in {}; there are {}",
                specs.directory.display(),
                catalogue::listed(specs.engines.iter().map(|spec| spec.engine.as_str()))
            )));
        }
        let mut selected = Vec::new();
        for spec in &specs.engines {
            for check in &spec.checks {
                let has_bounds = !self.large || !check.large.is_empty();
                if has_bounds && self.covers(&id(spec, check)) {
                    selected.push((spec, self.overridden(check)?));
                }
            }
        }
        if selected.is_empty() {
            return Err(Error::Usage(
                "no check matches; `lightsout list` shows what there is".into(),
            ));
        }
        Ok(selected)
    }

    fn overridden(&self, check: &Check) -> Result<Check, Error> {
        let mut check = check.clone();
        if let Some(profile) = &self.profile {
            check.profile.clone_from(profile);
        }
        let large = check.large.clone();
        let larger = large.iter().filter(|_| self.large);
        let given = self.bounds.iter().map(|(name, value)| (name, value));
        for (name, value) in larger.chain(given) {
            check.bounds.set(name, *value).map_err(Error::Usage)?;
        }
        Ok(check)
    }
}

/// The id of a check.
pub fn id(spec: &Spec, check: &Check) -> String {
    format!("{}/{}", spec.engine, check.name)
}

/// Refuses what no machine can be made of, before anything runs.
pub fn validate(specs: &Specs) -> Result<(), Error> {
    for spec in &specs.engines {
        let path = specs.directory.join(format!("{}.toml", spec.engine));
        let wrong = |because| Error::Spec {
            path: path.clone(),
            because,
        };
        if !ENGINES.iter().any(|engine| engine.name == spec.engine) {
            let engines = catalogue::listed(ENGINES.iter().map(|engine| engine.name));
            return Err(wrong(format!(
                "there is no engine `{}`; there are {engines}",
                spec.engine
            )));
        }
        for check in &spec.checks {
            catalogue::case(spec, check).map_err(wrong)?;
        }
    }
    Ok(())
}

/// Runs one check.
pub fn run(
    spec: &Spec,
    check: &Check,
    limits: Limits,
    progress: &dyn Fn(usize),
) -> Result<Judged, Error> {
    let case = catalogue::case(spec, check).map_err(Error::Usage)?;
    let expected = expected(&check.expect).map_err(Error::Usage)?;
    let before = limits.gauge.map_or(0, |gauge| {
        (gauge.reset)();
        (gauge.peak)()
    });
    let (exploration, mut verdict) = match limits.interrupt.is_set() {
        true => {
            let not_started = Verdict::Inconclusive("not started".into());
            (Exploration::default(), not_started)
        }
        false => explore(&*case, spec, check, limits, progress),
    };
    let bytes = limits
        .gauge
        .map(|gauge| (gauge.peak)().saturating_sub(before));
    let shown = match verdict {
        Verdict::Violates(..) => profiles(&*case, check, limits.until()),
        _ => Ok((Vec::new(), Vec::new())),
    };
    let (strongest, shown_by) = shown.unwrap_or_else(|TimeUp| {
        let text = format!("it {verdict}; no time was left to ask every file system");
        verdict = Verdict::Inconclusive(text);
        (Vec::new(), Vec::new())
    });
    let replayed = replay(spec, check, &mut verdict);
    if let Verdict::Violates(_, counterexample) = &mut verdict {
        sign(counterexample, spec, check);
        counterexample.shown_by.clone_from(&shown_by);
        counterexample.strongest.clone_from(&strongest);
    }
    Ok(Judged {
        id: id(spec, check),
        expected,
        verdict,
        exploration,
        bytes,
        judges: check.judges.clone(),
        profile: catalogue::profile(check).map_err(Error::Usage)?.name,
        strongest,
        shown_by,
        finding: check.finding.clone(),
        says: check.says.clone(),
        bounds: bounds(check),
        replayed,
    })
}

/// Says whose counterexample it is.
pub fn sign(counterexample: &mut Counterexample, spec: &Spec, check: &Check) {
    let engine = ENGINES.iter().find(|engine| engine.name == spec.engine);
    let variants = engine
        .into_iter()
        .flat_map(|engine| engine.variants)
        .copied();
    let about = in_full(variants, &check.variant).unwrap_or_default();
    counterexample.name = id(spec, check);
    let title = spec.title.split(':').next().unwrap_or_default();
    counterexample.about = match about.to_lowercase().contains(&title.to_lowercase()) {
        true => about,
        false => format!("{title}: {about}"),
    };
    counterexample.finding.clone_from(&check.finding);
    counterexample.note.clone_from(&check.says);
    let broken = &mut counterexample.broken;
    if let Some(own) = spec.invariants.iter().find(|own| own.id == broken.promise) {
        broken.name.clone_from(&own.name);
        broken.text.clone_from(&own.text);
    }
}

fn explore(
    case: &dyn Case,
    spec: &Spec,
    check: &Check,
    limits: Limits,
    progress: &dyn Fn(usize),
) -> (Exploration, Verdict) {
    let exploration = case.explore(limits, progress);
    let verdict = if exploration.breached {
        match case.shortest(limits.until()) {
            Ok(Some(counterexample)) => {
                match super::spec::promise(&counterexample.broken.promise) {
                    Some(promise) => Verdict::Violates(promise, Box::new(counterexample)),
                    None => {
                        Verdict::Broken("the shortest script breaks nothing when run again".into())
                    }
                }
            }
            Ok(None) => Verdict::Broken("stateright found a violation, our search none".into()),
            Err(TimeUp) => Verdict::Inconclusive(
                "a violation exists; no time was left to find a shortest script".into(),
            ),
        }
    } else if !exploration.exhausted {
        let how = match limits.interrupt.is_set() {
            true => "interrupted",
            false => "stopped",
        };
        Verdict::Inconclusive(format!("{how} after {} states", exploration.unique))
    } else {
        let judged = spec.judged(check).unwrap_or_default();
        let applies = |id: &str| !spec.not_applicable.contains_key(id) && !waived(check, id);
        let missed: Vec<String> = judged
            .iter()
            .filter(|promise| !exploration.witnesses.contains(promise))
            .map(|promise| format!("{promise} ({})", promise.witness()))
            .filter(|text| applies(text.split(' ').next().unwrap_or_default()))
            .collect();
        match missed.is_empty() {
            true => Verdict::Holds,
            false => Verdict::Broken(format!("never reached: {}", missed.join("; "))),
        }
    };
    (exploration, verdict)
}

/// `contract` judges all ten; a witness that the bounds rule out is not missed where nobody asked
/// for that promise by name.
fn waived(check: &Check, id: &str) -> bool {
    let named = check.judges.iter().any(|judge| judge == id);
    let sizes = &check.bounds;
    !named
        && match id {
            // Each operation is settled before the next: no recovery has a choice between two.
            "D2" => check.sync == "every" && sizes.writers == 1,
            "D3" => sizes.batches == 0,
            "D4" => sizes.deletes == 0,
            "D9" => sizes.failures == 0,
            "D6" | "D7" => sizes.crashes < 2,
            "D10" => !check.sync.starts_with("every-"),
            _ => false,
        }
}

/// The strongest profiles that show the violation, and all that do; `Err`: one could not be asked to the end.
fn profiles(
    case: &dyn Case,
    check: &Check,
    until: Until,
) -> Result<(Vec<String>, Vec<String>), TimeUp> {
    let mut shown: Vec<&str> = Vec::new();
    for name in NAMES {
        let mut profile = Profile::named(name);
        for (switch, value) in &check.switches {
            profile = profile.and_then(|profile| profile.with(switch, value));
        }
        if let Some(profile) = profile
            && case.on(profile).breaks(until)?
        {
            shown.push(name);
        }
    }
    let strongest = shown
        .iter()
        .filter(|name| !shown.iter().any(|other| stronger(other, name)));
    Ok((
        strongest.map(|name| name.to_string()).collect(),
        shown.iter().map(|n| n.to_string()).collect(),
    ))
}

/// Whether one profile guarantees all that another does, and more.
fn stronger(one: &str, other: &str) -> bool {
    one != other
        && (one == "strict"
            || other == "posix"
            || (one, other) == ("ext4-ordered", "ext4-writeback"))
}

/// What the real engine does with the script. A divergence makes the verdict `broken`.
fn replay(spec: &Spec, check: &Check, verdict: &mut Verdict) -> Option<String> {
    let Verdict::Violates(promise, counterexample) = verdict else {
        return None;
    };
    let replayed = replayed(spec, check, counterexample.moves(), *promise);
    let replayed = replayed.unwrap_or_else(|parted| {
        *verdict = Verdict::Broken(parted);
        None
    });
    replayed.map(|on_engine| on_engine.says)
}

fn bounds(check: &Check) -> String {
    let sizes = check.bounds.named();
    let sizes = sizes.iter().filter(|(_, value)| *value > 0);
    let mut text: Vec<String> = sizes
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    if check.bounds.table != 2 {
        text.push(format!("table {}", check.bounds.table));
    }
    if check.bounds.leaf != 2 {
        text.push(format!("leaf {}", check.bounds.leaf));
    }
    if check.bounds.page != 2 {
        text.push(format!("page {}", check.bounds.page));
    }
    if check.bounds.slot != 1 {
        text.push(format!("slot {}", check.bounds.slot));
    }
    if check.bounds.hint != 1 {
        text.push(format!("hint {}", check.bounds.hint));
    }
    if check.bounds.write != 1 {
        text.push(format!("write {}", check.bounds.write));
    }
    if check.bounds.fanout != 4 {
        text.push(format!("fanout {}", check.bounds.fanout));
    }
    let switches = check.switches.iter();
    text.extend(switches.map(|(switch, value)| format!("{switch} = {value}")));
    if check.bounds.crash_kinds.len() < 2 {
        let kinds = check.bounds.crash_kinds.iter().map(|kind| match kind {
            CrashKind::PowerCut => "power cuts only",
            CrashKind::Kill => "kills only",
        });
        text.extend(kinds.map(String::from));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterexample::Script;
    use models::contract::Promise;
    use std::path::Path;

    /// A check of the log with its script, and what became of its verdict.
    fn replay_of(name: &str, tamper: impl Fn(&mut Counterexample)) -> (Option<String>, Verdict) {
        let specs = crate::check::spec::read(Path::new("specs")).expect("the specs");
        let log = specs.engines.iter().find(|spec| spec.engine == "wal");
        let log = log.expect("the log");
        let check = log.checks.iter().find(|check| check.name == name);
        let check = check.expect("the check");
        let case = catalogue::case(log, check).expect("a case");
        let mut found = case
            .shortest(Until::default())
            .expect("time")
            .expect("a violation");
        tamper(&mut found);
        let mut verdict = Verdict::Violates(Promise::D1, Box::new(found));
        (replay(log, check, &mut verdict), verdict)
    }

    #[test]
    fn a_script_that_the_real_engine_does_not_follow_to_its_end_makes_the_verdict_broken() {
        let name = "without/append-data-barrier";
        let (says, verdict) = replay_of(name, |_| ());
        assert!(says.is_some_and(|says| says.starts_with("the real log without `append: data")));
        assert_eq!(verdict.to_string(), "violates D1");
        let (says, verdict) = replay_of(name, |found| {
            let moves = found.moves()[..3].to_vec();
            found.script = Script::Model { moves };
        });
        assert_eq!((says, verdict.to_string()), (None, "broken".into()));
    }
}

//! A counterexample of a model, run again: on the model as it is now, and on the real engine.

use super::Error;
use super::catalogue;
use super::replayed::{OnEngine, replayed};
use super::run::id;
use super::spec::{Check, Spec, Specs};
use crate::counterexample::{Counterexample, Step};
use models::contract::Promise;
use std::path::Path;

/// What running it again came to.
#[derive(Debug)]
pub struct Again {
    /// What the real engine does with the script, in a sentence; none: it is only a model.
    pub engine: Option<OnEngine>,
    /// The engine and its model part.
    pub parted: Option<String>,
}

/// The check that a counterexample is of.
///
/// # Errors
/// Where there is none of its name.
pub fn check_of<'s>(
    specs: &'s Specs,
    found: &Counterexample,
    file: &Path,
) -> Result<(&'s Spec, &'s Check), Error> {
    let checks = specs
        .engines
        .iter()
        .flat_map(|spec| spec.checks.iter().map(move |check| (spec, check)));
    let mut named = checks.filter(|(spec, check)| id(spec, check) == found.name);
    named.next().ok_or_else(|| {
        Error::Usage(format!(
            "{} is a counterexample of the check `{}`, and {} has none of that name: replay it with the specs that it \
             was written for",
            file.display(),
            found.name,
            specs.directory.display()
        ))
    })
}

/// Runs it again.
///
/// # Errors
/// Where the model is another one by now: its script breaks nothing, or something else, or takes other steps.
pub fn again(specs: &Specs, found: &Counterexample, file: &Path) -> Result<Again, Error> {
    let (spec, check) = check_of(specs, found, file)?;
    let case = catalogue::case(spec, check).map_err(Error::Usage)?;
    let case = case.on(found.profile.clone());
    let (breach, steps) = case.again(found.moves());
    let other = |difference: String| {
        Error::Usage(format!(
            "{} was written by another version of the model of `{}`: {difference}; \
             `lightsout check --only '{}' --show` finds the one of this version",
            file.display(),
            found.name,
            found.name
        ))
    };
    if let Some(difference) = first_difference(&found.steps, &steps) {
        return Err(other(difference));
    }
    let promise = breach.filter(|promise| promise.to_string() == found.broken.promise);
    let promise: Promise = promise.ok_or_else(|| {
        let now = breach.map_or("breaks nothing now".into(), |now| {
            format!("breaks {now} now")
        });
        other(format!(
            "its script broke {}, and {now}",
            found.broken.promise
        ))
    })?;
    Ok(match replayed(spec, check, found.moves(), promise) {
        Ok(engine) => Again {
            engine,
            parted: None,
        },
        Err(parted) => Again {
            engine: None,
            parted: Some(parted),
        },
    })
}

/// The first step in which two runs of one script differ, in words.
pub fn first_difference(then: &[Step], now: &[Step]) -> Option<String> {
    let mut steps = then.iter().zip(now).enumerate();
    let differs = steps.find(|(_, (then, now))| then.in_words() != now.in_words());
    if let Some((number, (then, now))) = differs {
        return Some(format!(
            "step {number} was `{}`, and is `{}` now",
            then.in_words(),
            now.in_words()
        ));
    }
    (then.len() != now.len())
        .then(|| format!("it had {} steps, and has {} now", then.len(), now.len()))
}

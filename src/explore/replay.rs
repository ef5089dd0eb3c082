//! The counterexample of real code: written down, made smaller, and run again.

use super::concrete;
use super::lives::{Lives, Nothing};
use super::point::{Found, Lived};
use super::search::Search;
use super::subject::{OperationOf, StateOf, Subject};
use super::written::Written;
use crate::counterexample::minimal::fewest_lost;
use crate::counterexample::needs::{Hangs, hangs_on};
use crate::counterexample::{
    After, Breach, Broken, Code, Counterexample, Life, SCHEMA, Script, Step,
};
use crate::storage::simulated::Plant;
use models::disk::Disk;
use models::disk::image::Fates;
use models::profile::Profile;
use std::sync::Arc;

/// Writes down what was found, by running it again: with all that a power cut did decided, and with no more lost than
/// breaks the contract.
pub(super) fn of<S: Subject>(
    search: &Search<'_, S>,
    operations: &[OperationOf<S>],
    found: &Found,
) -> Counterexample {
    let mut lives = vec![Life {
        calls: None,
        ..Life::of(&found.last)
    }];
    let mut trail = Some(&found.trail);
    while let Some(life) = trail {
        lives.push(Life::of(&life.life));
        trail = life.before.as_ref();
    }
    lives.reverse();
    let used = lives.first().map_or(0, |life| life.operations);
    let goes_on = lives.iter().skip(1).map(|life| life.operations).max();
    let operations = &operations[..used.min(operations.len())];
    let then = &search.then[..goes_on.unwrap_or(0).min(search.then.len())];
    let code = Code {
        breach: found.breach,
        settled: search.bounds.settled,
        operations: operations.iter().map(as_json).collect(),
        then: then.iter().map(as_json).collect(),
        lazily: true,
        lives,
    };
    let runs = Runs {
        subject: search.subject,
        plant: search.plant,
        operations,
        then,
    };
    let code = concrete::of(&runs, &search.profile, code);
    let hangs = hangs_on(&search.profile, |profile| {
        let ran = runs.of(&Arc::new(profile.clone()), &code).run(&mut Nothing);
        ran.breach.is_some()
    });
    let code = match code.lazily {
        true => code,
        false => runs.lose_less(&search.profile, code, &hangs),
    };
    let mut written = Written::new();
    let ran = runs.of(&search.profile, &code).run(&mut written);
    Counterexample {
        schema: SCHEMA,
        name: search.subject.name(),
        about: String::new(),
        finding: None,
        profile: (*search.profile).clone(),
        shown_by: Vec::new(),
        strongest: Vec::new(),
        needs: hangs.needs,
        barriers: Vec::new(),
        note: Some(found.says.clone()),
        broken: Broken {
            promised: ran.promised.0,
            there: ran.promised.1,
            ..Broken::of(found.promise)
        },
        script: Script::Code(code),
        steps: written.into_steps(&ran.cuts),
    }
}

/// An operation as the schema has it. Every contract's is JSON, or says what is wrong.
fn as_json<O: serde::Serialize>(operation: &O) -> serde_json::Value {
    serde_json::to_value(operation).unwrap_or_else(|error| error.to_string().into())
}

/// What runs, but for the script.
pub(super) struct Runs<'r, S: Subject> {
    pub(super) subject: &'r S,
    pub(super) plant: &'r Plant,
    pub(super) operations: &'r [OperationOf<S>],
    pub(super) then: &'r [OperationOf<S>],
}

impl<'r, S: Subject> Runs<'r, S> {
    pub(super) fn of(&self, profile: &Arc<Profile>, code: &'r Code) -> Lives<'r, S> {
        Lives {
            subject: self.subject,
            profile: profile.clone(),
            plant: self.plant,
            operations: self.operations,
            then: self.then,
            code,
            guide: &[],
        }
    }

    /// The same breach, with as much kept as can be; and hanging on no more rules than before.
    fn lose_less(&self, profile: &Arc<Profile>, code: Code, hangs: &Hangs) -> Code {
        let also: Vec<Arc<Profile>> = hangs.also.iter().cloned().map(Arc::new).collect();
        let cuts = code.lives.iter().filter_map(|life| match &life.after {
            Some(After::PowerCut(fates)) => Some(fates.clone()),
            _ => None,
        });
        let least = fewest_lost(cuts.collect(), |cuts| {
            let code = with_fates(&code, cuts);
            let ran = self.of(profile, &code).run(&mut Nothing);
            let met = ran.cuts.iter().map(|cut| cut.before.known().log().len());
            let met = ran.breach.is_some().then(|| met.collect());
            let breaks = |profile| self.of(profile, &code).run(&mut Nothing).breach.is_some();
            met.filter(|_| also.iter().all(breaks))
        });
        // With all that is kept along with what is.
        let least = with_fates(&code, &least);
        let ran = self.of(profile, &least).run(&mut Nothing);
        let did: Vec<Fates> = ran.cuts.into_iter().map(|cut| cut.did).collect();
        with_fates(&least, &did)
    }
}

/// The script with other fates for its power cuts.
pub(super) fn with_fates(code: &Code, cuts: &[Fates]) -> Code {
    let mut cuts = cuts.iter();
    let mut code = code.clone();
    for life in &mut code.lives {
        if let Some(After::PowerCut(fates)) = &mut life.after {
            *fates = cuts.next().cloned().unwrap_or_default();
        }
    }
    code
}

impl Life {
    fn of(life: &Lived) -> Self {
        use super::bounds::Crash;
        Self {
            after: life.after.map(|crash| match crash {
                Crash::Kill => After::Kill,
                Crash::PowerCut => After::PowerCut(Fates::default()),
            }),
            asked: life.choices.clone(),
            trouble: life.trouble,
            operations: life.operations,
            calls: Some(life.calls),
        }
    }
}

/// What running a counterexample again came to.
#[derive(Debug)]
pub struct Replayed<S> {
    /// What happened.
    pub steps: Vec<Step>,
    /// What the last recovery showed, or why it showed nothing.
    pub shown: Result<S, String>,
    /// How it breaks the contract, in a sentence; none: it does not.
    pub breach: Option<(Breach, String)>,
    /// What the last crash left; none: there was none.
    pub image: Option<Disk<u8>>,
}

/// Runs a counterexample of real code again, on the simulated storage.
///
/// # Errors
/// Where it is one of a model, or of a client that asks for something else: a sentence.
pub fn replay<S: Subject>(
    subject: &S,
    counterexample: &Counterexample,
) -> Result<Replayed<StateOf<S>>, String> {
    let Script::Code(code) = &counterexample.script else {
        return Err(format!(
            "{} is a check of a model: replay it with its specs",
            counterexample.name
        ));
    };
    let read = |operations: &[serde_json::Value]| {
        let read = |operation: &serde_json::Value| {
            serde_json::from_value(operation.clone()).map_err(|error| {
                format!(
                    "`{operation}` is nothing that a client of {} asks for: {error}",
                    subject.name()
                )
            })
        };
        operations
            .iter()
            .map(read)
            .collect::<Result<Vec<OperationOf<S>>, _>>()
    };
    let (operations, then) = (read(&code.operations)?, read(&code.then)?);
    let runs = Runs {
        subject,
        plant: Plant::nothing(),
        operations: &operations,
        then: &then,
    };
    let mut written = Written::new();
    let ran = runs
        .of(&Arc::new(counterexample.profile.clone()), code)
        .run(&mut written);
    Ok(Replayed {
        steps: written.into_steps(&ran.cuts),
        shown: ran.shown,
        breach: ran.breach.map(|(breach, _, says)| (breach, says)),
        image: ran.left,
    })
}

//! Runs a script in lock step.

use super::lockstep::Lockstep;
use super::script::Step;
use super::{Discipline, Divergence, Kind, Script};
use crate::storage::simulated::{Fault, Point};

/// What a script that conforms went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conformed {
    /// Storage calls of the engine, in words, and where it died.
    pub calls: Vec<String>,
    /// Power cuts.
    pub power_cuts: usize,
    /// Kills.
    pub kills: usize,
    /// Barriers that failed.
    pub failures: usize,
}

/// Runs a script.
pub fn run(script: &Script) -> Result<Conformed, Divergence> {
    run_with(script, &[])
}

/// Runs a script, with mistakes planted in the engine's storage calls.
pub fn run_with(script: &Script, mistakes: &[(Point, Fault)]) -> Result<Conformed, Divergence> {
    let both = Lockstep::new(script)?;
    for (point, fault) in mistakes {
        both.engine.plan(*point, *fault);
    }
    drive(both, script)
}

/// Runs a script on another of the engine's protocols than the model's: it ought to diverge.
pub fn run_as(script: &Script, engine: Discipline) -> Result<Conformed, Divergence> {
    drive(Lockstep::new(script)?.with_engine(engine), script)
}

fn drive(mut both: Lockstep<'_>, script: &Script) -> Result<Conformed, Divergence> {
    let mut conformed = Conformed::default();
    both.open().map_err(|found| Divergence {
        during: "open".into(),
        ..found
    })?;
    for (number, step) in script.steps.iter().enumerate() {
        let done = take(&mut both, script, number, step, &mut conformed);
        match done {
            Err(found) if found.kind == Kind::NotModelled => break,
            Err(found) => {
                return Err(Divergence {
                    step: number,
                    during: step.to_string(),
                    ..found
                });
            }
            Ok(()) => {}
        }
        if !both.is_modelled() {
            break;
        }
    }
    conformed.calls = both.calls;
    Ok(conformed)
}

fn take(
    both: &mut Lockstep<'_>,
    script: &Script,
    number: usize,
    step: &Step,
    conformed: &mut Conformed,
) -> Result<(), Divergence> {
    match step {
        Step::Write(_) | Step::Sync | Step::Close => match script.operation(number) {
            Some(operation) => both.ask(Script::id(number), &operation),
            None => Ok(()),
        },
        Step::DieAfter(calls) => {
            both.engine
                .plan(Point::Call(both.engine.calls() + calls), Fault::Die);
            Ok(())
        }
        Step::FailBarrierAfter(barriers, failure) => {
            conformed.failures += 1;
            let point = Point::Barrier(both.engine.barriers() + barriers);
            both.engine.plan(point, Fault::Barrier(*failure));
            Ok(())
        }
        Step::Kill => {
            conformed.kills += 1;
            both.kill()?;
            reopen(both)
        }
        Step::PowerCut { keep, fills } => {
            conformed.power_cuts += 1;
            let disk = both.engine.disk();
            let fates = Step::fates(keep, fills, disk.log().len(), 64);
            both.power_cut(&fates)?;
            reopen(both)
        }
    }
}

fn reopen(both: &mut Lockstep<'_>) -> Result<(), Divergence> {
    match both.is_modelled() {
        true => both.open(),
        false => Ok(()),
    }
}

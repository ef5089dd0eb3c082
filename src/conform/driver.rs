//! Runs a script in lock step.

use super::bitcask::BitcaskSubject;
use super::btree::BtreeSubject;
use super::event_store::EventsSubject;
use super::found_bitcask::FoundBitcaskSubject;
use super::group::{Arrival, GroupSubject};
use super::json_lines::LinesSubject;
use super::lockstep::Lockstep;
use super::lsm::LsmSubject;
use super::script::{Engine, Step, Sync};
use super::segments::SegmentsSubject;
use super::subject::Subject;
use super::wal::LogSubject;
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script};
use crate::storage::simulated::{Fault, Point};
use models::contract::{Promise, Terms};
use models::machine::process::Ground;
use models::profile::Profile;

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
    start(script, script.discipline, mistakes)
}

/// Runs a script on another of the engine's protocols than the model's: it ought to diverge.
pub fn run_as(script: &Script, engine: Discipline) -> Result<Conformed, Divergence> {
    start(script, engine, &[])
}

/// Runs a script of writes and syncs of the log, in rounds of several threads. `comes[n]` is of step n: `None` begins a
/// round; a number joins the one before, ahead of its call of that number, counted from 0.
pub fn run_together(
    script: &Script,
    comes: &[Option<usize>],
    mistakes: &[(Point, Fault)],
) -> Result<Conformed, Divergence> {
    let subject = GroupSubject::of(script, script.discipline);
    let ground = ground(script, subject.protocol())?;
    let mut both = Lockstep::new(subject, ground, terms(script));
    for (point, fault) in mistakes {
        both.engine.plan(*point, *fault);
    }
    let mut conformed = Conformed::default();
    both.open()?;
    let overlaps = |step: &Step| matches!(step, Step::Write(_) | Step::Sync);
    let operation = |number: usize| {
        let operation = script.operation(number)?;
        Some((Script::id(number), operation))
    };
    let mut number = 0;
    while let Some(step) = script.steps.get(number) {
        let from = number;
        number += 1;
        let done = match operation(from).filter(|_| overlaps(step)) {
            None => take(&mut both, script, from, step, &mut conformed),
            Some(first) => {
                let (mut arrivals, mut latest): (Vec<Arrival>, _) = (Vec::new(), 0);
                while let (Some(step), Some(Some(call))) =
                    (script.steps.get(number), comes.get(number))
                    && overlaps(step)
                {
                    // In the order of their numbers, as in the model.
                    latest = latest.max(*call);
                    let joins = operation(number).map(|(id, asked)| (latest, id, asked));
                    arrivals.extend(joins);
                    number += 1;
                }
                both.ask_together(first, arrivals)
            }
        };
        match done {
            Err(found) if found.kind == Kind::NotModelled => break,
            Err(found) => {
                return Err(Divergence {
                    step: from,
                    during: step.to_string(),
                    ..found
                });
            }
            Ok(()) => {}
        }
    }
    conformed.calls = both.calls;
    Ok(conformed)
}

fn start(
    script: &Script,
    engine: Discipline,
    mistakes: &[(Point, Fault)],
) -> Result<Conformed, Divergence> {
    match script.engine {
        Engine::Log => drive::<LogSubject>(script, engine, mistakes),
        Engine::Segments(_) => drive::<SegmentsSubject>(script, engine, mistakes),
        Engine::Lsm(_) => drive::<LsmSubject>(script, engine, mistakes),
        Engine::Bitcask(_) => drive::<BitcaskSubject>(script, engine, mistakes),
        Engine::FoundBitcask(_) => drive::<FoundBitcaskSubject>(script, engine, mistakes),
        Engine::Btree(_) => drive::<BtreeSubject>(script, engine, mistakes),
        Engine::EventStore(_) => drive::<EventsSubject>(script, engine, mistakes),
        Engine::JsonLines(_) => drive::<LinesSubject>(script, engine, mistakes),
    }
}

fn drive<S: Subject>(
    script: &Script,
    engine: Discipline,
    mistakes: &[(Point, Fault)],
) -> Result<Conformed, Divergence> {
    let subject = S::of(script, engine);
    let ground = ground(script, subject.protocol())?;
    let mut both = Lockstep::new(subject, ground, terms(script));
    for (point, fault) in mistakes {
        both.engine.plan(*point, *fault);
    }
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

/// The protocol on the script's file system, with sizes in cells.
fn ground<P>(script: &Script, protocol: P) -> Result<Ground<P>, Divergence> {
    let profile = Profile::named(&script.profile)
        .ok_or_else(|| Divergence::new(Kind::NotModelled, "a profile", script.profile.clone()))?;
    let (sector, block) = (script.sector_bytes, script.block_bytes);
    Ok(Ground {
        protocol,
        profile: profile.with_sizes(sector / CELL_BYTES, block / CELL_BYTES),
        without: None,
        guarded: false,
        forget: false,
    })
}

/// The contract, where the protocol promises to keep it.
fn terms(script: &Script) -> Terms {
    let judged = match script.discipline {
        Discipline::Durable => Promise::CONTRACT.to_vec(),
        Discipline::AsFound { .. } => Vec::new(),
    };
    let every = match script.sync {
        Sync::EveryN(n) => Some(n),
        Sync::Every | Sync::Never => None,
    };
    Terms {
        judged,
        every,
        kills_only: false,
    }
}

fn take<S: Subject>(
    both: &mut Lockstep<S>,
    script: &Script,
    number: usize,
    step: &Step,
    conformed: &mut Conformed,
) -> Result<(), Divergence> {
    match step {
        Step::Write(_) | Step::Sync | Step::Flush | Step::Compact | Step::Close => {
            match script.operation(number) {
                Some(operation) => both.ask(Script::id(number), &operation),
                None => Ok(()),
            }
        }
        Step::Work => both.work(Script::id(number)),
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

fn reopen<S: Subject>(both: &mut Lockstep<S>) -> Result<(), Divergence> {
    match both.is_modelled() {
        true => both.open(),
        false => Ok(()),
    }
}

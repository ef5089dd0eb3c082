//! The counterexample of a model: its script run again, step by step, and made smaller.

use super::promised::Promised;
use crate::counterexample::contents::{self, Node};
use crate::counterexample::minimal::fewest_lost;
use crate::counterexample::needs::{Hangs, hangs_on};
use crate::counterexample::record::{Recorder, Shown};
use crate::counterexample::{Broken, Counterexample, Fate, Mark, SCHEMA, Script, Step as Line};
use models::contract::{Event, Promise, Value, View, key_name};
use models::disk::image::Fates;
use models::disk::{Call, Cell};
use models::machine::Setup;
use models::machine::process::{Doing, Ground, Process};
use models::machine::script::{Move, Run};
use models::profile::Profile;
use models::protocol::{Protocol, Step};

/// A script of a setup, written down: it loses no more than it must. Who it is of is yet to be said.
pub fn of<P: Protocol>(setup: &Setup<P>, moves: Vec<Move>) -> Counterexample {
    let breach = breach(setup, &moves);
    let Some(breach) = breach else {
        return as_it_is(setup, moves);
    };
    let hangs = hangs_on(&setup.ground.profile, |profile| {
        follow(&on(setup, profile), &moves, breach).is_some()
    });
    let moves = lose_less(setup, moves, breach, &hangs);
    Counterexample {
        needs: hangs.needs,
        ..as_it_is(setup, moves)
    }
}

/// A script of a setup, written down move for move, whether it breaks something or not.
pub(super) fn as_it_is<P: Protocol>(setup: &Setup<P>, moves: Vec<Move>) -> Counterexample {
    let (steps, broken) = written(setup, &moves);
    Counterexample {
        schema: SCHEMA,
        name: String::new(),
        about: String::new(),
        finding: None,
        profile: setup.ground.profile.clone(),
        shown_by: Vec::new(),
        strongest: Vec::new(),
        needs: Vec::new(),
        barriers: setup.ground.without.iter().cloned().collect(),
        note: None,
        broken,
        script: Script::Model { moves },
        steps,
    }
}

/// The same setup on another file system.
pub(super) fn on<P: Protocol>(setup: &Setup<P>, profile: &Profile) -> Setup<P> {
    let (sector, block) = (setup.ground.profile.sector, setup.ground.profile.block);
    Setup {
        ground: Ground {
            profile: profile.clone().with_sizes(sector, block),
            ..setup.ground.clone()
        },
        ..setup.clone()
    }
}

/// The promise that a script breaks, and that with its last move.
pub(super) fn breach<P: Protocol>(setup: &Setup<P>, moves: &[Move]) -> Option<Promise> {
    let mut run = Run::new(setup);
    for (number, next) in moves.iter().enumerate() {
        run.make(next)?;
        if run.breach.is_some() && number + 1 < moves.len() {
            return None;
        }
    }
    run.breach
}

/// A script that breaks the promise, with as much kept as can be; and that hangs on no more rules than before.
fn lose_less<P: Protocol>(
    setup: &Setup<P>,
    moves: Vec<Move>,
    breach: Promise,
    hangs: &Hangs,
) -> Vec<Move> {
    let also: Vec<Setup<P>> = hangs
        .also
        .iter()
        .map(|profile| on(setup, profile))
        .collect();
    let cuts = moves.iter().filter_map(|next| match next {
        Move::PowerCut(fates) => Some(fates.clone()),
        _ => None,
    });
    let with = |cuts: &[Fates]| {
        let mut cuts = cuts.iter().cloned();
        let with = |next: &Move| match next {
            Move::PowerCut(_) => Move::PowerCut(cuts.next().unwrap_or_default()),
            other => other.clone(),
        };
        moves.iter().map(with).collect::<Vec<_>>()
    };
    let least = fewest_lost(cuts.collect(), |cuts| {
        let moves = with(cuts);
        let followed = follow(setup, &moves, breach)?;
        let also = also
            .iter()
            .all(|setup| follow(setup, &moves, breach).is_some());
        also.then_some(followed.met)
    });
    let followed = follow(setup, &with(&least), breach);
    followed.map_or(moves.clone(), |followed| followed.moves)
}

/// A script, followed to a breach.
struct Followed {
    moves: Vec<Move>,
    /// How many effects each power cut met.
    met: Vec<usize>,
}

/// Follows a script as far as it goes: to this breach and no other, in no more moves. The steps of the last recovery
/// are what they are. What a power cut keeps is written down with all that is kept with it.
fn follow<P: Protocol>(setup: &Setup<P>, moves: &[Move], breach: Promise) -> Option<Followed> {
    let mut run = Run::new(setup);
    let (mut made, mut met) = (Vec::new(), Vec::new());
    for (number, next) in moves.iter().enumerate() {
        let next = match next {
            Move::PowerCut(fates) => {
                met.push(run.disk.log().len());
                Move::PowerCut(Fates {
                    kept: run.disk.kept_with(&fates.kept, &setup.ground.profile),
                    fills: fates.fills.clone(),
                })
            }
            other => other.clone(),
        };
        run.make(&next)?;
        made.push(next);
        match run.breach {
            None => {}
            Some(found) if found == breach && only_steps(&moves[number + 1..]) => {
                return Some(Followed { moves: made, met });
            }
            Some(_) => return None,
        }
    }
    None
}

fn only_steps(moves: &[Move]) -> bool {
    moves.iter().all(|next| *next == Move::Step)
}

/// Runs a script, and writes down each step.
pub(super) fn written<P: Protocol>(setup: &Setup<P>, moves: &[Move]) -> (Vec<Line>, Broken) {
    let mut run = Run::new(setup);
    let mut recorder = recorder(&run);
    let mut promised = Promised::default();
    for next in moves {
        let step = recorder.len();
        let Some(events) = write_down(&mut run, &mut recorder, next) else {
            break;
        };
        promised.note(&events, step);
    }
    let broken = match run.breach {
        Some(promise) => promised.broken(promise),
        None => Broken::default(),
    };
    (recorder.into_steps(), broken)
}

/// A recorder that starts where a run stands.
pub(super) fn recorder<P: Protocol>(run: &Run<P>) -> Recorder<P::Cell> {
    let mut recorder = Recorder::new(Shown {
        file,
        data: |at, cells| format!("[{at}] = {}", cells_in_words(cells)),
    });
    recorder.step(Line::new(Mark::Start, "start"), &run.disk);
    recorder
}

/// How a file of a model is shown.
pub(super) fn file<C: Cell>(cells: &[C]) -> Node {
    Node::Cells(contents::cells(cells))
}

/// Makes a move, and writes it down. `None`: it is not possible here.
pub(super) fn write_down<P: Protocol>(
    run: &mut Run<P>,
    recorder: &mut Recorder<P::Cell>,
    next: &Move,
) -> Option<Vec<Event>> {
    let line = line(run.ground(), &run.process, next);
    let site = line.site.as_deref().unwrap_or_default();
    let line = Line {
        // A first start is no recovery, until something crashed.
        recovery: line.recovery && (recorder.has_crashed() || site.starts_with("recovery")),
        ..line
    };
    let before = run.disk.clone();
    let events = run.make(next)?;
    let told: Vec<String> = events.iter().filter_map(told).collect();
    let is_failure = |event: &Event| matches!(event, Event::BarrierFailed | Event::FailedBeside);
    let failed = events.iter().any(is_failure);
    let mut line = Line {
        mark: if failed { Mark::Failed } else { line.mark },
        buffered: match &run.process.buffer {
            Some((_, _, cells)) => cells_in_words(cells),
            None => String::new(),
        },
        ..line
    }
    .told(told.join("; "));
    if let Move::PowerCut(fates) = next {
        line.effects = recorder.fates(&before, |i| match fates.kept.contains(&i) {
            true => Fate::Kept,
            false => Fate::Lost,
        });
    }
    recorder.step(line, &run.disk);
    Some(events)
}

pub(super) fn cells_in_words<C: Cell>(cells: &[C]) -> String {
    contents::in_words(&contents::cells(cells))
}

/// What a move is, given where the process stands.
pub(super) fn line<P: Protocol>(ground: &Ground<P>, process: &Process<P>, next: &Move) -> Line {
    match next {
        Move::Invoke(operation) => Line::new(Mark::Asked, format!("client: {operation}")),
        Move::Kill => Line::new(Mark::Kill, "KILL"),
        Move::PowerCut(_) => Line::new(Mark::PowerCut, "POWER CUT"),
        Move::Step | Move::Fail(_) => {
            let line = step_line(process.steps.first(), next);
            let recovery = process.doing == Doing::Recovery;
            Line { recovery, ..line }
        }
        Move::Beside | Move::FailBeside(_) => {
            let begun = ground.begun(process);
            step_line(begun.as_ref().and_then(|it| it.beside.first()), next)
        }
    }
}

fn step_line<C: Cell, X: std::fmt::Debug>(step: Option<&Step<C, X>>, next: &Move) -> Line {
    let Some(step) = step else {
        return Line::new(Mark::Memory, "nothing");
    };
    let (mark, what) = step_in_words(step);
    let line = match next {
        Move::Fail(failure) | Move::FailBeside(failure) => {
            Line::new(Mark::Failed, format!("{what} FAILS: {}", failure.says()))
        }
        _ => Line::new(mark, what),
    };
    let is_call = matches!(
        step,
        Step::Call { .. } | Step::Flush { .. } | Step::Buffer { .. }
    );
    Line {
        site: is_call.then(|| step.site().to_string()),
        ..line
    }
}

fn step_in_words<C: Cell, X: std::fmt::Debug>(step: &Step<C, X>) -> (Mark, String) {
    match step {
        Step::Buffer { cells, .. } => (Mark::Buffered, format!("buffer {}", cells_in_words(cells))),
        Step::Flush { cells: None, .. } => (Mark::Change, "flush the buffer".into()),
        Step::Flush {
            cells: Some(count), ..
        } => (Mark::Change, format!("flush {count} of the buffer")),
        Step::Call { call, .. } if call.is_barrier() => (Mark::Barrier, call.to_string()),
        Step::Call { call, .. } => (Mark::Change, call_in_words(call)),
        Step::Return { durable: true, .. } => (Mark::Acknowledged, step.site().into()),
        Step::Return { durable: false, .. } => (Mark::Returned, step.site().into()),
        Step::Fail | Step::Refuse => (Mark::Refused, step.site().into()),
        Step::Of(op, answer) => {
            let (mark, what) = step_in_words(answer);
            (mark, format!("{what} {op}"))
        }
        Step::Serve => (Mark::Served, "recovery ends".into()),
        Step::OpenFails => (Mark::Unopened, step.site().into()),
        Step::Change(_) | Step::Reopen => (Mark::Memory, step.site().into()),
    }
}

/// A call in words; what is written, cell by cell.
fn call_in_words<C: Cell>(call: &Call<C>) -> String {
    match call {
        Call::Write { file, at, cells } if cells.len() > 1 => {
            let end = at + cells.len();
            format!("write {file} [{at}..{end}] = {}", cells_in_words(cells))
        }
        other => other.to_string(),
    }
}

/// What a client learns from an event.
fn told(event: &Event) -> Option<String> {
    match event {
        Event::Returned { durable: true, .. } => Some("Ok, durable".into()),
        Event::Returned { durable: false, .. } => Some("Ok, not yet durable".into()),
        Event::Failed(_) => Some("error".into()),
        Event::Refused(_) => Some("refused".into()),
        Event::Served { view, .. } => Some(format!("reads {}", values(view))),
        Event::OpenFailed => Some("the store does not open".into()),
        _ => None,
    }
}

/// `a = v1, b = nothing`.
pub fn values(view: &View) -> String {
    if view.values.is_empty() {
        return "nothing".into();
    }
    let one = |(key, value): (&u8, &Value)| match *key {
        u8::MAX => format!("an unknown key = {}", value_in_words(*value)),
        key => format!("{} = {}", key_name(key), value_in_words(*value)),
    };
    view.values.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn value_in_words(value: Value) -> String {
    match value {
        Value::Absent => "nothing".into(),
        Value::Of(op) => format!("v{op}"),
        Value::Invented => "what nobody wrote".into(),
    }
}

//! A counterexample: a script, with what the client was told and the disk at each step.

use models::contract::{Event, Promise, Value, View, key_name};
use models::disk::effect::{Logged, Status};
use models::disk::image::Fates;
use models::disk::{Call, Cell, Disk, Tree};
use models::machine::Setup;
use models::machine::process::Process;
use models::machine::script::{Move, Run};
use models::protocol::{Protocol, Step};
use serde::{Deserialize, Serialize};

/// The version of the JSON schema. A reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// A script to a breach, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// The id of the promise that is broken.
    pub breach: String,
    /// The script: enough to run it again.
    pub moves: Vec<Move>,
    /// What a reader sees.
    pub steps: Vec<Row>,
}

/// One step of a counterexample. Contents are given as cells, file by file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What happened.
    pub action: String,
    /// What the client was told, or reads.
    pub client: String,
    /// What is buffered in the process.
    pub buffered: String,
    /// What the operating system shows, by path.
    pub cached: Vec<(String, String)>,
    /// What is in every crash image, by path.
    pub durable: Vec<(String, String)>,
    /// What a crash took, effect by effect.
    pub lost: Vec<String>,
    /// What it kept of what was only cached.
    pub kept: Vec<String>,
}

impl Counterexample {
    /// Runs a script of a setup, and writes down each step.
    pub fn of<P: Protocol>(setup: &Setup<P>, moves: Vec<Move>) -> Self {
        let mut run = Run::new(setup);
        let mut steps = vec![row(&run, "start".into(), String::new(), None)];
        for next in &moves {
            let action = action(&run.process, next);
            let fates = match next {
                Move::PowerCut(fates) => Some((run.disk.clone(), fates.clone())),
                _ => None,
            };
            let Some(events) = run.make(next) else { break };
            let told: Vec<String> = events.iter().filter_map(told).collect();
            steps.push(row(&run, action, told.join("; "), fates));
        }
        let breach = run
            .breach
            .map_or_else(String::new, |promise: Promise| promise.to_string());
        Self {
            schema: SCHEMA,
            breach,
            moves,
            steps,
        }
    }

    /// The script in words, one line a step.
    pub fn script(&self) -> Vec<String> {
        self.steps[1..]
            .iter()
            .map(|row| row.action.clone())
            .collect()
    }
}

fn row<P: Protocol>(
    run: &Run<P>,
    action: String,
    client: String,
    cut: Option<(Disk<P::Cell>, Fates)>,
) -> Row {
    let (mut lost, mut kept) = (Vec::new(), Vec::new());
    if let Some((before, fates)) = cut {
        for (i, logged) in before.log().iter().enumerate() {
            let list = if fates.kept.contains(&i) {
                &mut kept
            } else {
                &mut lost
            };
            if logged.status != Status::Durable {
                list.push(effect(&before, logged));
            }
        }
    }
    let buffered = match &run.process.buffer {
        Some((_, _, cells)) => cells_text(cells),
        None => String::new(),
    };
    Row {
        action,
        client,
        buffered,
        cached: files(run.disk.view()),
        durable: files(run.disk.base()),
        lost,
        kept,
    }
}

fn files<C: Cell>(tree: &Tree<C>) -> Vec<(String, String)> {
    let text = |cells: Option<&[C]>| cells.map_or_else(|| "directory".into(), cells_text);
    tree.paths()
        .into_iter()
        .map(|(path, cells)| (path, text(cells)))
        .collect()
}

/// Cells as a reader sees them: `H r1.0 r1.1 0`.
fn cells_text<C: Cell>(cells: &[C]) -> String {
    if cells.is_empty() {
        return "empty".into();
    }
    let mut texts: Vec<String> = Vec::new();
    let mut rest = cells;
    while let Some((first, behind)) = rest.split_first() {
        let run = run_of(rest);
        let first = format!("{first:?}");
        if run > 2 {
            let last = format!("{:?}", rest[run - 1]);
            let last = last.rsplit('.').next().unwrap_or_default().to_string();
            texts.push(format!("{first}..{last}"));
            rest = &rest[run..];
        } else {
            texts.push(first);
            rest = behind;
        }
    }
    texts.join(" ")
}

/// How many cells, from the first on, are pieces of one whole in order: `r1.0`, `r1.1`, ..
fn run_of<C: Cell>(cells: &[C]) -> usize {
    let piece = |cell: &C| {
        let text = format!("{cell:?}");
        let (whole, part) = text.rsplit_once('.')?;
        Some((whole.to_string(), part.parse::<usize>().ok()?))
    };
    let Some((whole, first)) = cells.first().and_then(piece) else {
        return 1;
    };
    let follows = |(cell, part): (&C, usize)| piece(cell) == Some((whole.clone(), part));
    let parts = cells.iter().zip(first..);
    parts.take_while(|&pair| follows(pair)).count()
}

/// What a move is, given where the process stands.
fn action<P: Protocol>(process: &Process<P>, next: &Move) -> String {
    match next {
        Move::Invoke(operation) => format!("client: {operation}"),
        Move::Step => process.steps.first().map_or_else(|| "nothing".into(), step),
        Move::Fail(failure) => {
            let step = process.steps.first().map_or_else(|| "nothing".into(), step);
            format!("{step} FAILS: {}", failure.says())
        }
        Move::Kill => "KILL".into(),
        Move::PowerCut(_) => "POWER CUT".into(),
    }
}

fn step<C: Cell, X: std::fmt::Debug>(step: &Step<C, X>) -> String {
    match step {
        Step::Buffer { cells, .. } => format!("buffer {}", cells_text(cells)),
        Step::Flush { cells: None, .. } => "flush the buffer".into(),
        Step::Flush {
            cells: Some(count), ..
        } => format!("flush {count} of the buffer"),
        Step::Call { call, site } => match site.split_once(": ") {
            Some(("recovery", _)) => format!("recovery: {}", call_text(call)),
            _ => call_text(call),
        },
        Step::Serve => "recovery ends".into(),
        other => other.site().into(),
    }
}

/// A call in words; what is written, cell by cell.
fn call_text<C: Cell>(call: &Call<C>) -> String {
    match call {
        Call::Write { file, at, cells } if cells.len() > 1 => {
            let end = at + cells.len();
            format!("write {file} [{at}..{end}] = {}", cells_text(cells))
        }
        other => other.to_string(),
    }
}

/// What a client learns from an event.
fn told(event: &Event) -> Option<String> {
    match event {
        Event::Returned { durable: true, .. } => Some("Ok, durable".into()),
        Event::Returned { durable: false, .. } => Some("Ok, not yet durable".into()),
        Event::Failed => Some("error".into()),
        Event::Refused => Some("refused".into()),
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
    let one = |(key, value): (&u8, &Value)| {
        let key = if *key == u8::MAX {
            "an unknown key".into()
        } else {
            key_name(*key)
        };
        match value {
            Value::Absent => format!("{key} = nothing"),
            Value::Of(op) => format!("{key} = v{op}"),
            Value::Invented => format!("{key} = what nobody wrote"),
        }
    };
    view.values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// An effect in words.
pub fn effect<C: Cell>(disk: &Disk<C>, logged: &Logged<C>) -> String {
    let data = |at, cells: &[C]| format!("[{at}] = {}", cells_text(cells));
    disk.say(&logged.effect, data)
}

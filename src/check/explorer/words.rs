//! What the Explorer says of an action, a step, a state and a path.

use super::World;
use crate::check::counterexample::{
    as_it_is, cells_in_words, file, line, recorder, values, write_down,
};
use crate::counterexample::{Counterexample, contents::Files};
use crate::report::step::{Shown, files, promise, step};
use models::disk::Disk;
use models::disk::effect::{Effect, Status};
use models::disk::image::Fates;
use models::machine::process::Doing;
use models::machine::script::{Move, Run};
use models::machine::{Action, State};
use models::protocol::Protocol;
use std::fmt::Write;

impl<P: Protocol> World<P> {
    /// `client: put a`, `write store/log [0..2] = r1.0 r1.1`, `power cut: loses name store/1.sst`, `kill`.
    pub(super) fn action_in_words(&self, at: &State, action: Action) -> String {
        match self.to_move(at, action) {
            Move::Kill => "kill".into(),
            Move::PowerCut(fates) => format!("power cut: {}", self.cut_in_words(at, &fates)),
            other => {
                let ground = &self.machine.setup.ground;
                let line = line(ground, &self.machine.process(at), &other);
                format!("{}{}", line.who(), line.what)
            }
        }
    }

    /// What a power cut loses of what was cached, or what it keeps where that is shorter.
    fn cut_in_words(&self, at: &State, fates: &Fates) -> String {
        let disk = self.machine.disk(at);
        let log = disk.log().iter().enumerate();
        let open = log.filter(|(_, logged)| logged.status != Status::Durable);
        let (kept, lost): (Vec<usize>, Vec<usize>) =
            open.map(|(i, _)| i).partition(|i| fates.kept.contains(i));
        let mut text = match (&kept[..], &lost[..]) {
            ([], []) => "nothing is only cached".into(),
            (_, []) => "loses nothing".into(),
            ([], [_, _, ..]) => format!("loses all {} cached effects", lost.len()),
            (kept, lost) if kept.len() < lost.len() => {
                format!("keeps only {}", effects_in_words(&disk, kept))
            }
            (_, lost) => format!("loses {}", effects_in_words(&disk, lost)),
        };
        for (path, from, cells) in self.machine.setup.ground.filled(&disk, fates) {
            let _ = write!(text, "; {path} [{from}] reads {}", cells_in_words(&cells));
        }
        text
    }

    /// What comes of an action. `None` where it is not possible.
    pub(super) fn step_in_words(&self, at: &State, action: Action) -> Option<String> {
        let mut run = self.machine.run_from(at);
        let mut recorder = recorder(&run);
        let before = shown(&run);
        write_down(&mut run, &mut recorder, &self.to_move(at, action))?;
        let steps = recorder.into_steps();
        let broken = run.breach.map(|promise| self.broken(promise));
        Some(step(steps.last()?, &before, &shown(&run), broken.as_ref()))
    }

    /// All that there is in a state, with nothing left out: two states never read the same.
    pub(super) fn state_in_words(&self, at: &State) -> String {
        let run = self.machine.run_from(at);
        let mut text = String::new();
        if self.starts.contains(at) {
            text.push_str(&self.head());
        }
        if let Some(breach) = at.breach {
            let _ = writeln!(text, "{}", promise(&self.broken(breach)));
        }
        text.push_str(&files(None, &shown(&run)));
        let doing = match run.process.doing {
            Doing::Idle => "serves, and waits for the client".into(),
            Doing::Operation(id) => format!("runs operation {id}"),
            Doing::Recovery => "recovers".into(),
            Doing::Down => "does not open; only a crash goes on from here".into(),
        };
        let _ = writeln!(text, "\nthe process {doing}");
        if let Some((file, from, cells)) = &run.process.buffer {
            let cells = cells_in_words(cells);
            let _ = writeln!(text, "buffered, for {file} from {from} on: {cells}");
        }
        let serves = self
            .machine
            .setup
            .ground
            .protocol
            .observe(&run.process.memory);
        let _ = writeln!(text, "in memory it has: {}", values(&serves));
        if !run.process.steps.is_empty() {
            text.push_str("it is to take these steps:\n");
            let mut process = run.process.clone();
            while !process.steps.is_empty() {
                let _ = writeln!(text, "  {}", line(run.ground(), &process, &Move::Step).what);
                process.steps.remove(0);
            }
        }
        if !run.process.beside.is_empty() {
            text.push_str("and beside them:\n");
            let mut process = run.process.clone();
            while !process.beside.is_empty() {
                let next = line(run.ground(), &process, &Move::Beside);
                let _ = writeln!(text, "  {}", next.what);
                process.beside.remove(0);
            }
        }
        let _ = writeln!(text, "\nmemory: {:?}", run.process.memory);
        let _ = writeln!(text, "spent of the bounds: {:?}", at.spent);
        let State {
            disk,
            process,
            oracle,
            ..
        } = at;
        let _ = writeln!(text, "disk {disk}, process {process}, oracle {oracle}");
        text
    }

    /// What is explored.
    fn head(&self) -> String {
        let found = self.path(Vec::new());
        let mut text = format!("{} on {}\n", found.name, found.profile.name);
        for more in [Some(found.about), found.note].into_iter().flatten() {
            let _ = writeln!(text, "{more}");
        }
        text.push('\n');
        text
    }

    /// The moves of a path, written down.
    pub(super) fn path(&self, moves: Vec<Move>) -> Counterexample {
        let mut path = as_it_is(&self.machine.setup, moves);
        (self.sign)(&mut path);
        path
    }
}

fn shown<P: Protocol>(run: &Run<P>) -> Shown {
    Shown {
        cached: Files::of(run.disk.view(), file),
        durable: Files::of(run.disk.base(), file),
    }
}

/// Effects, those on the data of one file together.
fn effects_in_words<C: models::disk::Cell>(disk: &Disk<C>, effects: &[usize]) -> String {
    let data = |at: usize, cells: &[C]| format!("[{at}] = {}", cells_in_words(cells));
    let mut text = String::new();
    let mut last = None;
    for &i in effects {
        let effect = &disk.log()[i].effect;
        let of = match &**effect {
            Effect::Data { file, .. } => Some(*file),
            _ => None,
        };
        match &**effect {
            Effect::Data { at, cells, .. } if of == last => {
                let _ = write!(text, " {}", data(*at, cells));
            }
            other => {
                let comma = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{comma}{}", disk.say(other, data));
            }
        }
        last = of;
    }
    text
}

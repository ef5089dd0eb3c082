//! A counterexample for a terminal, a pipe or a log: a table of its steps, each with what changed, and what it takes
//! to understand it. Never wider than 100 columns; colour carries nothing.

use super::contents::{changed, nothing_changed};
use super::text::{Paint, Tone};
use crate::counterexample::contents::Files;
use crate::counterexample::needs;
use crate::counterexample::{Counterexample, Fate, Frame, Script};
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width, presets};
use models::profile::NAMES;
use std::fmt::Write;
use std::path::Path;

/// Columns of a terminal.
const WIDTH: u16 = 100;

/// All that is to be said of it. `file`: where it stands, for the command that runs it again.
pub fn explain(found: &Counterexample, file: Option<&Path>, paint: Paint) -> String {
    let mut text = headline(found, paint);
    text.push('\n');
    text.push_str(&facts(&promise(found)));
    text.push('\n');
    text.push_str(&table(found));
    text.push('\n');
    text.push_str(&facts(&reasons(found)));
    text.push_str(&facts(&again(found, file)));
    text
}

/// The same without a table: a line for each step, as a screen reader takes it.
pub fn lines(found: &Counterexample, file: Option<&Path>, paint: Paint) -> String {
    let mut text = headline(found, paint);
    text.push('\n');
    text.push_str(&facts(&promise(found)));
    text.push('\n');
    let mut before = (Files::default(), Files::default());
    for frame in found.frames() {
        let step = frame.step;
        let mut line = format!("Step {}. {}{}.", frame.number, step.who(), step.what);
        if !step.client.is_empty() {
            let _ = write!(line, " The client: {}.", step.client);
        }
        let shown = [
            ("Cached", &before.0, &frame.cached),
            ("Durable", &before.1, &frame.durable),
        ];
        for (word, before, now) in shown {
            let changed = changed(before, now);
            if !changed.is_empty() {
                let _ = write!(line, " {word} now: {}.", changed.join("; "));
            }
        }
        for effect in &step.effects {
            let _ = write!(line, " {}.", effect.in_words());
        }
        text.push_str(&wrapped(&line, "  "));
        before = (frame.cached, frame.durable);
    }
    text.push('\n');
    text.push_str(&facts(&reasons(found)));
    text.push_str(&facts(&again(found, file)));
    text
}

fn headline(found: &Counterexample, paint: Paint) -> String {
    let broken = &found.broken;
    let mut text = format!(
        "{}: {} {} on {}\n",
        found.name,
        paint(Tone::Bad, &format!("violates {}", broken.promise)),
        broken.name,
        found.profile.name
    );
    if !found.about.is_empty() {
        text.push_str(&wrapped(&found.about, "  "));
    }
    text
}

fn promise(found: &Counterexample) -> Vec<(&'static str, String)> {
    let broken = &found.broken;
    let mut facts = vec![
        ("promised", broken.promised.clone()),
        ("there", broken.there.clone()),
    ];
    if !broken.text.is_empty() {
        facts.push(("invariant", format!("{}: {}", broken.promise, broken.text)));
    }
    facts
}

fn reasons(found: &Counterexample) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&str, String)> = found.why().into_iter().map(|why| ("why", why)).collect();
    if !found.barriers.is_empty() {
        let word = match found.script {
            Script::Model { .. } => "left out",
            Script::Code(_) => "missing",
        };
        facts.extend(found.barriers.iter().map(|barrier| (word, barrier.clone())));
    }
    let in_words = |need: &String| ("needs", format!("{need}: {}", needs::in_words(need)));
    facts.extend(found.needs.iter().map(in_words));
    if !found.shown_by.is_empty() {
        let not = NAMES
            .iter()
            .filter(|name| !found.shown_by.iter().any(|by| by == *name));
        let not: Vec<&str> = not.copied().collect();
        let not = match not.is_empty() {
            true => String::new(),
            false => format!("; not on {}", not.join(", ")),
        };
        facts.push(("shown on", found.shown_by.join(", ") + &not));
    }
    facts.extend(
        found
            .finding
            .iter()
            .map(|id| ("finding", format!("{id} (specs/findings/{id}.md)"))),
    );
    facts.extend(found.note.iter().map(|note| ("note", note.clone())));
    facts
}

fn again(found: &Counterexample, file: Option<&Path>) -> Vec<(&'static str, String)> {
    let replay = match (file, &found.script) {
        (Some(file), _) => format!("lightsout replay {}", file.display()),
        (None, Script::Model { .. }) => format!("lightsout check --only '{}' --show", found.name),
        (None, Script::Code(_)) => {
            format!(
                "lightsout explore {} --profile {} --show",
                found.name, found.profile.name
            )
        }
    };
    vec![("again", replay)]
}

/// Names with what is to be said of each, below each other.
fn facts(facts: &[(&str, String)]) -> String {
    let mut last = "";
    let lines = facts.iter().map(|(name, text)| {
        let shown = if *name == last { "" } else { name };
        last = name;
        wrapped(text, &format!("  {shown:<10}"))
    });
    lines.collect()
}

/// Words in lines, the first one behind this, the others below it.
fn wrapped(text: &str, first: &str) -> String {
    let indent = " ".repeat(first.len());
    let options = textwrap::Options::new(usize::from(WIDTH))
        .initial_indent(first)
        .subsequent_indent(&indent);
    textwrap::fill(text, options) + "\n"
}

/// The steps: who does what, what the client is told, what is buffered, and which files change.
fn table(found: &Counterexample) -> String {
    let frames = found.frames();
    let buffers = frames.iter().any(|frame| !frame.step.buffered.is_empty());
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH - 1);
    let mut heads = vec!["step", "what happens", "the client"];
    heads.extend(buffers.then_some("buffered"));
    heads.extend(["cached", "durable"]);
    table.set_header(heads);
    let mut before = (Files::default(), Files::default());
    for frame in frames {
        let cells = row(&frame, &before, buffers);
        table.add_row(cells.into_iter().map(Cell::new));
        before = (frame.cached, frame.durable);
    }
    let columns = table.column_count();
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((1, 1));
        let width = match number {
            0 => ColumnConstraint::ContentWidth,
            1 => ColumnConstraint::UpperBoundary(Width::Percentage(40)),
            n if n + 2 >= columns => ColumnConstraint::UpperBoundary(Width::Percentage(27)),
            _ => ColumnConstraint::UpperBoundary(Width::Percentage(18)),
        };
        column.set_constraint(width);
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

fn row(frame: &Frame<'_>, before: &(Files, Files), buffers: bool) -> Vec<String> {
    let step = frame.step;
    let mut what = vec![format!("{}{}", step.who(), step.what)];
    let lost = step
        .effects
        .iter()
        .filter(|effect| effect.fate == Fate::Lost);
    what.extend(lost.map(|effect| format!("- {}", effect.in_words())));
    let kept = step
        .effects
        .iter()
        .filter(|effect| effect.fate == Fate::Kept);
    what.extend(kept.map(|effect| format!("- {}", effect.in_words())));
    let start = frame.number == 0;
    let shown = |before: &Files, now: &Files| match changed(before, now) {
        none if none.is_empty() && start => nothing_changed(now),
        changed => changed.join("\n"),
    };
    let mut cells = vec![
        frame.number.to_string(),
        what.join("\n"),
        step.client.clone(),
    ];
    cells.extend(buffers.then(|| step.buffered.clone()));
    cells.extend([
        shown(&before.0, &frame.cached),
        shown(&before.1, &frame.durable),
    ]);
    cells
}

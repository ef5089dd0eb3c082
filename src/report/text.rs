//! Verdicts and counterexamples as text for a terminal, a pipe or a log. Colour is never the only
//! carrier of meaning; without it every line says the same.

use crate::check::counterexample::{Counterexample, Row};
use crate::check::spec::Specs;
use crate::check::verdict::{Judged, Verdict};
use std::fmt::Write;

/// How a piece of text stands out where there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As expected.
    Good,
    /// Not as expected.
    Bad,
    /// Less important.
    Faint,
}

/// Paints text, or leaves it as it is.
pub type Paint = fn(Tone, &str) -> String;

/// No colour.
pub fn plain(_: Tone, text: &str) -> String {
    text.to_string()
}

/// One verdict on one line, and what belongs to it below, indented.
pub fn verdict(judged: &Judged, paint: Paint) -> String {
    let exploration = &judged.exploration;
    let seconds = exploration.time.as_secs_f64();
    let rate = |states: usize| states as f64 / seconds.max(1e-6) / 1e6;
    let bytes = judged.bytes.map_or_else(
        || "-".into(),
        |bytes| format!("{}", bytes / exploration.unique.max(1)),
    );
    let verdict = match &judged.verdict {
        Verdict::Holds => format!("holds {}", judged.judges.join(" ")),
        Verdict::Violates(promise, counterexample) => {
            format!("violates {promise} in {} steps", counterexample.moves.len())
        }
        other => other.to_string(),
    };
    let expected = if judged.as_expected() {
        paint(Tone::Good, "as expected")
    } else {
        let expected = judged
            .expected
            .map_or("holds".into(), |promise| format!("violates {promise}"));
        paint(Tone::Bad, &format!("NOT AS EXPECTED ({expected})"))
    };
    let mut text = format!(
        "  {:<44} {:>9} {:>10} {:>6.1}s {:>5.2} M/s {:>6.2} M/s {:>5} B  {verdict:<28} {expected}\n",
        judged.id,
        exploration.unique,
        exploration.generated,
        seconds,
        rate(exploration.unique),
        rate(exploration.generated),
        bytes,
    );
    let mut note = |line: String| {
        let _ = writeln!(text, "      {}", paint(Tone::Faint, &line));
    };
    if !judged.strongest.is_empty() {
        note(format!(
            "shown by {}, the strongest",
            judged.strongest.join(", ")
        ));
    }
    if let Some(finding) = &judged.finding {
        let word = match judged.verdict {
            Verdict::Violates(..) => "proves",
            _ => "bears on",
        };
        note(format!("{word} {finding}"));
    }
    if let Some(says) = &judged.says {
        note(says.clone());
    }
    if let Some(replayed) = &judged.replayed {
        note(replayed.clone());
    }
    match &judged.verdict {
        Verdict::Inconclusive(because) | Verdict::Broken(because) => note(because.clone()),
        _ => {}
    }
    text
}

/// The heads of the columns of [`verdict`].
pub fn heading() -> String {
    format!(
        "  {:<44} {:>9} {:>10} {:>7} {:>9} {:>10} {:>7}  verdict\n",
        "check", "unique", "generated", "time", "unique", "generated", "B/uniq"
    )
}

/// A counterexample as a table of steps, with the sentence of the promise that it breaks.
pub fn counterexample(judged: &Judged, found: &Counterexample, specs: &Specs) -> String {
    let mut text = String::new();
    let sentence = sentence(specs, judged, &found.breach);
    let _ = writeln!(
        text,
        "{}: violates {} {}",
        judged.id, found.breach, sentence.0
    );
    let _ = writeln!(text, "  on {}\n", judged.profile);
    text.push_str(&table(found));
    let _ = writeln!(text, "\n  {} says: {}", found.breach, sentence.1);
    if !judged.strongest.is_empty() {
        let _ = writeln!(text, "  shown by: {}", judged.shown_by.join(", "));
    }
    let _ = writeln!(
        text,
        "  again:    lightsout check --only '{}' --show",
        judged.id
    );
    text
}

fn sentence(specs: &Specs, judged: &Judged, id: &str) -> (String, String) {
    let engine = judged.id.split('/').next().unwrap_or_default();
    let own = specs.engines.iter().filter(|spec| spec.engine == engine);
    specs
        .contract
        .invariants
        .iter()
        .chain(own.flat_map(|spec| &spec.invariants))
        .find(|invariant| invariant.id == id)
        .map(|invariant| (invariant.name.clone(), invariant.text.clone()))
        .unwrap_or_default()
}

/// The steps of a counterexample, with what is buffered, cached and durable beside each other.
fn table(found: &Counterexample) -> String {
    let mut rows: Vec<[String; 6]> = vec![
        [
            "step",
            "what happens",
            "the client",
            "buffered",
            "cached",
            "durable",
        ]
        .map(String::from),
    ];
    let mut before: Option<&Row> = None;
    for (number, row) in found.steps.iter().enumerate() {
        let same = |now: &[(String, String)], then: Option<&[(String, String)]>| {
            if then == Some(now) {
                "\"".to_string()
            } else {
                files(now)
            }
        };
        rows.push([
            number.to_string(),
            row.action.clone(),
            row.client.clone(),
            row.buffered.clone(),
            if row.cached == row.durable {
                "= durable".into()
            } else {
                same(&row.cached, before.map(|row| &row.cached[..]))
            },
            same(&row.durable, before.map(|row| &row.durable[..])),
        ]);
        for (word, list) in [("lost", &row.lost), ("kept", &row.kept)] {
            for item in list {
                let what = format!("  {word}: {item}");
                rows.push([
                    String::new(),
                    what,
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                ]);
            }
        }
        before = Some(row);
    }
    align(&rows)
}

/// Files in one line; directories only where nothing stands in them.
fn files(list: &[(String, String)]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (path, cells) in list {
        let has_more = list
            .iter()
            .any(|(other, _)| other.starts_with(&format!("{path}/")));
        if cells == "directory" && has_more {
            continue;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        texts.push(if cells == "directory" {
            format!("{name}/")
        } else {
            format!("{name}: {cells}")
        });
    }
    if texts.is_empty() {
        "nothing".into()
    } else {
        texts.join("; ")
    }
}

fn align(rows: &[[String; 6]]) -> String {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (width, cell) in widths.iter().zip(row) {
            if *width > 0 {
                let _ = write!(line, " {cell:<width$} ");
            }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The last line: how many verdicts, how many as expected.
pub fn summary(judged: &[Judged]) -> String {
    let expected = judged.iter().filter(|one| one.as_expected()).count();
    let states: usize = judged.iter().map(|one| one.exploration.unique).sum();
    let plural = if judged.len() == 1 {
        "verdict"
    } else {
        "verdicts"
    };
    format!(
        "{} {plural}, {expected} as expected; {states} states\n",
        judged.len()
    )
}

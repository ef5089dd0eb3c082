//! Verdicts and counterexamples as text for a terminal, a pipe or a log. Colour is never the only
//! carrier of meaning; without it every line says the same.

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
            format!(
                "violates {promise} in {} steps",
                counterexample.moves().len()
            )
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

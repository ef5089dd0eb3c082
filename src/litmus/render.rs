//! A report as plain text: stable, and at most 100 columns wide.

use super::{Ask, Crash, Outcome, Reason, Report, Test, Verdict, Witness, contents};
use std::fmt::{self, Write};

/// How much is shown. What is not as expected is always shown in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// One line a test.
    Tests,
    /// One line a row.
    Rows,
    /// Every row, and why.
    Reasons,
}

const COLUMNS: usize = 100;
/// Columns for the name of a test, or of a profile with its switches.
const NAME: usize = 44;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Allowed => "allowed",
            Verdict::Forbidden => "forbidden",
            Verdict::Undecided => "undecided",
        })
    }
}

impl Report {
    /// The report, ending in a line of totals.
    pub fn render(&self, detail: Detail) -> String {
        let mut text = String::new();
        for (test, asks) in &self.tests {
            if !test.asks.is_empty() {
                render_test(&mut text, test, asks, detail).expect("a string grows");
            }
        }
        let _ = writeln!(text, "{}", self.totals());
        text
    }

    fn totals(&self) -> String {
        let tests = self.tests.iter().filter(|(test, _)| !test.asks.is_empty());
        let counted = |n, what| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut totals = counted(tests.count(), "test") + ", " + &counted(self.rows(), "row");
        let judged = self.outcomes().filter(|o| o.is_judged()).count();
        if judged > 0 {
            totals += &format!(", {} as expected", judged - self.unexpected());
        }
        for (count, what) in [
            (self.differing(), "not as expected"),
            (self.undecided(), "undecided"),
        ] {
            if count > 0 {
                totals += &format!(", {count} {what}");
            }
        }
        totals
    }
}

fn render_test(
    text: &mut String,
    test: &Test,
    asks: &[Vec<Outcome>],
    detail: Detail,
) -> fmt::Result {
    let outcomes = || asks.iter().flatten();
    let unexpected = outcomes().filter(|o| !o.is_as_expected()).count();
    let differing = outcomes().filter(|o| o.differs()).count();
    if detail == Detail::Tests {
        let rows = match outcomes().count() {
            1 => "1 row".into(),
            n => format!("{n} rows"),
        };
        let verdict = match (unexpected, differing) {
            (0, _) if outcomes().any(Outcome::is_judged) => "as expected".into(),
            (0, _) => found(outcomes()),
            (n, 0) => format!("{n} undecided"),
            (_, n) => format!("{n} not as expected"),
        };
        writeln!(text, "{:NAME$}  {rows:>8}  {verdict}", test.name)?;
        if unexpected == 0 {
            return Ok(());
        }
    } else {
        writeln!(text, "{}", test.name)?;
    }
    wrapped(text, 2, "", &test.question)?;
    for (ask, outcomes) in test.asks.iter().zip(asks) {
        let shown: Vec<&Outcome> = (outcomes.iter())
            .filter(|o| detail > Detail::Tests || !o.is_as_expected())
            .collect();
        if shown.is_empty() {
            continue;
        }
        render_ask(text, ask)?;
        for outcome in shown {
            render_outcome(text, ask, outcome, detail)?;
        }
    }
    writeln!(text)
}

/// How many of each verdict, for a test that expects none.
fn found<'a>(outcomes: impl Iterator<Item = &'a Outcome> + Clone) -> String {
    let count = |verdict| {
        let of = outcomes.clone().filter(|o| o.answer.verdict == verdict);
        (of.count(), verdict)
    };
    let counts = [Verdict::Allowed, Verdict::Forbidden, Verdict::Undecided].map(count);
    let counts = counts.iter().filter(|(n, _)| *n > 0);
    let counts: Vec<String> = counts
        .map(|(n, verdict)| format!("{n} {verdict}"))
        .collect();
    counts.join(", ")
}

fn render_ask(text: &mut String, ask: &Ask) -> fmt::Result {
    writeln!(text)?;
    if !ask.name.is_empty() {
        wrapped(text, 2, "", &ask.name)?;
    }
    let list = |operations: &[super::Operation]| {
        let operations = operations.iter().map(ToString::to_string);
        operations.collect::<Vec<_>>().join("; ")
    };
    if !ask.setup.is_empty() {
        wrapped(text, 2, "durable  ", &list(&ask.setup))?;
    }
    wrapped(text, 2, "program  ", &list(&ask.program))?;
    if ask.crash == Crash::End {
        wrapped(text, 2, "crash    ", "after the last operation")?;
    }
    if !ask.state.is_empty() {
        wrapped(text, 2, "state    ", &ask.state.to_string())?;
    }
    Ok(())
}

fn render_outcome(text: &mut String, ask: &Ask, outcome: &Outcome, detail: Detail) -> fmt::Result {
    let (row, answer) = (&outcome.row, &outcome.answer);
    let verdict = match ask.state.is_empty() {
        true => "counted".into(),
        false => answer.verdict.to_string(),
    };
    let outcomes = match (answer.exhausted, answer.outcomes) {
        (true, 1) => "1 outcome".into(),
        (true, n) => format!("{n} outcomes"),
        (false, n) => format!("{n}+ outcomes"),
    };
    let expected = expectation(outcome);
    let name = &row.profile.name;
    let line = format!("    {name:NAME$}  {verdict:9}  {outcomes:>14}  {expected}");
    if line.chars().count() <= COLUMNS {
        writeln!(text, "{}", line.trim_end())?;
    } else {
        writeln!(text, "    {name}")?;
        let line = format!("    {:NAME$}  {verdict:9}  {outcomes:>14}", "");
        writeln!(text, "{line}")?;
        wrapped(text, 6, "", &expected)?;
    }
    if detail < Detail::Reasons && outcome.is_as_expected() {
        return Ok(());
    }
    if !row.source.is_empty() {
        wrapped(text, 6, "source: ", &row.source)?;
    }
    if !row.note.is_empty() {
        wrapped(text, 6, "", &row.note)?;
    }
    match &answer.witness {
        Some(witness) if !ask.state.is_empty() => render_witness(text, ask, witness),
        Some(_) => Ok(()),
        None => wrapped(text, 6, "", &reason(&outcome.reason)),
    }
}

fn expectation(outcome: &Outcome) -> String {
    let row = &outcome.row;
    if outcome.is_as_expected() {
        return if outcome.is_judged() {
            "as expected"
        } else {
            ""
        }
        .into();
    }
    let verdict = row.verdict.map(|verdict| verdict.to_string());
    let outcomes = row.outcomes.map(|n| format!("{n} outcomes"));
    let expected: Vec<String> = verdict.into_iter().chain(outcomes).collect();
    format!("EXPECTED {}", expected.join(", "))
}

fn render_witness(text: &mut String, ask: &Ask, witness: &Witness) -> fmt::Result {
    let crash = match witness.completed {
        0 => "before the first operation".into(),
        n if n == ask.program.len() => "after the last operation".into(),
        n => format!("after operation {n}, {}", ask.program[n - 1]),
    };
    wrapped(text, 6, "crash ", &crash)?;
    for line in &witness.cached {
        let fate = if line.kept { "kept  " } else { "lost  " };
        wrapped(text, 8, fate, &line.effect)?;
    }
    let left = witness.left.iter().map(|(path, bytes)| match bytes {
        Some(bytes) => format!("{path} is {}", contents::describe(bytes)),
        None => format!("{path}/"),
    });
    let left: Vec<String> = left.collect();
    match left.is_empty() {
        true => wrapped(text, 6, "leaves ", "nothing"),
        false => wrapped(text, 6, "leaves ", &left.join("; ")),
    }
}

/// Why it is forbidden, in a sentence.
fn reason(reason: &Reason) -> String {
    let all = |changes: &Vec<_>| {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        changes.join(" and ")
    };
    match reason {
        Reason::Crash => String::new(),
        Reason::Rules(sets) => {
            let sets: Vec<String> = sets.iter().map(all).collect();
            format!("would be allowed with {}", sets.join(", or with "))
        }
        Reason::Barriers(barriers) => {
            let barriers = barriers.join(" or ");
            format!("only a barrier forbids it: without {barriers} some profile would allow it")
        }
        Reason::Never => {
            "no crash of this program leaves it, whatever the rules and barriers".into()
        }
        Reason::Unknown => {
            "the search for the reason gave up at its bound: try smaller sizes of sector and block"
                .into()
        }
    }
}

/// Words, wrapped, under the first.
fn wrapped(text: &mut String, indent: usize, head: &str, words: &str) -> fmt::Result {
    let under = indent + head.chars().count();
    write!(text, "{:indent$}{head}", "")?;
    let mut column = under;
    for (i, word) in words.split_whitespace().enumerate() {
        let width = word.chars().count();
        if i > 0 && column + 1 + width > COLUMNS {
            write!(text, "\n{:under$}", "")?;
            column = under;
        } else if i > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    writeln!(text)
}

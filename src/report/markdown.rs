//! Results as Markdown, for the summary of a job: what is not as expected first.

use super::results::{Entry, Results, Totals};
use crate::check::lock::Kind;
use crate::check::verdict::Exit;
use std::fmt::Write;

/// Counterexamples that are shown: a summary may have 1 MiB on GitHub.
const SHOWN: usize = 20;

/// As Markdown.
pub fn markdown(results: &Results) -> String {
    let command = results.kind;
    let (what, measure) = match command {
        Kind::Check => ("check", "states"),
        Kind::Explore => ("exploration", "recoveries"),
    };
    let totals = &results.totals;
    let mut text = format!("## lightsout {command}: {}\n\n", outcome(results));
    let selected = match &results.selection[..] {
        [] => "everything".into(),
        selection => format!("`{}`", selection.join(" ")),
    };
    let part = results.shard.map(|shard| format!(", part {shard}"));
    let _ = writeln!(
        text,
        "{} verdicts, {} as expected, {} differ, {} inconclusive, {} broken. Selected: {selected}{}.",
        totals.verdicts,
        totals.as_expected,
        totals.differ,
        totals.inconclusive,
        totals.broken,
        part.unwrap_or_default()
    );
    let unexpected: Vec<&Entry> = (results.entries.iter())
        .filter(|entry| entry.exit() != Exit::Expected)
        .collect();
    if !unexpected.is_empty() {
        text += "\n### Not as expected\n\n";
        let row = |entry: &&Entry| {
            let because = entry.because.clone().unwrap_or_default();
            [
                code(&entry.id),
                cell(&entry.expected),
                bold(&entry.verdict),
                cell(&because),
            ]
        };
        text += &table(
            [what, "expected", "found", "because"],
            unexpected.iter().map(row),
        );
        text += &counterexamples(&unexpected);
    }
    if !results.differences.is_empty() {
        text += "\n### Not as in specs/verdicts.lock\n\n";
        for difference in &results.differences {
            let _ = writeln!(
                text,
                "- {}: {}",
                code(&difference.id),
                cell(&difference.says)
            );
        }
    }
    text += "\n### By engine\n\n";
    text += &engines(results, measure);
    for (engine, entries) in results.by_engine() {
        let summary = format!("{engine}: {} verdicts", entries.len());
        let row = |entry: &&Entry| {
            let size = entry.measure().unwrap_or_default();
            let expected = match entry.exit() {
                Exit::Expected => cell(&entry.verdict),
                _ => bold(&entry.verdict),
            };
            [code(entry.engine().1), expected, size, cell(&entry.profile)]
        };
        let rows = table(
            [what, "verdict", "covered", "file system"],
            entries.iter().map(row),
        );
        text += &details(&summary, &rows);
    }
    text
}

/// In a few words.
fn outcome(results: &Results) -> String {
    match results.exit() {
        Exit::Expected => "all as expected".into(),
        Exit::Differs if results.totals.differ == 0 => "not as in specs/verdicts.lock".into(),
        Exit::Differs => "NOT AS EXPECTED".into(),
        Exit::Inconclusive => "inconclusive".into(),
        Exit::Broken => "BROKEN".into(),
    }
}

fn counterexamples(unexpected: &[&Entry]) -> String {
    let with_steps = || {
        unexpected
            .iter()
            .filter(|entry| entry.counterexample.is_some())
    };
    let mut text = String::new();
    for entry in with_steps().take(SHOWN) {
        let summary = format!("{}: {}", entry.id, entry.verdict);
        // The fence is longer than what a step could have in it.
        let steps = format!(
            "`````text\n{}\n`````\n",
            entry.explained().unwrap_or_default().trim_end()
        );
        text += &details(&summary, &steps);
    }
    let more = with_steps().count().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(
            text,
            "\nand {more} counterexamples more, which the JSON has."
        );
    }
    text
}

fn engines(results: &Results, measure: &str) -> String {
    let row = |(engine, entries): (&str, Vec<&Entry>)| {
        let totals = Totals::of(entries.iter().copied());
        let holds = entries
            .iter()
            .filter(|entry| entry.verdict == "holds")
            .count();
        let violates = entries
            .iter()
            .filter(|entry| entry.verdict.starts_with("violates"))
            .count();
        let size: usize = entries.iter().filter_map(|entry| entry.kept.size()).sum();
        [
            cell(engine),
            totals.verdicts.to_string(),
            totals.as_expected.to_string(),
            holds.to_string(),
            violates.to_string(),
            totals.inconclusive.to_string(),
            totals.broken.to_string(),
            size.to_string(),
        ]
    };
    let heads = [
        "engine",
        "verdicts",
        "as expected",
        "hold",
        "violate",
        "inconclusive",
        "broken",
        measure,
    ];
    table(heads, results.by_engine().into_iter().map(row))
}

fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn details(summary: &str, inside: &str) -> String {
    let summary = cell(summary);
    format!("\n<details><summary>{summary}</summary>\n\n{inside}\n</details>\n")
}

/// Text that stays in its cell, and is no markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', char]),
            char => out.push(char),
        }
    }
    out
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '|', '\n'], " "))
}

fn bold(text: &str) -> String {
    format!("**{}**", cell(text))
}

//! A whole run on one page: which promises hold where, what became of the findings, what was covered, every check.

use crate::report::visible::{clipped, visible};
use askama::Template;
use std::collections::{BTreeMap, BTreeSet};

/// What a run came to. Plain data, for whoever has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Its profiles, the strongest first; the marks of a cell stand in this order.
    pub profiles: Vec<String>,
    /// The promises, in the order of the columns: an id, `D1`, and its name.
    pub promises: Vec<(String, String)>,
    /// The checks and explorations.
    pub rows: Vec<Row>,
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One check of a model, or one exploration of real code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// `lsm/as-found/log-synced`.
    pub id: String,
    /// `lsm`.
    pub engine: String,
    /// Which of the engine's protocols: `durable`, `as-found`. Rows of one engine and variant share a row of the matrix.
    pub variant: String,
    /// A model, or code.
    pub kind: Kind,
    /// The file system.
    pub profile: String,
    /// The file systems that show a violation, where they were tried.
    pub shown_by: Vec<String>,
    /// `holds`, `violates D1`, `inconclusive`, `broken`.
    pub verdict: String,
    /// Whether it is the expected one.
    pub expected: bool,
    /// The ids that were judged.
    pub judged: Vec<String>,
    /// The one that is broken.
    pub violated: Option<String>,
    /// The finding that it bears on.
    pub finding: Option<String>,
    /// Distinct states, or recoveries.
    pub states: u64,
    /// Where the page of its counterexample is, from here: `counterexamples/lsm.html`.
    pub link: Option<String>,
    /// What was covered: `barriers`, `crash sites`, and which of them.
    pub coverage: BTreeMap<String, BTreeSet<String>>,
}

/// Whether a model was checked, or code was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A model.
    #[default]
    Model,
    /// Real code.
    Code,
}

/// A claim, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// `lsm-wal-no-fsync`.
    pub id: String,
    /// What it says.
    pub claim: String,
    /// `proved`, `refuted`, or in other words.
    pub outcome: String,
}

#[derive(Template)]
#[template(path = "index.html", config = "src/report/askama.toml")]
struct Index<'r> {
    headline: String,
    states: u64,
    models: usize,
    codes: usize,
    wrong: Vec<&'r Row>,
    matrices: Vec<Matrix<'r>>,
    profiles: &'r [String],
    promises: &'r [(String, String)],
    findings: Vec<(&'r Finding, Vec<&'r Row>)>,
    covered: Vec<Covered<'r>>,
    rows: &'r [Row],
    styles: [&'static str; 2],
    script: &'static str,
}

/// Engines by promises.
struct Matrix<'r> {
    kind: Kind,
    lines: Vec<Line<'r>>,
}

/// One variant of an engine.
struct Line<'r> {
    engine: &'r str,
    /// The line above is of the same engine.
    again: bool,
    variant: &'r str,
    /// Of each promise the marks, one for each profile; none, where it was judged on no profile.
    cells: Vec<Vec<Mark<'r>>>,
}

/// What became of one promise of one engine on one file system.
struct Mark<'r> {
    profile: &'r str,
    says: &'static str,
    sign: &'static str,
    link: Option<&'r str>,
}

/// What was covered of an engine.
struct Covered<'r> {
    engine: &'r str,
    kind: Kind,
    states: u64,
    sets: BTreeMap<&'r str, BTreeSet<&'r str>>,
}

/// The page of a run: a whole HTML document. Counterexamples are linked, and not part of it.
pub fn index(run: &Run) -> String {
    let rows = &run.rows;
    let wrong: Vec<&Row> = rows.iter().filter(|row| !row.expected).collect();
    let kinds = [Kind::Model, Kind::Code];
    let of = |kind: Kind| rows.iter().filter(|row| row.kind == kind).count();
    let index = Index {
        headline: match (rows.len(), wrong.len()) {
            (0, _) => "Nothing was checked".into(),
            (all, 0) => format!("All {all} verdicts are as expected"),
            (all, 1) => format!("1 of {all} verdicts is not as expected"),
            (all, wrong) => format!("{wrong} of {all} verdicts are not as expected"),
        },
        states: rows.iter().map(|row| row.states).sum(),
        models: of(Kind::Model),
        codes: of(Kind::Code),
        wrong,
        matrices: kinds
            .into_iter()
            .filter(|kind| of(*kind) > 0)
            .map(|kind| Matrix::of(run, kind))
            .collect(),
        profiles: &run.profiles,
        promises: &run.promises,
        findings: findings(run),
        covered: covered(rows),
        rows,
        styles: [include_str!("base.css"), include_str!("index.css")],
        script: include_str!("index.js"),
    };
    // A template of texts and numbers: nothing in it fails.
    index.render().unwrap_or_else(|error| error.to_string())
}

impl<'r> Matrix<'r> {
    fn of(run: &'r Run, kind: Kind) -> Self {
        let mut lines: Vec<(&str, &str)> = Vec::new();
        let rows: Vec<&Row> = run.rows.iter().filter(|row| row.kind == kind).collect();
        for row in &rows {
            let line = (&row.engine[..], &row.variant[..]);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let marks = |engine: &str, variant: &str, promise: &str| {
            let here = |row: &&&Row| row.engine == engine && row.variant == variant;
            let here: Vec<&Row> = rows.iter().filter(here).copied().collect();
            let marks = run
                .profiles
                .iter()
                .map(|profile| Mark::of(&here, promise, profile));
            let marks: Vec<Mark<'_>> = marks.collect();
            if marks.iter().all(|mark| mark.sign == "·") {
                Vec::new()
            } else {
                marks
            }
        };
        let line = |(number, &(engine, variant)): (usize, &(&'r str, &'r str))| Line {
            engine,
            again: number > 0 && lines[number - 1].0 == engine,
            variant,
            cells: run
                .promises
                .iter()
                .map(|(id, _)| marks(engine, variant, id))
                .collect(),
        };
        Self {
            kind,
            lines: lines.iter().enumerate().map(line).collect(),
        }
    }
}

impl<'r> Mark<'r> {
    fn of(rows: &[&'r Row], promise: &str, profile: &'r str) -> Self {
        // What ended with another promise says nothing of this one.
        let judges = |row: &&&Row| match row.violated.as_deref() {
            Some(violated) => {
                let shown = row.shown_by.iter().any(|by| by == profile);
                violated == promise && (row.profile == profile || shown)
            }
            None => row.profile == profile && row.judged.iter().any(|id| id == promise),
        };
        let judging: Vec<&Row> = rows.iter().filter(judges).copied().collect();
        let violates = |row: &&&Row| row.violated.as_deref() == Some(promise);
        let violated = judging.iter().find(violates);
        let holds = judging.iter().any(|row| row.verdict == "holds");
        let (says, sign) = match (violated, holds) {
            (Some(row), _) if !row.expected => ("violated, which nobody expected", "!"),
            (Some(_), true) => ("violated by some", "✕"),
            (Some(_), false) => ("violated", "✕"),
            (None, true) => ("holds", "✓"),
            (None, false) if judging.is_empty() => ("not judged", "·"),
            (None, false) => ("not decided", "?"),
        };
        Self {
            profile,
            says,
            sign,
            link: violated.and_then(|row| row.link()),
        }
    }
}

impl Row {
    /// Where the page is, if that is a place beside this one.
    fn link(&self) -> Option<&str> {
        let link = self.link.as_deref()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        (link.chars().all(plain) && !link.starts_with('/')).then_some(link)
    }
}

impl Kind {
    fn says(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Code => "code",
        }
    }
}

fn findings(run: &Run) -> Vec<(&Finding, Vec<&Row>)> {
    let bearing = |finding: &Finding| {
        let on =
            |row: &&Row| row.finding.as_deref() == Some(&finding.id[..]) && row.violated.is_some();
        run.rows.iter().filter(on).collect()
    };
    run.findings
        .iter()
        .map(|finding| (finding, bearing(finding)))
        .collect()
}

fn covered(rows: &[Row]) -> Vec<Covered<'_>> {
    let mut covered: Vec<Covered<'_>> = Vec::new();
    for row in rows {
        let same = |one: &&mut Covered<'_>| one.engine == row.engine && one.kind == row.kind;
        let index = match covered.iter_mut().find(same) {
            Some(one) => one,
            None => {
                covered.push(Covered {
                    engine: &row.engine,
                    kind: row.kind,
                    states: 0,
                    sets: BTreeMap::new(),
                });
                let last = covered.len() - 1;
                &mut covered[last]
            }
        };
        index.states += row.states;
        for (name, items) in &row.coverage {
            index
                .sets
                .entry(name)
                .or_default()
                .extend(items.iter().map(|item| &item[..]));
        }
    }
    covered
}

/// A text of the input.
fn shown(text: &str) -> String {
    visible(&clipped(text, 400))
}

/// `1 234 567`, with narrow spaces that do not break.
fn grouped(number: &u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

//! The files that a run writes for CI.

use super::{paint, print};
use clap::Args;
use lightsout::check::Error;
use lightsout::check::lock::Kind;
use lightsout::check::replace::{make, probe, replace};
use lightsout::report::explain::explain;
use lightsout::report::results::{Entry, Results};
use lightsout::report::text::Tone;
use lightsout::report::timings::Timings;
use lightsout::report::{junit::junit, markdown::markdown};
use std::path::{Path, PathBuf};

/// What to write: the same bytes on every machine.
#[derive(Debug, Default, Args)]
pub(super) struct Outputs {
    /// Write the results there as JSON; `lightsout merge` reads it.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results there as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a summary there as Markdown, as for GITHUB_STEP_SUMMARY.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the counterexamples there as JSON, a file for each violation.
    #[arg(long, value_name = "DIR", alias = "save")]
    counterexamples: Option<PathBuf>,
}

/// The same, of a run that takes its time.
#[derive(Debug, Default, Args)]
pub(super) struct TimedOutputs {
    #[command(flatten)]
    pub(super) results: Outputs,
    /// Write there as JSON how long it took, and what else differs from machine to machine.
    #[arg(long, value_name = "FILE")]
    timings: Option<PathBuf>,
}

impl Outputs {
    fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let named = [
            ("--json", &self.json),
            ("--junit", &self.junit),
            ("--markdown", &self.markdown),
        ];
        named
            .into_iter()
            .filter_map(|(name, path)| Some((name, path.as_ref()?)))
    }

    /// Writes all of them; if one cannot be written, the others still are.
    fn write(&self, results: &Results) -> Result<(), Error> {
        let mut done = Ok(());
        for (name, path) in self.files() {
            let text = match name {
                "--json" => results.to_json(),
                "--junit" => junit(results),
                _ => Ok(markdown(results)),
            };
            done = done.and(text.and_then(|text| replace(path, &text)));
        }
        if let Some(directory) = &self.counterexamples {
            done = done.and(counterexamples(directory, &results.entries));
        }
        done
    }
}

impl TimedOutputs {
    fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let timings = self.timings.iter().map(|path| ("--timings", path));
        self.results.files().chain(timings)
    }

    /// Whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        self.files().next().is_none() && self.results.counterexamples.is_none()
    }

    /// Before the work is done: whether all of it can be written down then.
    pub(super) fn probe(&self) -> Result<(), Error> {
        let files: Vec<_> = self.files().collect();
        for (i, (name, path)) in files.iter().enumerate() {
            if let Some((other, _)) = files[..i].iter().find(|(_, other)| other == path) {
                return Err(Error::Usage(format!(
                    "{other} and {name} both write to {}: give each a file of its own",
                    path.display()
                )));
            }
            probe(path)?;
        }
        match &self.results.counterexamples {
            Some(directory) => make(directory).and_then(|()| probe(&directory.join("none"))),
            None => Ok(()),
        }
    }

    /// Writes them, and says how the run ended.
    pub(super) fn finish(&self, results: &Results, timings: &Timings) -> Result<u8, Error> {
        let timed = match &self.timings {
            Some(path) => timings.to_json().and_then(|text| replace(path, &text)),
            None => Ok(()),
        };
        let ended = finish(&self.results, results)?;
        timed.map(|()| ended)
    }
}

/// Says what differs from the lock, writes the results, and says how the run ended.
pub(super) fn finish(outputs: &Outputs, results: &Results) -> Result<u8, Error> {
    if !results.differences.is_empty() {
        let lines = results.differences.iter().map(|one| format!("  {one}\n"));
        print(&format!(
            "\nnot as in specs/verdicts.lock:\n{}",
            lines.collect::<String>()
        ))?;
    }
    outputs.write(results)?;
    Ok(results.exit() as u8)
}

/// A line for each verdict that is not as expected, and the sum.
pub(super) fn summary(results: &Results) -> Result<(), Error> {
    for entry in results
        .entries
        .iter()
        .filter(|entry| entry.exit() as u8 != 0)
    {
        let expected = format!("NOT AS EXPECTED ({})", entry.expected);
        let because = entry.because.iter().map(|why| format!("      {why}\n"));
        print(&format!(
            "  {:<44} {:<28} {}\n{}",
            entry.id,
            entry.verdict,
            paint(Tone::Bad, &expected),
            because.collect::<String>()
        ))?;
        if let Some(found) = &entry.counterexample {
            print(&format!("\n{}\n", explain(found, None, paint)))?;
        }
    }
    let totals = results.totals;
    let what = match results.kind {
        Kind::Check => "verdict",
        Kind::Explore => "exploration",
    };
    let s = if totals.verdicts == 1 { "" } else { "s" };
    print(&format!(
        "{} {what}{s}, {} as expected\n",
        totals.verdicts, totals.as_expected
    ))
}

fn counterexamples(directory: &Path, entries: &[Entry]) -> Result<(), Error> {
    make(directory)?;
    for entry in entries {
        if let Some(found) = &entry.counterexample {
            found.save(directory)?;
        }
    }
    Ok(())
}

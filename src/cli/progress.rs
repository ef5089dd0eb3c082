//! Lines of progress on stderr, where there is a terminal to look at them.

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use lightsout::check::Error;
use lightsout::check::queue;
use lightsout::explore;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// All lines: one for each piece of work, and one for all of it.
pub(super) struct Bars {
    bars: MultiProgress,
    /// None: nobody looks.
    all: Option<Bar>,
}

/// A line of progress that goes with its work.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// For what counts up to nobody knows where; none where nobody looks.
    pub(super) fn counting(id: &str) -> Option<Self> {
        std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_prefix(id.to_string());
            Bar(styled(bar, "  {spinner} {prefix}: {msg}, {elapsed}"))
        })
    }

    /// How far it is.
    pub(super) fn say(&self, words: String) {
        self.0.set_message(words);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Bars {
    /// For so many pieces of work.
    pub(super) fn new(pieces: usize) -> Self {
        let bars = MultiProgress::new();
        let all = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(pieces as u64);
            Bar(styled(
                bars.add(bar),
                "  {pos} of {len} verdicts, {elapsed}",
            ))
        });
        Self { bars, all }
    }

    /// Writes a result, above the lines of progress; a piece of work is done.
    pub(super) fn done(&self, print: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let Some(all) = &self.all else {
            return print();
        };
        all.0.inc(1);
        self.bars.suspend(print)
    }

    /// A line for one check: how many states it has, of how many the lock says.
    pub(super) fn check(&self, id: &str, known: Option<usize>) -> queue::Progress {
        let Some(all) = &self.all else {
            return Box::new(|_| ());
        };
        let (bar, template) = match known {
            Some(states) => (
                ProgressBar::new(states as u64),
                "  {spinner} {msg}: {human_pos} of {human_len} states, {per_sec}, {eta} left",
            ),
            None => (
                ProgressBar::new_spinner(),
                "  {spinner} {msg}: {human_pos} states, {per_sec}, {elapsed}",
            ),
        };
        let bar = self
            .bars
            .insert_before(&all.0, bar.with_message(id.to_string()));
        let bar = Bar(styled(bar, template));
        Box::new(move |states| bar.0.set_position(states as u64))
    }

    /// A line for one exploration of real code: how many recoveries it has, of how many the lock says.
    pub(super) fn exploration(
        &self,
        id: &str,
        known: Option<usize>,
        progress: &Arc<explore::Progress>,
    ) -> Option<Bar> {
        let all = self.all.as_ref()?;
        let bar = ProgressBar::new_spinner().with_message(id.to_string());
        let bar = self.bars.insert_before(&all.0, bar);
        let progress = Arc::clone(progress);
        let far = move |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&far(&progress, known, state.elapsed()));
        };
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}: {far}") {
            bar.set_style(style.with_key("far", far));
        }
        bar.enable_steady_tick(TICK);
        Some(Bar(bar))
    }
}

const TICK: Duration = Duration::from_millis(100);

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// How far an exploration is, in words.
fn far(progress: &explore::Progress, known: Option<usize>, elapsed: Duration) -> String {
    let (done, left) = (progress.recoveries(), progress.left());
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-3);
    let of = known.map_or(String::new(), |all| format!(" of {all}"));
    let time = known.filter(|_| done > 0).map_or(String::new(), |all| {
        let seconds = all.saturating_sub(done) as f64 / rate;
        let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        format!(", {} left", HumanDuration(time))
    });
    format!("{done}{of} recoveries, {rate:.0} a second{time}, {left} crash points left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exploration_says_how_far_it_is() {
        let progress = explore::Progress::default();
        let far = |known| far(&progress, known, Duration::from_secs(2));
        assert_eq!(far(None), "0 recoveries, 0 a second, 0 crash points left");
        let text = far(Some(100));
        assert_eq!(text, "0 of 100 recoveries, 0 a second, 0 crash points left");
    }
}

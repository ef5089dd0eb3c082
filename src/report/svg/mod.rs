//! A counterexample as a picture: what the client, the engine's memory, the page cache and the disk see, from left
//! to right, a column a step. It stands alone, and scales.
//!
//! - `layout`: where everything is
//! - `tracks`: what was cached when the power went, and its fate
//! - `label`: few words in little room

mod label;
mod layout;
mod tracks;

use super::link;
use super::visible::{clipped, visible};
use crate::counterexample::{Counterexample, Mark};
use askama::Template;
use layout::Layout;

/// Characters of a tooltip.
const TITLE: usize = 400;

#[derive(Template)]
#[template(path = "timeline.svg", config = "src/report/askama.toml")]
struct Timeline {
    title: String,
    description: String,
    style: &'static str,
    at: Layout,
}

/// The timeline: an `<svg>` element that needs nothing beside it.
///
/// Each step is a group of class `step` with its number in `data-step`. Its colours are CSS variables, with those of a
/// light page as defaults.
pub fn timeline(found: &Counterexample) -> String {
    let timeline = Timeline {
        title: said(&format!(
            "Timeline of {} in {} steps",
            found.name,
            found.steps.len()
        )),
        description: description(found),
        style: include_str!("timeline.css"),
        at: Layout::of(found),
    };
    // A template of texts and numbers: nothing in it fails.
    timeline.render().unwrap_or_else(|error| error.to_string())
}

/// How wide and how high the timeline is, and where its columns are.
pub(super) fn sizes(found: &Counterexample) -> Sizes {
    let layout = Layout::of(found);
    Sizes {
        width: layout.width,
        height: layout.height,
        gutter: layout::GUTTER,
        lefts: layout.columns.iter().map(|column| column.left).collect(),
    }
}

/// Of a timeline, in pixels.
pub(super) struct Sizes {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Where the first column begins.
    pub(super) gutter: usize,
    /// Where each column does.
    pub(super) lefts: Vec<usize>,
}

/// What happens, in a sentence or two.
fn description(found: &Counterexample) -> String {
    let mut text = String::new();
    for (number, step) in found.steps.iter().enumerate() {
        let told = match step.mark {
            Mark::PowerCut | Mark::Kill => step.what.clone(),
            Mark::Acknowledged => format!("the client is told {}", step.client),
            _ => continue,
        };
        text.push_str(&format!("Step {number}: {told}. "));
    }
    if let Some(last) = found.steps.last() {
        text.push_str(&format!("At the end: {}. ", last.in_words()));
    }
    if let Some((promise, end)) = link::broken(found) {
        text.push_str(&format!(
            "What step {promise} promised is broken in step {end}."
        ));
    }
    visible(&clipped(text.trim(), 3 * TITLE))
}

/// Words of a tooltip.
fn said(text: &str) -> String {
    visible(&clipped(text, TITLE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterexample::Step;

    #[test]
    fn no_steps_and_a_hostile_name_still_make_a_picture() {
        let mut found = crate::report::fixture::of("<script>\"'&", Vec::new());
        assert!(!timeline(&found).contains("<script"));
        found.steps = vec![Step::new(Mark::Change, "write <b>/\u{202e} [0..1] = 0x00")];
        let svg = timeline(&found);
        assert!(
            !svg.contains("<b>") && !svg.contains('\u{202e}') && svg.contains("data-step=\"0\"")
        );
    }
}

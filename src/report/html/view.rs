//! What the page of a counterexample says, in words.

use super::data;
use crate::counterexample::contents::Files;
use crate::counterexample::{Counterexample, Fate, Frame, Script, needs};
use crate::report::contents::changed;
use crate::report::svg;
use crate::report::visible::{clipped, visible};
use askama::Template;
use models::profile::NAMES;

/// Of a text, so many characters are shown at first.
const SHORT: usize = 320;
/// One strip of the timeline on paper is at most so wide, in pixels.
const STRIP: usize = 1100;

#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
pub(super) struct Page {
    name: String,
    promise: String,
    promise_name: String,
    says: String,
    about: String,
    profile: String,
    shown_by: String,
    not_on: String,
    promised: Text,
    there: Text,
    timeline: String,
    /// How wide it is, in pixels.
    natural: usize,
    strips: Vec<Strip>,
    last: usize,
    why: Vec<Text>,
    barriers: Vec<String>,
    left_out: bool,
    needs: Vec<(String, &'static str)>,
    finding: Option<String>,
    note: Option<Text>,
    /// Of real code the note says what is wrong, of a model why it is so.
    note_is_wrong: bool,
    buffers: bool,
    rows: Vec<Row>,
    replay: String,
    data: String,
    styles: [&'static str; 2],
    scripts: [&'static str; 3],
}

/// A text that may be too long to be read at once.
struct Text {
    short: String,
    /// All of it, where that is more.
    full: Option<String>,
}

/// A part of the timeline, for paper.
struct Strip {
    left: usize,
    width: usize,
    height: usize,
    gutter: usize,
    /// How wide the widest is.
    all: usize,
}

/// A step in the table.
struct Row {
    number: usize,
    class: &'static str,
    who: &'static str,
    what: Text,
    site: Option<String>,
    client: Text,
    buffered: Text,
    cached: Vec<Text>,
    durable: Vec<Text>,
    effects: Vec<Effect>,
}

/// What a power cut did to a cached effect.
struct Effect {
    fate: &'static str,
    what: Text,
    since: usize,
    barrier: String,
    doomed: bool,
}

impl Page {
    pub(super) fn of(found: &Counterexample) -> Self {
        let broken = &found.broken;
        let sizes = svg::sizes(found);
        let not = NAMES
            .iter()
            .filter(|name| !found.shown_by.iter().any(|by| by == *name));
        let not: Vec<&str> = not.copied().collect();
        let frames = found.frames();
        let note = found.note.as_deref().filter(|note| *note != broken.there);
        Self {
            name: label(&found.name),
            promise: label(&broken.promise),
            promise_name: label(&broken.name),
            says: label(&broken.text),
            about: label(&found.about),
            profile: label(&found.profile.name),
            shown_by: label(&found.shown_by.join(", ")),
            not_on: if found.shown_by.is_empty() {
                String::new()
            } else {
                not.join(", ")
            },
            promised: Text::of(&broken.promised),
            there: Text::of(&broken.there),
            timeline: svg::timeline(found),
            natural: sizes.width,
            strips: strips(sizes),
            last: found.steps.len().saturating_sub(1),
            why: found.why().iter().map(|why| Text::of(why)).collect(),
            barriers: found
                .barriers
                .iter()
                .map(|barrier| label(barrier))
                .collect(),
            left_out: matches!(found.script, Script::Model { .. }),
            note_is_wrong: matches!(found.script, Script::Code(_)),
            needs: found
                .needs
                .iter()
                .map(|need| (label(need), needs::in_words(need)))
                .collect(),
            finding: found.finding.as_deref().map(label),
            note: note.map(Text::of),
            buffers: found.steps.iter().any(|step| !step.buffered.is_empty()),
            rows: rows(&frames),
            replay: visible(&format!("lightsout replay {}.json", found.file_name())),
            data: data::json(&frames),
            styles: [include_str!("base.css"), include_str!("page.css")],
            scripts: [
                include_str!("contents.js"),
                include_str!("files.js"),
                include_str!("stepper.js"),
            ],
        }
    }
}

fn label(text: &str) -> String {
    visible(&clipped(text, 4 * SHORT))
}

impl Text {
    fn of(text: &str) -> Self {
        let short = clipped(text, SHORT);
        let full = (short != text).then(|| visible(text));
        Self {
            short: visible(&short),
            full,
        }
    }
}

/// None, where the whole timeline is not too wide for paper. No column is cut.
fn strips(sizes: svg::Sizes) -> Vec<Strip> {
    if sizes.width <= sizes.gutter + STRIP * 5 / 4 {
        return Vec::new();
    }
    let mut begins: Vec<usize> = Vec::new();
    for (number, left) in sizes.lefts.iter().enumerate() {
        let end = sizes.lefts.get(number + 1).unwrap_or(&sizes.width);
        if begins.last().is_none_or(|begin| end - begin > STRIP) {
            begins.push(*left);
        }
    }
    let ends = begins.iter().skip(1).copied().chain([sizes.width]);
    let strips = begins.iter().zip(ends);
    strips
        .map(|(&left, end)| Strip {
            left,
            width: end - left,
            height: sizes.height,
            gutter: sizes.gutter,
            all: STRIP,
        })
        .collect()
}

fn rows(frames: &[Frame<'_>]) -> Vec<Row> {
    let nothing = (Files::default(), Files::default());
    let before = |number: usize| match number.checked_sub(1).and_then(|number| frames.get(number)) {
        Some(frame) => (&frame.cached, &frame.durable),
        None => (&nothing.0, &nothing.1),
    };
    let texts = |lines: Vec<String>| lines.iter().map(|line| Text::of(line)).collect();
    let row = |frame: &Frame<'_>| {
        let (cached, durable) = before(frame.number);
        Row {
            number: frame.number,
            class: class(frame),
            who: frame.step.who(),
            what: Text::of(&frame.step.what),
            site: frame.step.site.as_deref().map(label),
            client: Text::of(&frame.step.client),
            buffered: Text::of(&frame.step.buffered),
            cached: texts(changed(cached, &frame.cached)),
            durable: texts(changed(durable, &frame.durable)),
            effects: effects(frame),
        }
    };
    frames.iter().map(row).collect()
}

fn class(frame: &Frame<'_>) -> &'static str {
    use crate::counterexample::Mark;
    match (frame.step.mark, frame.step.recovery) {
        (Mark::PowerCut | Mark::Kill, _) => "crash",
        (_, true) => "recovery",
        _ => "",
    }
}

/// The lost ones first.
fn effects(frame: &Frame<'_>) -> Vec<Effect> {
    let mut effects: Vec<_> = frame.step.effects.iter().collect();
    effects.sort_by_key(|effect| match effect.fate {
        Fate::Lost => 0,
        Fate::Kept => 1,
        Fate::Either => 2,
    });
    let shown = effects.into_iter().map(|effect| Effect {
        fate: match effect.fate {
            Fate::Kept => "kept",
            Fate::Lost => "lost",
            Fate::Either => "either",
        },
        what: Text::of(&effect.what),
        since: effect.since,
        barrier: label(&effect.barrier),
        doomed: effect.doomed,
    });
    shown.collect()
}

//! What the script of a page steps through, as JSON that is safe inside a `<script>` element: steps with what changed
//! in them. Contents that are on the other side as well are not said twice.

use crate::counterexample::contents::{Changed, Changes};
use crate::counterexample::{Fated, Frame, Mark, Step};
use crate::report::visible::visible;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Data<'c> {
    /// The step at which the page opens: the last power cut, or kill, else the end.
    opens: usize,
    steps: Vec<Shown<'c>>,
}

#[derive(Serialize)]
struct Shown<'c> {
    mark: Mark,
    recovery: bool,
    what: String,
    site: String,
    client: String,
    buffered: String,
    cached: Differs<'c>,
    durable: Differs<'c>,
    effects: Vec<Fated>,
}

/// How files differ from the step before.
#[derive(Serialize)]
struct Differs<'c> {
    gone: Vec<String>,
    files: BTreeMap<String, Now<'c>>,
}

/// What a path names now.
#[derive(Serialize)]
#[serde(untagged)]
enum Now<'c> {
    /// The same as on the other side: `"same"`.
    Same(&'static str),
    Changed(&'c Changed),
}

/// The steps as JSON.
pub(super) fn json(frames: &[Frame<'_>]) -> String {
    let crash = |frame: &Frame<'_>| matches!(frame.step.mark, Mark::PowerCut | Mark::Kill);
    let data = Data {
        opens: frames
            .iter()
            .rposition(crash)
            .unwrap_or(frames.len().saturating_sub(1)),
        steps: frames.iter().map(shown).collect(),
    };
    // Every key is a string and every number finite: it is JSON.
    let json = serde_json::to_string(&data).unwrap_or_else(|error| error.to_string());
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn shown<'c>(frame: &Frame<'c>) -> Shown<'c> {
    let step: &'c Step = frame.step;
    // After a power cut it is the cache that is as the disk; else the disk becomes as the cache.
    let cut = step.mark == Mark::PowerCut;
    let same = |path: &String| {
        (frame.cached.0.get(path) == frame.durable.0.get(path)).then_some(Now::Same("same"))
    };
    let changed = |changes: &'c Changes, other: bool| Differs {
        gone: changes.gone.iter().map(|path| visible(path)).collect(),
        files: changes
            .files
            .iter()
            .map(|(path, now)| {
                let now = same(path).filter(|_| other).unwrap_or(Now::Changed(now));
                (visible(path), now)
            })
            .collect(),
    };
    Shown {
        mark: step.mark,
        recovery: !step.who().is_empty(),
        what: visible(&step.what),
        site: visible(step.site.as_deref().unwrap_or_default()),
        client: visible(&step.client),
        buffered: visible(&step.buffered),
        cached: changed(&step.cached, cut),
        durable: changed(&step.durable, !cut),
        effects: step.effects.iter().map(effect).collect(),
    }
}

fn effect(effect: &Fated) -> Fated {
    Fated {
        what: visible(&effect.what),
        barrier: visible(&effect.barrier),
        ..effect.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn nothing_in_it_ends_the_element_that_it_is_in() {
        let step = Step::new(Mark::Change, "</script><!-- \u{2028} & <script>").told("\u{0}\"");
        let found = fixture::of("x", vec![step]);
        let json = json(&found.frames());
        assert!(
            !json.contains(['<', '>', '&', '\u{2028}', '\u{0}']),
            "{json}"
        );
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            read["steps"][0]["what"],
            "</script><!-- \\u{2028} & <script>"
        );
    }
}

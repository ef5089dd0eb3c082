//! One step, or one state, as plain text: what the Explorer shows beside the picture of the path.

use crate::counterexample::contents::{Files, Node, in_words};
use crate::counterexample::{Broken, Fate, Step};
use comfy_table::{ContentArrangement, Table, presets};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Columns of the text.
const WIDTH: u16 = 110;

/// What stands behind what a step changed.
const CHANGED: &str = " *";

/// The files at one moment.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What reads show.
    pub cached: Files,
    /// What is in every crash image.
    pub durable: Files,
}

/// What happened in a step, what the client was told, which files there are after it and what of them changed, and the
/// promise that it broke.
pub fn step(step: &Step, before: &Shown, after: &Shown, broken: Option<&Broken>) -> String {
    let mut text = format!("{}{}\n", step.who(), step.what);
    if let Some(site) = &step.site {
        let _ = writeln!(text, "  in the protocol: {site}");
    }
    for fate in [Fate::Lost, Fate::Kept] {
        for effect in step.effects.iter().filter(|effect| effect.fate == fate) {
            let because = match effect.doomed {
                true => format!("the {} failed", effect.barrier),
                false => format!("no {} completed", effect.barrier),
            };
            let because = if fate == Fate::Lost {
                format!("  ({because})")
            } else {
                String::new()
            };
            let _ = writeln!(text, "  {}{because}", effect.in_words());
        }
    }
    let told = if step.client.is_empty() {
        "nothing"
    } else {
        &step.client
    };
    let _ = writeln!(text, "the client is told: {told}");
    if !step.buffered.is_empty() {
        let _ = writeln!(text, "buffered: {}", step.buffered);
    }
    if let Some(broken) = broken {
        let _ = write!(text, "\n{}", promise(broken));
    }
    text.push('\n');
    text.push_str(&files(Some(before), after));
    text
}

/// A broken promise, and what it says.
pub fn promise(broken: &Broken) -> String {
    let name = format!("{} {}", broken.promise, broken.name);
    format!("BROKEN: {}\n  {}\n", name.trim_end(), broken.text)
}

/// What there is, path by path, cached and durable; what is not as it was before is marked.
pub fn files(before: Option<&Shown>, now: &Shown) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["file", "cached", "durable"]);
    let sides = |shown: &Shown| {
        shown
            .cached
            .0
            .keys()
            .chain(shown.durable.0.keys())
            .cloned()
            .collect()
    };
    let mut paths: BTreeSet<String> = sides(now);
    paths.extend(before.map(sides).into_iter().flatten());
    let mut marked = false;
    for path in paths {
        let mut cell = |now: &Files, before: Option<&Files>| {
            let (node, was) = (now.0.get(&path), before.map(|before| before.0.get(&path)));
            let changed = was.is_some_and(|was| was != node);
            marked |= changed;
            format!(
                "{}{}",
                node_in_words(node),
                if changed { CHANGED } else { "" }
            )
        };
        let cached = cell(&now.cached, before.map(|before| &before.cached));
        let durable = cell(&now.durable, before.map(|before| &before.durable));
        if is_new(&path, before, now) || !is_above(&path, now) {
            table.add_row([path, cached, durable]);
        }
    }
    if table.is_empty() {
        return "no files\n".into();
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    let mut text: String = lines.collect();
    if marked {
        text.push_str("\n* changed in this step\n");
    }
    text
}

/// A directory with something in it says nothing by itself.
fn is_above(path: &str, now: &Shown) -> bool {
    let below = |files: &Files| {
        files
            .0
            .keys()
            .any(|other| other.starts_with(&format!("{path}/")))
    };
    below(&now.cached) && below(&now.durable)
}

fn is_new(path: &str, before: Option<&Shown>, now: &Shown) -> bool {
    before.is_some_and(|before| {
        let differs = |before: &Files, now: &Files| before.0.get(path) != now.0.get(path);
        differs(&before.cached, &now.cached) || differs(&before.durable, &now.durable)
    })
}

fn node_in_words(node: Option<&Node>) -> String {
    match node {
        None => "-".into(),
        Some(Node::Directory) => "directory".into(),
        Some(Node::Cells(cells)) => in_words(cells),
        Some(Node::Bytes(bytes)) => format!("{} bytes", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterexample::Mark;

    fn files_of(list: &[(&str, &str)]) -> Files {
        let list = list.iter().map(|(path, cells)| match *cells {
            "/" => (path.to_string(), Node::Directory),
            cells => {
                let cells = cells.split_whitespace().map(String::from).collect();
                (path.to_string(), Node::Cells(cells))
            }
        });
        Files(list.collect())
    }

    #[test]
    fn a_step_says_what_it_changed_and_what_it_broke() {
        let before = Shown {
            cached: files_of(&[("store", "/"), ("store/log", "r1.0"), ("store/2.sst", "t1")]),
            durable: files_of(&[("store", "/"), ("store/log", "")]),
        };
        let after = Shown {
            cached: files_of(&[("store", "/"), ("store/log", "")]),
            durable: files_of(&[("store", "/"), ("store/log", "")]),
        };
        let happened = Step::new(Mark::Served, "recovery ends").told("reads nothing");
        let broken = Broken::of("D1");
        let text = step(&happened, &before, &after, Some(&broken));
        let expected = "\
recovery ends
the client is told: reads nothing

BROKEN: D1 acknowledged writes survive
  After every recovery each acknowledged operation is there, or a later issued one on the same key.

 file         cached   durable
 store/2.sst  - *      -
 store/log    empty *  empty

* changed in this step
";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_at_all_is_said() {
        assert_eq!(files(None, &Shown::default()), "no files\n");
    }
}

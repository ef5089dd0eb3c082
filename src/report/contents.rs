//! Files of a counterexample in words: what of them changed.

use crate::counterexample::contents::{Files, Node, in_words};

/// A line for each path that names something else than before, or something that was not there.
pub(super) fn changed(before: &Files, now: &Files) -> Vec<String> {
    let gone = before.0.keys().filter(|path| !now.0.contains_key(*path));
    let gone = gone.map(|path| format!("{}: gone", short(path)));
    let lines = now
        .0
        .iter()
        .filter(|(path, node)| before.0.get(*path) != Some(node));
    let lines = lines.filter_map(|(path, node)| {
        let below = |other: &String| other.starts_with(&format!("{path}/"));
        match node {
            Node::Directory if now.0.keys().any(below) => None,
            Node::Directory => Some(format!("{}/", short(path))),
            Node::Cells(cells) => Some(format!("{}: {}", short(path), in_words(cells))),
            Node::Bytes(bytes) => {
                let was = match before.0.get(path) {
                    Some(Node::Bytes(was)) => &was[..],
                    _ => &[],
                };
                Some(format!("{}: {}", short(path), bytes_in_words(was, bytes)))
            }
        }
    });
    gone.chain(lines).collect()
}

/// What is said where there is nothing at all.
pub(super) fn nothing_changed(now: &Files) -> String {
    match now.0.is_empty() {
        true => "no files".into(),
        false => String::new(),
    }
}

/// A path without the directories above it.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// How long a file is, and where it differs from what it was.
fn bytes_in_words(was: &[u8], now: &[u8]) -> String {
    let differs = |at: &usize| was.get(*at) != Some(&now[*at]);
    let first = (0..now.len()).find(differs);
    let last = (0..now.len()).rev().find(differs);
    match (first, last) {
        (Some(first), Some(last)) if last + 1 < now.len() || first > 0 => {
            format!("{} bytes, new in {first}..{}", now.len(), last + 1)
        }
        _ if now.is_empty() => "empty".into(),
        _ => format!("{} bytes", now.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn only_what_changed_is_said() {
        let files = |list: &[(&str, Node)]| {
            let list = list
                .iter()
                .map(|(path, node)| (path.to_string(), node.clone()));
            Files(BTreeMap::from_iter(list))
        };
        let cells = |text: &str| Node::Cells(text.split(' ').map(String::from).collect());
        let before = files(&[
            ("store", Node::Directory),
            ("store/1.sst", cells("t1")),
            ("store/log", Node::Bytes(vec![1, 2, 3])),
        ]);
        let now = files(&[
            ("store", Node::Directory),
            ("store/2.sst", cells("t2")),
            ("store/log", Node::Bytes(vec![1, 5, 3, 4])),
        ]);
        let expected = ["1.sst: gone", "2.sst: t2", "log: 4 bytes, new in 1..4"];
        assert_eq!(changed(&before, &now), expected);
        assert!(changed(&now, &now).is_empty());
    }
}

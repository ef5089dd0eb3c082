//! The files at a step, and how they differ from those at the step before: so that a counterexample of many steps
//! over large files stays small.

use models::disk::{Cell, Tree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Runs of what changed that are not further apart than this are written as one.
const APART: usize = 4;

/// Files and directories, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Node>);

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A file of a model: its cells, in words.
    Cells(Vec<String>),
    /// A file of real code.
    Bytes(Vec<u8>),
}

/// How files differ from those at the step before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Paths that name nothing any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Paths that name something new, or the contents of which are not what they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Changed>,
}

/// What became of a path. What no run is on is as it was; in what is new it is zeros, or `0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Changed {
    /// It is a directory.
    Directory,
    /// It is a file of a model.
    Cells {
        /// So many cells long.
        len: usize,
        /// From that cell on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        runs: Vec<(usize, Vec<String>)>,
    },
    /// It is a file of real code.
    Bytes {
        /// So many bytes long.
        len: usize,
        /// From that byte on, in hexadecimal digits.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        runs: Vec<(usize, Hex)>,
    },
}

/// Bytes, written in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hex(pub Vec<u8>);

impl From<Hex> for String {
    fn from(hex: Hex) -> Self {
        const_hex::encode(hex.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = const_hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const_hex::decode(text).map(Hex)
    }
}

/// What space reads in which nothing was written.
const NOTHING: &str = "0";

impl Files {
    /// All that a tree names.
    pub fn of<C: Cell>(tree: &Tree<C>, node: impl Fn(&[C]) -> Node) -> Self {
        let shown = |cells: Option<&[C]>| cells.map_or(Node::Directory, &node);
        let paths = tree.paths().into_iter();
        Self(paths.map(|(path, cells)| (path, shown(cells))).collect())
    }

    /// What makes these of those.
    pub fn since(&self, before: &Self) -> Changes {
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let now = self.0.iter().filter_map(|(path, node)| {
            let before = before.0.get(path);
            (before != Some(node)).then(|| (path.clone(), Changed::of(node, before)))
        });
        Changes {
            gone: gone.cloned().collect(),
            files: now.collect(),
        }
    }

    /// Makes changes.
    pub fn apply(&mut self, changes: &Changes) {
        for path in &changes.gone {
            self.0.remove(path);
        }
        for (path, changed) in &changes.files {
            let before = self.0.remove(path);
            self.0.insert(path.clone(), changed.applied(before));
        }
    }
}

impl Changes {
    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.files.is_empty()
    }
}

impl Changed {
    fn of(now: &Node, before: Option<&Node>) -> Self {
        match now {
            Node::Directory => Changed::Directory,
            Node::Cells(now) => {
                let before: &[String] = match before {
                    Some(Node::Cells(before)) => before,
                    _ => &[],
                };
                Changed::Cells {
                    len: now.len(),
                    runs: runs(now, before, &NOTHING.to_string()),
                }
            }
            Node::Bytes(now) => {
                let before: &[u8] = match before {
                    Some(Node::Bytes(before)) => before,
                    _ => &[],
                };
                let runs = runs(now, before, &0).into_iter();
                Changed::Bytes {
                    len: now.len(),
                    runs: runs.map(|(at, bytes)| (at, Hex(bytes))).collect(),
                }
            }
        }
    }

    fn applied(&self, before: Option<Node>) -> Node {
        match (self, before) {
            (Changed::Directory, _) => Node::Directory,
            (Changed::Cells { len, runs }, before) => {
                let mut cells = match before {
                    Some(Node::Cells(cells)) => cells,
                    _ => Vec::new(),
                };
                let runs = runs.iter().map(|(at, cells)| (*at, &cells[..]));
                patch(&mut cells, *len, runs, NOTHING.to_string());
                Node::Cells(cells)
            }
            (Changed::Bytes { len, runs }, before) => {
                let mut bytes = match before {
                    Some(Node::Bytes(bytes)) => bytes,
                    _ => Vec::new(),
                };
                let runs = runs.iter().map(|(at, bytes)| (*at, &bytes.0[..]));
                patch(&mut bytes, *len, runs, 0);
                Node::Bytes(bytes)
            }
        }
    }
}

/// Where and how contents differ from what was before, behind which there is nothing but `nothing`.
fn runs<T: PartialEq + Clone>(now: &[T], before: &[T], nothing: &T) -> Vec<(usize, Vec<T>)> {
    let differs = |at: usize| now[at] != *before.get(at).unwrap_or(nothing);
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..now.len()).filter(|&at| differs(at)) {
        match runs.last_mut() {
            Some(last) if at - last.end <= APART => last.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    let runs = runs.into_iter();
    runs.map(|run| (run.start, now[run].to_vec())).collect()
}

/// Of a file that somebody else wrote down, what is beyond its length is left out.
fn patch<'r, T: Clone + 'r>(
    contents: &mut Vec<T>,
    len: usize,
    runs: impl Iterator<Item = (usize, &'r [T])>,
    nothing: T,
) {
    contents.resize(len, nothing);
    for (at, run) in runs {
        let end = at.saturating_add(run.len()).min(len);
        if at < end {
            contents[at..end].clone_from_slice(&run[..end - at]);
        }
    }
}

/// The cells of a model in words: `H r1.0 r1.1 0`.
pub fn cells<C: Debug>(cells: &[C]) -> Vec<String> {
    cells.iter().map(|cell| format!("{cell:?}")).collect()
}

/// The cells of a file in one line: `H r1.0..2 0`.
pub fn in_words(cells: &[String]) -> String {
    if cells.is_empty() {
        return "empty".into();
    }
    let mut texts: Vec<String> = Vec::new();
    let mut rest = cells;
    while let Some((first, behind)) = rest.split_first() {
        let run = run_of(rest);
        if run > 2 {
            let last = rest[run - 1].rsplit('.').next().unwrap_or_default();
            texts.push(format!("{first}..{last}"));
            rest = &rest[run..];
        } else {
            texts.push(first.clone());
            rest = behind;
        }
    }
    texts.join(" ")
}

/// How many cells, from the first on, are pieces of one whole in order: `r1.0`, `r1.1`, ..
fn run_of(cells: &[String]) -> usize {
    let piece = |cell: &String| {
        let (whole, part) = cell.rsplit_once('.')?;
        Some((whole.to_string(), part.parse::<usize>().ok()?))
    };
    let Some((whole, first)) = cells.first().and_then(piece) else {
        return 1;
    };
    let follows = |(cell, part): (&String, usize)| piece(cell) == Some((whole.clone(), part));
    let parts = cells.iter().zip(first..);
    parts.take_while(|&pair| follows(pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node() -> impl Strategy<Value = Node> {
        prop_oneof![
            Just(Node::Directory),
            proptest::collection::vec("[0r][0-9]?", 0..12).prop_map(Node::Cells),
            proptest::collection::vec(0u8..3, 0..40).prop_map(Node::Bytes),
        ]
    }

    fn files() -> impl Strategy<Value = Files> {
        proptest::collection::btree_map("[ab]", node(), 0..3).prop_map(Files)
    }

    proptest! {
        #[test]
        fn what_changed_makes_the_one_of_the_other(before in files(), now in files()) {
            let changes = now.since(&before);
            prop_assert_eq!(changes.is_empty(), before == now);
            let json = serde_json::to_string(&changes).expect("JSON");
            let read: Changes = serde_json::from_str(&json).expect("it reads back");
            let mut made = before;
            made.apply(&read);
            prop_assert_eq!(made, now);
        }
    }

    #[test]
    fn a_long_file_in_which_a_byte_changes_is_a_short_change() {
        let page = |byte| {
            let mut page = vec![7; 4096];
            page[2000] = byte;
            Files(BTreeMap::from([("page".into(), Node::Bytes(page))]))
        };
        let json = serde_json::to_string(&page(1).since(&page(2))).expect("JSON");
        assert_eq!(
            json,
            r#"{"files":{"page":{"bytes":{"len":4096,"runs":[[2000,"01"]]}}}}"#
        );
    }

    #[test]
    fn cells_in_order_are_one() {
        let line = |text: &str| in_words(&text.split(' ').map(String::from).collect::<Vec<_>>());
        assert_eq!(line("H r1.0 r1.1 r1.2 0"), "H r1.0..2 0");
        assert_eq!(line("r1.0 r1.1 r2.0"), "r1.0 r1.1 r2.0");
    }
}

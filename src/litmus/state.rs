//! The state that a test asks for: a conjunction of lines, each one or more statements about a path.

use super::contents;
use models::disk::Tree;
use std::fmt;

/// A state: all of its lines hold. A line holds where one of its statements does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    lines: Vec<StateLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct StateLine {
    text: String,
    any: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    holds: bool,
    path: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Absent,
    Exists,
    Size(usize),
    Is(Vec<u8>),
    PrefixOf(Vec<u8>),
    At(usize, Vec<u8>),
}

/// How statements are written, for those who wrote something else.
const FORMS: &str = "write one of `F absent`, `F exists`, `F size N`, `F is CONTENTS`, \
    `F is prefix of CONTENTS`, `F at N is CONTENTS`, with `not` before it to deny it, \
    and ` or ` between two";

impl State {
    /// Adds a line that must hold too.
    pub fn and(&mut self, text: &str) -> Result<(), String> {
        let any = text.split(" or ").map(Statement::parse);
        let any = any.collect::<Result<_, _>>()?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.lines.push(StateLine { text, any });
        Ok(())
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether a tree is in this state.
    pub fn holds(&self, tree: &Tree<u8>) -> bool {
        self.lines
            .iter()
            .all(|line| line.any.iter().any(|statement| statement.is_true(tree)))
    }

    /// The paths that it speaks of.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .flat_map(|line| line.any.iter().map(|statement| statement.path.as_str()))
    }

    /// Its lines, as they were written.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }
}

impl Statement {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let holds = words.first() != Some(&"not");
        words.drain(..usize::from(!holds));
        let number = |word: &str| {
            word.parse::<usize>()
                .map_err(|_| format!("`{word}` in `{text}` is not a number of bytes"))
        };
        let contents = |words: &[&str]| {
            contents::parse(words.iter().copied()).map_err(|message| format!("`{text}`: {message}"))
        };
        let (path, what) = match words[..] {
            [path, "absent"] => (path, What::Absent),
            [path, "exists"] => (path, What::Exists),
            [path, "size", size] => (path, What::Size(number(size)?)),
            [path, "is", "prefix", "of", ref words @ ..] => {
                let whole = contents(words)?;
                (path, What::PrefixOf(whole))
            }
            [path, "is", ref words @ ..] => (path, What::Is(contents(words)?)),
            [path, "at", at, "is", ref words @ ..] => {
                let bytes = contents(words)?;
                (path, What::At(number(at)?, bytes))
            }
            _ => return Err(format!("`{text}` says nothing about a file: {FORMS}")),
        };
        Ok(Self {
            holds,
            path: path.trim_matches('/').into(),
            what,
        })
    }

    /// What is said of the bytes of a file that is not there is not true.
    fn is_true(&self, tree: &Tree<u8>) -> bool {
        let bytes = tree.file(&self.path);
        let is = match &self.what {
            What::Absent => tree.lookup(&self.path).is_none(),
            What::Exists => tree.lookup(&self.path).is_some(),
            What::Size(size) => bytes.is_some_and(|bytes| bytes.len() == *size),
            What::Is(whole) => bytes.is_some_and(|bytes| bytes == whole),
            What::PrefixOf(whole) => bytes.is_some_and(|bytes| whole.starts_with(bytes)),
            What::At(at, part) => bytes
                .and_then(|bytes| bytes.get(*at..))
                .is_some_and(|bytes| bytes.starts_with(part)),
        };
        is == self.holds
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join(", and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::disk::{Call, Disk};
    use models::profile::Profile;

    fn tree() -> Tree<u8> {
        let mut disk = Disk::default();
        for call in [
            Call::Create("f".into()),
            Call::Write {
                file: "f".into(),
                at: 0,
                cells: b"aab".to_vec(),
            },
        ] {
            disk.apply(&call, &Profile::posix()).expect("a legal call");
        }
        disk.view().clone()
    }

    #[test]
    fn statements_are_true_of_what_is_there_and_false_of_what_is_not() {
        let tree = tree();
        for (text, expected) in [
            ("f exists", true),
            ("f absent", false),
            ("g absent", true),
            ("f size 3", true),
            ("f is 2*a b", true),
            ("f is prefix of aabb", true),
            ("f is prefix of aa", false),
            ("f at 1 is ab", true),
            ("f at 4 is b", false),
            ("g is empty", false),
            ("not g is empty", true),
            ("g exists or f size 3", true),
        ] {
            let mut state = State::default();
            state.and(text).expect(text);
            assert_eq!(state.holds(&tree), expected, "{text}");
        }
    }
}

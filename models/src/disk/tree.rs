//! A tree of names over files of cells: what a program sees, and what a crash leaves.

use super::shared::Shared;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// What files are made of: a token in the models, a byte in the simulated storage.
pub trait Cell: Clone + Eq + Ord + Hash + Debug + Send + Sync + 'static {
    /// What space reads that was never written.
    fn zero() -> Self;
    /// What no checksum accepts.
    fn garbage() -> Self;
}

impl Cell for u8 {
    fn zero() -> Self {
        0
    }

    fn garbage() -> Self {
        0xA5
    }
}

/// Inode number. Means nothing outside one disk; a power cut numbers anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ino(pub u32);

/// A name in a directory.
pub type Name = Arc<str>;

/// A file or a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node<C> {
    /// The cells of a file; its length is the file's size.
    File(Vec<C>),
    /// The entries of a directory.
    Directory(BTreeMap<Name, Ino>),
}

impl<C> Node<C> {
    /// The nodes that its names reach, in the order of the names.
    pub(super) fn below(&self) -> impl Iterator<Item = Ino> {
        let entries = match self {
            Node::Directory(entries) => Some(entries),
            Node::File(_) => None,
        };
        entries.into_iter().flat_map(BTreeMap::values).copied()
    }
}

/// A tree of names, with the root at [`Tree::ROOT`]. Nodes that no name reaches may exist: a file
/// that was created and whose name is not durable yet, or that was removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tree<C> {
    /// In order of their numbers.
    nodes: Vec<(Ino, Shared<Node<C>>)>,
}

impl<C: Cell> Default for Tree<C> {
    fn default() -> Self {
        Self {
            nodes: vec![(Self::ROOT, Shared::new(Node::Directory(BTreeMap::new())))],
        }
    }
}

impl<C: Cell> Tree<C> {
    /// The root directory. It has no name and needs no barrier.
    pub const ROOT: Ino = Ino(0);

    /// The node that a path names. Paths are relative to the root: `store/log`; the root is `""`.
    pub fn lookup(&self, path: &str) -> Option<Ino> {
        components(path).try_fold(Self::ROOT, |at, name| match &**self.node(at)? {
            Node::Directory(entries) => entries.get(name).copied(),
            Node::File(_) => None,
        })
    }

    /// The cells of the file that a path names. `None`: nothing there, or a directory.
    pub fn file(&self, path: &str) -> Option<&[C]> {
        self.cells(self.lookup(path)?)
    }

    /// The cells of a file.
    pub fn cells(&self, file: Ino) -> Option<&[C]> {
        match &**self.node(file)? {
            Node::File(cells) => Some(cells),
            Node::Directory(_) => None,
        }
    }

    /// The entries of a directory.
    pub fn entries(&self, directory: Ino) -> Option<&BTreeMap<Name, Ino>> {
        match &**self.node(directory)? {
            Node::Directory(entries) => Some(entries),
            Node::File(_) => None,
        }
    }

    /// The names in the directory that a path names.
    pub fn list(&self, path: &str) -> Option<Vec<Name>> {
        Some(self.entries(self.lookup(path)?)?.keys().cloned().collect())
    }

    /// Every path below the root, parents first, in order of names; files with their cells.
    pub fn paths(&self) -> Vec<(String, Option<&[C]>)> {
        let mut paths = Vec::new();
        self.walk(&mut vec![Self::ROOT], "", &mut paths);
        paths
    }

    /// A directory inside itself, which unordered renames of directories can leave, is not entered
    /// again.
    fn walk<'a>(
        &'a self,
        above: &mut Vec<Ino>,
        path: &str,
        paths: &mut Vec<(String, Option<&'a [C]>)>,
    ) {
        let at = above[above.len() - 1];
        for (name, &ino) in self.entries(at).into_iter().flatten() {
            let path = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}/{name}")
            };
            paths.push((path.clone(), self.cells(ino)));
            if !above.contains(&ino) {
                above.push(ino);
                self.walk(above, &path, paths);
                above.pop();
            }
        }
    }

    /// A path that names this node, if one does.
    pub fn path_of(&self, ino: Ino) -> Option<String> {
        if ino == Self::ROOT {
            return Some(String::new());
        }
        self.paths()
            .into_iter()
            .map(|(path, _)| path)
            .find(|path| self.lookup(path) == Some(ino))
    }

    /// The same tree with nodes numbered in order of their names, and without unreachable ones; and
    /// the new number of each node that is left.
    pub(super) fn normalised(self) -> (Self, BTreeMap<Ino, Ino>) {
        let mut numbers = BTreeMap::new();
        self.number(Self::ROOT, &mut numbers);
        if numbers.len() == self.nodes.len() && numbers.iter().all(|(old, new)| old == new) {
            return (self, numbers);
        }
        let renumbered = (self.nodes.iter()).filter_map(|(old, node)| {
            let new = *numbers.get(old)?;
            match &**node {
                Node::Directory(entries) if entries.values().any(|ino| numbers[ino] != *ino) => {
                    let entries = entries.iter();
                    let entries = entries.map(|(name, ino)| (name.clone(), numbers[ino]));
                    Some((new, Shared::new(Node::Directory(entries.collect()))))
                }
                _ => Some((new, node.clone())),
            }
        });
        (Self::of(renumbered), numbers)
    }

    fn number(&self, at: Ino, numbers: &mut BTreeMap<Ino, Ino>) {
        if numbers.contains_key(&at) {
            return;
        }
        numbers.insert(at, Ino(numbers.len() as u32));
        for &ino in self.entries(at).into_iter().flat_map(BTreeMap::values) {
            self.number(ino, numbers);
        }
    }

    /// A tree of these nodes.
    pub(super) fn of(nodes: impl IntoIterator<Item = (Ino, Shared<Node<C>>)>) -> Self {
        let mut nodes: Vec<_> = nodes.into_iter().collect();
        nodes.sort_unstable_by_key(|(ino, _)| *ino);
        Self { nodes }
    }

    pub(super) fn node(&self, ino: Ino) -> Option<&Shared<Node<C>>> {
        let at = self.place(ino).ok()?;
        Some(&self.nodes[at].1)
    }

    /// Where a node stands, or would.
    fn place(&self, ino: Ino) -> Result<usize, usize> {
        self.nodes.binary_search_by_key(&ino, |(ino, _)| *ino)
    }

    /// Every node, whether a name reaches it or not.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (Ino, &Shared<Node<C>>)> {
        self.nodes.iter().map(|(ino, node)| (*ino, node))
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Shared<Node<C>>> {
        self.nodes.iter_mut().map(|(_, node)| node)
    }

    pub(super) fn insert(&mut self, ino: Ino, node: Node<C>) {
        let node = Shared::new(node);
        match self.place(ino) {
            Ok(at) => self.nodes[at].1 = node,
            Err(at) => self.nodes.insert(at, (ino, node)),
        }
    }

    pub(super) fn unused(&self) -> Ino {
        Ino(self.nodes.last().map_or(0, |(last, _)| last.0 + 1))
    }

    /// Sets cells of a file, which grows as needed.
    pub(super) fn write(&mut self, file: Ino, at: usize, cells: &[C]) {
        self.change(file, |contents| {
            if contents.len() < at + cells.len() {
                contents.resize(at + cells.len(), C::zero());
            }
            contents[at..at + cells.len()].clone_from_slice(cells);
        });
    }

    /// Sets the size of a file; new space reads zeros.
    pub(super) fn resize(&mut self, file: Ino, to: usize) {
        self.change(file, |contents| contents.resize(to, C::zero()));
    }

    fn change(&mut self, file: Ino, change: impl FnOnce(&mut Vec<C>)) {
        if let Ok(at) = self.place(file)
            && let Node::File(contents) = self.nodes[at].1.make_mut()
        {
            change(contents);
        }
    }

    /// Sets or removes a name.
    pub(super) fn entry(&mut self, directory: Ino, name: &Name, target: Option<Ino>) {
        if let Ok(at) = self.place(directory)
            && let Node::Directory(entries) = self.nodes[at].1.make_mut()
        {
            match target {
                Some(ino) => entries.insert(name.clone(), ino),
                None => entries.remove(name),
            };
        }
    }

    /// The tree with other cells in its files.
    pub(super) fn map(&self, cells: impl Fn(&C) -> C) -> Self {
        let mapped = self.nodes().map(|(ino, node)| match &**node {
            Node::File(contents) => {
                let new: Vec<C> = contents.iter().map(&cells).collect();
                let node = match new == *contents {
                    true => node.clone(),
                    false => Shared::new(Node::File(new)),
                };
                (ino, node)
            }
            Node::Directory(_) => (ino, node.clone()),
        });
        Self::of(mapped)
    }
}

/// The names in a path, from the root down.
pub(super) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

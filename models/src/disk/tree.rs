//! A tree of names over files of cells: what a program sees, and what a crash leaves.

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

/// A tree of names, with the root at [`Tree::ROOT`]. Nodes that no name reaches may exist: a file
/// that was created and whose name is not durable yet, or that was removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tree<C> {
    pub(super) nodes: BTreeMap<Ino, Node<C>>,
}

impl<C: Cell> Default for Tree<C> {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::from([(Self::ROOT, Node::Directory(BTreeMap::new()))]),
        }
    }
}

impl<C: Cell> Tree<C> {
    /// The root directory. It has no name and needs no barrier.
    pub const ROOT: Ino = Ino(0);

    /// The node that a path names. Paths are relative to the root: `store/log`; the root is `""`.
    pub fn lookup(&self, path: &str) -> Option<Ino> {
        components(path).try_fold(Self::ROOT, |at, name| match self.nodes.get(&at)? {
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
        match self.nodes.get(&file)? {
            Node::File(cells) => Some(cells),
            Node::Directory(_) => None,
        }
    }

    /// The entries of a directory.
    pub fn entries(&self, directory: Ino) -> Option<&BTreeMap<Name, Ino>> {
        match self.nodes.get(&directory)? {
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
    pub(super) fn normalised(&self) -> (Self, BTreeMap<Ino, Ino>) {
        let mut normal = Self {
            nodes: BTreeMap::new(),
        };
        let mut numbers = BTreeMap::new();
        self.renumber(Self::ROOT, &mut numbers, &mut normal);
        (normal, numbers)
    }

    fn renumber(&self, at: Ino, numbers: &mut BTreeMap<Ino, Ino>, normal: &mut Self) -> Ino {
        if let Some(&known) = numbers.get(&at) {
            return known;
        }
        let number = Ino(numbers.len() as u32);
        numbers.insert(at, number);
        let node = match &self.nodes[&at] {
            Node::File(cells) => Node::File(cells.clone()),
            Node::Directory(entries) => Node::Directory(
                entries
                    .iter()
                    .map(|(name, &ino)| (name.clone(), self.renumber(ino, numbers, normal)))
                    .collect(),
            ),
        };
        normal.nodes.insert(number, node);
        number
    }

    pub(super) fn unused(&self) -> Ino {
        Ino(self.nodes.keys().next_back().map_or(0, |last| last.0 + 1))
    }

    /// Sets cells of a file, which grows as needed.
    pub(super) fn write(&mut self, file: Ino, at: usize, cells: &[C]) {
        if let Some(Node::File(contents)) = self.nodes.get_mut(&file) {
            if contents.len() < at + cells.len() {
                contents.resize(at + cells.len(), C::zero());
            }
            contents[at..at + cells.len()].clone_from_slice(cells);
        }
    }

    /// Sets the size of a file; new space reads zeros.
    pub(super) fn resize(&mut self, file: Ino, to: usize) {
        if let Some(Node::File(contents)) = self.nodes.get_mut(&file) {
            contents.resize(to, C::zero());
        }
    }

    /// Sets or removes a name.
    pub(super) fn entry(&mut self, directory: Ino, name: &Name, target: Option<Ino>) {
        if let Some(Node::Directory(entries)) = self.nodes.get_mut(&directory) {
            match target {
                Some(ino) => entries.insert(name.clone(), ino),
                None => entries.remove(name),
            };
        }
    }
}

/// The names in a path, from the root down.
pub(super) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

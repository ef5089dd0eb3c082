//! The images of single nodes: each is read once, for all the crash images that it is part of.

use super::fate::{Fate, Order};
use super::node::{Partly, Reader};
use crate::disk::shared::Shared;
use crate::disk::{Cell, Disk, Ino, Node};
use crate::profile::Profile;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::rc::Rc;

/// One way in which a node may read.
#[derive(Debug)]
pub(super) struct NodeImage<C> {
    /// Equal for equal contents, among the images of this node that the same fates allow.
    pub(super) contents: usize,
    pub(super) node: Shared<Node<C>>,
    /// Cells that were never written, as ranges.
    pub(super) holes: Vec<(usize, usize)>,
    /// What the file held and this image does not: sectors, by their place in a block.
    pub(super) given_up: Vec<(usize, Vec<C>)>,
    /// What had to be decided for it.
    pub(super) fate: Fate,
    /// Which fills were chosen for its lost space.
    pub(super) fills: Vec<usize>,
}

/// The nodes of the images of one disk.
pub(super) struct Nodes<'d, C> {
    disk: &'d Disk<C>,
    profile: &'d Profile,
    order: &'d Order,
    readers: FxHashMap<Ino, Rc<Reader<'d, C>>>,
    numbers: FxHashMap<(Ino, Fate), usize>,
    images: Vec<NodeImages<'d, C>>,
    gone: FxHashMap<Ino, Vec<(usize, Vec<C>)>>,
}

impl<C: Cell> NodeImage<C> {
    fn new(reader: &Reader<'_, C>, partly: Partly<C>, contents: usize) -> Self {
        let (node, holes) = reader.read(&partly);
        let size = match &*node {
            Node::File(cells) => cells.len(),
            Node::Directory(_) => 0,
        };
        Self {
            contents,
            node,
            holes,
            given_up: reader.given_up(size),
            fate: partly.fate,
            fills: partly.fills,
        }
    }

    /// The nodes that its names reach.
    pub(super) fn below(&self) -> impl Iterator<Item = Ino> {
        self.node.below()
    }
}

impl<'d, C: Cell> Nodes<'d, C> {
    pub(super) fn new(disk: &'d Disk<C>, profile: &'d Profile, order: &'d Order) -> Self {
        Self {
            disk,
            profile,
            order,
            readers: FxHashMap::default(),
            numbers: FxHashMap::default(),
            images: Vec::new(),
            gone: FxHashMap::default(),
        }
    }

    pub(super) fn reader(&mut self, ino: Ino) -> Rc<Reader<'d, C>> {
        let new = || Rc::new(Reader::new(self.disk, self.profile, self.order, ino));
        self.readers.entry(ino).or_insert_with(new).clone()
    }

    /// The number of the images of a node that fates allow.
    pub(super) fn number(&mut self, ino: Ino, fate: &Fate) -> usize {
        let reader = self.reader(ino);
        let fate = fate.within(reader.own());
        *self
            .numbers
            .entry((ino, fate))
            .or_insert_with_key(|(_, fate)| {
                let first = reader.nothing(fate.clone());
                self.images.push(NodeImages {
                    reader,
                    open: vec![first],
                    found: Vec::new(),
                    seen: FxHashSet::default(),
                    contents: FxHashMap::default(),
                });
                self.images.len() - 1
            })
    }

    /// The image of a node with fates that leave nothing open but how lost space is filled: that is
    /// asked of each piece, with its cells and what they may read.
    pub(super) fn decided(
        &mut self,
        ino: Ino,
        fate: &Fate,
        choose: &mut Choose<'_, C>,
    ) -> Rc<NodeImage<C>> {
        let reader = self.reader(ino);
        let mut partly = reader.nothing(fate.clone());
        while !reader.is_whole(&partly) {
            let from = partly.cells().len();
            let mut further = reader.further(partly);
            let fill = match further.len() {
                1 => 0,
                ways => {
                    let options: Vec<&[C]> =
                        further.iter().map(|way| &way.cells()[from..]).collect();
                    choose(from..from + options[0].len(), &options).min(ways - 1)
                }
            };
            partly = further.swap_remove(fill);
        }
        Rc::new(NodeImage::new(&reader, partly, 0))
    }

    /// What a power cut gives up that leaves no name of this node.
    pub(super) fn gone(&mut self, ino: Ino) -> &[(usize, Vec<C>)] {
        let new = || Reader::new(self.disk, self.profile, self.order, ino).given_up(0);
        self.gone.entry(ino).or_insert_with(new)
    }

    /// One of them, if there are so many.
    pub(super) fn image(&mut self, number: usize, index: usize) -> Option<Rc<NodeImage<C>>> {
        self.images[number].get(index)
    }
}

/// Chooses what an atom of lost space reads: from its cells, and what they may read.
type Choose<'c, C> = dyn FnMut(Range<usize>, &[&[C]]) -> usize + 'c;

/// A node and its holes.
type Contents<C> = (Shared<Node<C>>, Vec<(usize, usize)>);

/// The images of one node that given fates allow, found as far as they were asked for.
struct NodeImages<'d, C> {
    reader: Rc<Reader<'d, C>>,
    /// The ways to go on reading, the next one last.
    open: Vec<Partly<C>>,
    found: Vec<Rc<NodeImage<C>>>,
    seen: FxHashSet<(usize, Fate)>,
    contents: FxHashMap<Contents<C>, usize>,
}

impl<C: Cell> NodeImages<'_, C> {
    fn get(&mut self, index: usize) -> Option<Rc<NodeImage<C>>> {
        while self.found.len() <= index {
            let partly = self.open.pop()?;
            match self.reader.is_whole(&partly) {
                true => self.note(partly),
                false => self
                    .open
                    .extend(self.reader.further(partly).into_iter().rev()),
            }
        }
        self.found.get(index).cloned()
    }

    /// Takes note of an image, but for one that reads as another did and leaves the same open.
    fn note(&mut self, partly: Partly<C>) {
        let image = NodeImage::new(&self.reader, partly, self.contents.len());
        let known = self
            .contents
            .entry((image.node.clone(), image.holes.clone()));
        let contents = *known.or_insert(image.contents);
        let later = image.fate.without(self.reader.own());
        if self.seen.insert((contents, later)) {
            self.found.push(Rc::new(NodeImage { contents, ..image }));
        }
    }
}

//! Effects, the units of persistence, and the order in which a profile lets them persist.

use super::Disk;
use super::shared::Shared;
use super::tree::{Cell, Ino, Name};
use crate::profile::{AppendOrder, NameOrder, OverwriteOrder, Profile, SizeAfterData};
use fixedbitset::FixedBitSet;

/// What one call did to one unit of the disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect<C> {
    /// Cells of a file were set; all of them within one atom of the profile.
    Data {
        /// The file.
        file: Ino,
        /// The first cell.
        at: usize,
        /// The new cells.
        cells: Vec<C>,
    },
    /// The size of a file was set.
    Size {
        /// The file.
        file: Ino,
        /// Its new size, in cells.
        to: usize,
    },
    /// A name was set, or removed.
    Entry {
        /// The directory that holds it.
        directory: Ino,
        /// The name.
        name: Name,
        /// What it names from now on; `None`: nothing.
        target: Option<Ino>,
    },
}

/// Why an effect came to be; the rules of the order ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A write to a sector that reaches beyond the size that the file had. `new_block`: into a block that was not allocated.
    Append {
        /// Whether the block was allocated by this very call.
        new_block: bool,
    },
    /// A write into existing space.
    Overwrite,
    /// A size set by itself: truncate, set_len.
    Resize {
        /// Whether the file had been longer.
        cuts: bool,
    },
    /// A name created or removed.
    Name,
    /// A name set or removed by a rename. `replaced`: the new name existed.
    Rename {
        /// The file that is renamed.
        moved: Ino,
        /// Whether the new name existed.
        replaced: bool,
    },
    /// Damage beside a write: exists only without power-safe overwrite (R19). May be kept until a
    /// barrier completes the write; then it never happened.
    Spill,
}

/// How far an effect has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// A power cut decides.
    Cached,
    /// In every crash image from now on.
    Durable,
    /// A barrier that was to cover it failed: a power cut decides, and no later barrier covers it.
    /// `reverted`: the cache no longer shows it.
    Doomed {
        /// Whether reads see what was there before.
        reverted: bool,
    },
}

/// An effect in the log of those that are not durable, or follow one that is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Logged<C> {
    /// What.
    pub effect: Shared<Effect<C>>,
    /// Why.
    pub kind: Kind,
    /// Which call; equal for effects of one call.
    pub call: u32,
    /// How far.
    pub status: Status,
}

impl<C> Logged<C> {
    pub(super) fn file(&self) -> Option<Ino> {
        match *self.effect {
            Effect::Data { file, .. } | Effect::Size { file, .. } => Some(file),
            Effect::Entry { .. } => None,
        }
    }

    /// Whether it changed this node.
    pub(super) fn is_on(&self, node: Ino) -> bool {
        match *self.effect {
            Effect::Entry { directory, .. } => directory == node,
            Effect::Data { file, .. } | Effect::Size { file, .. } => file == node,
        }
    }

    pub(super) fn is_data(&self) -> bool {
        matches!(*self.effect, Effect::Data { .. })
    }

    pub(super) fn is_size(&self) -> bool {
        matches!(*self.effect, Effect::Size { .. })
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(*self.effect, Effect::Entry { .. })
    }

    pub(super) fn is_doomed(&self) -> bool {
        matches!(self.status, Status::Doomed { .. })
    }

    pub(super) fn is_visible(&self) -> bool {
        self.kind != Kind::Spill && self.status != Status::Doomed { reverted: true }
    }

    /// Whether the order of application of the two does not matter.
    pub(super) fn commutes_with(&self, other: &Self) -> bool {
        match (&*self.effect, &*other.effect) {
            (Effect::Entry { .. }, Effect::Data { .. } | Effect::Size { .. })
            | (Effect::Data { .. } | Effect::Size { .. }, Effect::Entry { .. }) => true,
            (
                Effect::Entry {
                    directory, name, ..
                },
                Effect::Entry {
                    directory: other_directory,
                    name: other_name,
                    ..
                },
            ) => (directory, name) != (other_directory, other_name),
            (
                Effect::Data { file, at, cells },
                Effect::Data {
                    file: other_file,
                    at: other_at,
                    cells: other_cells,
                },
            ) => {
                file != other_file
                    || at + cells.len() <= *other_at
                    || other_at + other_cells.len() <= *at
            }
            _ => self.file() != other.file(),
        }
    }
}

impl<C: Cell> Disk<C> {
    /// An effect in words, by the paths that the disk shows; what was written as `data` says of where and
    /// what.
    pub fn say(&self, effect: &Effect<C>, data: impl Fn(usize, &[C]) -> String) -> String {
        let path = |ino| {
            let path = self.view().path_of(ino);
            path.unwrap_or_else(|| "a removed file".into())
        };
        match effect {
            Effect::Data { file, at, cells } => format!("{} {}", path(*file), data(*at, cells)),
            Effect::Size { file, to } => format!("size of {} = {to}", path(*file)),
            Effect::Entry {
                directory,
                name,
                target,
            } => {
                let what = if target.is_some() {
                    "name"
                } else {
                    "removal of"
                };
                format!("{what} {}/{name}", path(*directory)).replace(" /", " ")
            }
        }
    }
}

/// What each effect of the log needs: row i holds every j that is kept whenever i is, in closed
/// form. Doomed effects need nothing and nothing needs them, but for R20 where the cache still
/// shows them.
pub(super) fn needs<C>(log: &[Logged<C>], profile: &Profile) -> Vec<FixedBitSet> {
    let mut needs = closure(log.len(), |i, j| implies(log, i, j, profile));
    for i in 0..log.len() {
        for j in 0..log.len() {
            let same_sector = same_sector_order(&log[i], &log[j], profile) && j < i;
            let stays = log[i].is_visible() && log[j].is_visible();
            if (log[i].is_doomed() || log[j].is_doomed()) && i != j && !(same_sector && stays) {
                needs[i].remove(j);
            }
        }
    }
    if log.iter().any(Logged::is_doomed) {
        let direct = needs.clone();
        needs = closure(log.len(), |i, j| direct[i].contains(j));
    }
    needs
}

/// The reflexive and transitive closure of a relation.
fn closure(len: usize, related: impl Fn(usize, usize) -> bool) -> Vec<FixedBitSet> {
    let mut rows: Vec<FixedBitSet> = (0..len)
        .map(|i| (0..len).filter(|&j| i == j || related(i, j)).collect())
        .collect();
    for row in &mut rows {
        row.grow(len);
    }
    for through in 0..len {
        let reached = rows[through].clone();
        for row in &mut rows {
            if row.contains(through) {
                row.union_with(&reached);
            }
        }
    }
    rows
}

/// Whether effect i cannot be kept without effect j, by one rule of the profile.
fn implies<C>(log: &[Logged<C>], i: usize, j: usize, profile: &Profile) -> bool {
    let (a, b) = (&log[i], &log[j]);
    if a.kind == Kind::Spill || b.kind == Kind::Spill {
        return false;
    }
    if a.call == b.call {
        profile.call_atomic || tied_in_call(a, b, profile) || (j < i && append_order(a, b, profile))
    } else {
        j < i && needs_earlier(a, b, profile)
    }
}

/// The rules between two effects of one call.
fn tied_in_call<C>(a: &Logged<C>, b: &Logged<C>, profile: &Profile) -> bool {
    let block = |cell: usize| cell / profile.block;
    match (&*a.effect, &*b.effect) {
        // R3: what one call writes into one block.
        (Effect::Data { at, .. }, Effect::Data { at: other, .. }) => {
            profile.block_atomic && block(*at) == block(*other)
        }
        // R5: the size implies the data that it makes visible.
        (Effect::Size { to, .. }, Effect::Data { at, .. }) => {
            let ahead = match profile.size_after_data {
                SizeAfterData::No => false,
                SizeAfterData::NewBlocks => a.kind == (Kind::Append { new_block: true }),
                SizeAfterData::Yes => true,
            };
            ahead && matches!(b.kind, Kind::Append { .. }) && block(to - 1) == block(*at)
        }
        // R9: the two names of a rename.
        (Effect::Entry { .. }, Effect::Entry { .. }) => profile.rename_atomic,
        _ => false,
    }
}

/// R6: sizes of one file in order, and what was appended before them.
fn append_order<C>(a: &Logged<C>, b: &Logged<C>, profile: &Profile) -> bool {
    if !a.is_size() || a.file() != b.file() {
        return false;
    }
    let appended = matches!(b.kind, Kind::Append { .. });
    match profile.append_order {
        AppendOrder::No => false,
        AppendOrder::NewBlocks => {
            b.is_size() || (appended && a.kind == (Kind::Append { new_block: true }))
        }
        AppendOrder::Yes => b.is_size() || appended,
    }
}

/// The rules between a later effect `a` and an earlier one `b`, of two calls.
fn needs_earlier<C>(a: &Logged<C>, b: &Logged<C>, profile: &Profile) -> bool {
    let same_file = a.file().is_some() && a.file() == b.file();
    let appended = matches!(b.kind, Kind::Append { .. });
    let r7 = profile.append_first && appended;
    let r8 = match profile.overwrite_order {
        OverwriteOrder::No => false,
        OverwriteOrder::BeforeExtend => {
            same_file
                && b.kind == Kind::Overwrite
                && a.is_size()
                && a.kind == (Kind::Append { new_block: true })
        }
        OverwriteOrder::Yes => matches!(b.kind, Kind::Overwrite | Kind::Resize { .. }),
    };
    let r10 = match profile.name_order {
        NameOrder::No => false,
        NameOrder::Names => a.is_name() && b.is_name(),
        NameOrder::Metadata => !a.is_data() && !b.is_data(),
        NameOrder::Everything => b.is_name() || (!a.is_data() && !b.is_data()),
    };
    let r11 = profile.replace_after_data
        && matches!(a.kind, Kind::Rename { moved, replaced: true } if b.file() == Some(moved));
    // R21: what is written into new blocks, and the truncation that may have freed them.
    let r21 = profile.freed_blocks_wait
        && same_file
        && a.is_data()
        && a.kind == (Kind::Append { new_block: true })
        && b.kind == (Kind::Resize { cuts: true });
    append_order(a, b, profile) || r7 || r8 || r10 || r11 || r21 || same_sector_order(a, b, profile)
}

/// R20: writes to one sector persist in order. The pieces of one write are torn freely.
fn same_sector_order<C>(a: &Logged<C>, b: &Logged<C>, profile: &Profile) -> bool {
    let sector = |cell: usize| cell / profile.sector;
    match (&*a.effect, &*b.effect) {
        (
            Effect::Data { file, at, .. },
            Effect::Data {
                file: other_file,
                at: other,
                ..
            },
        ) => {
            profile.sector_order
                && a.call != b.call
                && file == other_file
                && sector(*at) == sector(*other)
                && a.kind != Kind::Spill
                && b.kind != Kind::Spill
        }
        _ => false,
    }
}

//! The persistence profiles: which crash images a kind of file system allows.   (trusted: audit this)
//!
//! A profile is made of *axioms*, each a switch, of four kinds:
//!
//! ```text
//!   what is atomic                R2 sector   R3 block   R4 call   R9 rename   R19 the bytes beside a write
//!   an edge of the order          R5 size after data   R6 append after append   R7 after append
//!                                 R8 after overwrite   R10 names in order   R11 rename after data   R20 one sector
//!                                 R21 freed blocks wait
//!   what a barrier covers beside  R14 the file's name   R15 every other file   R16 fdatasync: the size
//!   what unfilled space reads     garbage   stale   (zeros are always among the outcomes)
//! ```
//!
//! Every edge is an implication, *if this effect is kept, so is that one*, and nothing else: so a
//! partial choice of fates that is closed both ways can always be completed. Taking a guarantee
//! away never removes an image.
//!
//! The rules and their numbers follow Pillai et al., OSDI '14 (ALICE), tables 1 to 3, and Bornholt
//! et al., ASPLOS '16 (Ferrite), definition 7. R1 (a whole call is atomic), R12 (create by rename is
//! atomic) and R13 (rewriting after O_TRUNC is safe) follow from the others; R17 (what a directory
//! barrier covered is not undone) holds by definition. They are litmus tests, not switches.

use serde::{Deserialize, Serialize};

/// R5: may a file's new size be durable while the data that it makes visible is not?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeAfterData {
    /// It may.
    No,
    /// Only inside a block that was allocated before (ext4, `data=ordered`, delayed allocation).
    NewBlocks,
    /// It may not.
    Yes,
}

/// R6: does a later append to a file imply the earlier ones?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppendOrder {
    /// It does not.
    No,
    /// Sizes of one file change in order (Ferrite, definition 7, rule 1), and one that allocates a
    /// block implies the data appended before (rule 4).
    NewBlocks,
    /// A later size implies the earlier sizes and the data appended before.
    Yes,
}

/// R8: does a later effect imply an earlier overwrite?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverwriteOrder {
    /// It does not.
    No,
    /// A size that allocates a block implies earlier overwrites of that file (Ferrite, definition
    /// 7, rule 4, as published).
    BeforeExtend,
    /// Every later effect implies it, and earlier truncations.
    Yes,
}

/// R10: in which order do names change?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameOrder {
    /// In any.
    No,
    /// In the order of issue, among themselves.
    Names,
    /// In the order of issue, among themselves and with sizes: one journal for all metadata.
    Metadata,
    /// The same, and every later effect implies them.
    Everything,
}

/// One profile: its axioms, and the sizes of sector and block.
///
/// Fields that say `true`, or a later variant, guarantee more, except the two fills, which
/// guarantee less.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is called, with the switches that were changed.
    pub name: String,
    /// Cells in a sector.
    pub sector: usize,
    /// Cells in a block; a multiple of `sector`.
    pub block: usize,
    /// R2: a write within one sector is whole or not there. Off: each cell has its own fate.
    pub sector_atomic: bool,
    /// R3: what one call writes into one block is whole or not there.
    pub block_atomic: bool,
    /// R4: what one call does is whole or not there.
    pub call_atomic: bool,
    /// R9: a rename shows the old name or the new one.
    pub rename_atomic: bool,
    /// R19: cells that a write does not touch keep their value (power-safe overwrite).
    pub power_safe_overwrite: bool,
    /// R5.
    pub size_after_data: SizeAfterData,
    /// R6.
    pub append_order: AppendOrder,
    /// R7: every later effect implies an earlier append.
    pub append_first: bool,
    /// R8.
    pub overwrite_order: OverwriteOrder,
    /// R10.
    pub name_order: NameOrder,
    /// R11: a rename over an existing name implies the contents of the file that is renamed.
    pub replace_after_data: bool,
    /// R20: writes to one sector persist in order.
    pub sector_order: bool,
    /// R21: data appended into new blocks implies earlier truncations of that file: blocks are not
    /// used again before the truncation that freed them persists. Believed of file systems with a
    /// journal, but no source says so: off wherever R8 does not imply it.
    pub freed_blocks_wait: bool,
    /// R14: a barrier of a file covers its name.
    pub barrier_covers_name: bool,
    /// R15: a barrier of a file covers every effect on any object.
    pub barrier_covers_all: bool,
    /// R16: a data barrier covers the file's size.
    pub data_barrier_covers_size: bool,
    /// Space whose write was lost may read as cells that no checksum accepts.
    pub garbage: bool,
    /// Space whose write was lost may read as what this store once held in a truncated or removed
    /// file.
    pub stale: bool,
    /// Data reaches the disk only at a barrier (AdvFS; off in every profile, for litmus tests).
    pub data_waits_for_barrier: bool,
}

/// The six profiles, strongest first.
pub const NAMES: [&str; 6] = [
    "strict",
    "ext4-ordered",
    "xfs",
    "btrfs",
    "ext4-writeback",
    "posix",
];

/// The switches, with the values each takes. The strongest comes last, but for the two fills.
pub const SWITCHES: [(&str, &[&str]); 19] = [
    ("R2", &["no", "yes"]),
    ("R3", &["no", "yes"]),
    ("R4", &["no", "yes"]),
    ("R5", &["no", "new-blocks", "yes"]),
    ("R6", &["no", "new-blocks", "yes"]),
    ("R7", &["no", "yes"]),
    ("R8", &["no", "before-extend", "yes"]),
    ("R9", &["no", "yes"]),
    ("R10", &["no", "names", "metadata", "everything"]),
    ("R11", &["no", "yes"]),
    ("R14", &["no", "yes"]),
    ("R15", &["no", "yes"]),
    ("R16", &["no", "yes"]),
    ("R19", &["no", "yes"]),
    ("R20", &["no", "yes"]),
    ("R21", &["no", "yes"]),
    ("garbage", &["yes", "no"]),
    ("stale", &["yes", "no"]),
    ("data-waits-for-barrier", &["no", "yes"]),
];

impl Profile {
    /// The profile of that name, with one cell a sector and two sectors a block.
    pub fn named(name: &str) -> Option<Self> {
        let posix = Self::posix();
        let journalled = Self {
            name_order: NameOrder::Names,
            barrier_covers_name: true,
            garbage: false,
            stale: false,
            ..Self::posix()
        };
        let profile = match name {
            "posix" => posix,
            "ext4-writeback" => Self {
                stale: true,
                ..journalled
            },
            "ext4-ordered" => Self {
                size_after_data: SizeAfterData::NewBlocks,
                append_order: AppendOrder::NewBlocks,
                ..journalled
            },
            "xfs" => Self {
                size_after_data: SizeAfterData::Yes,
                append_order: AppendOrder::Yes,
                ..journalled
            },
            "btrfs" => Self {
                block_atomic: true,
                size_after_data: SizeAfterData::Yes,
                append_order: AppendOrder::Yes,
                replace_after_data: true,
                name_order: NameOrder::No,
                ..journalled
            },
            "strict" => Self {
                block_atomic: true,
                call_atomic: true,
                size_after_data: SizeAfterData::Yes,
                append_order: AppendOrder::Yes,
                append_first: true,
                overwrite_order: OverwriteOrder::Yes,
                freed_blocks_wait: true,
                name_order: NameOrder::Everything,
                replace_after_data: true,
                barrier_covers_all: true,
                ..journalled
            },
            _ => return None,
        };
        Some(Self {
            name: name.into(),
            ..profile
        })
    }

    /// The weakest: only barriers order anything, and lost space may read as anything.
    pub fn posix() -> Self {
        Self {
            name: "posix".into(),
            sector: 1,
            block: 2,
            sector_atomic: true,
            block_atomic: false,
            call_atomic: false,
            rename_atomic: true,
            power_safe_overwrite: true,
            size_after_data: SizeAfterData::No,
            append_order: AppendOrder::No,
            append_first: false,
            overwrite_order: OverwriteOrder::No,
            name_order: NameOrder::No,
            replace_after_data: false,
            sector_order: true,
            freed_blocks_wait: false,
            barrier_covers_name: false,
            barrier_covers_all: false,
            data_barrier_covers_size: true,
            garbage: true,
            stale: true,
            data_waits_for_barrier: false,
        }
    }

    /// The same axioms with other sizes, in cells.
    pub fn with_sizes(self, sector: usize, block: usize) -> Self {
        assert!(sector > 0 && block > 0 && block.is_multiple_of(sector));
        Self {
            sector,
            block,
            ..self
        }
    }

    /// The same profile with one switch set, as in `R9 = no`. `None`: no such switch or value.
    pub fn with(mut self, switch: &str, value: &str) -> Option<Self> {
        let (_, values) = SWITCHES.iter().find(|(name, _)| *name == switch)?;
        if !values.contains(&value) {
            return None;
        }
        let yes = value == "yes";
        match switch {
            "R2" => self.sector_atomic = yes,
            "R3" => self.block_atomic = yes,
            "R4" => self.call_atomic = yes,
            "R5" => {
                self.size_after_data = match value {
                    "no" => SizeAfterData::No,
                    "new-blocks" => SizeAfterData::NewBlocks,
                    _ => SizeAfterData::Yes,
                }
            }
            "R6" => {
                self.append_order = match value {
                    "no" => AppendOrder::No,
                    "new-blocks" => AppendOrder::NewBlocks,
                    _ => AppendOrder::Yes,
                }
            }
            "R7" => self.append_first = yes,
            "R8" => {
                self.overwrite_order = match value {
                    "no" => OverwriteOrder::No,
                    "before-extend" => OverwriteOrder::BeforeExtend,
                    _ => OverwriteOrder::Yes,
                }
            }
            "R9" => self.rename_atomic = yes,
            "R10" => {
                self.name_order = match value {
                    "no" => NameOrder::No,
                    "names" => NameOrder::Names,
                    "metadata" => NameOrder::Metadata,
                    _ => NameOrder::Everything,
                }
            }
            "R11" => self.replace_after_data = yes,
            "R14" => self.barrier_covers_name = yes,
            "R15" => self.barrier_covers_all = yes,
            "R16" => self.data_barrier_covers_size = yes,
            "R19" => self.power_safe_overwrite = yes,
            "R20" => self.sector_order = yes,
            "R21" => self.freed_blocks_wait = yes,
            "garbage" => self.garbage = yes,
            "stale" => self.stale = yes,
            "data-waits-for-barrier" => self.data_waits_for_barrier = yes,
            _ => return None,
        }
        self.name = format!("{} + {switch} = {value}", self.name);
        Some(self)
    }

    /// Whether space whose write was lost may read anything but zeros.
    pub fn fills_lost_space(&self) -> bool {
        self.garbage || self.stale
    }

    /// Cells that have one fate when one call writes them.
    pub fn atom(&self) -> usize {
        if self.sector_atomic { self.sector } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_profile_exists_and_knows_its_name() {
        for name in NAMES {
            assert_eq!(Profile::named(name).map(|p| p.name), Some(name.to_string()));
        }
        assert_eq!(Profile::named("ext5"), None);
    }

    #[test]
    fn every_switch_takes_its_values_and_no_other() {
        for (switch, values) in SWITCHES {
            let mut seen = Vec::new();
            for value in values {
                let set = Profile::posix()
                    .with(switch, value)
                    .expect("a listed value");
                let set = Profile {
                    name: String::new(),
                    ..set
                };
                assert!(!seen.contains(&set), "{switch} = {value} changes nothing");
                seen.push(set);
            }
            assert_eq!(Profile::posix().with(switch, "maybe"), None);
        }
    }
}

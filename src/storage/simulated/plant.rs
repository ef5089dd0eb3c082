//! What is planted at call sites of the code under the simulated storage: barriers that do nothing, or less,
//! or that nobody wrote.

use models::disk::Call;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::LazyLock;

/// Where a call of the storage stands in the source, and which one it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The file.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is called.
    pub call: &'static str,
}

impl Site {
    #[track_caller]
    pub(super) fn here() -> Site {
        let here = Location::caller();
        Site {
            file: here.file(),
            line: here.line(),
            column: here.column(),
            call: "",
        }
    }

    pub(super) fn of(self, call: &Call<u8>) -> Site {
        let call = match call {
            Call::Create(_) => "create",
            Call::CreateDirectory(_) => "create directory",
            Call::Write { .. } => "write",
            Call::SetLen { .. } => "set length",
            Call::Rename { .. } => "rename",
            Call::Remove(_) => "remove",
            Call::Barrier(_) => "barrier",
            Call::DataBarrier(_) => "data barrier",
            Call::DirectoryBarrier(_) => "directory barrier",
        };
        self.named(call)
    }

    pub(super) fn named(self, call: &'static str) -> Site {
        Site { call, ..self }
    }

    /// Whether it is a barrier of any kind.
    pub fn is_barrier(&self) -> bool {
        self.call.ends_with("barrier")
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.file, self.line, self.call)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A barrier that is made after a call, though nobody wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Insertion {
    /// Of the file.
    File,
    /// Of the directory that holds the name, the new one of a rename.
    Directory,
}

impl fmt::Display for Insertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Insertion::File => "a barrier of the file, after it",
            Insertion::Directory => "a barrier of the directory, after it",
        })
    }
}

/// What is planted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plant {
    /// The call sites that are met are kept, for [`Simulated::sites`](super::Simulated::sites).
    pub keeps_sites: bool,
    /// Every barrier says Ok and does nothing.
    pub no_barriers: bool,
    /// The barriers at these sites say Ok and do nothing.
    pub without: Vec<Site>,
    /// The barriers at these sites are data barriers.
    pub data_only: Vec<Site>,
    /// Barriers that are made after the calls at these sites.
    pub inserted: BTreeMap<Site, Insertion>,
}

/// What becomes of a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    Itself,
    Nothing,
    DataBarrier,
}

impl Plant {
    /// The code is as it is.
    pub fn nothing() -> &'static Plant {
        static NOTHING: LazyLock<Plant> = LazyLock::new(Plant::default);
        &NOTHING
    }

    pub(super) fn becomes(&self, site: Site) -> Becomes {
        if self.no_barriers || self.without.contains(&site) {
            Becomes::Nothing
        } else if self.data_only.contains(&site) {
            Becomes::DataBarrier
        } else {
            Becomes::Itself
        }
    }
}

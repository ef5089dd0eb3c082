//! What a path or an open file is.

/// What is known of a file or of a directory: what it is, and how long.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub(super) kind: FileType,
    pub(super) len: u64,
}

#[expect(
    clippy::len_without_is_empty,
    reason = "std's has none, and what compiles with this one is to compile with that one"
)]
impl Metadata {
    /// What it is.
    pub fn file_type(&self) -> FileType {
        self.kind
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind.is_dir()
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.kind.is_file()
    }

    /// Whether it is a symbolic link: there are none.
    pub fn is_symlink(&self) -> bool {
        self.kind.is_symlink()
    }

    /// The size of a file in bytes; 0 of a directory.
    pub fn len(&self) -> u64 {
        self.len
    }
}

/// A file or a directory: there is nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileType {
    pub(super) directory: bool,
}

impl FileType {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.directory
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        !self.directory
    }

    /// Whether it is a symbolic link: there are none.
    pub fn is_symlink(&self) -> bool {
        false
    }
}

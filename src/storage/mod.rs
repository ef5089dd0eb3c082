//! The `Storage` trait: what an engine may ask of a disk, and which crash each answer survives.
//!
//! Two crashes, two promises. A *kill* takes the process and what it had buffered; what is *cached*
//! in the operating system survives it. A *power cut* may take any of what is cached, in parts and
//! out of order; only what a completed *barrier* covered is *durable*. Contents and names are
//! covered by different barriers: [`File::barrier`] for the one, [`Storage::directory_barrier`] for
//! the other, and neither implies the other.
//!
//! A barrier in progress guarantees nothing, and so does one that failed: what it was to cover may
//! be there or not, now or after any later power cut, and no later barrier covers it (Rebello et
//! al., ATC '20).
//!
//! Every error says what was being done and to which path, so that callers need not repeat it.

#[cfg(test)]
pub(crate) mod faulty;
pub mod os;
pub mod simulated;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Files and directories, as an engine sees them. Clones reach the same disk.
pub trait Storage: Clone + Send + Sync + Debug + 'static {
    /// An open file.
    type File: File;
    /// An exclusive hold on a directory: released on drop, and when the process dies.
    type Lock: Send + Sync + Debug;

    /// Opens an existing file to read and to write; `NotFound` where there is none. Changes
    /// nothing.
    #[track_caller]
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Makes an empty file, open to read and to write; `AlreadyExists` where the name is taken.
    ///
    /// The name is cached: a kill leaves it, a power cut may take it until a directory barrier of
    /// the parent completed, whatever barriers the file itself had.
    #[track_caller]
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Whether the name is there, file or directory, cached or durable.
    #[track_caller]
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The names in a directory, cached or durable, sorted. A name that is not UTF-8 is shown with
    /// U+FFFD in it.
    #[track_caller]
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Makes one directory; its parent exists, `AlreadyExists` where the name is taken.
    ///
    /// Survives a kill; a power cut once a directory barrier of the *parent* completed.
    #[track_caller]
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives the file a new name, replacing what had it. After any crash the old name or the new
    /// one is there, never neither.
    ///
    /// Survives a kill. A power cut may take it until a directory barrier completed, and orders it
    /// with nothing: the new name may be there without the contents that were written before,
    /// unless a barrier of the file came first.
    #[track_caller]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name. Survives a kill; until a directory barrier completed, a power cut may
    /// bring the name back, with the file's contents.
    #[track_caller]
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes every earlier change of the names in `dir` durable once it returns. Contents of files
    /// are not its business.
    ///
    /// Once one fails, no later one of that directory may succeed before a remount, whoever asks: as file systems end with
    /// an abort then. Two threads of an engine may wait for one at the same time.
    #[track_caller]
    fn directory_barrier(&self, dir: &Path) -> io::Result<()>;

    /// Takes the directory for this holder alone; `None` where somebody else has it, in this
    /// process or another.
    ///
    /// No name appears on the disk, and no crash leaves a lock behind.
    fn lock(&self, dir: &Path) -> io::Result<Option<Self::Lock>>;
}

/// An open file. Calls that change it are to be made by one thread at a time.
///
/// Closing (dropping) it persists nothing, and orders nothing.
pub trait File: Send + Sync + Debug {
    /// The size in bytes, cached or durable.
    #[track_caller]
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `at` until the buffer is full or the file ends, and says how many bytes that was.
    ///
    /// Reads what is cached, which is no proof that it is durable: after a failed barrier the two
    /// may differ for good.
    #[track_caller]
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `at`, growing the file where it must; after an error any part of
    /// them may be written.
    ///
    /// Survives a kill. Until a barrier completed, a power cut may leave any sectors of it old and
    /// any new, and the size with or without the contents. Bytes that it does not touch keep their
    /// value.
    #[track_caller]
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes all of `bytes` at the end; otherwise as [`File::write_at`].
    #[track_caller]
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros. Survives a kill; a power cut may undo it until a
    /// barrier completed, even where later writes are kept: what was cut can come back.
    #[track_caller]
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// fsync: makes every earlier change of this file, contents and size, durable once it returns.
    /// Not its name.
    #[track_caller]
    fn barrier(&self) -> io::Result<()>;

    /// fdatasync: as [`File::barrier`], but may leave out metadata that reading the contents back
    /// does not need. A size that grew is needed; a cut need not be covered.
    #[track_caller]
    fn data_barrier(&self) -> io::Result<()>;
}

/// A reference to a file is a file.
macro_rules! is_a_file {
    ($reference:ty) => {
        impl<F: File> File for $reference {
            #[track_caller]
            fn len(&self) -> io::Result<u64> {
                (**self).len()
            }
            #[track_caller]
            fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
                (**self).read_at(at, buffer)
            }
            #[track_caller]
            fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
                (**self).write_at(at, bytes)
            }
            #[track_caller]
            fn append(&self, bytes: &[u8]) -> io::Result<()> {
                (**self).append(bytes)
            }
            #[track_caller]
            fn set_len(&self, len: u64) -> io::Result<()> {
                (**self).set_len(len)
            }
            #[track_caller]
            fn barrier(&self) -> io::Result<()> {
                (**self).barrier()
            }
            #[track_caller]
            fn data_barrier(&self) -> io::Result<()> {
                (**self).data_barrier()
            }
        }
    };
}

is_a_file!(&F);
is_a_file!(Arc<F>);

/// Makes a directory where it is missing (its parent exists), and takes it for this holder alone; `None`
/// where somebody else has it. Its name is cached.
pub fn claim<S: Storage>(storage: &S, dir: &Path) -> io::Result<Option<S::Lock>> {
    if !storage.exists(dir)? {
        match storage.create_dir(dir) {
            // Somebody else made it in between.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    storage.lock(dir)
}

/// All bytes of a file.
pub(crate) fn read_all<F: File>(file: &F) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The directory that holds `path`'s name: where a directory barrier makes that name durable.
///
/// `.` for a relative path of one component. Of a path that ends in no name, such as `.`, what `..` in it
/// says.
pub fn parent(path: &Path) -> Cow<'_, Path> {
    match path.parent() {
        None if path.has_root() => path.into(),
        _ if path.file_name().is_none() => path.join("..").into(),
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => Path::new(".").into(),
    }
}

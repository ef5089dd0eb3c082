//! Files that are written whole or not at all.

use super::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces a file by way of a temporary one beside it, so that it is never half written: not where the disk is full,
/// nor where the lights go out. What is no file, as a pipe, is written to as it is.
pub fn replace(path: &Path, text: &str) -> Result<(), Error> {
    written(path, text).map_err(|source| Error::Io {
        doing: "write",
        path: path.to_path_buf(),
        source,
    })
}

/// Makes a directory, and those above it, where they are not there.
pub fn make(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(|source| Error::Io {
        doing: "make",
        path: directory.to_path_buf(),
        source,
    })
}

/// Whether a file could be written there, before the work for it is done. Leaves nothing behind.
pub fn probe(path: &Path) -> Result<(), Error> {
    let tried = match target(path) {
        Ok(Target::Stream) => Ok(()),
        Ok(Target::File(path)) => {
            let temporary = temporary(&path);
            File::create(&temporary).and_then(|_| fs::remove_file(&temporary))
        }
        Err(error) => Err(error),
    };
    tried.map_err(|source| Error::Io {
        doing: "write",
        path: path.to_path_buf(),
        source,
    })
}

fn written(path: &Path, text: &str) -> io::Result<()> {
    let path = match target(path)? {
        Target::Stream => {
            let mut stream = OpenOptions::new().write(true).open(path)?;
            return stream.write_all(text.as_bytes());
        }
        Target::File(path) => path,
    };
    let temporary = temporary(&path);
    let done = File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    });
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// What stands at a path.
enum Target {
    /// A device or a pipe.
    Stream,
    /// A file, or nothing yet; links are followed.
    File(PathBuf),
}

fn target(path: &Path) -> io::Result<Target> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // Standard output under its name may be a file that somebody else goes on writing to.
        Ok(there) if !there.is_file() || path.starts_with("/dev") => Ok(Target::Stream),
        Ok(_) => Ok(Target::File(fs::canonicalize(path)?)),
        Err(_) if path.file_name().is_none() => Err(io::ErrorKind::InvalidFilename.into()),
        Err(_) => Ok(Target::File(path.to_path_buf())),
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_a_link_to_it_stays_one() {
        let home = tempfile::tempdir().expect("a directory");
        let (file, link) = (home.path().join("out.json"), home.path().join("link"));
        replace(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        replace(&link, "new").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("read"), "new");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(names(home.path()), ["link", "out.json"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let home = tempfile::tempdir().expect("a directory");
        let inside = home.path().join("there");
        fs::create_dir(&inside).expect("a directory");
        let missing = home.path().join("missing/out.json");
        for path in [&inside, &missing, Path::new("")] {
            let refused = replace(path, "text").expect_err("refused").to_string();
            assert_eq!(probe(path).expect_err("refused").to_string(), refused);
            assert!(refused.contains(&path.display().to_string()), "{refused}");
        }
        let below = inside.join("out.json");
        probe(&below).expect("it could be written");
        assert_eq!(names(&inside), Vec::<String>::new());
        assert_eq!(names(home.path()), ["there"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_device_is_told_and_stays_a_device() {
        let full = Path::new("/dev/full");
        let refused = replace(full, "text").expect_err("refused").to_string();
        assert!(refused.contains("No space left"), "{refused}");
        assert!(!fs::metadata(full).expect("there").is_file());
    }
}

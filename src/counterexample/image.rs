//! What a crash left, as real files.

use models::disk::Tree;
use std::fs;
use std::path::{Component, Path};

/// Writes the files of a disk into a directory, which is made, or is there and empty.
///
/// # Errors
/// A sentence. What was written until then is there.
pub fn write(image: &Tree<u8>, directory: &Path) -> Result<(), String> {
    let refused = |doing: &str, path: &Path, error: std::io::Error| {
        format!(
            "cannot {doing} {}: {error}; check the path and its permissions",
            path.display()
        )
    };
    fs::create_dir_all(directory).map_err(|error| refused("make", directory, error))?;
    let mut inside =
        fs::read_dir(directory).map_err(|error| refused("look into", directory, error))?;
    if inside.next().is_some() {
        return Err(format!(
            "{} has files in it, and nothing is written over: name a directory that is empty or not there yet",
            directory.display()
        ));
    }
    for (name, bytes) in image.paths() {
        // No name leads out of the directory.
        let plain = |component| matches!(component, Component::Normal(_));
        if !Path::new(&name).components().all(plain) {
            return Err(format!("`{name}` is no path below {}", directory.display()));
        }
        let path = directory.join(&name);
        match bytes {
            None => fs::create_dir_all(&path).map_err(|error| refused("make", &path, error))?,
            Some(bytes) => {
                fs::write(&path, bytes).map_err(|error| refused("write", &path, error))?
            }
        }
    }
    Ok(())
}

//! Where the stores are: on a disk.

use crate::durable::Outcome;
use std::path::Path;
use tempfile::TempDir;

/// An empty directory that goes at the end, in this one.
pub(crate) fn home(dir: Option<&Path>) -> Outcome<TempDir> {
    let target = Path::new("target");
    let usual = match target.is_dir() {
        true => target,
        false => Path::new("."),
    };
    let dir = dir.unwrap_or(usual);
    let told = dir.display();
    let home = tempfile::Builder::new()
        .prefix("lightsout-peers-")
        .tempdir_in(dir)
        .map_err(|error| format!("cannot make a directory in {told}: {error}"))?;
    match in_memory(home.path()) {
        true => Err(format!(
            "{told} is in memory, where nothing is durable: name a directory on a disk with --dir"
        )
        .into()),
        false => Ok(home),
    }
}

#[cfg(target_os = "linux")]
fn in_memory(dir: &Path) -> bool {
    /// As `statfs(2)` has them: tmpfs, and ramfs.
    const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(dir).is_ok_and(|found| IN_MEMORY.contains(&(found.f_type as u64)))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_dir: &Path) -> bool {
    false
}

//! The table of verdicts in CHECKING.md, rendered from the lock.

use crate::check::Error;
use crate::check::lock::Lock;
use crate::check::replace::replace;
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = "<!-- verdicts: written by `lightsout check --bless` -->";
const END: &str = "<!-- end of verdicts -->";

/// The table.
pub fn table(lock: &Lock) -> String {
    let mut text = String::from("| check | bounds | verdict | states or steps | profiles |\n");
    text.push_str("|---|---|---|---|---|\n");
    for (id, locked) in &lock.verdict {
        let size = match locked.states {
            Some(states) => format!("{states} states"),
            None => format!("{} steps", locked.script.len()),
        };
        let profiles = locked.profiles.join(", ");
        let _ = writeln!(
            text,
            "| `{id}` | {} | {} | {size} | {profiles} |",
            locked.bounds, locked.verdict
        );
    }
    text
}

/// CHECKING.md with its table replaced. `None`: it has no place for one.
pub fn rendered(document: &str, lock: &Lock) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}{END}{after}", table(lock)))
}

/// Replaces the table in the file.
pub fn write(path: &Path, lock: &Lock) -> Result<(), Error> {
    let io = |source| Error::Io {
        doing: "read",
        path: path.to_path_buf(),
        source,
    };
    let document = std::fs::read_to_string(path).map_err(io)?;
    let rendered = rendered(&document, lock).ok_or_else(|| Error::Spec {
        path: path.to_path_buf(),
        because: format!("it has no lines `{BEGIN}` and `{END}` to put the table between"),
    })?;
    replace(path, &rendered)
}

//! `lightsout litmus`.

use super::print;
use lightsout::check::Error;
use lightsout::check::verdict::Exit;
use lightsout::litmus::{self, Detail};
use std::path::{Path, PathBuf};

pub(super) fn run(directory: &Path, files: &[PathBuf], verbose: bool) -> Result<u8, Error> {
    let all = [directory.join("litmus")];
    let paths = if files.is_empty() { &all[..] } else { files };
    let report = litmus::run(paths).map_err(|error| Error::Usage(error.to_string()))?;
    let detail = match verbose || !files.is_empty() {
        true => Detail::Reasons,
        false => Detail::Tests,
    };
    print(&report.render(detail))?;
    let exit = match (report.differing(), report.undecided()) {
        (0, 0) => Exit::Expected,
        (0, _) => Exit::Inconclusive,
        _ => Exit::Differs,
    };
    Ok(exit as u8)
}

//! `lightsout litmus`.

use super::print;
use lightsout::check::Error;
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
    Ok(u8::from(report.unexpected() > 0))
}

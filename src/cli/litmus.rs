//! `lightsout litmus`.

use lightsout::check::Error;
use std::path::{Path, PathBuf};

pub(super) fn run(_: &Path, _: &[PathBuf], _: bool) -> Result<u8, Error> {
    Err(Error::Usage("not yet".into()))
}

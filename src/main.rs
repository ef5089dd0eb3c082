//! The model checker: `lightsout check`, and what goes with it. See `lightsout --help`.

use mimalloc::MiMalloc;
use std::process::ExitCode;

mod cli;

/// An exploration allocates much and little at a time: with that of libc it takes half as long again.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main()
}

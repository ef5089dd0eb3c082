//! The model checker: `lightsout check`, and what goes with it. See `lightsout --help`.

use peak_alloc::PeakAlloc;
use std::process::ExitCode;

mod cli;

/// Counts what the explorations allocate, so that a verdict can say what a state costs.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    cli::main()
}

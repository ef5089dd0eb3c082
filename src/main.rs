//! The model checker: `lightsout check`, and what goes with it. See `lightsout --help`.

use mimalloc::MiMalloc;
use peakmem_alloc::PeakMemAlloc;
use std::process::ExitCode;

mod cli;

/// Counts what the explorations allocate, so that a verdict can say what a state costs.
#[global_allocator]
static MEMORY: PeakMemAlloc<MiMalloc> = PeakMemAlloc::new(MiMalloc);

fn main() -> ExitCode {
    cli::main()
}

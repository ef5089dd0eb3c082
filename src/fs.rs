//! A drop-in for `std::fs`, to be explored: write `use lightsout::fs;` in place of `use std::fs;`.
//!
//! Without `--cfg lightsout` this is `std::fs`, and nothing else. With it
//! (`RUSTFLAGS="--cfg lightsout" cargo test`) it is [`simfs`](crate::simfs): the same names over a simulated
//! machine, of which every crash can be explored. What of `std::fs` is there then, and what is not, is said in
//! that module.
//!
//! Code that reads and writes at positions has `use std::os::unix::fs::FileExt;` in it. The simulated `File` has
//! those methods without the trait, so under the cfg the import is unused, which the compiler notes: put
//! `#[cfg(not(lightsout))]` before it.

#[cfg(lightsout)]
pub use crate::simfs::*;
#[cfg(not(lightsout))]
pub use std::fs::*;

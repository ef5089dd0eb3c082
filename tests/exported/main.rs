//! Tests that `lightsout export --test` printed. No part of `cargo test`: `tests/export.rs` runs them, for one fails as
//! long as the engine is as it was found, and the other is the same with the engine mended.

mod as_found {
    include!("lsm-as-found-log-synced.rs");
}

mod mended {
    include!("mended.rs");
}

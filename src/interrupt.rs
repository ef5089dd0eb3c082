//! A run that is asked to end early, by Ctrl-C or by whoever embeds it: what was covered so far is reported as
//! *inconclusive*.

use std::sync::atomic::{AtomicBool, Ordering};

/// Looked at many times a second by everything that runs long. By default nobody interrupts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interrupt(Option<&'static AtomicBool>);

impl Interrupt {
    /// Interrupted once this flag is set.
    pub fn by(flag: &'static AtomicBool) -> Self {
        Self(Some(flag))
    }

    /// Whether it was asked to end.
    pub fn is_set(self) -> bool {
        self.0.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

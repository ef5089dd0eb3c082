//! How a scheduler is run, and what is counted.

#![cfg(loom)]

use lightsout::sync::{Race, plant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts what a test went through.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    executions: Arc<AtomicU64>,
    recoveries: Arc<AtomicU64>,
}

impl Counts {
    /// One more machine that was recovered.
    pub fn recovered(&self) {
        self.recoveries.fetch_add(1, Ordering::Relaxed);
    }
}

/// How far loom goes.
#[derive(Clone, Copy, Debug)]
pub enum Depth {
    /// Every order there is.
    Exhaustive,
    /// Every order in which a thread is interrupted at most so often where it could have gone on.
    Preemptions(usize),
}

/// Runs `threads` in every order, up to that depth, and says how many there were.
#[allow(clippy::print_stderr)] // What was explored, for who asks with --nocapture.
pub fn explore(name: &str, depth: Depth, threads: impl Fn(&Counts) + Send + Sync + 'static) -> u64 {
    let counts = Counts::default();
    let (inner, began) = (counts.clone(), Instant::now());
    let mut loom = loom::model::Builder::new();
    loom.max_branches = 100_000;
    loom.preemption_bound = match depth {
        Depth::Exhaustive => None,
        Depth::Preemptions(bound) => Some(bound),
    };
    loom.check(move || {
        inner.executions.fetch_add(1, Ordering::Relaxed);
        threads(&inner);
    });
    let executions = counts.executions.load(Ordering::Relaxed);
    eprintln!(
        "loom: {name}: {executions} executions, {} recoveries, {depth:?}, {:.1} s",
        counts.recoveries.load(Ordering::Relaxed),
        began.elapsed().as_secs_f64()
    );
    executions
}

/// The same with a race planted, which must be found: what is then said.
pub fn found(
    race: Race,
    depth: Depth,
    threads: impl Fn(&Counts) + Send + Sync + 'static,
) -> String {
    plant(Some(race));
    let name = format!("{race:?}");
    let ran = catch_unwind(AssertUnwindSafe(|| explore(&name, depth, threads)));
    plant(None);
    let panic = ran.expect_err("a race that was planted is found");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

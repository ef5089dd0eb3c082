//! Threads in orders at random, on simulated storage, with power cuts: shuttle. For what loom cannot reach, many writers
//! and long runs.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --profile threads --package lightsout-threads --target-dir target/shuttle -- --nocapture`
//!
//! Each test says its seed; `LIGHTSOUT_SEED` gives another one. An order that fails is printed as a *schedule*, and
//! `LIGHTSOUT_SCHEDULE` runs that one again.

#![cfg(shuttle)]

mod log;
mod lsm;

use lightsout::sync::{Race, plant};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, Runner};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

/// How often a thread is held up in an order of the second kind.
const HELD_UP: usize = 4;

/// Runs it in so many orders at random, and in as many in which few threads are held up for long (Burckhardt et al., A
/// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS '10); or in the one that the environment
/// names.
#[allow(clippy::print_stderr)] // The seed, which repeats a run.
fn at_random(orders: usize, threads: impl Fn() + Send + Sync + Clone + 'static) {
    if let Ok(schedule) = std::env::var("LIGHTSOUT_SCHEDULE") {
        let scheduler = ReplayScheduler::new_from_encoded(&schedule);
        Runner::new(scheduler, Config::default()).run(threads);
        return;
    }
    let seed = std::env::var("LIGHTSOUT_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
    eprintln!("shuttle: {orders} orders of each kind, LIGHTSOUT_SEED={seed}");
    let scheduler = RandomScheduler::new_from_seed(seed, orders);
    Runner::new(scheduler, Config::default()).run(threads.clone());
    let scheduler = PctScheduler::new_from_seed(seed, HELD_UP, orders);
    Runner::new(scheduler, Config::default()).run(threads);
}

/// Another number each time.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64)
}

/// The same with a race planted, which must be found: what is then said.
fn found(race: Race, orders: usize, threads: impl Fn() + Send + Sync + Clone + 'static) -> String {
    plant(Some(race));
    let ran = catch_unwind(AssertUnwindSafe(|| at_random(orders, threads)));
    plant(None);
    let panic = ran.expect_err("a race that was planted is found");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

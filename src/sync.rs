//! What threads meet at: std's primitives, or those of a scheduler that tries out their orders.
//!
//! | built with | who decides who runs | for |
//! |---|---|---|
//! | nothing | the operating system | everybody |
//! | `--cfg loom` | loom: every order, within bounds | `tests/loom` |
//! | `--cfg shuttle` | shuttle: orders at random, which a seed repeats | `tests/shuttle` |
//!
//! A *race* is a mistake that a test plants in an engine, to see that it is found. Without one of these two
//! schedulers there is none, and [`planted`] is `false` where it stands.

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

/// Threads.
pub(crate) mod thread {
    #[cfg(loom)]
    use loom::thread::Builder;
    #[cfg(loom)]
    pub(crate) use loom::thread::JoinHandle;
    #[cfg(shuttle)]
    use shuttle::thread::Builder;
    #[cfg(shuttle)]
    pub(crate) use shuttle::thread::JoinHandle;
    #[cfg(not(any(loom, shuttle)))]
    use std::thread::Builder;
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) use std::thread::JoinHandle;

    /// Starts a thread, where the system has one more.
    pub(crate) fn spawn(run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        Builder::new().spawn(run)
    }
}

/// Where threads meet that no primitive makes meet: a call to simulated storage. A scheduler may let another
/// thread go on there; without one it is nothing.
// A `#[cfg]` on a field leaves an empty tuple.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crossing(#[cfg(loom)] Option<std::sync::Arc<loom::sync::atomic::AtomicUsize>>);

impl Crossing {
    /// One that a scheduler knows of, in an execution of its.
    #[cfg(any(loom, shuttle))]
    pub(crate) fn scheduled() -> Crossing {
        #[cfg(loom)]
        return Crossing(Some(std::sync::Arc::default()));
        #[cfg(shuttle)]
        Crossing()
    }

    /// A thread comes by.
    pub(crate) fn pass(&self) {
        // Every two of these are dependent, so loom tries both orders.
        #[cfg(loom)]
        if let Some(counter) = self.0.as_ref().filter(|_| !is_over()) {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        #[cfg(shuttle)]
        shuttle::thread::yield_now();
    }
}

/// Whether this thread unwinds out of an execution of loom, which is over with that: its locks panic then where they are
/// poisoned.
pub(crate) fn is_over() -> bool {
    cfg!(loom) && std::thread::panicking()
}

/// A mistake that threads make, one at a time.
#[cfg_attr(not(any(loom, shuttle)), allow(unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Race {
    /// Group commit: whoever waits when a leader's barrier completes is told Ok, also those who staged
    /// after the leader took its batch.
    CoveredByRunning,
    /// Group commit: followers are told Ok once the leader has written, before its barrier.
    AcknowledgedWhenWritten,
    /// Group commit: after a failed barrier the next writer leads, as if nothing had happened.
    BarrierRetried,
    /// Group commit: a failed barrier wakes nobody but the leader.
    WaitersForgotten,
    /// Flush, merge: a new file takes the place of what it was made of before its name is durable.
    SwappedTooEarly,
    /// An event is served before a barrier covers it.
    ServedBeforeBarrier,
    /// A writer stages while another is alone, as into a segment that is being closed.
    StagedWhileAlone,
}

#[cfg(any(loom, shuttle))]
mod plant {
    use super::Race;
    use std::cell::Cell;

    // All threads of such a scheduler are run by one thread of the system.
    std::thread_local! {
        static PLANTED: Cell<Option<Race>> = const { Cell::new(None) };
    }

    /// Plants a race, or none, in what this thread runs from now on.
    pub fn plant(race: Option<Race>) {
        PLANTED.set(race);
    }

    pub(crate) fn planted(race: Race) -> bool {
        PLANTED.get() == Some(race)
    }
}

#[cfg(any(loom, shuttle))]
pub use plant::plant;
#[cfg(any(loom, shuttle))]
pub(crate) use plant::planted;

/// Whether a test planted this race.
#[cfg(not(any(loom, shuttle)))]
pub(crate) const fn planted(_: Race) -> bool {
    false
}

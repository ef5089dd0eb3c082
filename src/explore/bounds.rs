//! What is explored, and how far.

use super::contract::Operation;
use crate::counterexample::{Breach, Trouble};
use crate::interrupt::Interrupt;
use crate::storage::simulated::Fault;
use models::disk::Failure;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crash {
    /// The power is cut: what is cached may be gone.
    PowerCut,
    /// The process is killed: what is cached stays.
    Kill,
}

/// How crash images are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A fate is chosen when something reads what it decides.
    #[default]
    Lazy,
    /// Every crash image is made and recovered. For comparison: it visits the same states.
    Eager,
}

impl Trouble {
    /// Every kind.
    pub const ALL: [Trouble; 5] = [
        Trouble::Barrier(Failure::DataStays),
        Trouble::Barrier(Failure::DataReverts),
        Trouble::Barrier(Failure::Abort),
        Trouble::Error,
        Trouble::Full,
    ];

    /// Bytes of a write that are written where the disk is full: less than a sector.
    const SHORT_BYTES: usize = 20;

    pub(super) fn fault(self) -> Fault {
        match self {
            Trouble::Barrier(failure) => Fault::Barrier(failure),
            Trouble::Error => Fault::Error {
                kind: ErrorKind::Other,
                written: 0,
            },
            Trouble::Full => Fault::Error {
                kind: ErrorKind::StorageFull,
                written: Self::SHORT_BYTES,
            },
        }
    }

    /// Until the next power cut an open may refuse: what it sees may not be what is there.
    pub(super) fn excuses(self) -> bool {
        matches!(self, Trouble::Barrier(_))
    }
}

/// How far an exploration goes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How crash images are visited.
    pub mode: Mode,
    /// Crashes in a row without a recovery that ended, beyond which nothing is followed: where there is more, the
    /// verdict is inconclusive.
    pub crashes: usize,
    /// Kills between two power cuts, as long as something is cached. Each may leave more in the cache than
    /// the one before, so without a bound there is no fixpoint.
    pub kills: usize,
    /// Calls that go wrong, each at every place, along one way.
    pub faults: usize,
    /// In which ways they do.
    pub troubles: Vec<Trouble>,
    /// The first crash comes after the store was made, and that is durable: its first initialisation is not
    /// explored.
    pub settled: bool,
    /// The breaches that count; a recovered state with another one is believed.
    pub judged: Vec<Breach>,
    /// A recovery that a power cut interrupted is to be followed by one that ends with what it would have ended
    /// with (the second half of D6). Off: with anything that the client may be shown. The two differ in
    /// operations of which nobody was told anything; see `CHECKING.md` for what it takes to keep it on `posix`.
    pub converges: bool,
    /// Recoveries after which the exploration gives up.
    pub recoveries: Option<usize>,
    /// Time after which it gives up.
    pub time: Option<Duration>,
    /// Once that is set it gives up, too.
    pub interrupt: Interrupt,
    /// Hears how far it is.
    pub progress: Option<Arc<Progress>>,
}

/// How far an exploration is, for whoever looks on while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    recoveries: AtomicUsize,
    left: AtomicUsize,
}

impl Progress {
    pub(super) fn note(&self, recoveries: usize, left: usize) {
        self.recoveries.store(recoveries, Ordering::Relaxed);
        self.left.store(left, Ordering::Relaxed);
    }

    /// Recoveries that were run.
    pub fn recoveries(&self) -> usize {
        self.recoveries.load(Ordering::Relaxed)
    }

    /// Crash points that were found and not followed yet.
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            mode: Mode::Lazy,
            crashes: 16,
            kills: 1,
            faults: 0,
            troubles: Trouble::ALL.to_vec(),
            settled: false,
            judged: Breach::ALL.to_vec(),
            converges: false,
            recoveries: None,
            time: None,
            interrupt: Interrupt::default(),
            progress: None,
        }
    }
}

/// A workload: what the client does before the crash, and after a recovery.
#[derive(Clone, Debug)]
pub struct Workload<W> {
    /// Before.
    pub operations: Vec<Operation<W>>,
    /// After each recovered state that differs.
    pub then: Vec<Operation<W>>,
}

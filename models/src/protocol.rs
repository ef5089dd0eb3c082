//! A protocol as data: the steps of each operation, and recovery as a plan.
//!
//! ```text
//!   operation(op, memory) -> [write, barrier, acknowledge]
//!   recover(tree)         -> memory to run with + [write, barrier, ...]
//! ```
//!
//! Where operations overlap there is still one list of steps, of whoever is at work for all:
//!
//! ```text
//!   operation(op, memory) -> [change: it waits]
//!   next(memory)          -> [write, barrier, change: it is done], then [acknowledge to 1, acknowledge to 2]
//! ```
//!
//! And what goes on beside the operations, in any order with their steps, is a list of its own:
//!
//! ```text
//!   beside(memory)        -> [change: it is begun, create, write, barrier, rename, barrier, change: it is done]
//! ```
//!
//! So a protocol file reads as a picture, and everything hard about crashes is written once, in
//! [`crate::machine`]. Steps being data is what conformance compares and the barrier audit deletes.

use crate::contract::{Identity, OpId, Operation, View};
use crate::disk::{Call, Cell, Disk, Tree};
use crate::profile::Profile;
use std::fmt::Debug;
use std::hash::Hash;

/// Where in a protocol a step stands, as in `append: data barrier`. Unique for each barrier: the
/// audit removes barriers by site.
pub type Site = &'static str;

/// One atomic move of a protocol. `C`: the contents of files; `X`: the changes of memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<C, X> {
    /// Puts cells into the process's buffer, to be written at that place. A kill loses them.
    Buffer {
        /// The file.
        file: String,
        /// The first cell; what is buffered is contiguous.
        at: usize,
        /// The cells.
        cells: Vec<C>,
        /// Where this step stands.
        site: Site,
    },
    /// Writes the first cells of the buffer, all if `None`: they are cached from then on.
    Flush {
        /// How many cells.
        cells: Option<usize>,
        /// Where this step stands.
        site: Site,
    },
    /// A change to the disk, or a barrier.
    Call {
        /// What.
        call: Call<C>,
        /// Where this step stands.
        site: Site,
    },
    /// A change in memory. No crash point: it is run with the step before it.
    Change(X),
    /// The operation returns Ok.
    Return {
        /// Whether this acknowledges: everything that returned so far is promised durable.
        durable: bool,
        /// The identity that the client is told.
        identity: Option<Identity>,
    },
    /// The operation returns an error; its effect may be there or not.
    Fail,
    /// The operation returns an error and did nothing.
    Refuse,
    /// The handle is closed and the store opened anew.
    Reopen,
    /// An answer to that operation, where several are in progress; without it an answer is to the only one.
    Of(OpId, Box<Step<C, X>>),
    /// Recovery ends: the store serves. Added by the machine at the end of a plan.
    Serve,
    /// Recovery ends with an error. Added by the machine where there is no plan.
    OpenFails,
}

impl<C, X> Step<C, X> {
    /// A change to the disk, or a barrier.
    pub fn call(site: Site, call: Call<C>) -> Self {
        Step::Call { call, site }
    }

    /// An answer to that operation, one of several in progress.
    pub fn of(op: OpId, answer: Self) -> Self {
        Step::Of(op, Box::new(answer))
    }

    /// This step, without the operation that it is of.
    pub fn bare(&self) -> &Self {
        match self {
            Step::Of(_, step) => step,
            step => step,
        }
    }

    /// The same step of a protocol whose memory holds this one's.
    pub fn map_change<Y>(self, change: &dyn Fn(X) -> Y) -> Step<C, Y> {
        match self {
            Step::Of(op, step) => Step::of(op, step.map_change(change)),
            Step::Change(inner) => Step::Change(change(inner)),
            Step::Buffer {
                file,
                at,
                cells,
                site,
            } => Step::Buffer {
                file,
                at,
                cells,
                site,
            },
            Step::Flush { cells, site } => Step::Flush { cells, site },
            Step::Call { call, site } => Step::Call { call, site },
            Step::Return { durable, identity } => Step::Return { durable, identity },
            Step::Fail => Step::Fail,
            Step::Refuse => Step::Refuse,
            Step::Reopen => Step::Reopen,
            Step::Serve => Step::Serve,
            Step::OpenFails => Step::OpenFails,
        }
    }

    /// Where it stands.
    pub fn site(&self) -> Site {
        match self {
            Step::Buffer { site, .. } | Step::Flush { site, .. } | Step::Call { site, .. } => site,
            Step::Of(_, step) => step.site(),
            Step::Change(_) => "change in memory",
            Step::Return { durable: true, .. } => "acknowledge",
            Step::Return { durable: false, .. } => "return",
            Step::Fail => "fail",
            Step::Refuse => "refuse",
            Step::Reopen => "reopen",
            Step::Serve => "serve",
            Step::OpenFails => "open fails",
        }
    }
}

/// What recovery does with a crash image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan<C, X, M> {
    /// The state to run with, once the steps are taken.
    pub memory: M,
    /// The steps to take before the store serves.
    pub steps: Vec<Step<C, X>>,
    /// Whether it met something that is not a record (the witness of D5).
    pub odd: bool,
}

/// Recovery refuses to open: a sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refused(pub String);

/// The steps of a protocol.
pub type StepOf<P> = Step<<P as Protocol>::Cell, <P as Protocol>::Change>;

/// The recovery plan of a protocol.
pub type PlanOf<P> = Plan<<P as Protocol>::Cell, <P as Protocol>::Change, <P as Protocol>::Memory>;

/// An engine's durability protocol.
pub trait Protocol: Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// What its files hold.
    type Cell: Cell;
    /// What the process knows.
    type Memory: Clone + Eq + Hash + Debug + Send + Sync + 'static;
    /// How that changes.
    type Change: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// The steps of an operation, planned when it is invoked. Of one that overlaps with others: a change in memory, after
    /// which [`Protocol::next`] says what is done; or a refusal.
    fn operation(
        &self,
        id: OpId,
        operation: &Operation,
        memory: &Self::Memory,
    ) -> Vec<StepOf<Self>>;

    /// Whether the operation may be invoked while another is in progress. By default there is one client.
    fn overlaps(&self, _: &Operation, _: &Self::Memory) -> bool {
        false
    }

    /// What is done once no step is left, for the operations that are in progress. Until the first of these steps is
    /// taken it is planned anew with each operation that is invoked; from then on until the last one nothing is next.
    fn next(&self, _: &Self::Memory) -> Vec<StepOf<Self>> {
        Vec::new()
    }

    /// Whether the operation has to wait until more is done beside: then it is not invoked before. By default none has to.
    fn must_wait(&self, _: &Operation, _: &Self::Memory) -> bool {
        false
    }

    /// What is to be done beside the operations: calls and changes in memory, which answer nobody. Planned when it is begun,
    /// where nothing else goes on beside; the first change says that. By default there is nothing.
    fn beside(&self, _: &Self::Memory) -> Vec<StepOf<Self>> {
        Vec::new()
    }

    /// What changes in memory when this step, beside the operations, fails; the steps after it are given up. By default
    /// nothing.
    fn failed_beside(&self, _: &StepOf<Self>, _: &Self::Memory) -> Vec<Self::Change> {
        Vec::new()
    }

    /// What recovery does with what it finds: after a power cut the crash image, after a kill what
    /// the cache shows. It never sees the disk below.
    fn recover(&self, tree: &Tree<Self::Cell>) -> Result<PlanOf<Self>, Refused>;

    /// Makes a change in memory.
    fn change(&self, memory: &mut Self::Memory, change: &Self::Change);

    /// The memory once the changes among these steps are made.
    fn after(&self, memory: &Self::Memory, steps: &[StepOf<Self>]) -> Self::Memory {
        let mut memory = memory.clone();
        for step in steps {
            if let Step::Change(change) = step {
                self.change(&mut memory, change);
            }
        }
        memory
    }

    /// What the operations in progress do when this step fails. In a recovery a failed step ends the
    /// open with an error.
    fn failed(&self, step: &StepOf<Self>, memory: &Self::Memory) -> Vec<StepOf<Self>>;

    /// A crash image in which contents that no reader will ever tell apart are the same: fewer
    /// states. By default nothing is forgotten.
    fn forget(&self, image: Disk<Self::Cell>) -> Disk<Self::Cell> {
        image
    }

    /// Whether no reader ever tells garbage from zeros, so that lost space need not read as both.
    fn reads_garbage_as_zeros(&self) -> bool {
        false
    }

    /// What a client can read.
    fn observe(&self, memory: &Self::Memory) -> View;

    /// The inner invariants that guard this step, by number, and whether each holds on the disk on
    /// which the step is about to be taken.
    fn guards(
        &self,
        step: &StepOf<Self>,
        memory: &Self::Memory,
        disk: &Disk<Self::Cell>,
        profile: &Profile,
    ) -> Vec<(u8, bool)>;
}

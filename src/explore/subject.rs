//! What is explored: real storage code, as far as the exploration must know it.

use super::contract::{Contract, Operation, Told};
use crate::storage::simulated::Simulated;

/// Why a call failed, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a subject's clients change.
pub type WriteOf<S> = <<S as Subject>::Contract as Contract>::Write;

/// The operations of a subject's clients.
pub type OperationOf<S> = Operation<WriteOf<S>>;

/// What a subject's clients can read.
pub type StateOf<S> = <<S as Subject>::Contract as Contract>::State;

/// Changes the contents of the file at a path to what they are compared as.
pub type Mask = dyn Fn(&str, &mut [u8]) + Sync;

/// Storage code under exploration. It must do the same whenever it is asked the same on the same disk: no
/// clock, no randomness, no threads of its own that write.
pub trait Subject: Sync {
    /// What its clients are promised.
    type Contract: Contract;
    /// An open store.
    type Store;

    /// What it is called in reports: by default the name of its type.
    fn name(&self) -> String {
        let name = std::any::type_name::<Self>();
        name.rsplit("::").next().unwrap_or(name).into()
    }

    /// Opens the store, making it where there is none, and recovers what a crash left. Also called on every
    /// state that a crash could leave.
    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure>;

    /// Does what a client asks. [`Operation::Reopen`] does not come here.
    fn apply(
        &self,
        store: &mut Self::Store,
        operation: &OperationOf<Self>,
    ) -> Result<Told, Failure>;

    /// All that a client can read.
    fn observe(&self, store: &mut Self::Store) -> Result<StateOf<Self>, Failure>;

    /// Closes the store cleanly. [`Told::Durable`]: everything that returned is durable then.
    fn close(&self, store: Self::Store) -> Result<Told, Failure> {
        drop(store);
        Ok(Told::Returned)
    }

    /// Makes equal what is to count as equal where two disks are compared: masks what only grows, such as a
    /// counter of the times that the store was opened.
    ///
    /// Without it, the crashes during recovery are followed until no recovery leaves a state of the disk
    /// that was not there before; code that writes something new whenever it is opened never gets there.
    ///
    /// The mask sees a whole file by its path, where all of it is known; but a write that is only cached it sees by
    /// itself, among zeros. So it must know what to mask by the place alone, or by what the bytes themselves say, and
    /// never by zeros around them. Two disks that it makes equal must have equal futures, up to what it masks.
    fn normalise(&self) -> Option<&Mask> {
        None
    }
}

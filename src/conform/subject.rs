//! What the lock step must know of an engine and of its protocol.

use super::{Discipline, Divergence, Script};
use crate::storage::simulated::Simulated;
use models::contract::{Identity, OpId, Operation};
use models::machine::process::Process;
use models::protocol::Protocol;

/// What an engine told its client: an identity where it has one to tell, or an error in words.
pub(super) type Answer = Result<Option<Identity>, String>;

/// The contents of a subject's files in the model.
pub(super) type CellOf<S> = <<S as Subject>::Protocol as Protocol>::Cell;

/// What the model's process of a subject knows.
pub(super) type MemoryOf<S> = <<S as Subject>::Protocol as Protocol>::Memory;

/// An engine and the protocol that it is held to. To hold another engine to its model, implement this
/// in a file of its own.
pub(super) trait Subject: Sized {
    /// The model.
    type Protocol: Protocol;
    /// The engine's handle.
    type Store;

    /// The subject of a script. `engine`: the protocol that the engine runs, which is the script's
    /// unless a test plants a mistake.
    fn of(script: &Script, engine: Discipline) -> Self;

    /// A script of these operations with the settings of a protocol, under which the engine writes
    /// files of as many cells as the protocol does. An error says why there is none, in a sentence.
    fn script(protocol: &Self::Protocol, operations: &[Operation]) -> Result<Script, String>;

    /// The model, with the sizes that the engine's files will have.
    fn protocol(&self) -> Self::Protocol;

    /// Opens the engine.
    fn open(&self, storage: &Simulated) -> Result<Self::Store, String>;

    /// Asks the engine for an operation; closing takes the handle.
    fn ask(
        &self,
        store: Self::Store,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Self::Store>);

    /// Asks the engine to do one thing of what goes on beside the operations.
    fn work(&self, store: Self::Store) -> (Answer, Option<Self::Store>) {
        (Ok(None), Some(store))
    }

    /// Takes in the bytes of what the process, to which an operation was just given, is about to
    /// write: from the script alone, before the engine is asked.
    fn learn(&mut self, process: &Process<Self::Protocol>) -> Result<(), String>;

    /// The bytes of some cells, [`CELL_BYTES`](super::CELL_BYTES) each. What was never taken in is
    /// garbage.
    fn bytes(&self, cells: &[CellOf<Self>]) -> Vec<u8>;

    /// The cells of what begins with this one, where it is a first piece.
    fn whole(&self, cell: &CellOf<Self>) -> Option<Vec<CellOf<Self>>>;

    /// Whether the engine serves what the model's memory says.
    fn compare(&self, store: &Self::Store, memory: &MemoryOf<Self>) -> Result<(), Divergence>;

    /// Whether the model says to the byte what the process that is about to open the store does.
    fn is_modelled(&self, _process: &Process<Self::Protocol>, _power_was_cut: bool) -> bool {
        true
    }
}

//! What of a counterexample is run again.

use models::disk::Failure;
use models::disk::image::Fates;
use models::machine::script::Move;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Script {
    /// Moves of the model of a check, which is found in `specs/` by the counterexample's name.
    Model {
        /// The moves.
        moves: Vec<Move>,
    },
    /// Lives of real code.
    Code(Code),
}

/// Lives of real code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// What is wrong.
    pub breach: Breach,
    /// The store is made, and that is durable, before anything happens.
    #[serde(default)]
    pub settled: bool,
    /// What the client asks for before the first crash: an operation of the subject's contract each.
    pub operations: Vec<serde_json::Value>,
    /// What it asks for after a recovery, in a life that works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<serde_json::Value>,
    /// What a power cut did is decided when something reads it, by what each life asks for; else by its fates.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub lazily: bool,
    /// The lives, the first one first.
    pub lives: Vec<Life>,
}

/// One life: from a start of the process to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    /// What ended the life before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Where power cuts are decided lazily: what is chosen, in the order in which it is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<usize>,
    /// What goes wrong, and with which changing call, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<(usize, Trouble)>,
    /// How many operations the client asks for.
    pub operations: usize,
    /// After how many changing calls the process dies; none: it lives to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
}

/// What ended a life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// The process was killed: what was cached is there.
    Kill,
    /// The power was cut, with these fates of the effects in the log of the disk.
    PowerCut(Fates),
}

/// How a recovered state breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breach {
    /// Something is there that nobody wrote.
    Invented,
    /// A part of a batch is there, and another is not.
    Partial,
    /// What was removed is back.
    Resurrected,
    /// What was promised, or served, is gone.
    Lost,
    /// A recovery that was interrupted did not end with the contents of the uninterrupted one.
    Diverged,
    /// A store that a crash left does not open, or does not let itself be read.
    Unopenable,
    /// Every fact is one that could be, and all of them together could not: a later operation without an
    /// earlier one, or one that a recovery had found absent.
    Gap,
}

impl Breach {
    /// All of them.
    pub const ALL: [Breach; 7] = [
        Breach::Invented,
        Breach::Partial,
        Breach::Resurrected,
        Breach::Lost,
        Breach::Diverged,
        Breach::Unopenable,
        Breach::Gap,
    ];

    /// The id of the promise that is broken. What was lost may also have been served and never acknowledged:
    /// then it is D7.
    pub fn promise(self) -> &'static str {
        match self {
            Breach::Invented => "D5",
            Breach::Partial => "D3",
            Breach::Resurrected => "D4",
            Breach::Lost => "D1",
            Breach::Diverged | Breach::Unopenable => "D6",
            Breach::Gap => "D2",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Breach::Invented => "invented",
            Breach::Partial => "partial",
            Breach::Resurrected => "resurrected",
            Breach::Lost => "lost",
            Breach::Diverged => "diverged",
            Breach::Unopenable => "unopenable",
            Breach::Gap => "gap",
        };
        f.write_str(word)
    }
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A barrier fails, in this way.
    Barrier(Failure),
    /// A change fails with an error of the device (EIO), and does nothing.
    Error,
    /// A change fails because the disk is full (ENOSPC); of a write the first bytes are written.
    Full,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Barrier(failure) => write!(f, "a barrier failed ({})", failure.says()),
            Trouble::Error => write!(f, "the device reported an error"),
            Trouble::Full => write!(f, "the disk was full"),
        }
    }
}

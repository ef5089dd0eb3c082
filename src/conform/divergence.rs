//! Where model and engine part ways.

use models::contract::Promise;
use std::fmt;

/// Model and engine disagree on a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What kind of disagreement.
    pub kind: Kind,
    /// Which step of the script, from 0.
    pub step: usize,
    /// That step, in words.
    pub during: String,
    /// What the model says.
    pub expected: String,
    /// What the engine did or shows.
    pub found: String,
}

/// What model and engine disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The engine made another call than the model.
    OtherCall,
    /// The engine made fewer calls than the model.
    MissingCall,
    /// The client was told something else.
    OtherAnswer,
    /// The files differ.
    OtherContents,
    /// The model's disk cannot leave that crash image.
    NoSuchImage,
    /// They recover different things.
    OtherRecovery,
    /// They agree, and break this promise of the contract.
    Breach(Promise),
    /// They agree, and keep the promise that the script is said to break.
    NoBreach,
    /// The script leaves what the model can express: nobody's mistake.
    NotModelled,
}

impl Divergence {
    pub(super) fn new(kind: Kind, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Divergence {
            kind,
            step: 0,
            during: String::new(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl std::error::Error for Divergence {}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::OtherCall => "the engine made another call".into(),
            Kind::MissingCall => "the engine left a call out".into(),
            Kind::OtherAnswer => "the client was told something else".into(),
            Kind::OtherContents => "the files differ".into(),
            Kind::NoSuchImage => "the model's disk cannot leave this crash image".into(),
            Kind::OtherRecovery => "they recover different things".into(),
            Kind::Breach(promise) => format!("both break {promise}"),
            Kind::NoBreach => "both keep what this script is said to break".into(),
            Kind::NotModelled => "the model cannot express this".into(),
        };
        writeln!(f, "step {} ({}): {what}", self.step, self.during)?;
        writeln!(f, "  model:  {}", self.expected)?;
        write!(f, "  engine: {}", self.found)
    }
}

//! The pure state machines of lightsout. No I/O, clock, thread or randomness.
//!
//! | module | what it says |
//! |---|---|
//! | [`disk`] | contents and names; cached and durable; what a crash may leave (trusted) |
//! | [`profile`] | the persistence profiles (trusted) |

pub mod disk;
pub mod profile;

//! Threads in every order, on simulated storage, with a power cut at every acknowledgement: loom.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile threads --package lightsout-threads --target-dir target/loom -- --nocapture`
//!
//! Each test is a few threads that use an engine. loom runs them again and again, each time in another order of
//! what they do at a lock, a condition, or a call to the disk. In each *execution*, whenever a thread is told Ok, the
//! power is cut on a copy of the machine, with all fates that recovery can tell apart, and what it then serves is
//! held against the contract.
//!
//! A test with a planted race is one that must fail: it shows that the test without it can.

#![cfg(loom)]

mod bitcask;
mod btree;
mod events;
mod log;
mod lsm;
mod segments;

//! A store in a process of its own, killed with SIGKILL at random points of its life, again and again:
//! while it is made, written, maintained, recovered.
//!
//! LIMIT: a kill takes the process and leaves what is cached. Whether barriers are where they should
//! be is not seen here; power cuts are explored on the simulated disk.

mod bitcask;
mod btree;
mod event_store;
mod lsm;
mod map;
mod segments;
mod victim;

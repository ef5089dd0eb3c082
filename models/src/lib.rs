//! The pure state machines of lightsout. No I/O, clock, thread or randomness.
//!
//! One definition of what a crash can do to a disk, under the protocols here and, with bytes in it, under real code in
//! the crate `lightsout`. What may a power cut leave of a file that was made and written to?
//!
//! ```
//! use models::disk::{Call, Disk};
//! use models::profile::Profile;
//! use std::collections::BTreeSet;
//!
//! let ext4 = Profile::named("ext4-ordered").expect("it is one of six");
//! let left = |disk: &Disk<u8>| -> BTreeSet<Option<Vec<u8>>> {
//!     let images = disk.crash_images(&ext4).into_iter();
//!     images.map(|(_, disk)| disk.view().file("log").map(<[u8]>::to_vec)).collect()
//! };
//! let mut disk = Disk::default();
//! disk.apply(&Call::Create("log".into()), &ext4)?;
//! disk.apply(&Call::Write { file: "log".into(), at: 0, cells: vec![7] }, &ext4)?;
//! assert_eq!(left(&disk), [None, Some(vec![]), Some(vec![7])].into());
//! disk.apply(&Call::Barrier("log".into()), &ext4)?;
//! assert_eq!(left(&disk), [Some(vec![7])].into());
//! # Ok::<(), models::disk::Refusal>(())
//! ```
//!
//! To believe a verdict, read what is marked *trusted*, and nothing else.
//!
//! | module | what it says |
//! |---|---|
//! | [`disk`] | contents and names; cached and durable; what a crash may leave (trusted) |
//! | [`profile`] | the persistence profiles (trusted) |
//! | [`contract`] | what a client may observe: D1 to D10 (trusted) |
//! | [`protocol`] | a protocol as data: steps, and recovery as a plan |
//! | [`machine`] | one `stateright::Model` that runs any protocol on the disk |
//! | [`cells`] | what files of log-structured engines hold |
//! | [`wal`] | the log: append, make durable, acknowledge, recover; in segments; for several writers, who share a barrier |
//! | [`btree`] | the B-tree: pages in place, behind a log of whole pages |
//! | [`bitcask`] | Bitcask: data files, merged files, hints |
//! | [`event_store`] | the event store: streams in a log, snapshots of projections beside it |
//! | [`lsm`] | the LSM tree: log, flush to a table, recycle the log, merge |

pub mod bitcask;
pub mod btree;
pub mod cells;
pub mod contract;
pub mod disk;
pub mod event_store;
pub mod lsm;
pub mod machine;
pub mod profile;
pub mod protocol;
pub mod wal;

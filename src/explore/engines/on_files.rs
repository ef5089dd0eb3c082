//! The same engines on real files: what a crash left is written down as a directory, and the engine that one would
//! use opens it, by way of the operating system.

use super::super::lives::facts;
use super::super::subject::{Failure, StateOf, Subject};
use super::{
    BitcaskSubject, BtreeSubject, EventStoreSubject, FoundBitcaskSubject, FoundBtreeSubject,
    FoundLogSubject, JsonLinesSubject, LogSubject, LsmSubject, SegmentsSubject,
};
use crate::engine::{bitcask, btree, event_store, lsm, wal};
use crate::storage::os::OsStorage;
use std::fmt::Debug;
use std::path::Path;

/// An engine of ours.
pub trait OnFiles: Subject {
    /// Where on the disk its store is.
    const STORE: &'static str;
    /// What a file that names its settings, as `{:?}` prints them, is to use.
    const USES: &'static [&'static str];

    /// The subject as a program has it, with what [`OnFiles::USES`] names.
    fn source(&self) -> String
    where
        Self: Debug,
    {
        format!("{self:?}")
    }

    /// Opens the store in a directory, with the operating system's files, and says what it shows.
    ///
    /// # Errors
    /// Those of the engine; what is in the directory is what its recovery makes of it.
    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure>;

    /// The same, of the directory that holds all of the disk, in words.
    ///
    /// # Errors
    /// What the engine says.
    fn shown_on_files(&self, disk: &Path) -> Result<String, String> {
        let shown = self.on_files(&disk.join(Self::STORE));
        let shown = shown.map(|state| facts::<Self::Contract>(&state));
        shown.map_err(|failure| failure.to_string())
    }
}

impl OnFiles for LogSubject {
    const STORE: &'static str = "log";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::Discipline::*",
        "lightsout::engine::wal::{AsFoundOptions, Options, SyncMode::*, TornTail::*}",
        "lightsout::explore::engines::LogSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&wal::Log::open(OsStorage, store, self.options)?)
    }
}

impl OnFiles for SegmentsSubject {
    const STORE: &'static str = "log";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::wal::{SyncMode::*, segments::Options}",
        "lightsout::explore::engines::SegmentsSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&wal::segments::SegmentedLog::open(
            OsStorage,
            store,
            self.options,
        )?)
    }
}

impl OnFiles for FoundLogSubject {
    const STORE: &'static str = "log";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::wal::{SyncMode::*, segments::as_found::{Brackets, Options, Tail}}",
        "lightsout::explore::engines::FoundLogSubject",
    ];

    /// Two of its settings have values of one name.
    fn source(&self) -> String {
        let plain = format!("{self:?}");
        let plain = plain.replace("tail: ", "tail: Tail::");
        plain.replace("brackets: ", "brackets: Brackets::")
    }

    /// Its client keeps a file of its own beside the log.
    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        let root = store.parent().unwrap_or(Path::new("."));
        self.read(&self.open_on(OsStorage, root)?)
    }
}

impl OnFiles for LsmSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::Discipline::*",
        "lightsout::engine::lsm::{AsFoundOptions, Background::*, Options}",
        "lightsout::engine::wal::{SyncMode::*, TornTail::*}",
        "lightsout::explore::engines::LsmSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&lsm::Store::open(OsStorage, store, self.options)?)
    }
}

impl OnFiles for BtreeSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::{btree::Options, wal::SyncMode::*}",
        "lightsout::explore::engines::BtreeSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&btree::Btree::open(OsStorage, store, self.options)?)
    }
}

impl OnFiles for FoundBtreeSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::btree::as_found::Options",
        "lightsout::explore::engines::FoundBtreeSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        Ok(btree::as_found::AsFound::open(OsStorage, store, self.options)?.contents()?)
    }
}

impl OnFiles for BitcaskSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::{bitcask::Options, wal::SyncMode::*}",
        "lightsout::explore::engines::BitcaskSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&bitcask::Bitcask::open(OsStorage, store, self.options)?)
    }
}

impl OnFiles for FoundBitcaskSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::bitcask::as_found::Options",
        "lightsout::explore::engines::FoundBitcaskSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        Ok(bitcask::as_found::AsFound::open(OsStorage, store, self.options)?.contents())
    }
}

impl OnFiles for EventStoreSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::{event_store::Options, wal::SyncMode::*}",
        "lightsout::explore::engines::EventStoreSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&event_store::EventStore::open(
            OsStorage,
            store,
            self.options,
        )?)
    }
}

impl OnFiles for JsonLinesSubject {
    const STORE: &'static str = "store";
    const USES: &'static [&'static str] = &[
        "lightsout::engine::event_store::as_found::{Options, TornLine::*}",
        "lightsout::explore::engines::JsonLinesSubject",
    ];

    fn on_files(&self, store: &Path) -> Result<StateOf<Self>, Failure> {
        self.read(&event_store::as_found::JsonLines::open(
            OsStorage,
            store,
            self.options,
        )?)
    }
}

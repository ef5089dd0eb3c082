//! The event store's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::cells::TableSize;
use models::event_store::lines::{Assumed, Lines, Torn};
use models::event_store::{EventStore, Variant};
use models::machine::Setup;
use models::wal::{self, Layout, Wal};

pub(super) const ENGINE: Engine = Engine {
    name: "event_store",
    about: "the event store: streams in a log, snapshots of projections beside it",
    variants: &[
        ("durable", "the protocol that keeps the contract"),
        (
            "snapshot-by-position",
            "a snapshot counts where the log reaches so far, whichever life wrote it",
        ),
        (
            "snapshot-in-place",
            "a new snapshot is written over the old one",
        ),
        ("shown-early", "subscribers are shown what returned"),
        (
            "as-found",
            "the study's: open, a line of JSON, close; torn lines are skipped [assumed]",
        ),
        (
            "as-found-two-calls",
            "the same; the newline is a call of its own [assumed]",
        ),
        (
            "as-found-refuses",
            "the same, in two calls; a line that is no event is an error [assumed]",
        ),
        ("as-found-synced", "as found, mended: each event is synced"),
        (
            "as-found-synced-named",
            "as found, mended: each event is synced, and the names are",
        ),
        (
            "as-found-synced-cut",
            "as found, mended: events and names are synced, and torn lines are cut off",
        ),
    ],
};

/// The setup of a check of the durable event store, or of a mistake in it.
pub fn event_store_setup(spec: &Spec, check: &Check) -> Result<Setup<EventStore>, String> {
    let variant = match check.variant.as_str() {
        "durable" => Variant::Durable,
        "snapshot-by-position" => Variant::SnapshotByPosition,
        "snapshot-in-place" => Variant::SnapshotInPlace,
        "shown-early" => Variant::ShownEarly,
        _ => return Err(no_such_variant(check, &ENGINE)),
    };
    let sync = sync_mode(check)?;
    let layout = Layout::Small {
        head: check.bounds.head,
        write: check.bounds.write,
    };
    let log = Wal {
        variant: wal::Variant::Durable,
        sync,
        layout,
        preallocate: 0,
    };
    let snapshot = TableSize::Fixed(check.bounds.table);
    let protocol = EventStore {
        variant,
        log,
        snapshot,
    };
    setup(spec, check, protocol, sync)
}

/// The setup of a check of the event store as found, where the check is of it.
pub fn lines_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<Lines>, String>> {
    let mended = Assumed {
        synced: true,
        named: true,
        ..Assumed::default()
    };
    let assumed = match check.variant.as_str() {
        "as-found" => Assumed::default(),
        "as-found-two-calls" => Assumed {
            two_calls: true,
            ..Assumed::default()
        },
        "as-found-refuses" => Assumed {
            two_calls: true,
            torn: Torn::Refused,
            ..Assumed::default()
        },
        "as-found-synced" => Assumed {
            named: false,
            ..mended
        },
        "as-found-synced-named" => mended,
        "as-found-synced-cut" => Assumed {
            torn: Torn::Cut,
            ..mended
        },
        _ => return None,
    };
    let setup = sync_mode(check).and_then(|sync| {
        let cells = check.bounds.head + 1;
        setup(spec, check, Lines { assumed, cells }, sync)
    });
    Some(setup)
}

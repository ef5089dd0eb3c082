//! The B-tree's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::btree::as_found::{AsFound, Assumed};
use models::btree::{Btree, Trees, Variant};
use models::machine::Setup;
use models::wal::{self, Layout, Wal};

pub(super) const ENGINE: Engine = Engine {
    name: "btree",
    about: "the B-tree: pages in place, behind a log of whole pages",
    variants: &[
        ("durable", "the protocol that keeps the contract"),
        ("one-slot", "there is one slot, written over itself"),
        (
            "slot-trusted",
            "recovery believes the slot that it reads, and does not write it again",
        ),
        (
            "pages-first",
            "an operation's pages are written in place before its record is",
        ),
        (
            "record-for-each-page",
            "each page of an operation is a record of its own",
        ),
        (
            "as-found",
            "the study's: entries of the log synced, pages in place and flushed",
        ),
        (
            "as-found-zeros",
            "the same; the checksum of zeros is zero [assumed]",
        ),
        (
            "as-found-recovery-cached",
            "the same; recovery truncates the log and syncs nothing [assumed]",
        ),
        (
            "as-found-committed",
            "as found, mended: commit records, metadata logged and synced",
        ),
    ],
};

/// The setup of a check of the durable B-tree, or of a mistake in it.
pub fn btree_setup(spec: &Spec, check: &Check) -> Result<Setup<Btree>, String> {
    let variant = match check.variant.as_str() {
        "durable" => Variant::Durable,
        "one-slot" => Variant::OneSlot,
        "slot-trusted" => Variant::SlotTrusted,
        "pages-first" => Variant::PagesFirst,
        "record-for-each-page" => Variant::RecordForEachPage,
        _ => return Err(no_such_variant(check, &ENGINE)),
    };
    let sync = sync_mode(check)?;
    let sizes = &check.bounds;
    let layout = Layout::Small {
        head: sizes.head,
        write: sizes.write,
    };
    let protocol = Btree {
        variant,
        log: Wal {
            variant: wal::Variant::Durable,
            sync,
            layout,
            preallocate: 0,
        },
        tree: Trees::Small {
            leaf: sizes.leaf,
            page: sizes.page,
            slot: sizes.slot,
            record: (sizes.head, sizes.write),
        },
        checkpoint_at: None,
    };
    setup(spec, check, protocol, sync)
}

/// The setup of a check of the B-tree as found, where the check is of it.
pub fn found_btree_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<AsFound>, String>> {
    let mut assumed = Assumed::default();
    match check.variant.strip_prefix("as-found")? {
        "" => {}
        "-zeros" => assumed.zeros_are_valid = true,
        "-recovery-cached" => assumed.recovery_cached = true,
        "-committed" => assumed.committed = true,
        _ => return None,
    }
    let setup = sync_mode(check).and_then(|sync| {
        let protocol = AsFound {
            assumed,
            leaf: check.bounds.leaf,
            page: check.bounds.page,
        };
        setup(spec, check, protocol, sync)
    });
    Some(setup)
}

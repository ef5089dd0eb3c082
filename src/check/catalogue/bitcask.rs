//! Bitcask's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::bitcask::as_found::{AsFound, Assumed};
use models::bitcask::{Bitcask, Variant};
use models::cells::TableSize;
use models::machine::Setup;
use models::wal::segments::{self, Segments};
use models::wal::{self, Layout, Wal};

pub(super) const ENGINE: Engine = Engine {
    name: "bitcask",
    about: "Bitcask: data files, merged files, hints",
    variants: &[
        ("durable", "the protocol that keeps the contract"),
        (
            "inputs-removed-first",
            "the closed files are given up before the merged one has its name",
        ),
        (
            "active-trusted",
            "a merge leaves out what the active file overwrites",
        ),
        ("hint-unproved", "a hint is believed, whether whole or not"),
        ("as-found", "the study's, `sync_writes` off"),
        ("as-found-on", "the study's, `sync_writes` on"),
        (
            "as-found-on-tail-left",
            "the same; recovery appends behind a torn tail [assumed]",
        ),
        (
            "as-found-on-named",
            "`sync_writes` on, mended: names are synced",
        ),
        (
            "as-found-on-named-checked",
            "the same; a hint counts only where it is whole",
        ),
    ],
};

/// The setup of a check of the durable Bitcask, or of a mistake in it.
pub fn bitcask_setup(spec: &Spec, check: &Check) -> Result<Setup<Bitcask>, String> {
    let variant = match check.variant.as_str() {
        "durable" => Variant::Durable,
        "inputs-removed-first" => Variant::InputsRemovedFirst,
        "active-trusted" => Variant::ActiveTrusted,
        "hint-unproved" => Variant::HintUnproved,
        _ => return Err(no_such_variant(check, &ENGINE)),
    };
    let sync = sync_mode(check)?;
    let layout = Layout::Small {
        head: check.bounds.head,
        write: check.bounds.write,
    };
    let protocol = Bitcask {
        variant,
        files: Segments {
            variant: segments::Variant::Durable,
            log: Wal {
                variant: wal::Variant::Durable,
                sync,
                layout,
                preallocate: 0,
            },
            rotate_at: None,
        },
        merged: TableSize::Fixed(check.bounds.table),
        hint: TableSize::Fixed(check.bounds.hint),
        chunk: usize::MAX,
    };
    setup(spec, check, protocol, sync)
}

/// The setup of a check of Bitcask as found, where the check is of it.
pub fn found_bitcask_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<AsFound>, String>> {
    let on = Assumed {
        sync_writes: true,
        ..Assumed::default()
    };
    let assumed = match check.variant.strip_prefix("as-found")? {
        "" => Assumed::default(),
        "-on" => on,
        "-on-tail-left" => Assumed {
            tail_left: true,
            ..on
        },
        "-on-named" => Assumed { named: true, ..on },
        "-on-named-checked" => Assumed {
            named: true,
            hint_checked: true,
            ..on
        },
        _ => return None,
    };
    let setup = sync_mode(check).and_then(|sync| {
        let cells = check.bounds.head + check.bounds.write;
        let hint = check.bounds.hint;
        let protocol = AsFound {
            assumed,
            cells,
            hint,
        };
        setup(spec, check, protocol, sync)
    });
    Some(setup)
}

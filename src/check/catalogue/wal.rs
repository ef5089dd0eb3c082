//! The log's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::machine::Setup;
use models::wal::as_found::Assumed;
use models::wal::{Layout, Variant, Wal};

/// The log.
pub(super) const ENGINE: Engine = Engine {
    name: "wal",
    about: "the log: append, make durable, acknowledge, recover",
    variants: &[
        ("durable", "the protocol that keeps the contract"),
        (
            "as-found-lsm",
            "the LSM tree's log of the study; flush in one call, torn tail cut",
        ),
        (
            "as-found-lsm-tail-left",
            "the same; recovery leaves a torn tail [assumed]",
        ),
        (
            "as-found-lsm-split-flush",
            "the same; the flush takes two calls [assumed]",
        ),
        ("as-found-lsm-split-flush-tail-left", "both [assumed]"),
        (
            "acknowledge-before-barrier",
            "acknowledges, then makes durable",
        ),
        (
            "torn-tail-left",
            "recovery leaves a torn tail in place and appends behind it",
        ),
        ("no-generation", "records carry no generation"),
        (
            "checksum-without-length",
            "a header of zeros is a valid, empty record",
        ),
        (
            "retried-barrier",
            "a failed barrier is tried again, and believed",
        ),
        (
            "cache-trusted",
            "recovery does not write again what may be cached only",
        ),
        (
            "no-end-mark",
            "recovery does not overwrite what follows the tail",
        ),
        ("made-in-place", "the log is made under its final name"),
    ],
};

/// The setup of a check of the log.
pub fn wal_setup(spec: &Spec, check: &Check) -> Result<Setup<Wal>, String> {
    let protocol = wal(check)?;
    let sync = protocol.sync;
    setup(spec, check, protocol, sync)
}

fn wal(check: &Check) -> Result<Wal, String> {
    let as_found = |split_flush, tail_left| {
        Variant::AsFoundLsm(Assumed {
            split_flush,
            tail_left,
        })
    };
    let variant = match check.variant.as_str() {
        "durable" => Variant::Durable,
        "as-found-lsm" => as_found(false, false),
        "as-found-lsm-tail-left" => as_found(false, true),
        "as-found-lsm-split-flush" => as_found(true, false),
        "as-found-lsm-split-flush-tail-left" => as_found(true, true),
        "acknowledge-before-barrier" => Variant::AcknowledgeBeforeBarrier,
        "torn-tail-left" => Variant::TornTailLeft,
        "no-generation" => Variant::NoGeneration,
        "checksum-without-length" => Variant::ChecksumWithoutLength,
        "retried-barrier" => Variant::RetriedBarrier,
        "cache-trusted" => Variant::CacheTrusted,
        "no-end-mark" => Variant::NoEndMark,
        "made-in-place" => Variant::MadeInPlace,
        _ => return Err(no_such_variant(check, &ENGINE)),
    };
    Ok(Wal {
        variant,
        sync: sync_mode(check)?,
        layout: Layout::Small {
            head: check.bounds.head,
            write: 1,
        },
    })
}

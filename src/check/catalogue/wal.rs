//! The log's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::machine::Setup;
use models::wal::as_found::Assumed;
use models::wal::group::{self, Group};
use models::wal::module::{self, Brackets, Module, Tail};
use models::wal::segments::{self, Segments};
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
        (
            "segments",
            "the log in segments, with rotation and truncation: it keeps the contract",
        ),
        (
            "segments-successor-first",
            "the same; a segment is made before the one below is durable",
        ),
        (
            "segments-removed-first",
            "the same; segments go before the checkpoint is durable",
        ),
        (
            "segments-torn-passed",
            "the same; recovery takes what is whole of each segment, and leaves what is torn",
        ),
        (
            "segments-cache-trusted",
            "the same; recovery does not write again what may be cached only",
        ),
        (
            "segments-no-end-mark",
            "the same; recovery does not overwrite what follows the tail",
        ),
        (
            "segments-no-generation",
            "the same; records carry no generation",
        ),
        (
            "segments-made-in-place",
            "the same; a segment is made under its final name",
        ),
        (
            "group",
            "the log with several writers, who share a barrier: it keeps the contract",
        ),
        (
            "group-covered-by-running",
            "the same; a barrier is taken to cover what came while it ran",
        ),
        (
            "group-acknowledged-when-written",
            "the same; all but the leader return before the barrier",
        ),
        (
            "group-barrier-retried",
            "the same; after a failed barrier the next writer leads, and is believed",
        ),
        (
            "group-mark-of-staged",
            "the same; a record says of the record before it that it is durable",
        ),
        (
            "group-first-batch-of-many",
            "the same; the first batch of a life is more than one record",
        ),
        (
            "as-found-module",
            "the stand-alone log of the study; what it leaves open, in its favour [assumed]",
        ),
        (
            "as-found-module-tail-left",
            "the same; recovery leaves a torn tail and appends behind it [assumed]",
        ),
        (
            "as-found-module-new-segment",
            "the same; recovery leaves a torn tail and goes on in a new segment [assumed]",
        ),
        (
            "as-found-module-new-segment-passed",
            "the same; reading goes on behind what is torn [assumed]",
        ),
        (
            "as-found-module-brackets-open",
            "the same; recovery leaves a batch without its commit where it is [assumed]",
        ),
        (
            "as-found-module-brackets-ignored",
            "the same; recovery takes each record of a batch for itself [assumed]",
        ),
        (
            "as-found-module-names-cached",
            "the same; directories are not synced [assumed]",
        ),
        (
            "as-found-module-recovery-cached",
            "the same; recovery does not sync what it found [assumed]",
        ),
        (
            "as-found-module-numbers-forgotten",
            "the same; a truncated log is empty [assumed]",
        ),
        (
            "as-found-module-small-segments",
            "the same; a segment is full with two records",
        ),
    ],
};

/// The setup of a check of the log in segments, where the check is of one.
pub fn segments_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<Segments>, String>> {
    let (variant, log) = match check.variant.as_str() {
        "segments" => (segments::Variant::Durable, Variant::Durable),
        "segments-successor-first" => (segments::Variant::SuccessorFirst, Variant::Durable),
        "segments-removed-first" => (segments::Variant::RemovedFirst, Variant::Durable),
        "segments-torn-passed" => (segments::Variant::TornSegmentPassed, Variant::Durable),
        "segments-cache-trusted" => (segments::Variant::Durable, Variant::CacheTrusted),
        "segments-no-end-mark" => (segments::Variant::Durable, Variant::NoEndMark),
        "segments-no-generation" => (segments::Variant::Durable, Variant::NoGeneration),
        "segments-made-in-place" => (segments::Variant::Durable, Variant::MadeInPlace),
        _ => return None,
    };
    let setup = sync_mode(check).and_then(|sync| {
        let segments = Segments {
            variant,
            log: Wal {
                variant: log,
                sync,
                layout: layout(check),
                preallocate: check.bounds.preallocate,
            },
            rotate_at: None,
        };
        setup(spec, check, segments, sync)
    });
    Some(setup)
}

/// The setup of a check of the log with several writers, where the check is of it.
pub fn group_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<Group>, String>> {
    let variant = match check.variant.as_str() {
        "group" => group::Variant::Durable,
        "group-covered-by-running" => group::Variant::CoveredByRunning,
        "group-acknowledged-when-written" => group::Variant::AcknowledgedWhenWritten,
        "group-barrier-retried" => group::Variant::BarrierRetried,
        "group-mark-of-staged" => group::Variant::MarkOfStaged,
        "group-first-batch-of-many" => group::Variant::FirstBatchOfMany,
        _ => return None,
    };
    let setup = sync_mode(check).and_then(|sync| {
        let log = Wal {
            variant: Variant::Durable,
            sync,
            layout: layout(check),
            preallocate: check.bounds.preallocate,
        };
        setup(spec, check, Group { variant, log }, sync)
    });
    Some(setup)
}

/// The setup of a check of the stand-alone log as found, where the check is of it.
pub fn module_setup(spec: &Spec, check: &Check) -> Option<Result<Setup<Module>, String>> {
    let name = check.variant.strip_prefix("as-found-module")?;
    let mut assumed = module::Assumed::default();
    let mut rotate_at = None;
    match name {
        "" => {}
        "-tail-left" => assumed.tail = Tail::Left,
        "-new-segment" => assumed.tail = Tail::NewSegment,
        "-new-segment-passed" => assumed.tail = Tail::NewSegmentPassed,
        "-brackets-open" => assumed.brackets = Brackets::Open,
        "-brackets-ignored" => assumed.brackets = Brackets::Ignored,
        "-names-cached" => assumed.names_cached = true,
        "-recovery-cached" => assumed.recovery_cached = true,
        "-numbers-forgotten" => assumed.numbers_forgotten = true,
        "-small-segments" => rotate_at = Some(2),
        _ => return None,
    }
    let setup = sync_mode(check).and_then(|sync| {
        let head = check.bounds.head;
        let module = Module {
            assumed,
            sync,
            head,
            rotate_at,
        };
        setup(spec, check, module, sync)
    });
    Some(setup)
}

fn layout(check: &Check) -> Layout {
    Layout::Small {
        head: check.bounds.head,
        write: check.bounds.write,
    }
}

/// The setup of a check of the log in one file.
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
        layout: layout(check),
        preallocate: check.bounds.preallocate,
    })
}

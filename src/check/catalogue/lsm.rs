//! The LSM tree's variants.

use super::{Engine, no_such_variant, setup, sync_mode};
use crate::check::spec::{Check, Spec};
use models::lsm::as_found::Assumed;
use models::lsm::{Lsm, TableSize, Variant};
use models::machine::Setup;
use models::wal::{self, Layout, Wal};

/// The LSM tree.
pub(super) const ENGINE: Engine = Engine {
    name: "lsm",
    about: "the LSM tree: two logs that change places, flush to a table, merge",
    variants: &[
        ("durable", "the protocol that keeps the contract"),
        (
            "as-found",
            "the LSM tree of the study: table written, log truncated, nothing synced",
        ),
        (
            "as-found-log-synced",
            "the same; each append is synced before it returns",
        ),
        (
            "as-found-table-synced",
            "the same; the table and its name are synced before the log is truncated",
        ),
        (
            "as-found-all-synced",
            "the same; the truncation is synced before the next append",
        ),
        (
            "log-cleared-first",
            "the log's head is cleared before the table is durable",
        ),
        (
            "table-unproved",
            "a table is made under its final name, and believed half",
        ),
        (
            "inputs-removed-first",
            "the inputs of a merge go before the output has its name",
        ),
        (
            "superseded-served",
            "an input of a merge that came back is read; tombstones are dropped all the same",
        ),
        (
            "tombstones-dropped-early",
            "a merge drops tombstones though an older table is not among its inputs",
        ),
        (
            "names-trusted",
            "recovery gives the log's head away before it makes the names it found durable",
        ),
        (
            "other-log-free-too-early",
            "the full log may be written over as soon as its table is begun",
        ),
        (
            "logs-in-order-of-names",
            "recovery takes the two logs in the order of their names",
        ),
        (
            "cache-trusted",
            "recovery does not write again what may be cached only",
        ),
        (
            "no-end-mark",
            "recovery does not overwrite what follows the log's tail",
        ),
    ],
};

/// The setup of a check of the LSM tree.
pub fn lsm_setup(spec: &Spec, check: &Check) -> Result<Setup<Lsm>, String> {
    let sync = sync_mode(check)?;
    setup(spec, check, lsm(check, sync)?, sync)
}

fn lsm(check: &Check, sync: wal::SyncMode) -> Result<Lsm, String> {
    let as_found = |log_synced, table_synced, truncation_synced| {
        Ok(Lsm::as_found(Assumed {
            log_synced,
            table_synced,
            truncation_synced,
        }))
    };
    let durable = wal::Variant::Durable;
    let (variant, log) = match check.variant.as_str() {
        "durable" => (Variant::Durable, durable),
        "as-found" => return as_found(false, false, false),
        "as-found-log-synced" => return as_found(true, false, false),
        "as-found-table-synced" => return as_found(true, true, false),
        "as-found-all-synced" => return as_found(true, true, true),
        "log-cleared-first" => (Variant::LogClearedFirst, durable),
        "table-unproved" => (Variant::TableUnproved, durable),
        "inputs-removed-first" => (Variant::InputsRemovedFirst, durable),
        "superseded-served" => (Variant::SupersededServed, durable),
        "tombstones-dropped-early" => (Variant::TombstonesDroppedEarly, durable),
        "names-trusted" => (Variant::NamesTrusted, durable),
        "other-log-free-too-early" => (Variant::OtherLogFreeTooEarly, durable),
        "logs-in-order-of-names" => (Variant::LogsInOrderOfNames, durable),
        "cache-trusted" => (Variant::Durable, wal::Variant::CacheTrusted),
        "no-end-mark" => (Variant::Durable, wal::Variant::NoEndMark),
        _ => return Err(no_such_variant(check, &ENGINE)),
    };
    let sizes = &check.bounds;
    Ok(Lsm {
        variant,
        log: Wal {
            variant: log,
            sync,
            layout: Layout::Small {
                head: sizes.head,
                write: check.bounds.write,
            },
            preallocate: 0,
        },
        table: TableSize::Fixed(sizes.table),
        fanout: sizes.fanout,
        flush_at: (sizes.flush_at > 0).then_some(sizes.flush_at),
        background: sizes.flush_at > 0,
        chunk: usize::MAX,
    })
}

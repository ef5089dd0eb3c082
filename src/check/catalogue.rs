//! The engines, protocols and variants that a spec can name.

use super::search::Case;
use super::spec::{Check, CrashKind, Spec, Start};
use models::contract::Terms;
use models::machine::Setup;
use models::machine::bounds::Bounds;
use models::machine::process::Ground;
use models::profile::{NAMES, Profile, SWITCHES};
use models::wal::as_found::Assumed;
use models::wal::{Layout, SyncMode, Variant, Wal};

/// An engine with its variants.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its variants, with what each is.
    pub variants: &'static [(&'static str, &'static str)],
}

/// All engines.
pub const ENGINES: [Engine; 1] = [Engine {
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
}];

/// The case of a check: what is explored.
pub fn case(spec: &Spec, check: &Check) -> Result<Box<dyn Case>, String> {
    let name = &check.name;
    match spec.engine.as_str() {
        "wal" => Ok(Box::new(setup(spec, check, wal(check)?)?)),
        other => Err(format!(
            "check `{name}`: there is no engine `{other}`; there are {}",
            listed(ENGINES.iter().map(|engine| engine.name))
        )),
    }
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
        other => {
            let variants = ENGINES[0].variants.iter().map(|(name, _)| *name);
            return Err(format!(
                "check `{}`: the engine `wal` has no variant `{other}`; there are {}",
                check.name,
                listed(variants)
            ));
        }
    };
    let sync = match check.sync.as_str() {
        "every" => SyncMode::Every,
        "never" => SyncMode::Never,
        other => match other.strip_prefix("every-").map(str::parse) {
            Some(Ok(n)) if n > 0 => SyncMode::EveryN(n),
            _ => {
                return Err(format!(
                    "check `{}`: `sync = \"{other}\"` is none of `every`, `never`, `every-N`",
                    check.name
                ));
            }
        },
    };
    Ok(Wal {
        variant,
        sync,
        layout: Layout::Small {
            head: check.bounds.head,
            write: 1,
        },
    })
}

fn setup(spec: &Spec, check: &Check, protocol: Wal) -> Result<Setup<Wal>, String> {
    let judged = spec.judged(check)?;
    let sizes = &check.bounds;
    let every = match protocol.sync {
        SyncMode::EveryN(n) => Some(n),
        SyncMode::Every | SyncMode::Never => None,
    };
    let bounds = Bounds {
        operations: sizes.operations,
        keys: sizes.keys,
        deletes: sizes.deletes,
        batches: sizes.batches,
        syncs: sizes.syncs,
        closes: sizes.closes,
        crashes: sizes.crashes,
        failures: sizes.failures,
        power_cut: sizes.crash_kinds.contains(&CrashKind::PowerCut),
        kill: sizes.crash_kinds.contains(&CrashKind::Kill),
        failure_kinds: sizes.failure_kinds.clone(),
        start_empty: check.start == Start::Empty,
        keys_in_order: true,
    };
    let guarded = judged
        .iter()
        .any(|promise| promise.to_string().starts_with('W'));
    let ground = Ground {
        protocol,
        profile: profile(check)?,
        without: check.without.clone(),
        guarded,
        forget: true,
    };
    Ok(Setup {
        ground,
        terms: Terms {
            judged,
            every,
            kills_only: !bounds.power_cut,
        },
        bounds,
    })
}

/// The profile of a check.
pub fn profile(check: &Check) -> Result<Profile, String> {
    let mut profile = Profile::named(&check.profile).ok_or_else(|| {
        format!(
            "check `{}`: there is no profile `{}`; there are {}",
            check.name,
            check.profile,
            listed(NAMES)
        )
    })?;
    for (switch, value) in &check.switches {
        profile = profile.with(switch, value).ok_or_else(|| {
            format!(
                "check `{}`: `{switch} = {value}` is no switch of a profile; there are {}",
                check.name,
                listed(SWITCHES.iter().map(|(name, _)| *name))
            )
        })?;
    }
    Ok(profile.with_sizes(check.bounds.sector, check.bounds.block))
}

/// `a, b, c`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

//! The engines, protocols and variants that a spec can name.

mod bitcask;
mod btree;
mod event_store;
mod lsm;
mod wal;

use super::search::Case;
use super::spec::{Check, CrashKind, Spec, Start};
use models::contract::Terms;
use models::machine::Setup;
use models::machine::bounds::Bounds;
use models::machine::process::Ground;
use models::profile::{NAMES, Profile, SWITCHES};
use models::protocol::Protocol;
use models::wal::SyncMode;

pub use bitcask::{bitcask_setup, found_bitcask_setup};
pub use btree::{btree_setup, found_btree_setup};
pub use event_store::{event_store_setup, lines_setup};
pub use lsm::lsm_setup;
pub use wal::{group_setup, module_setup, segments_setup, wal_setup};

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
pub const ENGINES: [Engine; 5] = [
    bitcask::ENGINE,
    btree::ENGINE,
    event_store::ENGINE,
    lsm::ENGINE,
    wal::ENGINE,
];

/// The case of a check: what is explored.
pub fn case(spec: &Spec, check: &Check) -> Result<Box<dyn Case>, String> {
    let name = &check.name;
    match spec.engine.as_str() {
        "bitcask" => match found_bitcask_setup(spec, check) {
            Some(setup) => Ok(Box::new(setup?)),
            None => Ok(Box::new(bitcask_setup(spec, check)?)),
        },
        "btree" => match found_btree_setup(spec, check) {
            Some(setup) => Ok(Box::new(setup?)),
            None => Ok(Box::new(btree_setup(spec, check)?)),
        },
        "event_store" => match lines_setup(spec, check) {
            Some(setup) => Ok(Box::new(setup?)),
            None => Ok(Box::new(event_store_setup(spec, check)?)),
        },
        "lsm" => Ok(Box::new(lsm_setup(spec, check)?)),
        "wal" => {
            if let Some(setup) = segments_setup(spec, check) {
                Ok(Box::new(setup?))
            } else if let Some(setup) = group_setup(spec, check) {
                Ok(Box::new(setup?))
            } else if let Some(setup) = module_setup(spec, check) {
                Ok(Box::new(setup?))
            } else {
                Ok(Box::new(wal_setup(spec, check)?))
            }
        }
        other => Err(format!(
            "check `{name}`: there is no engine `{other}`; there are {}",
            listed(ENGINES.iter().map(|engine| engine.name))
        )),
    }
}

/// When an append is made durable, as a spec has it.
fn sync_mode(check: &Check) -> Result<SyncMode, String> {
    match check.sync.as_str() {
        "every" => Ok(SyncMode::Every),
        "never" => Ok(SyncMode::Never),
        other => match other.strip_prefix("every-").map(str::parse) {
            Some(Ok(n)) if n > 0 => Ok(SyncMode::EveryN(n)),
            _ => Err(format!(
                "check `{}`: `sync = \"{other}\"` is none of `every`, `never`, `every-N`",
                check.name
            )),
        },
    }
}

fn no_such_variant(check: &Check, engine: &Engine) -> String {
    let variants = engine.variants.iter().map(|(name, _)| *name);
    format!(
        "check `{}`: the engine `{}` has no variant `{}`; there are {}",
        check.name,
        engine.name,
        check.variant,
        listed(variants)
    )
}

fn setup<P: Protocol>(
    spec: &Spec,
    check: &Check,
    protocol: P,
    sync: SyncMode,
) -> Result<Setup<P>, String> {
    let judged = spec.judged(check)?;
    let sizes = &check.bounds;
    let every = match sync {
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
        flushes: sizes.flushes,
        compactions: sizes.compactions,
        writers: sizes.writers,
        crashes: sizes.crashes,
        failures: sizes.failures,
        power_cut: sizes.crash_kinds.contains(&CrashKind::PowerCut),
        kill: sizes.crash_kinds.contains(&CrashKind::Kill),
        failure_kinds: sizes.failure_kinds.clone(),
        start_empty: check.start == Start::Empty,
        keys_in_order: true,
        fresh_keys: spec.engine == "event_store",
        count_refused: false,
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

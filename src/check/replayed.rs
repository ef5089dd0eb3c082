//! What a real engine does with the script of a model.

use super::catalogue::{
    bitcask_setup, btree_setup, event_store_setup, found_bitcask_setup, found_btree_setup,
    group_setup, lines_setup, lsm_setup, module_setup, segments_setup, wal_setup,
};
use super::spec::{Check, Spec};
use crate::conform::{
    Divergence, Kind, Replayed, replay_bitcask, replay_btree, replay_events, replay_found_bitcask,
    replay_lines, replay_log, replay_lsm, replay_segments,
};
use models::contract::Promise;
use models::machine::script::Move;

/// The engine's name, and how it did.
type Named = (&'static str, Result<Replayed, Divergence>);

/// What the real engine does with a script.
#[derive(Debug)]
pub struct OnEngine {
    /// In a sentence.
    pub says: String,
    /// How it went; none: it was not run.
    pub replayed: Option<Replayed>,
}

/// A sentence on what the real engine does with the script; `None` where the check has no setup.
///
/// # Errors
/// Where the engine and its model part.
pub fn replayed(
    spec: &Spec,
    check: &Check,
    moves: &[Move],
    promise: Promise,
) -> Result<Option<OnEngine>, String> {
    let not_run = |says| OnEngine {
        says,
        replayed: None,
    };
    let is_as_found = match spec.engine.as_str() {
        "wal" => module_setup(spec, check).is_some(),
        "btree" => found_btree_setup(spec, check).is_some(),
        _ => false,
    };
    if is_as_found {
        let why =
            "not replayed: real code as the study found it is explored, see `lightsout explore`";
        return Ok(Some(not_run(why.into())));
    }
    if spec.engine == "wal" && group_setup(spec, check).is_some() {
        let why = "not replayed: a script has one thread, and the real writers are threads";
        return Ok(Some(not_run(why.into())));
    }
    let Some((name, found)) = on_its_engine(spec, check, moves, promise) else {
        return Ok(None);
    };
    let engine = match &check.without {
        Some(site) => format!("the real {name} without `{site}`"),
        None => format!("the real {name}"),
    };
    match found {
        Ok(replayed) => Ok(Some(OnEngine {
            says: format!("{engine}, on simulated storage, breaks {promise} by the same script"),
            replayed: Some(replayed),
        })),
        Err(found) if found.kind == Kind::NotModelled => {
            Ok(Some(not_run(format!("not replayed: {}", found.found))))
        }
        Err(found) => Err(format!("{engine} diverges from the script: {found}")),
    }
}

fn on_its_engine(spec: &Spec, check: &Check, moves: &[Move], promise: Promise) -> Option<Named> {
    match spec.engine.as_str() {
        "wal" => match segments_setup(spec, check) {
            Some(setup) => {
                let found = replay_segments(&setup.ok()?, moves, promise);
                Some(("log in segments", found))
            }
            None => {
                let setup = wal_setup(spec, check).ok()?;
                Some(("log", replay_log(&setup, moves, promise)))
            }
        },
        "bitcask" => match found_bitcask_setup(spec, check) {
            Some(setup) => {
                let found = replay_found_bitcask(&setup.ok()?, moves, promise);
                Some(("Bitcask as found", found))
            }
            None => {
                let setup = bitcask_setup(spec, check).ok()?;
                Some(("Bitcask", replay_bitcask(&setup, moves, promise)))
            }
        },
        "btree" => {
            let setup = btree_setup(spec, check).ok()?;
            Some(("B-tree", replay_btree(&setup, moves, promise)))
        }
        "event_store" => match lines_setup(spec, check) {
            Some(setup) => {
                let found = replay_lines(&setup.ok()?, moves, promise);
                Some(("event store as found", found))
            }
            None => {
                let setup = event_store_setup(spec, check).ok()?;
                Some(("event store", replay_events(&setup, moves, promise)))
            }
        },
        "lsm" => {
            let setup = lsm_setup(spec, check).ok()?;
            Some(("LSM tree", replay_lsm(&setup, moves, promise)))
        }
        _ => None,
    }
}

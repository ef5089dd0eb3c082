//! Which check is meant: by its id, by a pattern that matches one, or by an engine and a variant.

use crate::check::Error;
use crate::check::catalogue::{ENGINES, listed};
use crate::check::run::{Selection, id};
use crate::check::spec::{Check, Spec, Specs};

/// LIMIT: as many checks one sentence names.
const NAMED: usize = 12;

/// The check that is meant, with what the selection says of its profile and bounds.
///
/// # Errors
/// Where it is none, or more than one, or its bounds are none.
pub fn check<'s>(
    specs: &'s Specs,
    model: &str,
    variant: Option<&str>,
    overrides: Selection,
) -> Result<(&'s Spec, Check), Error> {
    let id = match variant {
        Some(variant) => of_variant(specs, model, variant),
        None => of_pattern(specs, model),
    }
    .map_err(Error::Usage)?;
    let only = glob::Pattern::escape(&id);
    let only = glob::Pattern::new(&only).map_err(|error| Error::Usage(error.to_string()))?;
    let selection = Selection {
        only: vec![only],
        ..overrides
    };
    let mut selected = selection.of(specs)?;
    Ok(selected.remove(0))
}

fn of_pattern(specs: &Specs, model: &str) -> Result<String, String> {
    let pattern = glob::Pattern::new(model)
        .map_err(|error| format!("`{model}` is neither a check nor a pattern: {error}"))?;
    let all = ids(specs);
    let matching: Vec<&String> = all.iter().filter(|id| pattern.matches(id)).collect();
    match &matching[..] {
        [one] => Ok((*one).clone()),
        [] => {
            let engine = model.split('/').next().unwrap_or_default();
            let near: Vec<&String> = all
                .iter()
                .filter(|id| id.split('/').next() == Some(engine))
                .collect();
            Err(match near.is_empty() {
                true => format!(
                    "there is no check `{model}`: the engines are {}, and `lightsout list` names their checks",
                    listed(specs.engines.iter().map(|spec| spec.engine.as_str()))
                ),
                false => format!(
                    "there is no check `{model}`; of {engine} there are {}",
                    some(&near)
                ),
            })
        }
        several => Err(format!(
            "`{model}` matches {} checks, and the Explorer takes one: {}",
            several.len(),
            some(several)
        )),
    }
}

/// The first check of a variant that leaves no barrier out.
fn of_variant(specs: &Specs, engine: &str, variant: &str) -> Result<String, String> {
    let Some(spec) = specs.engines.iter().find(|spec| spec.engine == engine) else {
        let engines = listed(specs.engines.iter().map(|spec| spec.engine.as_str()));
        return Err(format!(
            "there is no engine `{engine}`; there are {engines}"
        ));
    };
    let is_it = |check: &&Check| check.variant == variant;
    let checks = spec.checks.iter().filter(is_it);
    let whole = checks.clone().find(|check| check.without.is_none());
    let check = whole.or_else(|| checks.clone().next()).ok_or_else(|| {
        let engine = ENGINES.iter().find(|known| known.name == engine);
        let variants = engine.into_iter().flat_map(|engine| engine.variants);
        let variants = listed(variants.map(|(name, _)| *name));
        format!(
            "no check is of the variant `{variant}` of {}; there are {variants}",
            spec.engine
        )
    })?;
    Ok(id(spec, check))
}

fn ids(specs: &Specs) -> Vec<String> {
    let ids = specs
        .engines
        .iter()
        .flat_map(|spec| spec.checks.iter().map(|check| id(spec, check)));
    ids.collect()
}

fn some(ids: &[&String]) -> String {
    let named = listed(ids.iter().take(NAMED).map(|id| id.as_str()));
    match ids.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more, see `lightsout list`"),
    }
}

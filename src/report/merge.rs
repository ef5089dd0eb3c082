//! The parts of a run, put together again: what comes out is what one run of all would have written, byte for byte.

use super::plan::{Plan, Shard};
use super::results::{Entry, Results};
use std::collections::BTreeMap;

/// Missing parts that are named.
const NAMED: usize = 5;

/// Puts parts together, each with the name of its file. `plan` is what the whole run is to answer, by the specs and the
/// lock that are there now. Says the entries, in the order of the plan.
///
/// # Errors
/// A sentence: parts of different runs, of other specs, twice the same, one that is missing, one that is not whole.
pub fn merge(parts: Vec<(String, Results)>, plan: &Plan) -> Result<Vec<Entry>, String> {
    let mut seen: BTreeMap<Option<Shard>, String> = BTreeMap::new();
    let mut found: BTreeMap<usize, Entry> = BTreeMap::new();
    let mut of = None;
    for (name, results) in parts {
        same_run(&name, &results, plan)?;
        let shard = results.shard;
        let (first, parts) = of.get_or_insert_with(|| (name.clone(), shard.map(|shard| shard.of)));
        if *parts != shard.map(|shard| shard.of) {
            let said =
                |of: Option<_>| of.map_or("all of it".into(), |of| format!("one of {of} parts"));
            return Err(format!(
                "{first} is {} and {name} is {}: give the parts of one run",
                said(*parts),
                said(shard.map(|shard| shard.of))
            ));
        }
        if let Some(other) = seen.insert(shard, name.clone()) {
            let what = shard.map_or("all of it".into(), |shard| format!("part {shard}"));
            return Err(format!(
                "{other} and {name} overlap: both are {what}; give each part once"
            ));
        }
        place(&name, results, plan, &mut found)?;
    }
    let Some((_, parts)) = of else {
        return Err("there is nothing to merge: give the files that --json wrote".into());
    };
    if let Some(all) = parts
        && seen.len() < all.get()
    {
        let given = |index: &usize| {
            seen.keys()
                .flatten()
                .any(|shard| shard.index.get() == *index)
        };
        let mut missing = (1..=all.get()).filter(|index| !given(index));
        let named: Vec<String> = (missing.by_ref().take(NAMED))
            .map(|index| format!("{index}/{all}"))
            .collect();
        let more = all.get() - seen.len() - named.len();
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return Err(format!(
            "of {all} parts {} are given: missing {}{more}; run what is missing with --shard",
            seen.len(),
            named.join(", ")
        ));
    }
    Ok(found.into_values().collect())
}

fn same_run(name: &str, results: &Results, plan: &Plan) -> Result<(), String> {
    if results.kind != plan.kind || results.selection != plan.selection {
        let said = |selection: &[String]| match selection {
            [] => "everything".to_string(),
            selection => format!("`{}`", selection.join(" ")),
        };
        return Err(format!(
            "{name} is of another run: it is of `lightsout {}` with {} and the first file of `lightsout {}` with {}",
            results.kind,
            said(&results.selection),
            plan.kind,
            said(&plan.selection)
        ));
    }
    if results.fingerprint != plan.fingerprint {
        return Err(format!(
            "{name} was made with other specs, another lock or another version of lightsout than are here (fingerprint {}, and \
             here {}): merge where the parts were run",
            results.fingerprint, plan.fingerprint
        ));
    }
    Ok(())
}

/// Takes the entries of one part, which are those that the plan gives to it.
fn place(
    name: &str,
    results: Results,
    plan: &Plan,
    found: &mut BTreeMap<usize, Entry>,
) -> Result<(), String> {
    let places = plan.part(results.shard);
    let ids = results.entries.iter().map(|entry| &entry.id);
    if !ids.eq(places.iter().map(|&place| &plan.ids[place])) {
        return Err(format!(
            "{name} does not have the {} verdicts of its part: run it again",
            places.len()
        ));
    }
    found.extend(places.into_iter().zip(results.entries));
    Ok(())
}

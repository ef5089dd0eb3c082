//! `lightsout list`.

use super::print;
use comfy_table::{Table, presets};
use lightsout::check::catalogue::ENGINES;
use lightsout::check::run::validate;
use lightsout::check::spec::Invariant;
use lightsout::check::{Error, spec};
use models::profile::{NAMES, SWITCHES};
use std::path::Path;

pub(super) fn run(directory: &Path) -> Result<u8, Error> {
    let specs = spec::read(directory)?;
    validate(&specs)?;
    for engine in ENGINES {
        let variants = engine.variants.iter().map(|(name, about)| [*name, *about]);
        section(&format!("{}: {}", engine.name, engine.about), variants)?;
    }
    let named = |invariant: &Invariant| [invariant.id.clone(), invariant.name.clone()];
    let contract = specs.contract.invariants.iter().map(named);
    section("invariants of every engine: the contract", contract)?;
    for spec in &specs.engines {
        let title = format!("inner invariants of {}", spec.engine);
        section(&title, spec.invariants.iter().map(named))?;
    }
    let findings = specs.engines.iter().flat_map(|spec| &spec.findings);
    section(
        "findings",
        findings.map(|f| [f.id.as_str(), f.claim.as_str()]),
    )?;
    let checks = specs.engines.iter().flat_map(|spec| {
        spec.checks.iter().map(|check| {
            [
                format!("{}/{}", spec.engine, check.name),
                check.expect.clone(),
            ]
        })
    });
    section("checks", checks)?;
    section("profiles, strongest first", NAMES.map(|name| [name, ""]))?;
    section(
        "switches",
        SWITCHES.map(|(name, values)| [name.to_string(), values.join(", ")]),
    )?;
    Ok(0)
}

fn section<S: Into<String>>(
    title: &str,
    rows: impl IntoIterator<Item = [S; 2]>,
) -> Result<(), Error> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_width(100);
    for row in rows {
        table.add_row(row.map(Into::into));
    }
    let table: Vec<String> = table
        .lines()
        .map(|line| format!("  {}\n", line.trim_end()))
        .collect();
    print(&format!("{title}\n{}\n", table.concat()))
}

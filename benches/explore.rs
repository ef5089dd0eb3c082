//! How fast the exploration is: the machine, the same without ids, and the twin with explicit
//! writeback, on one thread of stateright's depth-first search, in one run. Quote ratios.
//!
//! `cargo bench --bench explore`

use lightsout::check::catalogue::wal_setup;
use lightsout::check::run::Selection;
use lightsout::check::spec;
use models::machine::Machine;
use models::machine::plain::{Crash, Plain};
use stateright::{Checker, Model};
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;
use std::time::Instant;

struct Measured {
    unique: usize,
    rate: f64,
}

fn explore<M>(model: M) -> Measured
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let started = Instant::now();
    let checker = model.checker().spawn_dfs().join();
    let unique = checker.unique_state_count();
    Measured {
        unique,
        rate: unique as f64 / started.elapsed().as_secs_f64() / 1e6,
    }
}

#[allow(clippy::print_stdout)] // A benchmark prints its table.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let specs = spec::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("specs"))?;
    let selection = Selection {
        engine: Some("wal".into()),
        only: vec![glob::Pattern::new("wal/durable/*")?],
        ..Selection::default()
    };
    println!(
        "{:<38} {:>10} {:>9}",
        "one thread, depth first", "unique", "M/s"
    );
    for (spec, check) in selection.of(&specs)? {
        if check.expect != "holds" || check.judges != ["contract"] {
            continue;
        }
        let machine = explore(Machine::new(wal_setup(spec, &check)?));
        println!(
            "{:<38} {:>10} {:>9.2}",
            format!("wal/{}", check.name),
            machine.unique,
            machine.rate
        );
    }
    // Small enough for the twin: no failed barrier, which an engine can observe.
    let check = specs
        .engines
        .iter()
        .flat_map(|spec| &spec.checks)
        .find(|c| c.name == "durable/every-2");
    let (Some(check), Some(spec)) = (
        check,
        specs.engines.iter().find(|spec| spec.engine == "wal"),
    ) else {
        return Err("specs/wal.toml has no check durable/every-2".into());
    };
    let mut small = check.clone();
    small.bounds.operations = 3;
    small.bounds.crashes = 1;
    small.bounds.failures = 0;
    let reduced = wal_setup(spec, &small)?;
    let mut whole = reduced.clone();
    whole.ground.forget = false;
    whole.bounds.keys_in_order = false;
    let machine = explore(Machine::new(reduced.clone()));
    let rows = [
        ("the machine", &machine),
        (
            "the same without ids",
            &explore(Plain::new(reduced, Crash::Images)),
        ),
        (
            "explicit writeback, no reduction",
            &explore(Plain::new(whole, Crash::Writeback)),
        ),
    ];
    println!(
        "\n{:<38} {:>10} {:>9} {:>8} {:>8}",
        "3 operations, 1 crash", "unique", "M/s", "states", "speed"
    );
    for (name, measured) in rows {
        println!(
            "{name:<38} {:>10} {:>9.2} {:>7.1}x {:>7.2}x",
            measured.unique,
            measured.rate,
            measured.unique as f64 / machine.unique as f64,
            measured.rate / machine.rate,
        );
    }
    Ok(())
}

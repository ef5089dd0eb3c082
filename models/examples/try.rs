use models::{
    contract::*,
    disk::Failure,
    machine::{bounds::Bounds, process::Ground, *},
    profile::Profile,
    wal::*,
};
use stateright::{Checker, Model};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize| a[i].parse::<u8>().unwrap();
    let sync = match n(5) {
        0 => SyncMode::Never,
        1 => SyncMode::Every,
        k => SyncMode::EveryN(k as u32),
    };
    let setup = Setup {
        ground: Ground {
            protocol: Wal {
                variant: Variant::Durable,
                sync,
                layout: Layout::Small { head: 1, write: 1 },
            },
            profile: Profile::named(&a[1]).unwrap().with_sizes(1, 2),
            without: a.get(6).cloned(),
            guarded: false,
        },
        terms: Terms {
            judged: Promise::CONTRACT.to_vec(),
            every: if let SyncMode::EveryN(n) = sync {
                Some(n)
            } else {
                None
            },
        },
        bounds: Bounds {
            operations: n(2),
            keys: 2,
            deletes: 1,
            batches: 1,
            syncs: 1,
            closes: 0,
            crashes: n(3),
            failures: n(4),
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: true,
            forget: true,
        },
    };
    let t = std::time::Instant::now();
    let c = Machine::new(setup).checker().spawn_dfs().join();
    let e = t.elapsed().as_secs_f64();
    println!(
        "unique {} generated {} {:.2}s {:.2} M/s components {:?}",
        c.unique_state_count(),
        c.state_count(),
        e,
        c.unique_state_count() as f64 / e / 1e6,
        c.model().components()
    );
    println!(
        "witnesses {:?} faults {:?} barriers {:?} crashed {:?}",
        c.model().coverage.witnesses(),
        c.model().coverage.faults(),
        c.model().coverage.barriers(),
        c.model().crashed_at()
    );
    if let Some(p) = c.discoveries().get("contract") {
        let m = c.model();
        for (s, act) in p.clone().into_vec() {
            println!(
                "{:?} -> {:?}  [{}] {:?}",
                s.breach,
                act,
                m.process(&s).site(),
                m.disk(&s).view().file("store/log")
            );
        }
    }
}

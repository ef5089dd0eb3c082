/// lsm/as-found/log-synced: on posix it broke D1, acknowledged writes survive.
/// Promised: a = v1 (acknowledged in step 5). There: nothing can be read.
/// Step 10 could lose name store/1.sst: only cached since step 7, and no directory barrier of store
/// completed before the power went.
/// Step 10 could lose store/1.sst [0] = t1-1.0: only cached since step 8, and no barrier of store/1.sst
/// completed before the power went.
#[test]
fn lsm_as_found_log_synced_keeps_d1() {
    use lightsout::explore::{Bounds, Explorer, MapWrite, Operation, Workload};
    use lightsout::engine::Discipline::*;
    use lightsout::engine::lsm::{AsFoundOptions, Background::*, Options};
    use lightsout::engine::wal::{SyncMode::*, TornTail::*};
    use lightsout::explore::engines::LsmSubject;
    let subject = LsmSubject { options: Options { sync: EveryWrite, flush_at: 18446744073709551615, preallocate: 0, background: Callers, fanout: 4, discipline: Durable, as_found: AsFoundOptions { torn_tail: Cut, log_synced: true, table_synced: false, truncation_synced: false } } };
    let workload = Workload {
        operations: vec![
            Operation::Write(vec![MapWrite::put(b"aaaaaaaaaaaa", b"\x01\x15\xd1\x13\xc93\x81SI\xe3\xb1#")]),
            Operation::maintain("flush"),
        ],
        then: vec![],
    };
    let bounds = Bounds {
        settled: true,
        kills: 0,
        faults: 0,
        ..Bounds::default()
    };
    Explorer::new(&subject)
        .on("posix")
        .within(bounds)
        .check_workload(&workload);
}

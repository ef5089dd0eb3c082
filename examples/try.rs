use lightsout::explore::engines::*;
use lightsout::explore::*;
use models::profile::Profile;
fn go<S: Subject>(
    name: &str,
    s: &S,
    ops: Vec<Operation<<S::Contract as Contract>::Write>>,
    args: &[String],
) {
    if !args.is_empty() && args[0] != name && args[0] != "all" {
        return;
    }
    let n: usize = args.get(2).map_or(20, |n| n.parse().unwrap());
    let ops: Vec<_> = ops.into_iter().take(n).collect();
    for p in models::profile::NAMES {
        if args.get(1).is_some_and(|a| a != p && a != "all") {
            continue;
        }
        let profile = Profile::named(p).unwrap().with_sizes(512, 4096);
        let then = if args.get(3).is_some_and(|a| a == "nothen") {
            vec![]
        } else {
            vec![Operation::Write(vec![S::Contract::fresh(1)])]
        };
        let w = Workload {
            operations: ops.clone(),
            then,
        };
        let b = Bounds {
            time: Some(std::time::Duration::from_secs(6)),
            ..Bounds::default()
        };
        let r = explore(s, &profile, &w, &b);
        println!("{name} {r}");
    }
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    go("log", &LogSubject::default(), LogSubject::workload(), &args);
    go(
        "segments",
        &SegmentsSubject::default(),
        SegmentsSubject::workload(),
        &args,
    );
    go("lsm", &LsmSubject::default(), LsmSubject::workload(), &args);
    go(
        "bitcask",
        &BitcaskSubject::default(),
        BitcaskSubject::workload(),
        &args,
    );
    go(
        "btree",
        &BtreeSubject::default(),
        BtreeSubject::workload(),
        &args,
    );
    go(
        "events",
        &EventStoreSubject::default(),
        EventStoreSubject::workload(),
        &args,
    );
}

//! The lights go out at every storage call of a few writes, and nothing that was promised is lost.

use lightsout::engine::bitcask::{Bitcask, Options}; // Your store stands here.
use lightsout::explore::{Explorer, Map, MapWrite, Operation, Told, functions};
use std::collections::BTreeMap;

#[test]
fn every_put_survives() {
    let store = functions::<Map, _, _, _, _>(
        |disk| {
            let options = Options {
                preallocate: 0, // Each sector of zeros that is written ahead has fates of its own.
                ..Options::default()
            };
            Ok(Bitcask::open(disk.clone(), "store".as_ref(), options)?)
        },
        |store, asked| {
            for write in asked.writes() {
                match write {
                    MapWrite::Put(key, value) => drop(store.put(key, value)?),
                    MapWrite::Delete(key) => drop(store.delete(key)?),
                }
            }
            if let Operation::Sync = asked {
                store.sync()?;
            }
            Ok(Told::Durable) // What an Ok of this store promises.
        },
        |store| {
            Ok(store.fold(BTreeMap::new(), |mut all, key, value| {
                all.insert(key.to_vec(), value.to_vec());
                all
            })?)
        },
    );
    let put = |key: &str, value: &str| Operation::Write(vec![MapWrite::put(key, value)]);
    let work = [
        put("a", "1"),
        put("b", "2"),
        Operation::Reopen,
        put("a", "3"),
    ];

    let night = std::env::var("LIGHTSOUT_BOUNDS").is_ok_and(|bounds| bounds == "night");
    let (operations, faults) = if night { (4, 1) } else { (2, 0) };
    Explorer::new(&store)
        .with_faults(faults)
        .check(&work[..operations]);
}

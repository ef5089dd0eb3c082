//! The LSM tree through crashes at every storage call of a workload, on the models' disk: what was
//! acknowledged is there, what was not is there whole or not at all, in the order of the writes.

use lightsout::engine::lsm::{Background, Options, Store, SyncMode, Write};
use lightsout::storage::simulated::{Fault, Point, Simulated};
use models::disk::Failure;
use models::disk::image::Fates;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

const DIR: &str = "store";

/// A sequence that looks random and is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

fn options(sync: SyncMode, flush_at: u64) -> Options {
    Options {
        sync,
        flush_at,
        fanout: 2,
        preallocate: 0,
        background: Background::Callers,
        ..Options::default()
    }
}

/// What the client asked for, and what it may count on.
#[derive(Default)]
struct Client {
    /// The state after each write, from none on.
    states: Vec<Map>,
    /// So many writes are acknowledged.
    acknowledged: usize,
    /// So many returned: a kill leaves them.
    returned: usize,
    writes: u8,
}

impl Client {
    fn new() -> Client {
        Client {
            states: vec![Map::new()],
            ..Client::default()
        }
    }

    /// Works until a call fails.
    fn work(&mut self, store: &Store<Simulated>, sync: SyncMode, dice: &mut Dice) {
        for _ in 0..9 {
            let done = match dice.roll(12) {
                0 => self.cover(store.compact()),
                1 => self.cover(store.flush()),
                2 => self.cover(store.sync()),
                3 => store.run_one().is_ok(),
                _ => self.write(store, sync, dice),
            };
            if !done {
                return;
            }
        }
    }

    fn cover<E>(&mut self, result: Result<(), E>) -> bool {
        if result.is_ok() {
            self.acknowledged = self.states.len() - 1;
        }
        result.is_ok()
    }

    fn write(&mut self, store: &Store<Simulated>, sync: SyncMode, dice: &mut Dice) -> bool {
        let mut state = self.states.last().cloned().unwrap_or_default();
        let mut writes = Vec::new();
        for _ in 0..=dice.roll(3) {
            let key = vec![dice.roll(4) as u8];
            self.writes = self.writes.wrapping_add(1);
            if dice.roll(4) == 0 {
                state.remove(&key);
                writes.push(Write::Delete { key });
            } else {
                // Some records lie in one sector, some across several.
                let bytes_max = [50, 50, 50, 900][dice.roll(4) as usize];
                let value = vec![self.writes; dice.roll(bytes_max) as usize];
                state.insert(key.clone(), value.clone());
                writes.push(Write::Put { key, value });
            }
        }
        self.states.push(state);
        let result = store.write(&writes);
        if result.is_ok() {
            self.returned = self.states.len() - 1;
        }
        if result.is_ok() && sync == SyncMode::EveryWrite {
            self.acknowledged = self.states.len() - 1;
        }
        result.is_ok()
    }

    /// What a recovery serves is the state after some write, the acknowledged ones among them; from
    /// here on it is durable.
    fn recovered(&mut self, found: &Map, at_least: usize) -> Result<(), String> {
        let mut candidates = self.states.iter().enumerate().skip(at_least);
        let Some((last, _)) = candidates.rfind(|(_, state)| *state == found) else {
            return Err(format!(
                "{found:?} is no state after {at_least} writes: {:?}",
                self.states
            ));
        };
        self.states.truncate(last + 1);
        (self.acknowledged, self.returned) = (last, last);
        Ok(())
    }
}

fn contents(store: &Store<Simulated>) -> Map {
    let pairs = store.scan::<[u8]>(..).map(|pair| pair.expect("a pair"));
    pairs.collect()
}

fn some_fates(effects: usize, dice: &mut Dice) -> Fates {
    let odds = dice.roll(5);
    Fates {
        kept: (0..effects).filter(|_| dice.roll(4) < odds).collect(),
        fills: (0..64).map(|_| dice.roll(3) as usize).collect(),
    }
}

/// Lives that each end at some call, in a kill or a power cut, recovery's calls included. In some of
/// them a barrier fails; then an open may refuse until the power is cut.
fn lives(profile: &str, sync: SyncMode, seed: u64) -> Result<usize, String> {
    let machine = Simulated::named(profile).expect("a profile");
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut client = Client::new();
    let flush_at = [200, 2_000][dice.roll(2) as usize];
    let (mut opened, mut killed, mut may_refuse) = (0, false, false);
    for life in 0..12 {
        let calls = [60, 20, 8][dice.roll(3) as usize];
        let death = machine.calls() + dice.roll(calls) as usize;
        machine.plan(Point::Call(death), Fault::Die);
        if dice.roll(4) == 0 {
            let barrier = machine.barriers() + dice.roll(9) as usize;
            let failure = [Failure::DataStays, Failure::DataReverts, Failure::Abort];
            let failure = failure[dice.roll(3) as usize];
            machine.plan(Point::Barrier(barrier), Fault::Barrier(failure));
            may_refuse = true;
        }
        match Store::open(machine.clone(), Path::new(DIR), options(sync, flush_at)) {
            Ok(store) => {
                opened += 1;
                let at_least = match killed && !may_refuse {
                    true => client.returned,
                    false => client.acknowledged,
                };
                client.recovered(&contents(&store), at_least)?;
                client.work(&store, sync, &mut dice);
            }
            Err(error) if !machine.is_dead() && !may_refuse => {
                return Err(format!("life {life}: {error}"));
            }
            Err(_) => {}
        }
        machine.forget_faults();
        killed = dice.roll(3) == 0;
        match killed {
            true => machine.kill(),
            false => {
                may_refuse = false;
                client.returned = client.acknowledged;
                machine.power_cut_by(|disk| some_fates(disk.log().len(), &mut dice));
            }
        }
    }
    Ok(opened)
}

#[test]
fn what_was_acknowledged_is_there_after_any_crash_at_any_call() {
    let modes = [
        SyncMode::EveryWrite,
        SyncMode::EveryN(NonZeroU32::MIN.saturating_add(2)),
        SyncMode::Never,
    ];
    let mut opened = 0;
    for seed in 0..6_000 {
        let profile = ["posix", "ext4-ordered", "xfs", "btrfs", "ext4-writeback"][seed % 5];
        let sync = modes[seed % 3];
        match lives(profile, sync, seed as u64 + 1) {
            Ok(lives) => opened += lives,
            Err(error) => panic!("seed {seed} on {profile}, {sync:?}: {error}"),
        }
    }
    assert!(opened > 25_000, "{opened} lives");
}

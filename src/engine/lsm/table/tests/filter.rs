//! The filter never denies a key that is there, and seldom admits one that is not.

use super::*;
use crate::engine::lsm::table::filter::{build, bytes, hash, may_hold};

fn keys(from: u64, count: u64) -> Vec<u64> {
    (from..from + count)
        .map(|n| hash(&n.to_be_bytes()))
        .collect()
}

proptest! {
    #[test]
    fn what_is_in_the_filter_passes(keys in vec(vec(any::<u8>(), 0..20), 0..200)) {
        let hashes: Vec<u64> = keys.iter().map(|key| hash(key)).collect();
        let filter = build(&hashes);
        prop_assert_eq!(Some(filter.len() as u64), bytes(keys.len() as u64));
        prop_assert!(hashes.iter().all(|hash| may_hold(&filter, *hash)));
    }
}

#[test]
fn a_missing_key_passes_once_in_a_hundred_and_twenty_times() {
    for count in [1_000, 100_000] {
        let filter = build(&keys(0, count));
        let passed = keys(1 << 40, 1_000_000)
            .into_iter()
            .filter(|hash| may_hold(&filter, *hash));
        let rate = passed.count() as f64 / 1e6;
        let expected = (1.0 - f64::exp(-0.7)).powi(7);
        assert!(
            (rate - expected).abs() < 0.002,
            "{rate} and not {expected} with {count} keys"
        );
    }
}

#[test]
fn the_hash_is_the_published_one() {
    // Of the empty input with seed 0, as the specification of XXH3 has it.
    assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
}

#[test]
fn there_is_no_filter_for_more_keys_than_memory_has_room_for() {
    assert_eq!(bytes(u64::MAX), None);
}

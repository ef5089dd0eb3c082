//! A Bloom filter: which keys a table surely does not hold, told without touching a block.
//!
//! Each key sets 7 of 10 bits a key, at places `h1 + i * h2` for i from 0 to 6, both halves of one
//! 64-bit hash. That two hashes serve as well as seven is Kirsch & Mitzenmacher, *Less Hashing, Same
//! Performance: Building a Better Bloom Filter*, ESA 2006, section 3 of the longer version: a missing
//! key passes with a probability that tends to the usual one,
//! (1 - e^(-7/10))^7 = 0.82 %.
//!
//! The hash is part of the format. It is XXH3 with 64 bits and seed 0, whose values are fixed.

use super::format::CELL;
use twox_hash::XxHash3_64;

const BITS_A_KEY: u64 = 10;
const PROBES: u64 = 7;

/// What a filter keeps of a key.
pub(super) fn hash(key: &[u8]) -> u64 {
    XxHash3_64::oneshot(key)
}

/// The bytes of a filter for so many keys, a whole number of cells; `None` where there is no such
/// filter.
pub(super) fn bytes(keys: u64) -> Option<u64> {
    let bits = keys.checked_mul(BITS_A_KEY)?;
    (bits.div_ceil(8)).checked_next_multiple_of(CELL as u64)
}

/// The filter of keys with these hashes.
pub(super) fn build(hashes: &[u64]) -> Vec<u8> {
    let bytes = bytes(hashes.len() as u64).and_then(|bytes| usize::try_from(bytes).ok());
    let mut filter = vec![0; bytes.expect("as many hashes are in memory")];
    let bits = filter.len() as u64 * 8;
    for hash in hashes {
        for bit in places(*hash, bits) {
            filter[(bit / 8) as usize] |= 1 << (bit % 8);
        }
    }
    filter
}

/// Whether a key with this hash may be among those that the filter was built of. A filter of none
/// is empty.
pub(super) fn may_hold(filter: &[u8], hash: u64) -> bool {
    let bits = filter.len() as u64 * 8;
    bits > 0 && places(hash, bits).all(|bit| filter[(bit / 8) as usize] & (1 << (bit % 8)) != 0)
}

/// Seven places below `bits`: steps of equal length around a circle of 2^64, scaled to the filter.
fn places(hash: u64, bits: u64) -> impl Iterator<Item = u64> {
    // Odd, and from the other half of the hash: its high bits are the hash's low ones.
    let step = hash.rotate_left(32) | 1;
    (0..PROBES).map(move |probe| {
        let place = hash.wrapping_add(probe.wrapping_mul(step));
        ((u128::from(place) * u128::from(bits)) >> 64) as u64
    })
}

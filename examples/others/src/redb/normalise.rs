//! When two files of redb have the same future: they differ in how often they were repaired, and in nothing else.

use twox_hash::XxHash3_128;

const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
const SLOTS: [usize; 2] = [64, 192];
const SLOT_BYTES: usize = 128;
const NUMBER: usize = 104;
const CHECKSUM: usize = 112;

/// Numbers up to this are compared as they are.
const EXACT: u64 = 6;
const CYCLE: u64 = 8;

fn number(slot: &[u8]) -> Option<u64> {
    let checksum = XxHash3_128::oneshot(&slot[..CHECKSUM]).to_le_bytes();
    if slot[CHECKSUM..SLOT_BYTES] != checksum {
        return None;
    }
    let bytes = slot[NUMBER..CHECKSUM].try_into().ok()?;
    Some(u64::from_le_bytes(bytes))
}

pub(super) fn mask(bytes: &mut [u8]) {
    if !bytes.starts_with(MAGIC) || bytes.len() < SLOTS[1] + SLOT_BYTES {
        return;
    }
    let numbers = SLOTS.map(|at| number(&bytes[at..at + SLOT_BYTES]));
    if let [Some(one), Some(other)] = numbers
        && one.abs_diff(other) >= CYCLE / 2
    {
        return;
    }
    for (at, number) in SLOTS.into_iter().zip(numbers) {
        let Some(number) = number.filter(|number| *number > EXACT) else {
            continue;
        };
        let masked = number % CYCLE;
        bytes[at + NUMBER..at + CHECKSUM].copy_from_slice(&masked.to_le_bytes());
        bytes[at + CHECKSUM..at + SLOT_BYTES].fill(0xff);
    }
}

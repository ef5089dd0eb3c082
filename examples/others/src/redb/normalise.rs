//! When two files of redb have the same future: they differ in how often they were repaired, and in no more.
//!
//! A repair without the state of the allocator writes no page. It commits the roots that it found under the next
//! transaction number, so all that grows is in the header: the number in one of the two commit slots, and the
//! checksum of that slot. Both are masked, where the checksum is right.
//!
//! redb uses the numbers in the slots thus, and in no other way:
//! - The newer of two valid slots wins: their order stays.
//! - The next transaction has the next number. In pages it is a key of the tables of freed pages, which are read
//!   up to the number of the transaction that reads; all keys that a root reaches are at most the number in
//!   its slot, so that a higher one finds the same.
//! - Where both are zero, nothing was ever committed: a zero stays.
//! - The state of the allocator is taken where it was written under the number of the slot. Quick repair writes
//!   it, and closing. So this is no mask for quick repair, and for a file that was closed only until the next
//!   two commits, which leave no root that reaches it.
//!
//! That leaves the bytes of pages that a later transaction writes under its number. Where an abandoned one has left
//! the same bytes in the same page, that page cannot be torn any more, and after more repairs it can. So this is for
//! explorations in which nothing is written after a recovery: a repair writes no page.
//!
//! A slot with a wrong checksum, torn or garbage, is compared as it is.

use twox_hash::XxHash3_128;

const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
const SLOTS: [usize; 2] = [64, 192];
const SLOT_BYTES: usize = 128;
const NUMBER: usize = 104;
const CHECKSUM: usize = 112;
/// In the unused bytes of a slot: it is valid, and masked.
const MASKED: std::ops::Range<usize> = 4..8;

/// The number of a commit slot, if it is valid.
fn number(slot: &[u8]) -> Option<u64> {
    let checksum = XxHash3_128::oneshot(&slot[..CHECKSUM]).to_le_bytes();
    let number = slot[NUMBER..CHECKSUM].try_into().ok()?;
    (slot[CHECKSUM..SLOT_BYTES] == checksum).then(|| u64::from_le_bytes(number))
}

/// The numbers of the commit slots, if this begins as a file of redb does.
fn numbers(bytes: &[u8]) -> Option<[Option<u64>; 2]> {
    let begins = bytes.starts_with(MAGIC) && bytes.len() >= SLOTS[1] + SLOT_BYTES;
    begins.then(|| SLOTS.map(|at| number(&bytes[at..at + SLOT_BYTES])))
}

/// Masks the numbers where a header is written whole or not at all: of the slots, only the order
/// is left.
pub(super) fn mask_whole(bytes: &mut [u8]) {
    let Some(numbers) = numbers(bytes) else {
        return;
    };
    let newest = numbers.into_iter().flatten().max();
    mask(bytes, numbers, |number| u64::from(Some(number) == newest));
}

/// Masks the numbers where a header may be torn. Then it matters, too, which slot one header
/// changes in another one: the numbers are left modulo four, and the order of neighbours in that.
pub(super) fn mask_torn(bytes: &mut [u8]) {
    let Some(numbers) = numbers(bytes) else {
        return;
    };
    match numbers {
        [Some(one), Some(other)] if one.abs_diff(other) > 1 => {}
        numbers => mask(bytes, numbers, |number| number % 4),
    }
}

fn mask(bytes: &mut [u8], numbers: [Option<u64>; 2], masked: impl Fn(u64) -> u64) {
    for (at, number) in SLOTS.into_iter().zip(numbers) {
        let Some(number) = number.filter(|number| *number > 0) else {
            continue;
        };
        let slot = &mut bytes[at..at + SLOT_BYTES];
        slot[MASKED].fill(0xff);
        slot[NUMBER..CHECKSUM].copy_from_slice(&masked(number).to_le_bytes());
        slot[CHECKSUM..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FILE, Redb, operations};
    use super::{CHECKSUM, NUMBER, SLOTS, mask_torn, mask_whole, numbers};
    use lightsout::explore::Subject;
    use lightsout::storage::simulated::Simulated;
    use lightsout::storage::{File, Storage};
    use std::path::Path;

    /// The file after a transaction, and after each of some repairs.
    fn repairs() -> Vec<Vec<u8>> {
        let (redb, machine) = (Redb::default(), Simulated::named("strict").expect("it is"));
        let mut store = redb.open(&machine).expect("it opens");
        for operation in operations(0..1) {
            redb.apply(&mut store, &operation).expect("it commits");
        }
        drop(store);
        let repaired = |_| {
            machine.kill();
            drop(redb.open(&machine).expect("it opens"));
            let file = machine.open(Path::new(FILE)).expect("it is there");
            let mut bytes = vec![0; file.len().expect("it has a length") as usize];
            file.read_at(0, &mut bytes).expect("it can be read");
            bytes
        };
        (0..8).map(repaired).collect()
    }

    fn masked(bytes: &[u8], mask: fn(&mut [u8])) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        mask(&mut bytes);
        bytes
    }

    #[test]
    fn a_repair_changes_what_is_masked_and_the_slot_that_is_newer() {
        let repairs = repairs();
        for (mask, period) in [(mask_whole as fn(&mut [u8]), 2), (mask_torn, 4)] {
            let masked: Vec<_> = repairs[1..].iter().map(|file| masked(file, mask)).collect();
            for (i, file) in masked.iter().enumerate() {
                for (j, other) in masked.iter().enumerate().skip(i) {
                    assert_eq!(file == other, (j - i) % period == 0, "{i} and {j}");
                }
            }
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_redb() {
        for file in repairs() {
            let [Some(one), Some(other)] = numbers(&file).expect("a header") else {
                panic!("a slot is not valid");
            };
            assert_eq!(one.abs_diff(other), 1);
        }
    }

    #[test]
    fn a_slot_that_is_torn_is_not_masked() {
        let file = repairs().pop().expect("a file");
        for mask in [mask_whole as fn(&mut [u8]), mask_torn] {
            for (slot, byte) in [(0, 0), (0, NUMBER), (1, CHECKSUM), (1, NUMBER - 1)] {
                let mut torn = file.clone();
                torn[SLOTS[slot] + byte] ^= 1;
                let range = SLOTS[slot]..SLOTS[slot] + 128;
                assert_eq!(masked(&torn, mask)[range.clone()], torn[range]);
                assert_ne!(masked(&torn, mask), masked(&file, mask));
            }
        }
    }
}

//! Numbers that look random and are the same each time.

/// splitmix64, from a seed.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// A sequence of its own for each of these.
    pub(super) fn of(parts: &[u64]) -> Self {
        let mut chance = Chance(0);
        for part in parts {
            chance.0 ^= part;
            chance.0 = chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0 to `n` - 1; 0 for 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

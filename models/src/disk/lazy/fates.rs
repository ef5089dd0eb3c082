//! In how many ways what is open can be decided.

use super::Canonical;
use super::canonical::Needs;
use fixedbitset::FixedBitSet;

impl<C> Canonical<C> {
    /// The ways in which the fates that answer the open questions can be decided, each of them kept or lost, as the
    /// order of the profile allows: 1 where nothing is open. What lost space reads is not counted. Beyond 2^53
    /// rounded; and `false` where there are more, for counting them takes too long.
    pub fn ways(&self) -> (f64, bool) {
        let mut steps = STEPS_MAX;
        let each = self.needs().iter().map(|needs| {
            let mut open = Open::of(needs);
            let all = open.all();
            open.ways(all, &mut steps)
        });
        let ways: f64 = each.product();
        (ways.min(f64::MAX), steps > 0 && ways.is_finite())
    }
}

const STEPS_MAX: usize = 10_000;

/// The fates that are open of one power cut.
struct Open {
    /// What each needs, itself included.
    needs: Vec<FixedBitSet>,
    needed_by: Vec<FixedBitSet>,
}

impl Open {
    fn of(pairs: &Needs) -> Self {
        let fates = pairs.iter().map(|(i, j)| i.max(j) + 1).max().unwrap_or(0);
        let mut open = Self {
            needs: vec![FixedBitSet::with_capacity(fates); fates],
            needed_by: vec![FixedBitSet::with_capacity(fates); fates],
        };
        for &(i, j) in pairs {
            open.needs[i].insert(j);
            open.needed_by[j].insert(i);
        }
        open
    }

    fn all(&self) -> FixedBitSet {
        let mut all = FixedBitSet::with_capacity(self.needs.len());
        all.insert_range(..);
        all
    }

    /// The subsets of these that hold with each what it needs: those without the one that most hang together with,
    /// and those with it. What nothing hangs together with is twice as many.
    fn ways(&mut self, of: FixedBitSet, steps: &mut usize) -> f64 {
        let tied = |i: usize| {
            let with = self.needs[i].intersection_count(&of);
            with + self.needed_by[i].intersection_count(&of) - 2
        };
        let Some(most) = of.ones().max_by_key(|&i| tied(i)) else {
            return 1.0;
        };
        if tied(most) == 0 {
            return 2.0_f64.powi(of.count_ones(..) as i32);
        }
        if *steps == 0 {
            return 2.0;
        }
        *steps -= 1;
        let (mut lost, mut kept) = (of.clone(), of);
        lost.difference_with(&self.needed_by[most]);
        kept.difference_with(&self.needs[most]);
        self.ways(lost, steps) + self.ways(kept, steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every fate needs itself.
    fn ways(fates: usize, pairs: &[(usize, usize)]) -> f64 {
        let own = (0..fates).map(|i| (i, i));
        let mut open = Open::of(&own.chain(pairs.iter().copied()).collect());
        let all = open.all();
        open.ways(all, &mut 1_000)
    }

    #[test]
    fn down_sets_are_counted() {
        assert_eq!(ways(0, &[]), 1.0);
        assert_eq!(ways(3, &[]), 8.0);
        assert_eq!(
            ways(3, &[(1, 0), (2, 1), (2, 0)]),
            4.0,
            "one after the other"
        );
        assert_eq!(ways(2, &[(1, 0), (0, 1)]), 2.0, "tied");
        // One that two need, and one beside them: {}, {0}, {0 1}, {0 2}, {0 1 2}, each with 3 or without.
        assert_eq!(ways(4, &[(1, 0), (2, 0)]), 10.0);
        // Two that two need each: of the four subsets of what is needed, one has all and four ways to go on.
        assert_eq!(ways(4, &[(2, 0), (2, 1), (3, 0), (3, 1)]), 7.0);
    }
}

//! Fewer lost effects: what a power cut need not have lost is kept, one effect after the other, as long as the
//! promise breaks all the same. In the end none of those that are lost could have been kept alone.

use models::disk::image::Fates;

/// The fates of the power cuts of a script, with as little lost as breaks the promise all the same. `breaks` runs
/// the script with such fates: how many effects each power cut met, if the promise breaks.
pub fn fewest_lost(
    mut cuts: Vec<Fates>,
    mut breaks: impl FnMut(&[Fates]) -> Option<Vec<usize>>,
) -> Vec<Fates> {
    let Some(mut effects) = breaks(&cuts) else {
        return cuts;
    };
    for cut in 0..cuts.len() {
        // Zeros, where what lost space reads does not matter.
        if cuts[cut].fills.iter().any(|fill| *fill != 0) {
            let mut tried = cuts.clone();
            tried[cut].fills.clear();
            keep_if(&mut cuts, &mut effects, tried, &mut breaks);
        }
        let mut effect = effects.get(cut).copied().unwrap_or(0);
        while effect > 0 {
            effect -= 1;
            if cuts[cut].kept.contains(&effect) {
                continue;
            }
            let mut tried = cuts.clone();
            tried[cut].kept.push(effect);
            tried[cut].kept.sort_unstable();
            keep_if(&mut cuts, &mut effects, tried, &mut breaks);
        }
    }
    cuts
}

fn keep_if(
    cuts: &mut Vec<Fates>,
    effects: &mut Vec<usize>,
    tried: Vec<Fates>,
    breaks: &mut impl FnMut(&[Fates]) -> Option<Vec<usize>>,
) {
    if let Some(met) = breaks(&tried) {
        *cuts = tried;
        *effects = met;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(kept: &[usize]) -> Fates {
        Fates {
            kept: kept.to_vec(),
            fills: vec![1],
        }
    }

    #[test]
    fn what_need_not_be_lost_is_kept() {
        // It breaks as long as the first cut loses 1 or 3, and the second 0.
        let breaks = |cuts: &[Fates]| {
            let lost = |cut: usize, effect: usize| !cuts[cut].kept.contains(&effect);
            ((lost(0, 1) || lost(0, 3)) && lost(1, 0)).then(|| vec![4, 2])
        };
        let least = fewest_lost(vec![fates(&[]), fates(&[])], breaks);
        let expected = [[0, 2, 3].to_vec(), [1].to_vec()];
        assert_eq!(least[0].kept, expected[0]);
        assert_eq!(least[1].kept, expected[1]);
        assert!(least.iter().all(|fates| fates.fills.is_empty()));
    }

    #[test]
    fn a_script_that_breaks_nothing_is_left_alone() {
        let cuts = vec![fates(&[0])];
        assert_eq!(fewest_lost(cuts.clone(), |_| None), cuts);
    }
}

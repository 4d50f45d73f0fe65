// SPDX-License-Identifier: MPL-2.0

//! What one will get: the score of a chosen model on material that did not choose it.
//!
//! The best score of several is too good, for it was chosen by its luck too. So the material is cut into folds, each as far from
//! the others as can be: on all but one of them somebody is chosen, and scored on the one that is left out.

use super::items::numbered;
use super::{Estimate, Item, Resampled, Resampling, Scale, TooLittle};
use crate::score::Statistic;

/// Which fold each item is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    /// `None` for items in the gap between two folds of one clip.
    of: Vec<Option<u32>>,
    count: usize,
}

impl Folds {
    /// At most `k` folds of whole clips of about the same number of items; of a single clip, `k` stretches of time, without the
    /// items within `gap` seconds behind the beginning of each but the first, so that neighbours do not leak. There are fewer than
    /// two where nothing can be left out.
    pub fn new(items: &[Item], k: usize, gap: f64) -> Folds {
        let (clip, clips) = numbered(items.iter().map(|it| it.clip));
        match clips {
            0 => Folds {
                of: Vec::new(),
                count: 0,
            },
            1 => Folds::of_time(items, k.max(1), gap),
            _ => Folds::of_clips(&clip, clips, k.max(1)),
        }
    }

    fn of_clips(clip: &[u32], clips: usize, k: usize) -> Folds {
        let mut sizes = vec![0usize; clips];
        clip.iter().for_each(|it| sizes[*it as usize] += 1);
        // The largest first, each into the fold that is the smallest so far.
        let mut largest: Vec<usize> = (0..clips).collect();
        largest.sort_by_key(|it| std::cmp::Reverse(sizes[*it]));
        let count = k.min(clips);
        let (mut filled, mut fold_of) = (vec![0usize; count], vec![0; clips]);
        for it in largest {
            let smallest = (0..count).min_by_key(|fold| filled[*fold]).unwrap_or(0);
            filled[smallest] += sizes[it];
            fold_of[it] = smallest as u32;
        }
        Folds {
            of: clip.iter().map(|it| Some(fold_of[*it as usize])).collect(),
            count,
        }
    }

    fn of_time(items: &[Item], k: usize, gap: f64) -> Folds {
        let times = items.iter().map(|it| it.time);
        let (first, last) = (
            times.clone().fold(f64::INFINITY, f64::min),
            times.fold(f64::NEG_INFINITY, f64::max),
        );
        let length = (last - first) / k as f64;
        let fold = |it: &Item| {
            let fold = (((it.time - first) / length.max(f64::MIN_POSITIVE)) as usize).min(k - 1);
            let since = it.time - first - fold as f64 * length;
            (fold == 0 || gap <= since).then_some(fold as u32)
        };
        let (kept, count) = numbered(items.iter().filter_map(fold));
        let mut kept = kept.into_iter();
        Folds {
            of: items
                .iter()
                .map(|it| fold(it).and_then(|_| kept.next()))
                .collect(),
            count,
        }
    }

    /// The fold of each item.
    pub fn of(&self) -> &[Option<u32>] {
        &self.of
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Weights of the items that are in this fold.
    pub fn inside(&self, fold: usize, weights: &[f64]) -> Vec<f64> {
        self.masked(weights, |it| it == Some(fold as u32))
    }

    /// Weights of the items in all other folds.
    pub fn outside(&self, fold: usize, weights: &[f64]) -> Vec<f64> {
        self.masked(weights, |it| it.is_some_and(|it| it != fold as u32))
    }

    fn masked(&self, weights: &[f64], counts: impl Fn(Option<u32>) -> bool) -> Vec<f64> {
        let masked = weights
            .iter()
            .zip(&self.of)
            .map(|(weight, it)| if counts(*it) { *weight } else { 0.0 });
        masked.collect()
    }

    /// What who is chosen will score. `choose` is given the figures of all models on some folds, in their order, `None`
    /// where they say nothing, and returns who it would be, as by the loss; of `figures`, each is 0 to 1 and over all items
    /// of the resampling. `None` where there are no two folds, or nobody can be chosen.
    pub fn promise(
        &self,
        figures: &[&dyn Statistic],
        resampling: &Resampling,
        choose: impl Fn(&[Option<f64>]) -> Option<usize> + Sync,
    ) -> Option<Promise> {
        if self.count < 2 {
            return None;
        }
        let chosen_on = |weights: &[f64]| {
            let values: Vec<Option<f64>> = figures.iter().map(|it| it.value(weights)).collect();
            choose(&values).filter(|it| values.get(*it).is_some_and(Option::is_some))
        };
        let weights = resampling.weights();
        let winner = chosen_on(weights)?;
        let chosen: Option<Vec<usize>> = (0..self.count)
            .map(|it| chosen_on(&self.outside(it, weights)))
            .collect();
        let chosen = chosen?;
        let left_out = LeftOut {
            folds: self,
            figures,
            choose: &|weights| chosen_on(weights),
        };
        let promised = resampling.of(&left_out)?;
        let biased = resampling.of(figures[winner])?;
        Some(Promise {
            winner,
            promised: resampling.estimate(&promised, Scale::Share),
            biased: resampling.estimate(&biased, Scale::Share),
            optimism: Resampled::less(&biased, &promised).value,
            chosen,
        })
    }
}

/// The score that one can expect, beside that by which the winner was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// Who is chosen on all material.
    pub winner: usize,
    /// Who was chosen without each of the folds.
    pub chosen: Vec<usize>,
    /// The score of those on the folds that did not choose them: what one will get.
    pub promised: Result<Estimate, TooLittle>,
    /// The score of the winner on all material, which chose it.
    pub biased: Result<Estimate, TooLittle>,
    /// By how much the latter is larger.
    pub optimism: f64,
}

/// The mean over folds, by their weight, of the figure of who was chosen without them.
struct LeftOut<'a> {
    folds: &'a Folds,
    figures: &'a [&'a dyn Statistic],
    choose: &'a (dyn Fn(&[f64]) -> Option<usize> + Sync),
}

impl Statistic for LeftOut<'_> {
    fn len(&self) -> usize {
        self.folds.of.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for fold in 0..self.folds.count {
            let inside = self.folds.inside(fold, weights);
            // Other items may choose somebody else: that is part of what is not sure.
            let chosen = (self.choose)(&self.folds.outside(fold, weights))?;
            if let Some(value) = self.figures[chosen].value(&inside) {
                let weight: f64 = inside.iter().sum();
                sum += weight * value;
                total += weight;
            }
        }
        (0.0 < total).then(|| sum / total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::recommend::Clusters;

    struct Mean(Vec<f64>);

    impl Statistic for Mean {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn value(&self, weights: &[f64]) -> Option<f64> {
            let total: f64 = weights.iter().sum();
            let sum: f64 = self.0.iter().zip(weights).map(|it| it.0 * it.1).sum();
            (0.0 < total).then(|| sum / total)
        }
    }

    fn items(clips: u32, frames: u32) -> Vec<Item> {
        let frame = |clip| {
            (0..frames).map(move |it| Item {
                clip,
                time: f64::from(it) * 0.1,
                stratum: 0,
            })
        };
        (0..clips).flat_map(frame).collect()
    }

    #[test]
    fn no_clip_is_in_two_folds_and_folds_are_about_as_large() {
        let items = items(7, 30);
        let folds = Folds::new(&items, 3, 1.0);
        let mut sizes = [0; 3];
        for chunk in folds.of().chunks(30) {
            assert!(chunk.iter().all(|it| *it == chunk[0]));
            sizes[chunk[0].unwrap() as usize] += 1;
        }
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 2, 3]);
    }

    #[test]
    fn folds_of_one_clip_are_stretches_with_a_gap_between() {
        let folds = Folds::new(&items(1, 101), 4, 0.55);
        assert_eq!((folds.count(), folds.of().len()), (4, 101));
        assert_eq!(
            [0, 24, 25, 30, 31, 100].map(|it| folds.of()[it]),
            [Some(0), Some(0), None, None, Some(1), Some(3)]
        );
        let weights = vec![2.0; 101];
        let (inside, outside): (f64, f64) = (
            folds.inside(0, &weights).iter().sum(),
            folds.outside(0, &weights).iter().sum(),
        );
        assert_eq!((inside, outside), (50.0, 2.0 * (101.0 - 25.0 - 18.0)));
        assert_eq!(Folds::new(&[], 4, 1.0).count(), 0);
        assert_eq!(Folds::new(&items(1, 1), 4, 1.0).count(), 1);
    }

    /// Of ten models that are all alike the luckiest looks good; what is promised does not.
    #[test]
    fn the_promise_is_not_biased_by_the_choice() {
        let items = items(12, 10);
        let (mut promised, mut biased, mut covered) = (0.0, 0.0, 0);
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let scores = |random: &mut Random| -> Vec<f64> {
                let mut offset = 0.0;
                let mut score = |(at, _): (usize, &Item)| {
                    if at % 10 == 0 {
                        offset = 0.1 * random.normal();
                    }
                    0.7 + offset + 0.05 * random.normal()
                };
                items.iter().enumerate().map(&mut score).collect()
            };
            let models: Vec<Mean> = (0..10).map(|_| Mean(scores(&mut random))).collect();
            let figures: Vec<&dyn Statistic> = models.iter().map(|it| it as &dyn Statistic).collect();
            let resampling = Resampling::new(Clusters::new(&items), vec![1.0; items.len()], 0, seed);
            let best = |values: &[Option<f64>]| {
                (0..10).max_by(|one, other| values[*one].partial_cmp(&values[*other]).unwrap())
            };
            let promise = Folds::new(&items, 4, 1.0)
                .promise(&figures, &resampling, best)
                .unwrap();
            let estimate = promise.promised.unwrap();
            promised += estimate.value / 200.0;
            biased += promise.biased.unwrap().value / 200.0;
            covered += usize::from(estimate.covers(0.7));
        }
        println!(
            "promised {promised:.4}, biased {biased:.4}, truth 0.7; the interval covers in {covered} of 200"
        );
        assert!(
            (promised - 0.7).abs() < 0.01 && 0.73 < biased,
            "{promised} {biased}"
        );
        assert!(180 <= covered, "{covered} of 200");
    }
}

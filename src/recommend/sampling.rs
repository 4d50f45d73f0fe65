// SPDX-License-Identifier: MPL-2.0

//! Which items to judge: a stratified random sample without replacement (Cochran, 1977, chapter 5), drawn as an order of all
//! items of which each beginning is itself a stratified sample, so that a race can take the next few.

use super::items::numbered;
use crate::random::Random;

/// How strata share the sample: in proportion to their size to this power (Bankier, 1988). 1 makes all weights equal; 0
/// would give a class of ten frames as many as one of ten thousand; ½ judges rare classes without wasting much on them.
const POWER: f64 = 0.5;

/// Items in the order in which they are judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    items: Vec<usize>,
    /// The stratum of each item of the order.
    strata: Vec<u32>,
    /// Items of each stratum.
    sizes: Vec<usize>,
}

impl Order {
    /// Of items by their strata, seeded.
    pub fn new(strata: &[u32], seed: u64) -> Order {
        let mut random = Random::new(seed);
        let (of, count) = numbered(strata.iter().copied());
        let mut members = vec![Vec::new(); count];
        of.iter()
            .enumerate()
            .for_each(|(item, it)| members[*it as usize].push(item));
        members.iter_mut().for_each(|it| random.shuffle(it));
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        let shares: Vec<f64> = sizes.iter().map(|it| (*it as f64).powf(POWER)).collect();
        // Who comes first among equals is chance.
        let mut turn: Vec<usize> = (0..count).collect();
        random.shuffle(&mut turn);
        let mut taken = vec![0usize; count];
        let mut order = Order {
            items: Vec::with_capacity(of.len()),
            strata: Vec::with_capacity(of.len()),
            sizes,
        };
        while order.items.len() < of.len() {
            // The stratum that is furthest behind its share; each has its first item before any has a second.
            let behind = |it: &usize| (taken[*it] as f64) / shares[*it];
            let first = |it: &&usize| taken[**it] == 0;
            let open = turn.iter().filter(|it| taken[**it] < members[**it].len());
            let next = match turn.iter().find(first) {
                Some(next) => *next,
                None => *open
                    .min_by(|one, other| behind(one).total_cmp(&behind(other)))
                    .unwrap_or(&0),
            };
            order.items.push(members[next][taken[next]]);
            order.strata.push(next as u32);
            taken[next] += 1;
        }
        order
    }

    /// The first items only, which are a sample of as many as there were.
    pub fn first(mut self, count: usize) -> Order {
        self.items.truncate(count);
        self.strata.truncate(count);
        self
    }

    /// All items, by their places in what the order was made of.
    pub fn items(&self) -> &[usize] {
        &self.items
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Fewest items that are a sample of all strata: one each.
    pub fn fewest(&self) -> usize {
        self.sizes.len()
    }

    /// Weights of the first `count` items: the inverse of the probability with which an item of its stratum is among them, scaled
    /// to a mean of 1. Means over them have no bias once `count` is at least [`Order::fewest`]; with fewer, they
    /// are of the strata that are there.
    pub fn weights(&self, count: usize) -> Vec<f64> {
        let drawn = &self.strata[..count.min(self.len())];
        let mut taken = vec![0usize; self.sizes.len()];
        drawn.iter().for_each(|it| taken[*it as usize] += 1);
        let weight = |it: &u32| self.sizes[*it as usize] as f64 / taken[*it as usize] as f64;
        let total: f64 = drawn.iter().map(weight).sum();
        drawn
            .iter()
            .map(|it| weight(it) * drawn.len() as f64 / total)
            .collect()
    }
}

/// Bins of a histogram of luma.
pub const BINS: usize = 16;

/// Share of the samples that changes its bin between two neighbouring frames at a cut, or between a frame and the mean of its
/// scene where one fades into another.
const CHANGE: f64 = 0.35;

/// The scene of each frame, numbered from 0: a new one begins where the histogram of luma has moved, by half the sum of
/// the absolute differences of shares, from the mean of its scene so far.
pub fn scenes(histograms: &[[f64; BINS]]) -> Vec<u32> {
    let mut scene = 0;
    let mut sum = [0.0; BINS];
    let mut scenes = Vec::with_capacity(histograms.len());
    for histogram in histograms {
        let now = shares(histogram);
        let is_other = !scenes.is_empty() && CHANGE < distance(&now, &shares(&sum));
        if is_other {
            scene += 1;
            sum = [0.0; BINS];
        }
        sum.iter_mut().zip(now).for_each(|it| *it.0 += it.1);
        scenes.push(scene);
    }
    scenes
}

fn shares(histogram: &[f64; BINS]) -> [f64; BINS] {
    let total: f64 = histogram.iter().sum();
    histogram.map(|it| if 0.0 < total { it / total } else { 0.0 })
}

/// Total variation between two histograms of shares, 0 to 1.
fn distance(one: &[f64; BINS], other: &[f64; BINS]) -> f64 {
    0.5 * one.iter().zip(other).map(|it| (it.0 - it.1).abs()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 900, 90 and 10 items whose values differ by stratum.
    fn population() -> (Vec<u32>, Vec<f64>) {
        let strata: Vec<u32> = (0..1000)
            .map(|it| u32::from(900 <= it) + u32::from(990 <= it))
            .collect();
        let values = strata
            .iter()
            .enumerate()
            .map(|it| 10.0 * f64::from(*it.1) + it.0 as f64 % 7.0)
            .collect();
        (strata, values)
    }

    #[test]
    fn each_beginning_is_a_sample_without_bias() {
        let (strata, values) = population();
        let truth = values.iter().sum::<f64>() / 1000.0;
        for count in [3, 20, 150, 1000] {
            let mean = |seed| {
                let order = Order::new(&strata, seed);
                let weights = order.weights(count);
                let of = order.items().iter().zip(&weights);
                of.map(|it| it.1 * values[*it.0]).sum::<f64>() / weights.iter().sum::<f64>()
            };
            let means: Vec<f64> = (0..400).map(mean).collect();
            let average = means.iter().sum::<f64>() / 400.0;
            let variance = means.iter().map(|it| (it - average).powi(2)).sum::<f64>() / 399.0;
            let bound = 3.5 * (variance / 400.0).sqrt() + 1e-9;
            assert!(
                (average - truth).abs() < bound,
                "{count}: {average}, truth {truth} ± {bound}"
            );
        }
    }

    #[test]
    fn rare_strata_are_judged_and_nothing_is_drawn_twice() {
        let (strata, _) = population();
        let order = Order::new(&strata, 1);
        let mut all = order.items().to_vec();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        let rare = order.items()[..100].iter().filter(|it| strata[**it] == 2).count();
        assert!((6..=10).contains(&rare), "{rare} of 10 among the first 100");
        assert_eq!(order.fewest(), 3);
        assert_ne!(order, Order::new(&strata, 2));
        assert!(Order::new(&[], 1).is_empty() && Order::new(&[], 1).weights(5).is_empty());
    }

    #[test]
    fn a_scene_ends_at_a_cut_and_within_a_fade() {
        let dark = |level: usize| {
            let mut histogram = [1.0; BINS];
            histogram[level] = 50.0;
            histogram[level + 1] = 30.0;
            histogram
        };
        let cut: Vec<_> = [dark(2), dark(2), dark(9), dark(9), dark(2)].to_vec();
        assert_eq!(scenes(&cut), [0, 0, 1, 1, 2]);
        let fade: Vec<_> = (0..12).map(dark).collect();
        assert!(2 <= scenes(&fade)[11], "{:?}", scenes(&fade));
        assert_eq!(scenes(&[[0.0; BINS]; 3]), [0, 0, 0]);
        assert!(scenes(&[]).is_empty());
    }
}

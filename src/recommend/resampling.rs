// SPDX-License-Identifier: MPL-2.0

//! Weights of items that leave clusters out or draw them anew, the same for each figure, so that figures of several models
//! and measures are paired.

use super::Clusters;
use super::interval::{CONFIDENCE, Estimate, FEWEST_CLUSTERS, FEWEST_ITEMS, Scale, TooLittle, interval};
use crate::random::Random;
use crate::score::Statistic;

/// Resamples that are drawn by default: a probability of being the best is then known to ±3 points.
pub const DRAWS: usize = 1000;

/// Most parts that one is left out of at a time. More degrees of freedom change t by less than 3 %.
const MOST_PARTS: usize = 40;

/// A figure, and what becomes of it as clusters are left out and drawn anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    pub value: f64,
    /// Without each of the parts of the material in turn; NaN where the rest says nothing.
    pub without: Vec<f64>,
    /// In each of the resamples; NaN where one says nothing.
    pub draws: Vec<f64>,
}

/// How items are left out and drawn anew.
#[derive(Debug, Clone)]
pub struct Resampling {
    clusters: Clusters,
    /// Of the items: inverse inclusion probabilities, or all 1.
    weights: Vec<f64>,
    /// Clusters that are exchangeable: all clips, or the stretches of one clip.
    groups: Vec<Vec<Part>>,
    /// For each resample, the factor on the weights of each cluster.
    draws: Vec<Vec<f64>>,
    /// Share of the population that is not in the sample: 1 where it is without end.
    unseen: f64,
}

/// Clusters that are left out together.
type Part = Vec<usize>;

impl Resampling {
    /// Of items in these clusters with these weights (inverse inclusion probabilities, or all 1), with `draws` resamples
    /// by the bootstrap; intervals need none of them.
    pub fn new(clusters: Clusters, weights: Vec<f64>, draws: usize, seed: u64) -> Resampling {
        let mut random = Random::new(seed);
        let exchangeable = exchangeable(&clusters);
        let mut draw = || {
            let mut factors = vec![0.0; clusters.count()];
            for group in &exchangeable {
                // One less than there are, weighing more: without bias also of few (Rao and Wu, 1988).
                let count = group.len().max(2) - 1;
                for _ in 0..count {
                    factors[group[random.whole(0, group.len() - 1)]] += group.len() as f64 / count as f64;
                }
            }
            factors
        };
        let draws = (0..draws).map(|_| draw()).collect();
        let groups = exchangeable
            .into_iter()
            .map(|it| parts(it, &mut random))
            .collect();
        Resampling {
            clusters,
            weights,
            groups,
            draws,
            unseen: 1.0,
        }
    }

    /// The same for a population of so many items in all, of which these were drawn without replacement.
    pub fn from_population(mut self, items: usize) -> Resampling {
        self.unseen = 1.0 - self.weights.len() as f64 / items.max(self.weights.len()).max(1) as f64;
        self
    }

    pub fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// Items that count.
    pub fn items(&self) -> usize {
        self.weights.iter().filter(|it| 0.0 < **it).count()
    }

    /// The weights of the items, as given.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Number of resamples.
    pub fn draws(&self) -> usize {
        self.draws.len()
    }

    /// A figure of these items; `None` where they say nothing.
    pub fn of(&self, figure: &dyn Statistic) -> Option<Resampled> {
        let mut weights = self.weights.clone();
        let mut with = |factors: &[f64]| {
            let of = self.clusters.of().iter().zip(&self.weights);
            let changed = of.map(|(cluster, weight)| factors[*cluster as usize] * weight);
            weights.iter_mut().zip(changed).for_each(|it| *it.0 = it.1);
            figure.value(&weights).unwrap_or(f64::NAN)
        };
        Some(Resampled {
            value: figure.value(&self.weights)?,
            without: self.left_out().map(|it| with(&it)).collect(),
            draws: self.draws.iter().map(|it| with(it)).collect(),
        })
    }

    /// A figure of a model that was judged on the first items only, with the weights that those have for themselves, on the footing of
    /// one that was judged on all of them: the latter's figure of all items, and the difference of the two on those that both
    /// have (the difference estimator; Cochran, 1977, section 7.9). What makes the further items easy or hard is thereby not
    /// taken for a merit.
    pub fn of_fewer(
        &self,
        figure: &dyn Statistic,
        weights: &[f64],
        longer: &dyn Statistic,
    ) -> Option<Resampled> {
        let beginning = |all: &[f64]| -> Vec<f64> {
            let factors = all.iter().zip(&self.weights).zip(weights);
            factors
                .map(|((now, given), weight)| if *given == 0.0 { 0.0 } else { weight * now / given })
                .collect()
        };
        struct Beginning<'a, F>(&'a dyn Statistic, F, usize);
        impl<F: Fn(&[f64]) -> Vec<f64> + Send + Sync> Statistic for Beginning<'_, F> {
            fn len(&self) -> usize {
                self.2
            }

            fn value(&self, weights: &[f64]) -> Option<f64> {
                let mut weights = self.1(weights);
                weights.resize(self.0.len(), 0.0);
                self.0.value(&weights)
            }
        }
        let own = self.of(&Beginning(figure, &beginning, self.weights.len()))?;
        let of_both = self.of(&Beginning(longer, &beginning, self.weights.len()))?;
        let of_all = self.of(longer)?;
        Some(Resampled::join(&[&of_all, &own, &of_both], |it| {
            it[0] + it[1] - it[2]
        }))
    }

    /// Factors on the weights of the clusters as each part is left out: those that are exchangeable with it stand in for it.
    fn left_out(&self) -> impl Iterator<Item = Vec<f64>> + '_ {
        let parts = self.groups.iter().filter(|it| 1 < it.len());
        parts.flat_map(|group| {
            group.iter().map(|part| {
                let mut factors = vec![1.0; self.clusters.count()];
                let others = group.len() as f64 / (group.len() - 1) as f64;
                group.iter().flatten().for_each(|it| factors[*it] = others);
                part.iter().for_each(|it| factors[*it] = 0.0);
                factors
            })
        })
    }

    /// Standard error by the jackknife: √(Σ over groups of (g - 1) / g · Σ (θ₋ᵢ - mean)²); `None` where a part that is left out
    /// leaves nothing to judge.
    pub fn standard_error(&self, figure: &Resampled) -> Option<f64> {
        let mut without = figure.without.iter();
        let mut variance = 0.0;
        for group in self.groups.iter().filter(|it| 1 < it.len()) {
            let values: Vec<f64> = without.by_ref().take(group.len()).copied().collect();
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|it| (it - mean).powi(2)).sum();
            variance += (count - 1.0) / count * squares;
        }
        variance.is_finite().then(|| (self.unseen * variance).sqrt())
    }

    /// The 95 % interval of a figure; an error where there are too few items or clusters to conclude anything.
    pub fn estimate(&self, figure: &Resampled, scale: Scale) -> Result<Estimate, TooLittle> {
        self.estimate_with(figure, scale, 1.0 - CONFIDENCE)
    }

    /// The 95 % interval of `one` less `other`: both of the same resampling, so that what makes an item hard for both cancels.
    pub fn difference(&self, one: &Resampled, other: &Resampled) -> Result<Estimate, TooLittle> {
        self.estimate(&one.less(other), Scale::Real)
    }

    /// The interval that fails to cover with the probability `error`.
    pub fn estimate_with(&self, figure: &Resampled, scale: Scale, error: f64) -> Result<Estimate, TooLittle> {
        let (value, items, clusters) = (figure.value, self.items(), self.clusters.count());
        let too_little = TooLittle {
            value: Some(value).filter(|it| it.is_finite()),
            items,
            clusters,
        };
        let se = self.standard_error(figure).ok_or(too_little)?;
        if clusters < FEWEST_CLUSTERS || items < FEWEST_ITEMS || !value.is_finite() {
            return Err(too_little);
        }
        let (low, high) = interval(value, se, self.freedom(), clusters, scale, error);
        Ok(Estimate {
            value,
            low,
            high,
            items,
            clusters,
        })
    }

    /// Degrees of freedom: parts less groups, and no more than clusters of equal weight that would say as much, less 1.
    pub fn freedom(&self) -> f64 {
        let parts: usize = self.groups.iter().map(|it| it.len() - 1).sum();
        let effective = self.clusters.effective(&self.weights) - 1.0;
        (parts as f64).min(effective).max(1.0)
    }
}

impl Resampled {
    /// This figure less another of the same resampling.
    pub fn less(&self, other: &Resampled) -> Resampled {
        Resampled::join(&[self, other], |it| it[0] - it[1])
    }

    /// This figure on another scale.
    pub fn map(&self, to: impl Fn(f64) -> f64) -> Resampled {
        Resampled::join(&[self], |it| to(it[0]))
    }

    /// A figure of several of the same resampling, one at least.
    pub fn join(figures: &[&Resampled], to: impl Fn(&[f64]) -> f64) -> Resampled {
        let mut values = vec![0.0; figures.len()];
        let mut joined = |of: &dyn Fn(&Resampled) -> f64| {
            values.iter_mut().zip(figures).for_each(|it| *it.0 = of(it.1));
            to(&values)
        };
        let shortest =
            |of: fn(&Resampled) -> &Vec<f64>| figures.iter().map(|it| of(it).len()).min().unwrap_or(0);
        Resampled {
            value: joined(&|it| it.value),
            without: (0..shortest(|it| &it.without))
                .map(|at| joined(&|it| it.without[at]))
                .collect(),
            draws: (0..shortest(|it| &it.draws))
                .map(|at| joined(&|it| it.draws[at]))
                .collect(),
        }
    }
}

/// Clusters by what they are resampled within. Those that are alone there go together.
fn exchangeable(clusters: &Clusters) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (cluster, within) in clusters.within().iter().enumerate() {
        let within = *within as usize;
        groups.resize_with(groups.len().max(within + 1), Vec::new);
        groups[within].push(cluster);
    }
    let (alone, mut groups): (Vec<_>, Vec<_>) = groups.into_iter().partition(|it| it.len() < 2);
    let alone: Vec<usize> = alone.into_iter().flatten().collect();
    match (groups.first_mut(), alone.len()) {
        (_, 0) => {}
        (Some(first), 1) => first.extend(alone),
        _ => groups.push(alone),
    }
    groups
}

/// One cluster each, or, of many, random parts of about the same size.
fn parts(mut clusters: Vec<usize>, random: &mut Random) -> Vec<Part> {
    let count = clusters.len().min(MOST_PARTS);
    if count < clusters.len() {
        random.shuffle(&mut clusters);
    }
    let mut parts = vec![Part::new(); count];
    clusters
        .iter()
        .enumerate()
        .for_each(|(at, it)| parts[at % count].push(*it));
    parts
}

#[cfg(test)]
mod tests;

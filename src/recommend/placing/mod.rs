// SPDX-License-Identifier: MPL-2.0

//! Who is best by the preferences, how sure that is, and why.
//!
//! The loss is that of the live switch, -ln P + λS + C ([`Terms::cost`]), of figures measured beforehand. It is computed for each
//! resample of the material with all candidates on the same items, so that intervals of losses, of their differences and the
//! probability of being the best know what the candidates have in common.

mod set;
mod versus;

use super::{Estimate, Resampled, Resampling, Scale, TooLittle};
use crate::policy::{Strategy, Terms, Weights};

pub use set::{LeftOut, Member, Role, Set, WhyNot, set};
pub use versus::{Term, Turn, Versus};

/// One model in one configuration, as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its figures of quality, each 0 to 1, in the order of [`Preferences::measures`]; of one resampling for all
    /// candidates.
    pub measures: Vec<Resampled>,
    pub latency: Latency,
    /// Share of its runs that were inside the budget, 0 to 1.
    pub in_budget: f64,
    /// Processor time of a run, in seconds.
    pub cpu: f64,
    /// In bytes.
    pub memory: f64,
    /// C: energy, money or memory, in units of the user's choice.
    pub complexity: f64,
    /// Share of its quality that is lost on damaged material, in the mean, 0 to 1.
    pub robustness_drop: f64,
    /// What it runs on: those of one number slow each other down. 0 for the processor.
    pub device: u32,
    /// Why the user's conditions exclude it, if they do.
    pub excluded: Option<String>,
}

/// Percentiles of the latency on a calm machine, in seconds; those that too few runs were made for are not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latency {
    pub p50: f64,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    /// Weight of each measure of quality.
    pub measures: Vec<f64>,
    /// λ and what complexity and misses weigh.
    pub weights: Weights,
    pub strategy: Strategy,
    /// Time one frame may take, in seconds.
    pub budget: f64,
    /// Time from one frame to the next, in seconds.
    pub period: f64,
    /// What leaves instead of an answer that is missed is worth this, 0 to 1.
    pub floor: f64,
    /// Share of the material that is taken to be damaged, 0 to 1: quality falls by this share of the drop.
    pub robustness: f64,
    /// Difference of losses that is none. 0.005 is half a per cent of quality.
    pub indifference: f64,
    /// Longest run of a model that is still worth running beside the stream to score the others, in seconds.
    pub longest_comparison: f64,
}

impl Default for Preferences {
    /// One measure, frames at 25 a second, and what the live switch weighs by default.
    fn default() -> Preferences {
        Preferences {
            measures: vec![1.0],
            weights: Weights {
                latency: 0.002,
                ..Weights::default()
            },
            strategy: Strategy::Weighted,
            budget: 0.04,
            period: 0.04,
            floor: 0.0,
            robustness: 0.0,
            indifference: 0.005,
            longest_comparison: 1.0,
        }
    }
}

/// All candidates in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The smallest loss first.
    pub places: Vec<Place>,
    /// Those that conditions exclude, with the reasons.
    pub excluded: Vec<(usize, String)>,
}

/// One candidate's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// By its position in what was ranked.
    pub candidate: usize,
    /// What its loss is made of.
    pub terms: Terms,
    /// P, by the strategy.
    pub quality: Result<Estimate, TooLittle>,
    pub loss: Result<Estimate, TooLittle>,
    /// Share of the resamples in which it has the smallest loss; `None` without resamples.
    pub best: Option<f64>,
    /// Against the one at the first place; `None` of the first.
    pub to_best: Option<Versus>,
    /// Against the one at the next place, which is what its own place rests on; `None` of the last.
    pub to_next: Option<Versus>,
    /// One that is no worse in quality, latency and memory and better in one of them.
    pub dominated_by: Option<usize>,
}

impl Place {
    /// Whether nobody dominates it: it is on the Pareto front of quality, latency and memory.
    pub fn is_on_front(&self) -> bool {
        self.dominated_by.is_none()
    }

    /// Whether it may as well be the first.
    pub fn is_tied_with_best(&self) -> bool {
        self.to_best.as_ref().is_none_or(|it| it.is_tie)
    }
}

/// Puts candidates into the order of their losses.
pub fn rank(candidates: &[Candidate], preferences: &Preferences, resampling: &Resampling) -> Ranking {
    let admitted: Vec<usize> = (0..candidates.len())
        .filter(|it| candidates[*it].excluded.is_none())
        .collect();
    let qualities = qualities(candidates, &admitted, preferences);
    let terms: Vec<Terms> = (admitted.iter().zip(&qualities))
        .map(|(it, quality)| terms(&candidates[*it], quality.value, preferences))
        .collect();
    let losses: Vec<Resampled> = (qualities.iter().zip(&terms))
        .map(|(quality, terms)| quality.map(|it| cost(terms, it, &preferences.weights)))
        .collect();
    let best = shares_of_best(&losses, resampling.draws());
    let mut order: Vec<usize> = (0..admitted.len()).collect();
    order.sort_by(|one, other| losses[*one].value.total_cmp(&losses[*other].value));
    let against = |one: usize, other: usize| {
        let (terms, losses) = ([&terms[one], &terms[other]], [&losses[one], &losses[other]]);
        let difference = resampling.difference(losses[1], losses[0]);
        Versus::new(admitted[other], difference, terms, preferences)
    };
    let place = |(rank, it): (usize, &usize)| Place {
        candidate: admitted[*it],
        terms: terms[*it],
        quality: resampling.estimate(&qualities[*it], Scale::Share),
        loss: resampling.estimate(&losses[*it], Scale::Real),
        best: best.get(*it).copied(),
        to_best: (0 < rank).then(|| against(order[0], *it)).map(|versus| Versus {
            candidate: admitted[order[0]],
            ..versus
        }),
        to_next: order.get(rank + 1).map(|next| against(*it, *next)),
        dominated_by: dominating(candidates, &admitted, &qualities, *it),
    };
    let is_excluded = |(index, it): (usize, &Candidate)| Some((index, it.excluded.clone()?));
    Ranking {
        places: order.iter().enumerate().map(place).collect(),
        excluded: candidates.iter().enumerate().filter_map(is_excluded).collect(),
    }
}

/// P of each admitted candidate by the strategy, in each of the resamples.
fn qualities(candidates: &[Candidate], admitted: &[usize], preferences: &Preferences) -> Vec<Resampled> {
    let Some(first) = admitted.first().and_then(|it| candidates[*it].measures.first()) else {
        return Vec::new();
    };
    let robust = |it: &usize| 1.0 - preferences.robustness * candidates[*it].robustness_drop;
    let at = |of: &dyn Fn(&Resampled) -> f64| -> Vec<f64> {
        let weighed = preferences.measures.iter().enumerate();
        let values: Vec<(f64, Vec<f64>)> = weighed
            .map(|(measure, weight)| {
                (
                    *weight,
                    admitted
                        .iter()
                        .map(|it| of(&candidates[*it].measures[measure]))
                        .collect(),
                )
            })
            .collect();
        let measures: Vec<(f64, &[f64])> = values.iter().map(|it| (it.0, it.1.as_slice())).collect();
        let mut combined = vec![0.0; admitted.len()];
        preferences.strategy.combine(&measures, &mut combined);
        combined
            .iter_mut()
            .zip(admitted)
            .for_each(|(quality, it)| *quality *= robust(it));
        combined
    };
    let value = at(&|it| it.value);
    let without: Vec<_> = (0..first.without.len())
        .map(|part| at(&|it| it.without[part]))
        .collect();
    let draws: Vec<_> = (0..first.draws.len())
        .map(|draw| at(&|it| it.draws[draw]))
        .collect();
    let of = |all: &[Vec<f64>], index: usize| all.iter().map(|it| it[index]).collect();
    (0..admitted.len())
        .map(|index| Resampled {
            value: value[index],
            without: of(&without, index),
            draws: of(&draws, index),
        })
        .collect()
}

fn terms(candidate: &Candidate, quality: f64, preferences: &Preferences) -> Terms {
    Terms {
        quality,
        miss: 1.0 - candidate.in_budget,
        floor: preferences.floor,
        latency: candidate.latency.p50 / preferences.budget.max(1e-9),
        stride: 1,
        complexity: candidate.complexity,
    }
}

/// The loss with another quality; NaN where that is.
fn cost(terms: &Terms, quality: f64, weights: &Weights) -> f64 {
    match quality.is_nan() {
        // The formula would take it for none.
        true => quality,
        false => Terms { quality, ..*terms }.cost(weights),
    }
}

/// For each candidate, the share of the resamples in which its loss is the smallest.
fn shares_of_best(losses: &[Resampled], draws: usize) -> Vec<f64> {
    if draws == 0 {
        return Vec::new();
    }
    let mut counts = vec![0.0; losses.len()];
    let mut judged = 0.0;
    for draw in 0..draws {
        let known = losses
            .iter()
            .map(|it| it.draws[draw])
            .enumerate()
            .filter(|it| it.1.is_finite());
        if let Some((best, _)) = known.min_by(|one, other| one.1.total_cmp(&other.1)) {
            counts[best] += 1.0;
            judged += 1.0;
        }
    }
    counts.iter().map(|it| it / f64::max(judged, 1.0)).collect()
}

/// The candidate of the smallest latency that dominates this one.
fn dominating(
    candidates: &[Candidate],
    admitted: &[usize],
    qualities: &[Resampled],
    index: usize,
) -> Option<usize> {
    let figures = |it: usize| {
        let candidate = &candidates[admitted[it]];
        [-qualities[it].value, candidate.latency.p50, candidate.memory]
    };
    let own = figures(index);
    let dominates = |it: &usize| {
        let other = figures(*it);
        let mut pairs = other.iter().zip(&own);
        pairs.all(|(other, own)| other <= own) && other != own
    };
    let others = (0..admitted.len()).filter(dominates);
    let latency = |it: &usize| candidates[admitted[*it]].latency.p50;
    others
        .min_by(|one, other| latency(one).total_cmp(&latency(other)))
        .map(|it| admitted[it])
}

#[cfg(test)]
mod tests;

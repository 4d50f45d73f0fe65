// SPDX-License-Identifier: MPL-2.0

//! What is known of candidates, what is wanted of them, and what of both goes into the loss.

use crate::policy::{Strategy, Terms, Weights};
use crate::recommend::Resampled;

/// One model in one configuration, as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its figures of quality, each 0 to 1, in the order of [`Preferences::measures`]; of one resampling for all
    /// candidates.
    pub measures: Vec<Resampled>,
    pub latency: Latency,
    /// Share of the items that it answers inside the budget, 0 to 1, of the same resampling; `None` where it does so on all.
    pub in_time: Option<Resampled>,
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

impl Candidate {
    /// Share of the items that it answers inside the budget, 0 to 1.
    pub fn in_time(&self) -> f64 {
        self.in_time.as_ref().map_or(1.0, |it| it.value)
    }
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

/// P of each admitted candidate by the strategy, in each of the resamples.
pub(super) fn qualities(
    candidates: &[Candidate],
    admitted: &[usize],
    preferences: &Preferences,
) -> Vec<Resampled> {
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

/// What a quality comes to in the loss, with what a candidate is late on, in each of the resamples; NaN where either says nothing.
pub(super) fn loss(
    candidate: &Candidate,
    quality: &Resampled,
    terms: &Terms,
    weights: &Weights,
) -> Resampled {
    let cost = |quality: f64, miss: f64| match quality.is_nan() || miss.is_nan() {
        // The formula would take it for none.
        true => f64::NAN,
        false => Terms {
            quality,
            miss,
            ..*terms
        }
        .cost(weights),
    };
    match &candidate.in_time {
        Some(in_time) => Resampled::join(&[quality, in_time], |it| cost(it[0], 1.0 - it[1])),
        None => quality.map(|it| cost(it, 0.0)),
    }
}

pub(super) fn terms(candidate: &Candidate, quality: f64, preferences: &Preferences) -> Terms {
    Terms {
        quality,
        miss: 1.0 - candidate.in_time(),
        floor: preferences.floor,
        latency: candidate.latency.p50 / preferences.budget.max(1e-9),
        stride: 1,
        complexity: candidate.complexity,
    }
}

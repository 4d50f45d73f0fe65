// SPDX-License-Identifier: MPL-2.0

//! What the choice is worth where it was not made: chosen on some folds, scored on the one left out.

use gstavrec::policy::Terms;
use gstavrec::recommend::{Candidate, Estimate, Folds, Preferences, Resampling, TooLittle};
use gstavrec::score::Statistic;
use gstavrec::score::evaluation::Evaluation;

use super::candidates::Measured;
use super::contest::Drawn;
use super::findings::{Figure, Findings};

/// Folds, and the time between them in seconds where they are of one clip.
const FOLDS: usize = 5;
const GAP: f64 = 0.5;

/// Tells what is promised of the choice among those that were measured on all of the `most` items and may be chosen. Of a
/// reference nothing is promised, since it agrees with itself on whatever comes.
pub fn promise(
    measured: &[Measured],
    candidates: &[Candidate],
    wishes: &Preferences,
    (drawn, most): (&Drawn, usize),
    whole: &Resampling,
    is_reference: impl Fn(&Measured) -> bool,
    findings: &mut Findings,
) {
    let is_full = |it: &usize| measured[*it].count() == most && candidates[*it].excluded.is_none();
    let full: Vec<usize> = (0..measured.len()).filter(is_full).collect();
    let probabilities: Vec<Primary> = full.iter().map(|it| Primary(&measured[*it].evaluation)).collect();
    let statistics: Vec<&dyn Statistic> = probabilities.iter().map(|it| it as &dyn Statistic).collect();
    let folds = Folds::new(&drawn.items[..most], FOLDS, GAP);
    let loss = |index: usize, quality: f64| {
        let candidate = &candidates[full[index]];
        Terms {
            quality,
            miss: 1.0 - candidate.in_time(),
            floor: wishes.floor,
            latency: candidate.latency.p50 / wishes.budget,
            stride: 1,
            complexity: candidate.complexity,
        }
        .cost(&wishes.weights)
    };
    let choose = |values: &[Option<f64>]| {
        let known = values
            .iter()
            .enumerate()
            .filter_map(|(index, it)| Some((index, loss(index, (*it)?))));
        known
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .map(|it| it.0)
    };
    let Some(promise) = folds.promise(&statistics, whole, choose) else {
        return;
    };
    if is_reference(&measured[full[promise.winner]]) {
        return;
    }
    let told = |it: &Result<Estimate, TooLittle>| {
        it.as_ref()
            .ok()
            .map(|it| Figure::of(&Ok(*it), it.value, it.items))
    };
    findings.promised = told(&promise.promised);
    findings.unpromised = told(&promise.biased);
}

/// P by the task's first measure.
struct Primary<'a>(&'a Evaluation);

impl Statistic for Primary<'_> {
    fn len(&self) -> usize {
        self.0.primary().statistic.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let figure = self.0.primary();
        figure.statistic.value(weights).map(|it| figure.probability(it))
    }
}

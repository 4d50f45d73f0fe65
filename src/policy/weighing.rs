// SPDX-License-Identifier: MPL-2.0

//! The terms of all candidates side by side, and the memory to draw them up without allocating.

use super::objective::{Strategy, Terms, Weights};

/// The last weighing, by candidate; of one that is not there, nothing is expected.
#[derive(Debug, Clone, Default)]
pub(super) struct Weighing {
    pub terms: Vec<Terms>,
    /// What the terms weigh in it.
    pub weights: Weights,
    /// How far the scale of qualities is stretched for regret.
    pub stretch: f64,
    quality: Vec<f64>,
    robustness: Vec<f64>,
    combined: Vec<f64>,
}

impl Weighing {
    /// Makes room for as many candidates.
    pub(super) fn reserve(&mut self, candidates: usize) {
        self.terms.reserve(candidates);
        for it in [&mut self.quality, &mut self.robustness, &mut self.combined] {
            it.reserve(candidates);
        }
    }

    pub(super) fn clear(&mut self) {
        self.terms.clear();
        self.robustness.clear();
    }

    /// Adds the next candidate; one whose robustness was not sampled counts as robust as it is good.
    pub(super) fn push(&mut self, terms: Terms, robustness: Option<f64>) {
        self.terms.push(terms);
        self.robustness.push(robustness.unwrap_or(terms.quality));
    }

    /// Makes one P of quality and robustness.
    pub(super) fn combine(&mut self, strategy: Strategy, robustness_weight: f64) {
        if strategy == Strategy::Weighted && robustness_weight == 0.0 {
            return;
        }
        self.quality.clear();
        self.quality.extend(self.terms.iter().map(|it| it.quality));
        self.combined.resize(self.terms.len(), 0.0);
        let measures: [(f64, &[f64]); 2] = [
            (1.0 - robustness_weight, &self.quality),
            (robustness_weight, &self.robustness),
        ];
        strategy.combine(&measures, &mut self.combined);
        for (terms, combined) in self.terms.iter_mut().zip(&self.combined) {
            terms.quality = *combined;
        }
    }
}

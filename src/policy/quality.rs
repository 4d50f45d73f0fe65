// SPDX-License-Identifier: MPL-2.0

//! What is believed of a candidate's quality: the catalogue's word, corrected by live scores.

use super::Prior;

/// Samples the running mean remembers: enough to average single frames out, few enough to follow a
/// stream whose content changes (specification, section 3.4).
const MEMORY: f64 = 60.0;

/// Standard deviation of one score around the candidate's mean, as assumed before there are scores.
const SCORE_SD: f64 = 0.05;

/// Smallest standard deviation of one score: keeps the posterior humble on a still picture.
const SCORE_SD_FLOOR: f64 = 0.01;

/// Quality and its standard deviation when nobody ever measured it: the middle, and no opinion.
const UNKNOWN: f64 = 0.5;
const UNKNOWN_SD: f64 = 0.25;

/// Quality of the reference when nobody measured it: its answers are the scale, so it is the scale's top.
const REFERENCE: f64 = 1.0;

/// Comparisons that one word of an operator counts for.
const OPERATOR_WEIGHT: f64 = 10.0;

/// Smallest quality: keeps the logarithm of a ratio of qualities finite.
const FLOOR: f64 = 1e-3;

/// Posterior of one candidate's quality: a running mean that begins with the prior, weight one sample.
///
/// The reference keeps its catalogue value: that it agrees with itself is no evidence.
#[derive(Debug, Clone)]
pub(super) struct Quality {
    prior: Prior,
    mean: f64,
    /// Variance of one score around the mean.
    variance: f64,
    /// Samples in the mean, the prior included.
    weight: f64,
    scores: u64,
}

impl Quality {
    pub(super) fn new(prior: Prior) -> Quality {
        let quality = prior
            .quality
            .filter(|it| it.is_finite())
            .map(|it| it.clamp(FLOOR, 1.0));
        let (mean, weight) = match quality {
            Some(quality) => (quality, 1.0),
            None if prior.is_reference => (REFERENCE, 1.0),
            // A weight so small that its standard deviation is the wide one.
            None => (UNKNOWN, (SCORE_SD / UNKNOWN_SD).powi(2)),
        };
        Quality {
            prior,
            mean,
            variance: SCORE_SD * SCORE_SD,
            weight,
            scores: 0,
        }
    }

    /// Takes a new prior; scores that were seen stay, for they say more than the catalogue.
    pub(super) fn update_prior(&mut self, prior: Prior) {
        if self.scores == 0 || prior.is_reference {
            *self = Quality {
                scores: self.scores,
                ..Quality::new(prior)
            };
        } else {
            self.prior = prior;
        }
    }

    /// Takes one score: agreement (0..1) with a reference whose own quality is `reference`.
    pub(super) fn scored(&mut self, agreement: f64, reference: f64) {
        if self.prior.is_reference || !agreement.is_finite() {
            return;
        }
        let quality = (agreement.clamp(0.0, 1.0) * reference).clamp(FLOOR, 1.0);
        self.scores += 1;
        self.weight = (self.weight + 1.0).min(MEMORY);
        let surprise = quality - self.mean;
        self.mean += surprise / self.weight;
        // Only scores teach how scores scatter; the first one mostly tells how wrong the catalogue was.
        if 1 < self.scores {
            let error = surprise * surprise - self.variance;
            self.variance = (self.variance + error / self.weight).max(SCORE_SD_FLOOR * SCORE_SD_FLOOR);
        }
    }

    /// An operator says what an answer is worth, 0..1. A human word outweighs single comparisons, and it is the only
    /// evidence that can correct the reference itself.
    pub(super) fn told(&mut self, score: f64) {
        if !score.is_finite() {
            return;
        }
        self.scores += 1;
        self.weight = (self.weight + OPERATOR_WEIGHT).min(MEMORY);
        self.mean += (score.clamp(FLOOR, 1.0) - self.mean) * OPERATOR_WEIGHT / self.weight;
    }

    pub(super) fn has_prior(&self) -> bool {
        self.prior.quality.is_some()
    }

    pub(super) fn is_reference(&self) -> bool {
        self.prior.is_reference
    }

    /// Posterior mean, at least 0.001 and at most 1.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the posterior mean.
    pub(super) fn sd(&self) -> f64 {
        (self.variance / self.weight).sqrt()
    }

    pub(super) fn scores(&self) -> u64 {
        self.scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(prior: Option<f64>) -> Quality {
        Quality::new(Prior {
            quality: prior,
            ..Prior::default()
        })
    }

    #[test]
    fn the_prior_weighs_one_sample() {
        let mut it = quality(Some(0.9));
        it.scored(0.5, 1.0);
        assert!((it.mean() - 0.7).abs() < 1e-9);
    }

    #[test]
    fn a_score_is_agreement_times_the_quality_of_the_reference() {
        let mut it = quality(None);
        for _ in 0..200 {
            it.scored(0.9, 0.8);
        }
        assert!((it.mean() - 0.72).abs() < 1e-3, "{}", it.mean());
        assert_eq!(it.scores(), 200);
    }

    #[test]
    fn an_unknown_quality_is_the_middle_with_a_wide_doubt_and_learns_at_once() {
        let mut it = quality(None);
        assert_eq!(it.mean(), 0.5);
        assert!((it.sd() - 0.25).abs() < 1e-9);
        it.scored(0.9, 1.0);
        assert!((it.mean() - 0.885).abs() < 0.001, "{}", it.mean()); // (0.04 * 0.5 + 0.9) / 1.04
        assert!(it.sd() < 0.06);
    }

    #[test]
    fn the_reference_keeps_its_catalogue_value() {
        let mut it = Quality::new(Prior {
            quality: Some(0.92),
            is_reference: true,
            ..Prior::default()
        });
        it.scored(1.0, 0.92);
        assert_eq!((it.mean(), it.scores()), (0.92, 0));
        assert_eq!(
            Quality::new(Prior {
                is_reference: true,
                ..Prior::default()
            })
            .mean(),
            1.0
        );
    }

    #[test]
    fn old_scores_fade_after_sixty_samples() {
        let mut it = quality(Some(0.9));
        (0..500).for_each(|_| it.scored(0.9, 1.0));
        (0..180).for_each(|_| it.scored(0.6, 1.0));
        assert!(it.mean() < 0.62, "{}", it.mean());
    }

    #[test]
    fn scattering_scores_leave_more_doubt_than_steady_ones() {
        let (mut steady, mut scattered) = (quality(Some(0.8)), quality(Some(0.8)));
        for i in 0..60 {
            steady.scored(0.8, 1.0);
            scattered.scored(if i % 2 == 0 { 0.6 } else { 1.0 }, 1.0);
        }
        assert!(3.0 * steady.sd() < scattered.sd());
    }

    #[test]
    fn an_operators_word_outweighs_single_scores_and_corrects_the_reference() {
        let mut it = Quality::new(Prior {
            quality: Some(0.9),
            is_reference: true,
            ..Prior::default()
        });
        it.told(0.2);
        assert!(it.mean() < 0.3, "{}", it.mean());
        (0..60).for_each(|_| it.scored(1.0, 1.0));
        assert!(it.mean() < 0.3, "that it agrees with itself is no evidence");
    }

    #[test]
    fn a_score_that_is_no_number_changes_nothing() {
        let mut it = quality(Some(0.8));
        it.scored(f64::NAN, 1.0);
        assert_eq!((it.mean(), it.scores()), (0.8, 0));
    }
}

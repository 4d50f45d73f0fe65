// SPDX-License-Identifier: MPL-2.0

//! What is believed of a candidate's quality: the catalogue's word, corrected by live scores.

use super::{Evidence, Prior, Source};

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

/// Scores after which one far from the mean can be told from a catalogue that is wrong.
const SETTLED: u64 = 4;

/// Standard deviations, of single scores and of the mean together, beyond which a score says that the content has changed:
/// chosen by replay on worlds with cuts.
const JUMP: f64 = 2.5;

/// What a change of content leaves of the weight of what was seen before: an eighth of sixty scores is a tenth of what the
/// same number of new ones weighs. Chosen by replay.
const KEPT: f64 = 1.0 / 8.0;

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
    /// Comparisons with the reference that the mean is worth, the prior included.
    weight: f64,
    /// How much of the weight came from each kind of evidence, in the order of [`Evidence::ALL`], and from operators.
    shares: [f64; Evidence::ALL.len()],
    operators: f64,
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
            shares: [0.0; Evidence::ALL.len()],
            operators: 0.0,
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

    /// Takes one score, 0..1. One that says how near the candidate comes to the reference counts by what the
    /// `reference` itself is worth, and says nothing of the reference.
    pub(super) fn scored(&mut self, score: f64, reference: f64, evidence: Evidence) {
        if self.prior.is_reference || !score.is_finite() {
            return;
        }
        let quality = quality_of(score, reference, evidence);
        let weight = evidence.weight();
        self.scores += 1;
        self.gain(weight);
        let kind = Evidence::ALL.iter().position(|it| *it == evidence);
        if let Some(share) = kind.and_then(|it| self.shares.get_mut(it)) {
            *share += weight;
        }
        let surprise = quality - self.mean;
        self.mean += surprise * weight / self.weight;
        // Only scores teach how scores scatter; the first one mostly tells how wrong the catalogue was. What is known to
        // scatter more says as much less of the rest.
        if 1 < self.scores {
            let error = weight * surprise * surprise - self.variance;
            let learned = self.variance + error * weight / self.weight;
            // Weak evidence may be steadily wrong: it can add doubt, but takes none away.
            let floor = match evidence {
                Evidence::Agreement => SCORE_SD_FLOOR * SCORE_SD_FLOOR,
                _ => self.variance,
            };
            self.variance = learned.max(floor);
        }
    }

    /// Whether such a score says that the content has changed: it lies farther from the mean than scores scatter.
    pub(super) fn is_jump(&self, score: f64, reference: f64, evidence: Evidence) -> bool {
        let spread = self.variance / evidence.weight() + self.variance / self.weight + SCORE_SD_FLOOR.powi(2);
        let surprise = quality_of(score, reference, evidence) - self.mean;
        !self.prior.is_reference && SETTLED < self.scores && JUMP * spread.sqrt() < surprise.abs()
    }

    /// The content has changed: what was seen before counts little, but for as much as one score.
    pub(super) fn content_changed(&mut self) {
        let weight = (self.weight * KEPT).max(1.0).min(self.weight);
        self.fade(weight / self.weight);
        self.weight = weight;
    }

    /// Adds a weight; beyond the memory, what was there fades for it.
    fn gain(&mut self, weight: f64) {
        let whole = self.weight + weight;
        self.weight = whole.min(MEMORY);
        self.fade(self.weight / whole);
    }

    /// What the mean rests on counts so much less beside what is to come.
    fn fade(&mut self, kept: f64) {
        self.shares
            .iter_mut()
            .chain([&mut self.operators])
            .for_each(|it| *it *= kept);
    }

    /// An operator says what an answer is worth, 0..1. A human word outweighs single comparisons, and it is the only
    /// evidence that can correct the reference itself.
    pub(super) fn rated(&mut self, score: f64) {
        if !score.is_finite() {
            return;
        }
        self.scores += 1;
        self.gain(OPERATOR_WEIGHT);
        self.operators += OPERATOR_WEIGHT;
        self.mean += (score.clamp(FLOOR, 1.0) - self.mean) * OPERATOR_WEIGHT / self.weight;
    }

    /// What the mean mostly rests on.
    pub(super) fn source(&self) -> Source {
        let kinds = Evidence::ALL.into_iter().zip(self.shares);
        let scored = kinds.map(|(kind, share)| (Source::Scored(kind), share));
        let all = scored.chain([(Source::Operator, self.operators)]);
        let most = all
            .filter(|it| 0.0 < it.1)
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let unscored = match self.prior.quality {
            Some(_) => Source::Catalogue,
            None => Source::Unknown,
        };
        most.map_or(unscored, |it| it.0)
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

/// What a score says of the quality, 0..1: one that tells how near a candidate comes to the reference counts by what that
/// itself is worth.
fn quality_of(score: f64, reference: f64, evidence: Evidence) -> f64 {
    let scale = if evidence.is_relative() { reference } else { 1.0 };
    (score.clamp(0.0, 1.0) * scale).clamp(FLOOR, 1.0)
}

#[cfg(test)]
mod tests {
    use super::Evidence::{Agreement, Claimed, Restoration, Stability};
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
        it.scored(0.5, 1.0, Agreement);
        assert!((it.mean() - 0.7).abs() < 1e-9);
    }

    #[test]
    fn a_score_is_agreement_times_the_quality_of_the_reference() {
        let mut it = quality(None);
        for _ in 0..200 {
            it.scored(0.9, 0.8, Agreement);
        }
        assert!((it.mean() - 0.72).abs() < 1e-3, "{}", it.mean());
        assert_eq!(it.scores(), 200);
    }

    #[test]
    fn an_unknown_quality_is_the_middle_with_a_wide_doubt_and_learns_at_once() {
        let mut it = quality(None);
        assert_eq!(it.mean(), 0.5);
        assert!((it.sd() - 0.25).abs() < 1e-9);
        it.scored(0.9, 1.0, Agreement);
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
        it.scored(1.0, 0.92, Agreement);
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
        (0..500).for_each(|_| it.scored(0.9, 1.0, Agreement));
        (0..180).for_each(|_| it.scored(0.6, 1.0, Agreement));
        assert!(it.mean() < 0.62, "{}", it.mean());
    }

    #[test]
    fn scattering_scores_leave_more_doubt_than_steady_ones() {
        let (mut steady, mut scattered) = (quality(Some(0.8)), quality(Some(0.8)));
        for i in 0..60 {
            steady.scored(0.8, 1.0, Agreement);
            scattered.scored(if i % 2 == 0 { 0.6 } else { 1.0 }, 1.0, Agreement);
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
        it.rated(0.2);
        assert!(it.mean() < 0.3, "{}", it.mean());
        (0..60).for_each(|_| it.scored(1.0, 1.0, Agreement));
        assert!(it.mean() < 0.3, "that it agrees with itself is no evidence");
    }

    #[test]
    fn a_score_that_is_no_number_changes_nothing() {
        let mut it = quality(Some(0.8));
        it.scored(f64::NAN, 1.0, Agreement);
        assert_eq!((it.mean(), it.scores()), (0.8, 0));
    }

    #[test]
    fn weaker_evidence_moves_the_mean_by_its_weight() {
        let mut it = quality(Some(0.9));
        it.scored(0.5, 1.0, Restoration);
        // A weight of 1 against one of 0.25.
        assert!(
            (it.mean() - (0.9 + 0.25 * 0.5) / 1.25).abs() < 1e-9,
            "{}",
            it.mean()
        );
        it.scored(0.1, 1.0, Stability);
        assert!(
            (it.mean() - (0.9 + 0.25 * 0.5 + 0.04 * 0.1) / 1.29).abs() < 1e-9,
            "{}",
            it.mean()
        );
    }

    #[test]
    fn what_does_not_rest_on_the_reference_does_not_inherit_its_faults() {
        let (mut absolute, mut relative) = (quality(None), quality(None));
        for _ in 0..500 {
            absolute.scored(0.9, 0.5, Restoration);
            relative.scored(0.9, 0.5, Evidence::Calibrated);
        }
        assert!((absolute.mean() - 0.9).abs() < 0.01, "{}", absolute.mean());
        assert!((relative.mean() - 0.45).abs() < 0.01, "{}", relative.mean());
    }

    #[test]
    fn one_good_comparison_outweighs_many_claims() {
        let mut it = quality(None);
        (0..10).for_each(|_| it.scored(1.0, 1.0, Claimed));
        it.scored(0.4, 1.0, Agreement);
        assert!(it.mean() < 0.6, "{}", it.mean());
    }

    #[test]
    fn weak_evidence_leaves_its_doubt_however_steady_it_is() {
        let mut it = quality(None);
        (0..59).for_each(|_| it.scored(1.0, 1.0, Stability));
        // 60 times (0.05 / 0.25)², the prior included, are 2.4 comparisons.
        assert!(0.05 / 2.4f64.sqrt() - 1e-9 <= it.sd(), "{}", it.sd());
    }

    #[test]
    fn the_source_is_what_the_mean_mostly_rests_on() {
        let mut it = quality(None);
        assert_eq!(it.source(), Source::Unknown);
        assert_eq!(quality(Some(0.5)).source(), Source::Catalogue);
        it.scored(0.9, 1.0, Stability);
        assert_eq!(it.source(), Source::Scored(Stability));
        it.scored(0.9, 1.0, Agreement);
        assert_eq!(it.source(), Source::Scored(Agreement));
        it.rated(0.9);
        assert_eq!(it.source(), Source::Operator);
        (0..200).for_each(|_| it.scored(0.9, 1.0, Agreement));
        assert_eq!(it.source(), Source::Scored(Agreement), "an old word fades");
    }
}

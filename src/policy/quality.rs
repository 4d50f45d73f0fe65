// SPDX-License-Identifier: MPL-2.0

//! What is believed of a candidate's quality: the catalogue's word, corrected by live scores.

use super::knowledge::KnownQuality;
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

/// Bounds of the comparisons that a prior counts for by its interval: as little as no opinion, and as much as an operator's
/// word, since what was measured on other material need not hold for this stream.
const PRIOR_WEIGHT: (f64, f64) = (0.04, 10.0);

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
    /// The same of what was learned in an earlier stream.
    recalled: f64,
    scores: u64,
}

impl Quality {
    pub(super) fn new(prior: Prior) -> Quality {
        let quality = prior
            .quality
            .filter(|it| it.is_finite())
            .map(|it| it.clamp(FLOOR, 1.0));
        let (mean, weight) = match quality {
            Some(quality) => {
                let sd = prior.quality_sd.filter(|it| it.is_finite());
                (quality, sd.map_or(1.0, weight_of))
            }
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
            recalled: 0.0,
            scores: 0,
        }
    }

    /// Begins with what was learned in an earlier stream, unless the prior says more, or scores were seen. Of the reference
    /// nothing is learned.
    pub(super) fn recall(&mut self, known: &KnownQuality) {
        if 0 < self.scores || self.prior.is_reference || known.weight <= self.weight {
            return;
        }
        self.mean = known.mean.clamp(FLOOR, 1.0);
        self.variance = known.score_sd.powi(2).max(SCORE_SD_FLOOR * SCORE_SD_FLOOR);
        self.weight = known.weight.min(MEMORY);
        self.recalled = self.weight;
    }

    /// What is known of it, where scores were seen: more than the catalogue's word, and than that of an earlier stream.
    pub(super) fn known(&self) -> Option<KnownQuality> {
        let is_learned = 0 < self.scores;
        (is_learned && !self.prior.is_reference).then(|| KnownQuality {
            mean: self.mean,
            score_sd: self.variance.sqrt(),
            weight: self.weight,
        })
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
            .chain([&mut self.operators, &mut self.recalled])
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
        let all = scored.chain([
            (Source::Operator, self.operators),
            (Source::Recalled, self.recalled),
        ]);
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

/// Comparisons that a prior of this standard deviation counts for.
fn weight_of(sd: f64) -> f64 {
    let weight = (SCORE_SD / sd.abs().max(1e-6)).powi(2);
    weight.clamp(PRIOR_WEIGHT.0, PRIOR_WEIGHT.1)
}

/// What a score says of the quality, 0..1: one that tells how near a candidate comes to the reference counts by what that
/// itself is worth.
pub(super) fn quality_of(score: f64, reference: f64, evidence: Evidence) -> f64 {
    let scale = if evidence.is_relative() { reference } else { 1.0 };
    (score.clamp(0.0, 1.0) * scale).clamp(FLOOR, 1.0)
}

#[cfg(test)]
mod tests;

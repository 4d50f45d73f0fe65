// SPDX-License-Identifier: MPL-2.0

//! Whether live quality is what the catalogue says: its prior has an interval, the scores of late have one, and where the
//! two lie apart, the prior does not hold for this stream.

use super::Prior;

/// Standard deviations from the mean to either end of an interval with 95 %.
const SIDES: f64 = 1.96;

/// Standard deviation of a prior that somebody has told without an interval.
const TOLD_SD: f64 = 0.05;

/// Comparisons that the scores of late must be worth, so that their scatter is known.
const ENOUGH: f64 = 5.0;

/// Comparisons that are remembered, as many as a quality's mean does.
const MEMORY: f64 = 60.0;

/// What a change of content leaves of their weight, as of that of a quality.
const KEPT: f64 = 1.0 / 8.0;

/// Smallest standard deviation of single scores: answers to a still picture say one thing again and again.
const SCORE_SD_FLOOR: f64 = 0.02;

/// A mean, and between which values it lies with 95 %, 0..1 each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// That a candidate's quality is another than the catalogue's, or that it is not any more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Whether it is; `false` where it has come back.
    pub is_apart: bool,
    pub prior: Range,
    pub live: Range,
    /// Decisions since the mean of the scores went out of the prior's interval, or in again.
    pub age: u64,
}

/// Watches the scores of one candidate.
#[derive(Debug, Clone)]
pub(super) struct DriftWatch {
    /// `None` where nobody told a prior, and of the reference.
    prior: Option<Range>,
    mean: f64,
    /// Weighted sum of the squares of what scores were off the mean.
    spread: f64,
    weight: f64,
    /// On which side of the prior's interval the mean is, and since which decision.
    is_outside: bool,
    since: u64,
    is_told: bool,
}

impl DriftWatch {
    pub(super) fn new(prior: &Prior) -> DriftWatch {
        DriftWatch {
            prior: range(prior),
            mean: 0.0,
            spread: 0.0,
            weight: 0.0,
            is_outside: false,
            since: 0,
            is_told: false,
        }
    }

    /// Takes another prior; scores that were seen stay.
    pub(super) fn update_prior(&mut self, prior: &Prior) {
        self.prior = range(prior);
    }

    /// Takes one score of quality, 0..1, at this decision; returns what is new.
    pub(super) fn scored(&mut self, frame: u64, quality: f64, weight: f64) -> Option<Drift> {
        if !quality.is_finite() {
            return None;
        }
        self.learn(quality, weight);
        let (prior, live) = (self.prior?, self.live());
        let is_outside = live.mean < prior.low || prior.high < live.mean;
        if is_outside != self.is_outside {
            (self.is_outside, self.since) = (is_outside, frame);
        }
        // To tell that they lie apart takes both intervals, to take it back the mean.
        let is_apart = match self.is_told {
            true => is_outside,
            false => live.high < prior.low || prior.high < live.low,
        };
        if self.weight < ENOUGH || is_apart == self.is_told {
            return None;
        }
        self.is_told = is_apart;
        Some(Drift {
            is_apart,
            prior,
            live,
            age: frame.saturating_sub(self.since),
        })
    }

    /// The content has changed: what was seen before counts little.
    pub(super) fn content_changed(&mut self) {
        self.weight *= KEPT;
        self.spread *= KEPT;
    }

    fn learn(&mut self, quality: f64, weight: f64) {
        let whole = self.weight + weight;
        let kept = (MEMORY / whole).min(1.0);
        let surprise = quality - self.mean;
        self.mean += surprise * weight / whole;
        // Welford's update of the sum of squares.
        self.spread = (self.spread + weight * surprise * (quality - self.mean)) * kept;
        self.weight = whole * kept;
    }

    /// Mean of the scores of late, and its interval.
    fn live(&self) -> Range {
        let variance = self.spread / (self.weight - 1.0).max(1.0);
        let sd = variance.sqrt().max(SCORE_SD_FLOOR) / self.weight.sqrt();
        around(self.mean, sd)
    }
}

fn range(prior: &Prior) -> Option<Range> {
    let quality = prior.quality.filter(|it| it.is_finite() && !prior.is_reference)?;
    let sd = prior.quality_sd.filter(|it| it.is_finite());
    Some(around(quality, sd.unwrap_or(TOLD_SD)))
}

fn around(mean: f64, sd: f64) -> Range {
    Range {
        mean,
        low: (mean - SIDES * sd).max(0.0),
        high: (mean + SIDES * sd).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(quality: f64, sd: Option<f64>) -> DriftWatch {
        DriftWatch::new(&Prior {
            quality: Some(quality),
            quality_sd: sd,
            ..Prior::default()
        })
    }

    #[test]
    fn a_wrong_prior_is_told_once_and_once_more_when_it_is_right_again() {
        let mut it = watch(0.9, None);
        let scores = |from: u64, to: u64, quality: f64| {
            move |it: &mut DriftWatch| -> Vec<(u64, Drift)> {
                let told = (from..to).filter_map(|at| Some((at, it.scored(at, quality, 1.0)?)));
                told.collect()
            }
        };
        assert_eq!(scores(0, 20, 0.88)(&mut it), []);
        let told = scores(20, 100, 0.6)(&mut it);
        let [(at, drift)] = told[..] else {
            panic!("{told:?}")
        };
        assert!(drift.is_apart && 20 <= at - drift.age, "{drift:?}");
        assert!(drift.live.high < drift.prior.low);
        assert_eq!(drift.prior.mean, 0.9);
        let told = scores(100, 300, 0.9)(&mut it);
        assert!(
            matches!(told[..], [(_, Drift { is_apart: false, .. })]),
            "{told:?}"
        );
    }

    #[test]
    fn a_prior_that_is_sure_is_doubted_sooner_and_one_that_nobody_told_never() {
        let first =
            |mut it: DriftWatch, quality: f64| (0..60).find(|at| it.scored(*at, quality, 1.0).is_some());
        assert_eq!(first(watch(0.9, Some(0.005)), 0.85), Some(4));
        assert_eq!(first(watch(0.9, None), 0.85), None);
        assert_eq!(first(DriftWatch::new(&Prior::default()), 0.1), None);
        let reference = Prior {
            quality: Some(0.9),
            is_reference: true,
            ..Prior::default()
        };
        assert_eq!(first(DriftWatch::new(&reference), 0.1), None);
        assert_eq!(first(watch(0.9, Some(f64::NAN)), f64::NAN), None);
    }

    #[test]
    fn a_few_scores_and_weak_ones_are_not_enough() {
        let mut it = watch(0.9, None);
        assert!((0..4).all(|at| it.scored(at, 0.3, 1.0).is_none()));
        let mut it = watch(0.9, None);
        assert!((0..100).all(|at| it.scored(at, 0.3, 0.04).is_none()));
        let mut it = watch(0.9, None);
        (0..3).for_each(|at| assert!(it.scored(at, 0.3, 1.0).is_none()));
        it.content_changed();
        assert!((3..6).all(|at| it.scored(at, 0.3, 1.0).is_none()));
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What a side is worth now, without labels: how right its answers of late probably were, by how sure it was of them.
//!
//! The estimate is ATC of Garg, Balakrishnan, Lipton, Neyshabur and Sedghi, "Leveraging unlabeled data to predict
//! out-of-distribution performance", ICLR 2022: the threshold of confidence above which as large a share of the answers lies,
//! where the fusion was fitted, as were right; the share above it now is how many are probably right now.

use std::time::Duration;

/// Answers that what was measured counts for, so that a few do not overthrow it.
const PRIOR: f64 = 2.0;

/// What was measured of a side where the fusion was fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Confidence above which that share of the answers lies.
    pub threshold: f64,
}

impl Measured {
    /// Of answers, each with the probability that it gave its best class and whether that was right; `None` without any.
    pub fn of(answers: &[(f64, bool)]) -> Option<Measured> {
        let right = answers.iter().filter(|it| it.1).count();
        let mut confidences: Vec<f64> = answers.iter().map(|it| it.0).collect();
        confidences.sort_by(|one, other| other.total_cmp(one));
        let last = confidences.len().checked_sub(1)?;
        Some(Measured {
            accuracy: right as f64 / answers.len() as f64,
            threshold: confidences[right.saturating_sub(1).min(last)],
        })
    }
}

/// The answers of late of one side. An answer counts less by 1/e after each `memory`, in time of the stream.
#[derive(Debug, Clone)]
pub struct Worth {
    measured: Option<Measured>,
    chance: f64,
    memory: Duration,
    sure: f64,
    count: f64,
    last: Option<Duration>,
}

impl Worth {
    /// Of answers with so many classes. Without `measured`, or with a `memory` of zero, it stays 1.
    pub fn new(measured: Option<Measured>, classes: usize, memory: Duration) -> Worth {
        Worth {
            measured: measured.filter(|_| !memory.is_zero()),
            chance: 1.0 / classes.max(1) as f64,
            memory,
            sure: 0.0,
            count: 0.0,
            last: None,
        }
    }

    /// Takes in an answer at a time of the stream with the probability of its best class. One before the last begins anew,
    /// as after a seek.
    pub fn hear(&mut self, time: Duration, confidence: f64) {
        let Some(measured) = self.measured else { return };
        let kept = match self.last {
            Some(last) if last <= time => (-(time - last).as_secs_f64() / self.memory.as_secs_f64()).exp(),
            _ => 0.0,
        };
        self.last = Some(time);
        (self.sure, self.count) = (self.sure * kept, self.count * kept + 1.0);
        if measured.threshold <= confidence {
            self.sure += 1.0;
        }
    }

    /// How likely its answers are right now, 0 to 1; `None` where nothing was measured.
    pub fn accuracy(&self) -> Option<f64> {
        let measured = self.measured?;
        Some((self.sure + PRIOR * measured.accuracy) / (self.count + PRIOR))
    }

    /// What is left of its advantage over chance, 0 to 1. `told` is how likely the model that answered is right, where
    /// somebody knows that (a switch between several), 0 to 1.
    pub fn now(&self, told: Option<f64>) -> f64 {
        let above_chance = |accuracy: f64, best: f64| {
            let most = best - self.chance;
            if most <= 0.0 {
                1.0
            } else {
                ((accuracy - self.chance) / most).clamp(0.0, 1.0)
            }
        };
        let best = self.measured.map_or(1.0, |it| it.accuracy);
        let heard = self.accuracy().map_or(1.0, |it| above_chance(it, best));
        let told = told
            .filter(|it| it.is_finite())
            .map_or(1.0, |it| above_chance(it, best));
        heard * told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURED: Measured = Measured {
        accuracy: 0.8,
        threshold: 0.6,
    };

    fn heard(confidences: impl Iterator<Item = f64>) -> Worth {
        let mut worth = Worth::new(Some(MEASURED), 5, Duration::from_secs(2));
        for (at, confidence) in (0u64..).zip(confidences) {
            worth.hear(Duration::from_millis(100 * at), confidence);
        }
        worth
    }

    #[test]
    fn the_threshold_has_as_many_above_as_are_right() {
        let answers = [(0.9, true), (0.8, false), (0.7, true), (0.3, true), (0.2, false)];
        let measured = Measured::of(&answers).unwrap();
        assert_eq!((measured.accuracy, measured.threshold), (0.6, 0.7));
        assert_eq!(Measured::of(&[]), None);
        assert_eq!(Measured::of(&[(0.4, false)]).unwrap().accuracy, 0.0);
    }

    #[test]
    fn a_side_that_is_as_sure_as_ever_is_worth_all_and_one_that_is_not_less() {
        assert_eq!(heard(std::iter::empty()).now(None), 1.0);
        assert_eq!(heard((0..100).map(|_| 0.9)).now(None), 1.0);
        let unsure = heard((0..100).map(|_| 0.4));
        assert!(unsure.accuracy().unwrap() < 0.1 && unsure.now(None) < 1e-9);
        let half = heard((0..200).map(|it| if it % 2 == 0 { 0.9 } else { 0.4 }));
        assert!(
            (half.now(None) - 0.5).abs() < 0.06,
            "0.5 of 0.8 is half above chance: {half:?}"
        );
    }

    #[test]
    fn it_recovers_begins_anew_and_takes_what_it_is_told() {
        let back = heard((0..200).map(|it| if it < 100 { 0.1 } else { 0.9 }));
        assert!(0.95 < back.now(None));
        let mut sought = heard((0..100).map(|_| 0.1));
        sought.hear(Duration::ZERO, 0.9);
        assert!(0.9 < sought.now(None));
        let plain = Worth::new(None, 5, Duration::from_secs(2));
        assert_eq!(
            (plain.now(None), plain.now(Some(0.2)), plain.now(Some(f64::NAN))),
            (1.0, 0.0, 1.0)
        );
        assert!((plain.now(Some(0.6)) - 0.5).abs() < 1e-9);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What a side is worth now, without labels: how right its answers of late probably are, by how sure it is of them.
//!
//! The estimate is the difference of confidences of Guillory, Shankar, Ebrahimi, Darrell and Schmidt, "Predicting with
//! confidence on unseen distributions", ICCV 2021: accuracy falls as much as mean confidence does. On made-up events with one
//! side spoiled each minute it gave more than the share of answers above a threshold (Garg and others, ICLR 2022): 0.3 to 0.8
//! points over fixed weights, where knowing what was spoiled gives 2.3. A model that is sure and wrong is not found out.

use std::time::Duration;

/// Answers that what was measured counts for, so that a few do not overthrow it.
const PRIOR: f64 = 2.0;

/// What was measured of a side where the fusion was fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean probability that calibrated answers gave their best class, 0 to 1.
    pub confidence: f64,
}

impl Measured {
    /// Of answers, each with the probability that it gave its best class and whether that was right; `None` without any.
    pub fn of(answers: &[(f64, bool)]) -> Option<Measured> {
        let count = answers.len() as f64;
        let right = answers.iter().filter(|it| it.1).count() as f64;
        let sum: f64 = answers.iter().map(|it| it.0).sum();
        (0.0 < count).then(|| Measured {
            accuracy: right / count,
            confidence: sum / count,
        })
    }
}

/// The answers of late of one side. An answer counts less by 1/e after each `memory`, in time of the stream.
#[derive(Debug, Clone)]
pub struct Worth {
    measured: Option<Measured>,
    chance: f64,
    memory: Duration,
    sum: f64,
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
            sum: 0.0,
            count: 0.0,
            last: None,
        }
    }

    /// Takes in an answer at a time of the stream with the probability of its best class. One before the last begins anew,
    /// as after a seek.
    pub fn hear(&mut self, time: Duration, confidence: f64) {
        let kept = match self.last {
            Some(last) if last <= time => (-(time - last).as_secs_f64() / self.memory.as_secs_f64()).exp(),
            _ => 0.0,
        };
        self.last = Some(time);
        (self.sum, self.count) = (self.sum * kept + confidence, self.count * kept + 1.0);
    }

    /// Begins anew, as before the first answer.
    pub fn forget(&mut self) {
        (self.sum, self.count, self.last) = (0.0, 0.0, None);
    }

    /// How likely its answers are right now, 0 to 1; `None` where nothing was measured.
    pub fn accuracy(&self) -> Option<f64> {
        let measured = self.measured?;
        let confidence = (self.sum + PRIOR * measured.confidence) / (self.count + PRIOR);
        Some((measured.accuracy + confidence - measured.confidence).clamp(0.0, 1.0))
    }

    /// What is left of its advantage over chance, 0 to 1.
    pub fn now(&self) -> f64 {
        let Some((measured, accuracy)) = self.measured.zip(self.accuracy()) else {
            return 1.0;
        };
        let most = measured.accuracy - self.chance;
        if most <= 0.0 {
            return 1.0;
        }
        ((accuracy - self.chance) / most).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURED: Measured = Measured {
        accuracy: 0.8,
        confidence: 0.85,
    };

    fn heard(confidences: impl Iterator<Item = f64>) -> Worth {
        let mut worth = Worth::new(Some(MEASURED), 5, Duration::from_secs(2));
        for (at, confidence) in (0u64..).zip(confidences) {
            worth.hear(Duration::from_millis(100 * at), confidence);
        }
        worth
    }

    #[test]
    fn accuracy_and_mean_confidence_are_measured() {
        let measured = Measured::of(&[(0.9, true), (0.8, false), (0.7, true), (0.2, true)]).unwrap();
        assert_eq!(measured.accuracy, 0.75);
        assert!((measured.confidence - 0.65).abs() < 1e-12);
        assert_eq!(Measured::of(&[]), None);
    }

    #[test]
    fn a_side_that_is_as_sure_as_ever_is_worth_all_and_one_that_is_not_less() {
        assert!((heard(std::iter::empty()).now() - 1.0).abs() < 1e-12);
        assert_eq!(heard((0..100).map(|_| 0.9)).now(), 1.0);
        let unsure = heard((0..200).map(|_| 0.2));
        assert!(unsure.accuracy().unwrap() < 0.25 && unsure.now() < 0.1);
        // 0.3 less sure is 0.3 less right: half of what lies above chance.
        let half = heard((0..400).map(|_| 0.55));
        assert!((half.now() - 0.5).abs() < 0.06, "{half:?}");
    }

    #[test]
    fn it_recovers_begins_anew_and_without_a_measure_stays() {
        let back = heard((0..200).map(|it| if it < 100 { 0.1 } else { 0.9 }));
        assert!(0.95 < back.now());
        let mut sought = heard((0..100).map(|_| 0.1));
        sought.hear(Duration::ZERO, 0.9);
        assert!(0.9 < sought.now());
        let mut plain = Worth::new(None, 5, Duration::from_secs(2));
        plain.hear(Duration::ZERO, 0.1);
        assert_eq!(plain.now(), 1.0);
        let mut fixed = Worth::new(Some(MEASURED), 5, Duration::ZERO);
        fixed.hear(Duration::ZERO, 0.1);
        assert_eq!(fixed.now(), 1.0);
    }
}

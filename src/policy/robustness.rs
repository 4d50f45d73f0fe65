// SPDX-License-Identifier: MPL-2.0

//! How steady a candidate's answers are under small known perturbations of the frame.

/// Samples that the running mean remembers.
const MEMORY: f64 = 30.0;

/// Running mean of the agreement of an answer with the answer to the perturbed frame, 0..1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Robustness {
    mean: f64,
    weight: f64,
}

impl Robustness {
    pub(super) fn sampled(&mut self, agreement: f64) {
        if !agreement.is_finite() {
            return;
        }
        self.weight = (self.weight + 1.0).min(MEMORY);
        self.mean += (agreement.clamp(0.0, 1.0) - self.mean) / self.weight;
    }

    /// `None` before the first sample.
    pub(super) fn mean(self) -> Option<f64> {
        (0.0 < self.weight).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_before_the_first_sample() {
        let mut robustness = Robustness::default();
        assert_eq!(robustness.mean(), None);
        robustness.sampled(f64::NAN);
        assert_eq!(robustness.mean(), None);
        robustness.sampled(0.9);
        robustness.sampled(0.7);
        assert!((robustness.mean().unwrap() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn old_samples_fade() {
        let mut robustness = Robustness::default();
        (0..100).for_each(|_| robustness.sampled(1.0));
        (0..100).for_each(|_| robustness.sampled(0.5));
        assert!(robustness.mean().unwrap() < 0.52);
    }
}

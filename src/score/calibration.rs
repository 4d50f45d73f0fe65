// SPDX-License-Identifier: MPL-2.0

//! What a model's confidence is worth: how often an answer of that confidence agrees with the reference.

/// Bins of confidence, as the reliability diagrams of Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
/// Networks", ICML 2017, have them.
const BINS: usize = 10;

/// Observations that the model's own word counts for in each bin: as weak as a prior can be that still bridges gaps.
const SHRINKAGE: f64 = 4.0;

/// Observations of a bin that are remembered, so that a stream whose content changes is followed.
const MEMORY: f64 = 500.0;

/// Observations from which on the confidences count as calibrated: some for each bin that is in use.
const ENOUGH: u64 = 40;

/// Probability of agreement by confidence: a histogram, shrunk towards the model's own confidence and made monotone.
///
/// Histogram binning is Zadrozny and Elkan's ("Obtaining calibrated probability estimates from decision trees and naive
/// Bayesian classifiers", ICML 2001), the monotone fit theirs of KDD 2002 (pool adjacent violators): a more
/// confident answer is never taken for less likely.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    bins: [Bin; BINS],
    observations: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    agreed: f64,
    count: f64,
}

impl Calibration {
    /// Takes in whether an answer of that confidence agreed with the reference. A confidence that is no number counts for
    /// nothing, one outside of 0..1 as the nearer end.
    pub fn observe(&mut self, confidence: f32, agreed: bool) {
        if confidence.is_nan() {
            return;
        }
        let bin = &mut self.bins[bin(confidence)];
        if MEMORY <= bin.count {
            let kept = (MEMORY - 1.0) / bin.count;
            (bin.agreed, bin.count) = (bin.agreed * kept, bin.count * kept);
        }
        bin.agreed += f64::from(u8::from(agreed));
        bin.count += 1.0;
        self.observations += 1;
    }

    /// Probability that an answer of that confidence agrees with the reference, 0 to 1, rising with the confidence; the
    /// confidence itself before there were observations.
    pub fn probability(&self, confidence: f32) -> f64 {
        if confidence.is_nan() {
            return 0.0;
        }
        if self.observations == 0 {
            return f64::from(confidence).clamp(0.0, 1.0);
        }
        // Between the middles of the bins on a straight line, so that no step amplifies a jitter.
        let levels = self.levels();
        let place = f64::from(confidence).clamp(0.0, 1.0) * BINS as f64 - 0.5;
        let below = place.clamp(0.0, (BINS - 1) as f64).floor();
        let share = (place - below).clamp(0.0, 1.0);
        let below = below as usize;
        let above = (below + 1).min(BINS - 1);
        levels[below] + share * (levels[above] - levels[below])
    }

    /// Whether so many answers were compared that [`Calibration::probability`] is more than the model's own word.
    pub fn is_calibrated(&self) -> bool {
        ENOUGH <= self.observations
    }

    /// Expected calibration error, 0 to 1: the mean distance of confidence and agreement over the bins, weighted by how
    /// much they are in use (Guo et al., equation 3). `None` before the first observation.
    pub fn error(&self) -> Option<f64> {
        let total: f64 = self.bins.iter().map(|it| it.count).sum();
        let distances = self.bins.iter().enumerate().filter(|(_, it)| 0.0 < it.count);
        let sum: f64 = distances
            .map(|(at, it)| (it.agreed - middle(at) * it.count).abs())
            .sum();
        (0.0 < total).then(|| sum / total)
    }

    /// The shrunk share of each bin, made monotone by pooling neighbors that fall.
    fn levels(&self) -> [f64; BINS] {
        let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(BINS);
        for (at, bin) in self.bins.iter().enumerate() {
            let mut pool = (bin.agreed + SHRINKAGE * middle(at), bin.count + SHRINKAGE, 1);
            while let Some(last) = pools.pop_if(|it| pool.0 / pool.1 < it.0 / it.1) {
                pool = (pool.0 + last.0, pool.1 + last.1, pool.2 + last.2);
            }
            pools.push(pool);
        }
        let mut levels = [0.0; BINS];
        let spread = pools.iter().flat_map(|it| std::iter::repeat_n(it.0 / it.1, it.2));
        levels.iter_mut().zip(spread).for_each(|(level, it)| *level = it);
        levels
    }
}

fn bin(confidence: f32) -> usize {
    ((confidence.clamp(0.0, 1.0) * BINS as f32) as usize).min(BINS - 1)
}

fn middle(bin: usize) -> f64 {
    (bin as f64 + 0.5) / BINS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(calibration: &mut Calibration, confidence: f32, agreed: u32, of: u32) {
        (0..of).for_each(|at| calibration.observe(confidence, at < agreed));
    }

    #[test]
    fn before_anything_was_compared_the_model_is_taken_at_its_word() {
        let calibration = Calibration::default();
        assert_eq!(calibration.probability(0.73), f64::from(0.73f32));
        assert_eq!((calibration.error(), calibration.is_calibrated()), (None, false));
    }

    #[test]
    fn an_overconfident_model_is_taken_down() {
        let mut calibration = Calibration::default();
        observe(&mut calibration, 0.95, 48, 96);
        // (48 + 4·0.95) / 100, but the bins below say as much of their own: 0.85 and 0.75 and so on are pooled with it.
        let expected = (48.0 + 4.0 * (0.95 + 0.85 + 0.75 + 0.65 + 0.55)) / (96.0 + 5.0 * 4.0);
        assert!((calibration.probability(0.95) - expected).abs() < 1e-9);
        assert!(calibration.is_calibrated());
        assert!((calibration.error().unwrap() - 0.45).abs() < 1e-9);
    }

    #[test]
    fn bins_that_rise_keep_their_shrunk_share() {
        let mut calibration = Calibration::default();
        observe(&mut calibration, 0.05, 0, 36);
        observe(&mut calibration, 0.95, 36, 36);
        assert!((calibration.probability(0.95) - (36.0 + 3.8) / 40.0).abs() < 1e-6);
        assert!((calibration.probability(0.0) - 0.2 / 40.0).abs() < 1e-6);
        // Halfway between the middles of the bins 4 and 5, of which nothing is known.
        assert!((calibration.probability(0.5) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn old_observations_fade() {
        let mut calibration = Calibration::default();
        observe(&mut calibration, 0.95, 2000, 2000);
        observe(&mut calibration, 0.95, 0, 2000);
        // 9 of 500 are left, and the neighbors' own word.
        assert!(calibration.probability(0.95) < 0.06);
    }

    #[test]
    fn a_confidence_that_is_no_number_counts_for_nothing() {
        let mut calibration = Calibration::default();
        calibration.observe(f32::NAN, true);
        assert_eq!(
            (calibration.observations, calibration.probability(f32::NAN)),
            (0, 0.0)
        );
        calibration.observe(7.0, true);
        assert_eq!(calibration.observations, 1);
    }
}

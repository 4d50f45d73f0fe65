// SPDX-License-Identifier: MPL-2.0

//! How far confidence is from how often it is right, by weights of the items.

use crate::score::Statistic;

/// As in the reliability diagrams of [`crate::score::Calibration`].
const BINS: usize = 10;

/// Expected calibration error, 0 to 1 (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
/// equation 3): the mean distance of confidence and accuracy over ten bins of confidence, weighted by how much they are in use.
pub(super) struct CalibrationError {
    /// Confidence and rightness of each item.
    items: Vec<Option<(f64, f64)>>,
}

impl CalibrationError {
    pub fn new(items: impl Iterator<Item = Option<(f64, f64)>>) -> CalibrationError {
        CalibrationError {
            items: items.collect(),
        }
    }
}

impl Statistic for CalibrationError {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let (mut distances, mut total) = ([0.0; BINS], 0.0);
        for (item, weight) in self.items.iter().zip(weights) {
            if let Some((confidence, right)) = item {
                let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
                distances[bin] += weight * (confidence - right);
                total += weight;
            }
        }
        (0.0 < total).then(|| distances.iter().map(|it: &f64| it.abs()).sum::<f64>() / total)
    }
}

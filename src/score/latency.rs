// SPDX-License-Identifier: MPL-2.0

//! Exact percentiles of the last frames' latencies.

use std::time::Duration;

use crate::quantile::SlidingWindow;

/// The last `capacity` durations, with exact nearest-rank percentiles; its costs are those of a [`SlidingWindow`].
#[derive(Debug, Clone)]
pub struct LatencyWindow {
    /// Nanoseconds.
    samples: SlidingWindow<u64>,
}

impl LatencyWindow {
    /// A window of the last `capacity` samples; a capacity of zero counts as one.
    pub fn new(capacity: usize) -> Self {
        let samples = SlidingWindow::new(capacity);
        LatencyWindow { samples }
    }

    /// Takes in a sample; the oldest one leaves a full window. Longer than 584 years saturates.
    pub fn push(&mut self, sample: Duration) {
        let sample = u64::try_from(sample.as_nanos()).unwrap_or(u64::MAX);
        self.samples.push(sample);
    }

    /// The nearest-rank percentile: the smallest sample that at least `p` percent of the samples do not exceed. `p` is
    /// clamped to 0..=100 (0 gives the minimum); `None` without samples.
    pub fn percentile(&self, p: f64) -> Option<Duration> {
        self.samples.percentile(p / 100.0).map(Duration::from_nanos)
    }

    /// The longest sample in the window.
    pub fn max(&self) -> Option<Duration> {
        self.percentile(100.0)
    }

    /// Samples in the window now.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn percentiles_are_given_in_percent() {
        let mut window = LatencyWindow::new(5);
        [90, 35, 20, 15, 50, 40]
            .map(ms)
            .into_iter()
            .for_each(|it| window.push(it));
        let at = |p| window.percentile(p).unwrap();
        assert_eq!([at(5.0), at(40.0), at(50.0), at(100.0)], [15, 20, 35, 50].map(ms));
        assert_eq!((window.max(), window.len()), (Some(ms(50)), 5));
    }

    #[test]
    fn an_empty_window_has_no_percentile() {
        let mut window = LatencyWindow::new(3);
        assert_eq!(window.percentile(50.0), None);
        window.push(Duration::MAX);
        window.clear();
        assert_eq!(
            (window.percentile(50.0), window.max(), window.len()),
            (None, None, 0)
        );
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Exact percentiles of the last frames' latencies.
//!
//! The window keeps each sample twice, in order of arrival and in order of size, so that a percentile is one
//! look-up and a new sample is one binary search and one move inside an array. Estimators (P², t-digest,
//! histograms) save memory that a window of some hundred samples does not need, and pay with an error just
//! in the tail that decides about misses.

use std::time::Duration;

/// The last `capacity` durations, with exact nearest-rank percentiles.
///
/// Memory is constant; neither `push` nor `percentile` allocates. `push` costs O(capacity) moves of eight
/// bytes in the worst case (some hundred nanoseconds for 300 samples), `percentile` O(1).
#[derive(Debug, Clone)]
pub struct LatencyWindow {
    /// In order of arrival, a ring once it is full; nanoseconds.
    arrived: Vec<u64>,
    /// The same samples in ascending order.
    sorted: Vec<u64>,
    /// Where the oldest sample stands in `arrived` once the ring is full.
    oldest: usize,
    capacity: usize,
}

impl LatencyWindow {
    /// A window of the last `capacity` samples; a capacity of zero counts as one.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        LatencyWindow {
            arrived: Vec::with_capacity(capacity),
            sorted: Vec::with_capacity(capacity),
            oldest: 0,
            capacity,
        }
    }

    /// Takes in a sample; the oldest one leaves a full window. Longer than 584 years saturates.
    pub fn push(&mut self, sample: Duration) {
        let sample = u64::try_from(sample.as_nanos()).unwrap_or(u64::MAX);
        let enters = self.sorted.partition_point(|&it| it < sample);

        if self.arrived.len() < self.capacity {
            self.arrived.push(sample);
            self.sorted.insert(enters, sample);
            return;
        }

        let gone = std::mem::replace(&mut self.arrived[self.oldest], sample);
        self.oldest = (self.oldest + 1) % self.capacity;
        let leaves = self.sorted.partition_point(|&it| it < gone);
        // Only the samples between the one that leaves and the one that enters move, by one place.
        if leaves < enters {
            self.sorted.copy_within(leaves + 1..enters, leaves);
            self.sorted[enters - 1] = sample;
        } else {
            self.sorted.copy_within(enters..leaves, enters + 1);
            self.sorted[enters] = sample;
        }
    }

    /// The nearest-rank percentile: the smallest sample that at least `p` percent of the samples do not
    /// exceed, that is, the one of rank `ceil(p / 100 * n)`, counted from 1. Always a sample that was seen,
    /// never an interpolation. `p` is clamped to 0..=100 (0 gives the minimum); `None` without samples.
    pub fn percentile(&self, p: f64) -> Option<Duration> {
        nearest_rank(&self.sorted, p).map(Duration::from_nanos)
    }

    /// The longest sample in the window.
    pub fn max(&self) -> Option<Duration> {
        self.sorted.last().copied().map(Duration::from_nanos)
    }

    /// Samples in the window now.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.arrived.clear();
        self.sorted.clear();
        self.oldest = 0;
    }
}

/// [`LatencyWindow::percentile`] of values that are sorted already.
pub fn nearest_rank<T: Copy>(sorted: &[T], p: f64) -> Option<T> {
    let rank = (p / 100.0 * sorted.len() as f64).ceil();
    // A NaN casts to 0 and so answers with the minimum.
    let index = (rank as usize)
        .saturating_sub(1)
        .min(sorted.len().checked_sub(1)?);
    sorted.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        // The textbook example: ranks ceil(p / 100 * 5) are 1, 2, 2, 3 and 5.
        let mut window = LatencyWindow::new(5);
        for value in [35, 20, 15, 50, 40] {
            window.push(ms(value));
        }
        let at = |p| window.percentile(p).unwrap();
        assert_eq!(
            [at(5.0), at(30.0), at(40.0), at(50.0), at(100.0)],
            [ms(15), ms(20), ms(20), ms(35), ms(50)]
        );
        assert_eq!(
            (at(0.0), at(-3.0), at(f64::NAN), at(1000.0)),
            (ms(15), ms(15), ms(15), ms(50))
        );
        assert_eq!(window.max(), Some(ms(50)));
    }

    #[test]
    fn an_empty_window_has_no_percentile() {
        let mut window = LatencyWindow::new(3);
        assert_eq!(window.percentile(50.0), None);
        window.push(ms(1));
        window.clear();
        assert_eq!(
            (window.percentile(50.0), window.max(), window.len()),
            (None, None, 0)
        );
    }

    #[test]
    fn a_full_window_agrees_with_sorting_the_last_samples() {
        let mut state = 1u64;
        let samples: Vec<Duration> = (0..2000)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                // Few distinct values, so that equal samples enter and leave side by side.
                ms((state >> 33) % 23)
            })
            .collect();
        for capacity in [1, 2, 7, 300] {
            let mut window = LatencyWindow::new(capacity);
            for (index, sample) in samples.iter().enumerate() {
                window.push(*sample);
                let from = (index + 1).saturating_sub(capacity);
                let mut expect = samples[from..=index].to_vec();
                expect.sort();
                let got: Vec<_> = window.sorted.iter().map(|&it| Duration::from_nanos(it)).collect();
                assert_eq!(got, expect, "capacity {capacity}, sample {index}");
            }
        }
    }

    #[test]
    fn memory_stays_what_construction_took() {
        let mut window = LatencyWindow::new(10);
        let before = (window.arrived.as_ptr(), window.sorted.as_ptr());
        for value in 0..100 {
            window.push(ms(value * 7 % 13));
        }
        assert_eq!(before, (window.arrived.as_ptr(), window.sorted.as_ptr()));
        assert_eq!(window.len(), 10);
    }
}

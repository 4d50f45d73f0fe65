// SPDX-License-Identifier: MPL-2.0

//! How many latencies there were of which length, since the start.

use std::time::Duration;

/// Upper bounds of the buckets in milliseconds, the common frame durations among them; above lies one more.
pub const BOUNDS_MS: [u16; 21] = [
    1, 2, 3, 5, 8, 12, 16, 20, 25, 33, 40, 50, 66, 100, 150, 200, 300, 500, 1000, 2000, 4000,
];

/// Number of buckets.
pub const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// Counts of latencies by their length. Counting takes neither memory nor a lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    counts: [u64; BUCKETS],
    sum: Duration,
}

impl LatencyHistogram {
    /// Of counts of the buckets, the shortest latencies first, and the sum of all latencies.
    pub fn new(counts: [u64; BUCKETS], sum: Duration) -> LatencyHistogram {
        LatencyHistogram { counts, sum }
    }

    /// Counts a latency. A bound belongs to the bucket below it.
    pub fn push(&mut self, latency: Duration) {
        let bucket = BOUNDS_MS.partition_point(|it| Duration::from_millis((*it).into()) < latency);
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(latency);
    }

    /// Counts of the buckets, the shortest latencies first.
    pub fn counts(&self) -> [u64; BUCKETS] {
        self.counts
    }

    /// All latencies together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Upper bound of each bucket in seconds, and its count.
    pub fn buckets(&self) -> [(f64, u64); BUCKETS] {
        let bound = |bucket: usize| {
            BOUNDS_MS
                .get(bucket)
                .map_or(f64::INFINITY, |it| f64::from(*it) / 1e3)
        };
        std::array::from_fn(|bucket| (bound(bucket), self.counts[bucket]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_counted_in_the_bucket_that_it_does_not_exceed() {
        let mut histogram = LatencyHistogram::default();
        let pushed = [0, 1_000, 1_001, 40_000, 40_001, 9_000_000].map(Duration::from_micros);
        pushed.into_iter().for_each(|it| histogram.push(it));
        let held = histogram.buckets().into_iter().filter(|it| it.1 != 0);
        let expected = [(0.001, 2), (0.002, 1), (0.04, 1), (0.05, 1), (f64::INFINITY, 1)];
        assert_eq!(held.collect::<Vec<_>>(), expected);
        assert_eq!((histogram.count(), histogram.sum()), (6, pushed.iter().sum()));
        histogram.push(Duration::MAX);
        assert_eq!(histogram.sum(), Duration::MAX);
    }
}

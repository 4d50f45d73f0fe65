// SPDX-License-Identifier: MPL-2.0

//! Latencies of any number of frames in bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

/// How many frames took how long; times are kept to three significant digits, which is more than is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    /// By nanoseconds.
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Latencies {
    pub fn push(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        *self.counts.entry(three_digits(nanos)).or_default() += 1;
        self.total += 1;
    }

    /// Those of others, too.
    pub fn add(&mut self, other: &Latencies) {
        for (nanos, count) in &other.counts {
            *self.counts.entry(*nanos).or_default() += count;
        }
        self.total += other.total;
    }

    /// The smallest latency that at least this `share` of the frames do not exceed, 0 to 1; `None` without frames.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = self.counts.iter().find(|(_, count)| {
            below += **count;
            rank <= below
        });
        reached.map(|(nanos, _)| Duration::from_nanos(*nanos))
    }

    /// Median and 99th percentile.
    pub fn median_and_tail(&self) -> Option<(Duration, Duration)> {
        self.percentile(0.5).zip(self.percentile(0.99))
    }
}

/// Rounded to the nearest number with three significant digits.
fn three_digits(nanos: u64) -> u64 {
    let step = 10u64.pow(nanos.checked_ilog10().unwrap_or_default().saturating_sub(2));
    (nanos / step + u64::from(step <= 2 * (nanos % step) && 1 < step)).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstavrec::quantile::nearest_rank;

    #[test]
    fn percentiles_are_those_of_all_frames_to_three_digits() {
        let mut counted = Latencies::default();
        let mut all: Vec<Duration> = (0..100_000u64)
            .map(|it| Duration::from_nanos(it.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (24 + it % 30)))
            .collect();
        all.iter().for_each(|it| counted.push(*it));
        all.sort_unstable();
        for share in [0.0, 0.01, 0.5, 0.99, 1.0] {
            let (exact, told) = (nearest_rank(&all, share), counted.percentile(share));
            let (exact, told) = (exact.unwrap().as_secs_f64(), told.unwrap().as_secs_f64());
            assert!((told - exact).abs() <= 0.005 * exact, "{share}: {exact} {told}");
        }
        assert!(counted.counts.len() < 10_000, "{}", counted.counts.len());
        assert_eq!(Latencies::default().median_and_tail(), None);
    }

    #[test]
    fn rounding_holds_at_its_edges() {
        assert_eq!(
            [0, 9, 999, 1004, 1005, 9995, 17_249_999].map(three_digits),
            [0, 9, 999, 1000, 1010, 10_000, 17_200_000]
        );
        assert_eq!(three_digits(u64::MAX), 18_400_000_000_000_000_000);
    }
}

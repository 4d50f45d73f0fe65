// SPDX-License-Identifier: MPL-2.0

//! Percentiles of latency with intervals, as far as there are runs enough for them.

use super::Estimate;
use super::distribution::binomial_cdf;
use crate::quantile::nearest_rank;

/// A percentile of latencies, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Percentile {
    /// With its 95 % interval by order statistics, which asks of the runs that they are independent and nothing else.
    Known(Estimate),
    /// There are too few runs; so many would do.
    TooFew { runs: usize, needed: usize },
}

/// Probability with which at least two of the needed runs lie beyond the percentile.
const SURE: f64 = 0.99;

/// Fewest runs for the percentile at this share, 0 to 1: so many that two are beyond it with a probability of 99 %. These
/// are the floors of early stopping in MLPerf LoadGen 6.0 for single streams: 64 at 0.9, 662 at 0.99.
pub fn needed_runs(share: f64) -> usize {
    let beyond = (1.0 - share).clamp(1e-6, 1.0);
    let is_enough = |runs: usize| binomial_cdf(1, runs, beyond) <= 1.0 - SURE;
    let mut most = 2;
    while !is_enough(most) {
        most *= 2;
    }
    let (mut least, mut most) = (most / 2, most);
    while 1 < most - least {
        let middle = (least + most) / 2;
        match is_enough(middle) {
            true => most = middle,
            false => least = middle,
        }
    }
    most
}

/// The percentile at this share, 0 to 1, of latencies in any order, in seconds (nearest rank).
pub fn percentile(latencies: &[f64], share: f64) -> Percentile {
    let (runs, needed) = (latencies.len(), needed_runs(share));
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(value) = nearest_rank(&sorted, share).filter(|_| needed <= runs) else {
        return Percentile::TooFew { runs, needed };
    };
    // So many runs are below the percentile at most, and at least, with 97.5 % each.
    let low = (0..runs)
        .take_while(|it| binomial_cdf(*it, runs, share) <= 0.025)
        .count();
    let high = (0..runs)
        .take_while(|it| binomial_cdf(*it, runs, share) < 0.975)
        .count();
    Percentile::Known(Estimate {
        value,
        low: sorted[low.saturating_sub(1)],
        high: sorted[high.min(runs - 1)],
        items: runs,
        clusters: runs,
    })
}

impl Percentile {
    /// The percentile in seconds, if it is known.
    pub fn seconds(&self) -> Option<f64> {
        match self {
            Percentile::Known(estimate) => Some(estimate.value),
            Percentile::TooFew { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_floors_are_those_of_loadgen() {
        assert_eq!([0.9, 0.99].map(needed_runs), [64, 662]);
        let few = percentile(&[0.01; 100], 0.95);
        assert_eq!(
            few,
            Percentile::TooFew {
                runs: 100,
                needed: needed_runs(0.95)
            }
        );
        assert!(percentile(&[0.01; 100], 0.9).seconds() == Some(0.01) && few.seconds().is_none());
        assert_eq!(
            percentile(&[], 0.5),
            Percentile::TooFew {
                runs: 0,
                needed: needed_runs(0.5)
            }
        );
    }

    #[test]
    fn intervals_of_percentiles_cover() {
        let mut random = Random::new(5);
        for (share, runs) in [(0.5, 100), (0.95, 300), (0.99, 1000)] {
            let truth = -f64::ln(1.0 - share);
            let mut covered = 0;
            for _ in 0..500 {
                let latencies: Vec<f64> = (0..runs).map(|_| -random.unit().ln()).collect();
                let Percentile::Known(estimate) = percentile(&latencies, share) else {
                    panic!("{runs} runs are enough");
                };
                covered += usize::from(estimate.covers(truth));
            }
            assert!((460..=495).contains(&covered), "{share}: {covered} of 500");
        }
    }
}

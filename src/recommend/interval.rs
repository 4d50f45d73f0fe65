// SPDX-License-Identifier: MPL-2.0

//! How sure a figure is: 95 % intervals from standard errors, and of rates.
//!
//! The standard error is that of the jackknife that leaves out one cluster at a time, and Student's t makes it an interval;
//! with few clusters this covers better than percentiles of a bootstrap, which are 4 to 10 points short with eight. The
//! bootstrap is kept for what needs a joint distribution: how often which model is the best.

use std::fmt;

use super::distribution::{beta_quantile, normal_quantile, t_quantile};

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// Items that it is of.
    pub items: usize,
    /// Clusters of items that are taken to be independent of each other.
    pub clusters: usize,
}

/// A figure from which nothing can be concluded: there are too few items, or all are of too few clips or stretches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TooLittle {
    /// What the items say, if they say anything.
    pub value: Option<f64>,
    pub items: usize,
    pub clusters: usize,
}

/// Fewest clusters from which an interval is told: below, its length is mostly chance.
pub const FEWEST_CLUSTERS: usize = 4;

/// Fewest items.
pub const FEWEST_ITEMS: usize = 8;

/// Share of the intervals that should cover.
pub(super) const CONFIDENCE: f64 = 0.95;

/// What values a figure can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From 0 to 1: rates, precisions, similarities.
    Share,
    /// Any: decibels, seconds, differences.
    Real,
}

/// The interval that fails to cover with the probability `error`, of a value with this standard error; `freedom` are the degrees
/// of freedom of Student's t, and so many clusters are a rate's trials where it does not vary at all.
///
/// Of a [`Scale::Real`] figure it is value ± t · se. Of a share, the exact interval of a rate with as many independent items
/// as would have that standard error, corrected for the degrees of freedom (Korn and Graubard, 1998, "Confidence intervals
/// for proportions with small expected number of positive counts"), for near 0 and 1 the other is too short.
pub(super) fn interval(
    value: f64,
    se: f64,
    freedom: f64,
    clusters: usize,
    scale: Scale,
    error: f64,
) -> (f64, f64) {
    let t = t_quantile(1.0 - error / 2.0, freedom);
    match scale {
        Scale::Real => (value - t * se, value + t * se),
        Scale::Share => {
            let z = normal_quantile(1.0 - error / 2.0);
            let rate = value.clamp(0.0, 1.0);
            let count = match se * se {
                0.0 => clusters as f64,
                variance => rate * (1.0 - rate) / variance * (z / t).powi(2),
            };
            exact(rate * count, count, error)
        }
    }
}

impl Estimate {
    /// Half of the length of the interval.
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }

    /// The same of a figure that cannot be below `low` or above `high`.
    pub fn within(&self, low: f64, high: f64) -> Estimate {
        Estimate {
            low: self.low.clamp(low, high),
            high: self.high.clamp(low, high),
            ..*self
        }
    }

    /// Whether the interval has this value.
    pub fn covers(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The interval of Clopper and Pearson (1934) of a rate, `hits` of `count`, neither necessarily whole.
fn exact(hits: f64, count: f64, error: f64) -> (f64, f64) {
    let missed = (count - hits).max(0.0);
    (
        beta_quantile(error / 2.0, hits, missed + 1.0),
        beta_quantile(1.0 - error / 2.0, hits + 1.0, missed),
    )
}

/// A rate of independent trials with its 95 % interval (Wilson, 1927), such as the recall of one class; `None` of none.
pub fn rate(hits: usize, count: usize) -> Option<Estimate> {
    let n = count as f64;
    let value = (0 < count).then(|| hits as f64 / n)?;
    let z = normal_quantile(0.5 + CONFIDENCE / 2.0);
    let denominator = 1.0 + z * z / n;
    let center = (value + z * z / (2.0 * n)) / denominator;
    let half = z / denominator * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
    Some(Estimate {
        value,
        low: (center - half).max(0.0),
        high: (center + half).min(1.0),
        items: count,
        clusters: count,
    })
}

impl fmt::Display for TooLittle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nothing can be concluded from {} items in {} clips or stretches of time; give at least {FEWEST_ITEMS} items in {FEWEST_CLUSTERS}",
            self.items, self.clusters
        )
    }
}

#[cfg(test)]
mod tests;

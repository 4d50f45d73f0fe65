// SPDX-License-Identifier: MPL-2.0

//! What is expected of one candidate's further runs at a level of the slowdown: how likely each limit is kept.

use std::time::Duration;

use super::ablation::{Part, is_out};
use super::baseline::{duration, seconds};
use super::latency::{HAND_OVER, Latency, Level};
use super::normal;
use super::window::Window;

/// A limit of a latency, in the log domain, hand-over included.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLimit(f64);

impl LogLimit {
    pub(super) fn new(limit: Duration) -> LogLimit {
        LogLimit((seconds(limit) + HAND_OVER).ln())
    }
}

/// The runs of a candidate whose latency is known.
pub(super) struct Prospect<'a> {
    of: &'a Latency,
    /// Residuals of all candidates.
    shared: &'a Window,
    expected: f64,
    /// Variance of what is not known beyond what residuals show.
    unknown: f64,
}

impl<'a> Prospect<'a> {
    /// On a machine that is slower by `shift`, in the log domain, if that were as well known as the level; `None` where
    /// nothing is known of the candidate.
    pub(super) fn new(of: &'a Latency, level: Level, shift: f64, shared: &'a Window) -> Option<Prospect<'a>> {
        of.is_known().then(|| Prospect {
            of,
            shared,
            expected: of.expected(level.mean + shift),
            unknown: of.further_doubt(level),
        })
    }

    /// Probability that a run takes longer: the share of the residuals beyond, averaged over what is not known.
    pub(super) fn exceedance(&self, limit: LogLimit) -> f64 {
        if is_out(Part::Tail) {
            return self.rough_exceedance(limit);
        }
        let margin = limit.0 - self.expected;
        let sd = self.unknown.sqrt();
        let usual = match self.of.largest(self.shared) <= margin - normal::REACH * sd {
            // Mostly so.
            true => 0.0,
            false => normal::mean(|it| self.of.tail(margin - it * sd, self.shared)),
        };
        let Some((again, residual)) = self.of.suspicion() else {
            return usual;
        };
        let slow = normal::cdf((residual - margin) / self.scatter());
        usual + again * (slow - usual).max(0.0)
    }

    /// The same for what is known roughly only: as if all were normal.
    pub(super) fn rough_exceedance(&self, limit: LogLimit) -> f64 {
        normal::cdf((self.expected - limit.0) / self.scatter())
    }

    /// Standard deviation of a run.
    fn scatter(&self) -> f64 {
        (self.unknown + self.of.scatter(self.shared).powi(2)).sqrt()
    }

    /// The latency that all but `miss_rate` of the runs are expected to keep, doubt included.
    pub(super) fn upper(&self, miss_rate: f64) -> Duration {
        let tail = self.of.percentile(1.0 - miss_rate, self.shared);
        let tail = tail.max(self.of.scatter(self.shared));
        // Two independent spreads; two standard deviations are the 97th percentile of the one that is normal.
        let above = tail.hypot(2.0 * self.unknown.sqrt());
        duration((self.expected + above).exp() - HAND_OVER)
    }
}

/// The runs of a candidate while nobody knows which of some levels the slowdown is at.
pub(super) struct Mixture<'a> {
    /// Each with its probability.
    pub now: [Option<(Prospect<'a>, f64)>; 2],
    /// Under a load that may be back on the next frame, with the probability that it is.
    pub then: Option<(Prospect<'a>, f64)>,
}

impl Mixture<'_> {
    /// Probability that a run takes longer; of one of which nothing is known, it is certain.
    pub(super) fn exceedance(&self, limit: LogLimit) -> f64 {
        if self.now.iter().all(Option::is_none) {
            return 1.0;
        }
        let likely = self.now.iter().flatten();
        let now: f64 = likely.map(|(runs, weight)| weight * runs.exceedance(limit)).sum();
        self.then.as_ref().map_or(now, |(runs, hazard)| {
            now + hazard * (runs.rough_exceedance(limit) - now).max(0.0)
        })
    }
}

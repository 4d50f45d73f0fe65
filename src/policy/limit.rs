// SPDX-License-Identifier: MPL-2.0

//! What a latency is held against: the budget, or the time between frames where that is shorter.

use std::fmt;
use std::time::Duration;

/// The time that a run may take, and what sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The user's budget, less the margin and less what the sink asked for by QoS.
    Budget(Duration),
    /// The time from one frame to the next, `frames` times: a candidate works on one frame at a time, so one that takes
    /// longer is busy when its next frame comes, whatever the budget allows.
    Period { period: Duration, frames: u32 },
}

impl Limit {
    /// The limit of a candidate that runs on each `stride`-th frame; nobody waits for the answer of one that does not run
    /// on each.
    pub(super) fn of(budget: Duration, period: Duration, stride: u32) -> Limit {
        if stride <= 1 && budget <= period {
            Limit::Budget(budget)
        } else {
            let frames = stride.max(1);
            Limit::Period { period, frames }
        }
    }

    pub fn time(self) -> Duration {
        match self {
            Limit::Budget(budget) => budget,
            Limit::Period { period, frames } => period.saturating_mul(frames),
        }
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit::Budget(Duration::ZERO)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Limit::Budget(budget) => write!(f, "budget of {}", Millis(budget)),
            Limit::Period { period, frames: 1 } => write!(f, "frame period of {}", Millis(period)),
            Limit::Period { period, frames } => write!(f, "{frames} frame periods of {}", Millis(period)),
        }
    }
}

/// A duration the way people read latencies: milliseconds with one decimal.
pub(super) struct Millis(pub Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((budget, period, stride): (u64, u64, u32), expected: &str, ms: u64) {
        let of = |it| Duration::from_millis(it);
        let limit = Limit::of(of(budget), of(period), stride);
        assert_eq!((&*limit.to_string(), limit.time()), (expected, of(ms)));
    }

    #[test]
    fn the_shorter_of_budget_and_period_is_the_limit_and_is_named() {
        check((30, 40, 1), "budget of 30.0 ms", 30);
        check((40, 40, 1), "budget of 40.0 ms", 40);
        check((60, 40, 1), "frame period of 40.0 ms", 40);
        check((30, 40, 2), "2 frame periods of 40.0 ms", 80);
    }
}

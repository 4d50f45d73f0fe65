// SPDX-License-Identifier: MPL-2.0

//! How much of the budget a candidate may use: less what the sink asked for by QoS.

use std::time::Duration;

use super::Config;

/// Largest share of the limit that QoS may take away: a sink that is late for reasons of its own must
/// not drive the quality to nothing.
const TIGHTEST: f64 = 0.3;

/// Time in which half of a tightening is given back when nothing is late any more.
const HALF_LIFE: Duration = Duration::from_secs(2);

/// The effective budget. Tightens at once when frames came late downstream and recovers by halves.
#[derive(Debug, Clone, Copy)]
pub(super) struct EffectiveBudget {
    /// Budget without tightening.
    full: Duration,
    /// Part of `full` that was taken away at `since`.
    tightened: Duration,
    since: Duration,
}

impl Default for EffectiveBudget {
    fn default() -> EffectiveBudget {
        EffectiveBudget::new(&Config::default())
    }
}

impl EffectiveBudget {
    pub(super) fn new(config: &Config) -> EffectiveBudget {
        EffectiveBudget {
            full: config.budget,
            tightened: Duration::ZERO,
            since: Duration::ZERO,
        }
    }

    pub(super) fn set_config(&mut self, config: &Config) {
        self.full = config.budget;
        self.tightened = self.tightened.min(self.full.mul_f64(TIGHTEST));
    }

    /// A frame reached the sink `jitter` too late.
    pub(super) fn late(&mut self, now: Duration, jitter: Duration) {
        let tightened = self.remaining(now).saturating_add(jitter);
        self.tightened = tightened.min(self.full.mul_f64(TIGHTEST));
        self.since = now;
    }

    pub(super) fn forget(&mut self) {
        self.tightened = Duration::ZERO;
    }

    /// What an upper bound may be at `now`.
    pub(super) fn at(&self, now: Duration) -> Duration {
        self.full.saturating_sub(self.remaining(now))
    }

    /// The budget whose limit at `now` would be this.
    pub(super) fn budget_for(&self, now: Duration, limit: Duration) -> Duration {
        limit.saturating_add(self.remaining(now))
    }

    fn remaining(&self, now: Duration) -> Duration {
        let lives = now.saturating_sub(self.since).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.tightened.mul_f64(0.5f64.powf(lives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(budget: u64) -> EffectiveBudget {
        EffectiveBudget::new(&Config {
            budget: Duration::from_millis(budget),
            ..Config::default()
        })
    }

    #[track_caller]
    fn check(limit: &EffectiveBudget, at_ms: u64, expected_ms: f64) {
        let actual = limit.at(Duration::from_millis(at_ms)).as_secs_f64() * 1e3;
        assert!(
            (actual - expected_ms).abs() < 0.01,
            "{actual} ms, expected {expected_ms} ms"
        );
    }

    #[test]
    fn lateness_downstream_tightens_at_once_and_recovers_by_halves() {
        let mut limit = limit(40);
        check(&limit, 0, 40.0);
        limit.late(Duration::from_secs(10), Duration::from_millis(8));
        check(&limit, 10_000, 32.0);
        check(&limit, 12_000, 36.0);
        check(&limit, 14_000, 38.0);
    }

    #[test]
    fn tightening_is_bounded() {
        let mut limit = limit(40);
        for frame in 0..50 {
            limit.late(Duration::from_millis(frame * 40), Duration::from_secs(1));
        }
        check(&limit, 49 * 40, 40.0 * 0.7);
        limit.forget();
        check(&limit, 49 * 40, 40.0);
    }

    #[test]
    fn the_budget_for_a_limit_undoes_the_tightening() {
        let mut limit = limit(40);
        let now = Duration::from_secs(10);
        limit.late(now, Duration::from_millis(8));
        assert_eq!(limit.budget_for(now, limit.at(now)), Duration::from_millis(40));
    }
}

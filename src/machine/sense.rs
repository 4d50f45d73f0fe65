// SPDX-License-Identifier: MPL-2.0

//! What the last readings say, and what a run that begins now has to expect of it.

use std::collections::VecDeque;
use std::time::Duration;

use super::source::{Reading, Scope};

/// Readings that a mean is taken over beside the newest: the last 40 ms, a frame of 25 a second.
const SPAN: usize = 2;

/// Share of own running from which on the group's own pressure tells of it.
const OWN: f32 = 0.05;

/// What the machine says of the last 40 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sense {
    pub scope: Scope,
    /// Share of the time in which something that could run waited for a processor, 0..1; `None` where the kernel does not
    /// count it.
    pub pressure: Option<f32>,
    /// Share of the time in which a quota stopped this process's group, 0..1; zero where there is no quota.
    pub throttled: f32,
    /// Threads that could run, in the mean; `None` where the kernel does not say.
    pub runnable: Option<f32>,
    /// Runs of this process's candidates at the same moments, in the mean.
    pub runs: f32,
}

impl Sense {
    /// The same without this process's candidates, for who knows what they leave each other.
    pub fn of_others(&self) -> Sense {
        Sense {
            runnable: self.runnable.map(|it| (it - self.runs).max(0.0)),
            ..*self
        }
    }

    /// Share of its time for which a run that needs one processor has to expect to wait, 0..1, on a machine of so many
    /// `processors`; `own` is the share of the last 40 ms in which this very stream's runs took one.
    ///
    /// The fair share of processors among all threads that want one: (n + 1) / c threads to a processor are a wait of
    /// 1 - c / (n + 1). But a thread shares the processor that it is on: where all are taken, half of the time at least
    /// (2.0, 2.4 and 4.5 times as long beside 2, 4 and 8 busy threads on two processors, measured).
    ///
    /// Pressure alone would not do: it counts waiting that happened, so where exactly as many others run as there are
    /// processors, it tells how long the own runs were (0.06 beside runs of 2 ms each 40 ms, 0.79 beside runs of 27 ms,
    /// measured beside two busy threads on two processors). It is what there is where threads are not told.
    pub fn waiting(&self, own: f32, processors: f32) -> f32 {
        let fair = self.runnable.map(|it| {
            let others = (it - own).max(0.0);
            let shared = (others + 1.0 - processors).clamp(0.0, 1.0) / 2.0;
            (1.0 - processors / (others + 1.0)).max(shared)
        });
        // What happened while this stream ran.
        let met = self.pressure.map(|it| (it / own.max(OWN)).min(1.0));
        let waiting = match (self.scope, fair, met) {
            // Others on a host may be kept off the processors of this group.
            (Scope::Group, Some(fair), Some(met)) => fair.min(met),
            (_, fair, met) => fair.or(met).unwrap_or_default(),
        };
        1.0 - (1.0 - waiting) * (1.0 - self.throttled)
    }
}

/// The last readings, with their times.
#[derive(Debug, Default)]
pub(super) struct Readings(VecDeque<(Duration, Reading)>);

impl Readings {
    /// What the time since the oldest reading says; `None` for the first.
    pub(super) fn push(&mut self, now: Duration, newest: Reading, scope: Scope) -> Option<Sense> {
        self.0.push_back((now, newest));
        if SPAN + 1 < self.0.len() {
            self.0.pop_front();
        }
        let (since, oldest) = *self.0.front()?;
        let passed = now.saturating_sub(since);
        if passed.is_zero() {
            return None;
        }
        let share = |newest: Option<Duration>, oldest: Option<Duration>| {
            let grown = newest?.saturating_sub(oldest?);
            Some((grown.as_secs_f32() / passed.as_secs_f32()).min(1.0))
        };
        let threads = self.0.iter().skip(1).filter_map(|it| it.1.runnable);
        let (sum, count) = threads.fold((0, 0), |(sum, count), it| (sum + it, count + 1));
        let runs: u32 = self.0.iter().skip(1).map(|it| it.1.own).sum();
        Some(Sense {
            scope,
            pressure: share(newest.waited, oldest.waited),
            throttled: share(newest.throttled, oldest.throttled).unwrap_or_default(),
            runnable: (0 < count).then(|| sum as f32 / count as f32),
            runs: runs as f32 / (self.0.len() - 1).max(1) as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(waited: u64, throttled: Option<u64>, runnable: u32) -> Reading {
        Reading {
            waited: Some(Duration::from_millis(waited)),
            throttled: throttled.map(Duration::from_millis),
            runnable: Some(runnable),
            own: 0,
        }
    }

    fn at(readings: &mut Readings, now: u64, reading: Reading) -> Option<(f32, f32, f32)> {
        let sense = readings.push(Duration::from_millis(now), reading, Scope::Machine)?;
        Some((sense.pressure?, sense.throttled, sense.runnable?))
    }

    #[test]
    fn shares_and_means_are_of_the_last_two_intervals() {
        let mut readings = Readings::default();
        assert_eq!(
            at(&mut readings, 0, reading(100, Some(0), 9)),
            None,
            "one reading is no time"
        );
        assert_eq!(
            at(&mut readings, 20, reading(110, Some(0), 4)),
            Some((0.5, 0.0, 4.0))
        );
        assert_eq!(
            at(&mut readings, 40, reading(130, Some(10), 2)),
            Some((0.75, 0.25, 3.0))
        );
        assert_eq!(
            at(&mut readings, 60, reading(130, Some(10), 0)),
            Some((0.5, 0.25, 1.0))
        );
        let gone = at(&mut readings, 80, reading(130, Some(10), 0));
        assert_eq!(gone, Some((0.0, 0.0, 0.0)), "gone at once");
    }

    #[test]
    fn counters_that_jump_or_fall_stay_shares() {
        let mut readings = Readings::default();
        at(&mut readings, 0, reading(100, None, 0));
        assert_eq!(
            at(&mut readings, 20, reading(500, None, 0)),
            Some((1.0, 0.0, 0.0))
        );
        assert_eq!(at(&mut readings, 40, reading(3, None, 0)), Some((0.0, 0.0, 0.0)));
        let still = Readings::default().push(Duration::ZERO, reading(3, None, 0), Scope::Machine);
        assert_eq!(still, None, "time that stands still is no time");
    }

    fn sense(scope: Scope, pressure: Option<f32>, throttled: f32, runnable: Option<f32>) -> Sense {
        Sense {
            scope,
            pressure,
            throttled,
            runnable,
            runs: 0.0,
        }
    }

    #[track_caller]
    fn waits(sense: Sense, own: f32, expected: f32) {
        let waiting = sense.waiting(own, 2.0);
        assert!(
            (waiting - expected).abs() < 1e-6,
            "{waiting}, expected {expected}"
        );
    }

    #[test]
    fn a_run_waits_for_all_but_its_fair_share() {
        // As many others as would leave a processor, exactly two, four and eight on two processors.
        for (others, expected) in [
            (0.0, 0.0),
            (1.0, 0.0),
            (1.5, 0.25),
            (2.0, 0.5),
            (4.0, 0.6),
            (8.0, 7.0 / 9.0),
        ] {
            waits(sense(Scope::Machine, Some(1.0), 0.0, Some(others)), 0.0, expected);
        }
        // The own runs are no others.
        waits(sense(Scope::Machine, Some(1.0), 0.0, Some(2.7)), 0.7, 0.5);
    }

    #[test]
    fn where_threads_are_not_told_pressure_is_set_against_the_own_runs() {
        waits(sense(Scope::Machine, Some(0.06), 0.0, None), 0.08, 0.75);
        waits(sense(Scope::Machine, Some(0.0), 0.0, None), 0.0, 0.0);
        waits(sense(Scope::Machine, None, 0.0, None), 0.5, 0.0);
    }

    #[test]
    fn the_others_of_a_host_do_not_count_where_the_group_never_waits() {
        waits(sense(Scope::Group, Some(0.0), 0.0, Some(90.0)), 0.5, 0.0);
        waits(sense(Scope::Group, Some(0.5), 0.0, Some(4.5)), 0.5, 0.6);
    }

    #[test]
    fn a_quota_stops_beside_all_else() {
        waits(sense(Scope::Group, Some(0.0), 0.5, Some(0.0)), 0.5, 0.5);
        waits(sense(Scope::Machine, None, 0.5, Some(2.0)), 0.0, 1.0 - 0.5 * 0.5);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Processor sharing: what the runs of a group leave each other.
//!
//! Where `n` runs share `c` processors, each is served at the rate min(1, c / n). The integral of that rate is a clock which
//! all runs share, the virtual time of generalized processor sharing (Parekh and Gallager, 1993): a run is served what
//! the clock goes on between its start and its end, whoever came and went meanwhile. So a run's length can be told apart
//! from what the group's other runs made of it.

use std::collections::VecDeque;
use std::time::Duration;

/// Starts and ends that are remembered: those of the last frames of a hundred streams.
const REMEMBERED: usize = 1024;

/// The clock at the moment of a start or an end, in seconds, and what runs from then on.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    at: f64,
    /// What each run was served until then.
    served: f64,
    /// What one more run would have been served.
    offered: f64,
    running: usize,
}

/// Time as runs are served it.
#[derive(Debug)]
pub struct Sharing {
    processors: f64,
    /// The last one is of now.
    marks: VecDeque<Mark>,
}

impl Sharing {
    /// Nothing runs yet; `processors` are those that the group may use.
    pub fn new(processors: usize) -> Sharing {
        Sharing {
            processors: processors.max(1) as f64,
            marks: VecDeque::from([Mark::default()]),
        }
    }

    /// When a run started or ended last.
    pub fn newest(&self) -> Duration {
        Duration::from_secs_f64(self.marks.back().map_or(0.0, |it| it.at))
    }

    /// A run starts.
    pub fn started(&mut self, now: Duration) {
        self.change(now, 1);
    }

    /// A run ends.
    pub fn ended(&mut self, now: Duration) {
        self.change(now, -1);
    }

    fn change(&mut self, now: Duration, by: isize) {
        let now = now.as_secs_f64().max(self.marks.back().map_or(0.0, |it| it.at));
        let mut mark = self.at(now);
        mark.running = mark.running.saturating_add_signed(by);
        if REMEMBERED <= self.marks.len() {
            self.marks.pop_front();
        }
        self.marks.push_back(mark);
    }

    fn rate(&self, runs: usize) -> f64 {
        (self.processors / runs.max(1) as f64).min(1.0)
    }

    /// The clock at a time, which may be past.
    fn at(&self, time: f64) -> Mark {
        let after = self.marks.partition_point(|it| it.at <= time);
        let mark = self.marks[after.saturating_sub(1)];
        let passed = time - mark.at;
        if passed < 0.0 {
            // Before all that is remembered nothing is known to have shared.
            return Mark {
                at: time,
                served: mark.served + passed,
                offered: mark.offered + passed,
                running: 0,
            };
        }
        Mark {
            at: time,
            served: mark.served + passed * self.rate(mark.running),
            offered: mark.offered + passed * self.rate(mark.running + 1),
            running: mark.running,
        }
    }

    /// What a run was served between two times.
    pub fn served(&self, from: Duration, until: Duration) -> Duration {
        let (from, until) = (self.at(from.as_secs_f64()), self.at(until.as_secs_f64()));
        Duration::from_secs_f64((until.served - from.served).max(0.0))
    }

    /// What one more run would have been served between two times.
    pub fn offered(&self, from: Duration, until: Duration) -> Duration {
        let (from, until) = (self.at(from.as_secs_f64()), self.at(until.as_secs_f64()));
        Duration::from_secs_f64((until.offered - from.offered).max(0.0))
    }

    /// Runs that were served at the same time between two times, in the mean: what was taken of the processors.
    pub fn mean_running(&self, from: Duration, until: Duration) -> f64 {
        let (from, until) = (from.as_secs_f64(), until.as_secs_f64());
        let mut area = 0.0;
        let mut last: Option<Mark> = None;
        for mark in &self.marks {
            if let Some(last) = last {
                area += last.running as f64 * (mark.at.min(until) - last.at.max(from)).max(0.0);
            }
            last = Some(*mark);
        }
        if let Some(last) = last {
            area += last.running as f64 * (until - last.at.max(from)).max(0.0);
        }
        area / (until - from).max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn four_runs_on_two_processors_are_served_half_of_the_time() {
        let mut sharing = Sharing::new(2);
        (0..4).for_each(|_| sharing.started(ms(0)));
        assert_eq!(sharing.served(ms(0), ms(20)), ms(10));
        // The other two ended after 20 ms; then there is a processor for each.
        sharing.ended(ms(20));
        sharing.ended(ms(20));
        assert_eq!(sharing.served(ms(0), ms(30)), ms(20));
        assert_eq!(sharing.served(ms(20), ms(30)), ms(10));
        let third = Duration::from_secs_f64(0.02 * 2.0 / 3.0);
        assert!(sharing.offered(ms(20), ms(40)).abs_diff(third) < Duration::from_nanos(10));
    }

    #[test]
    fn an_idle_machine_serves_as_time_goes() {
        let sharing = Sharing::new(2);
        assert_eq!(sharing.offered(ms(10), ms(50)), ms(40));
        assert_eq!(sharing.mean_running(ms(0), ms(50)), 0.0);
    }

    #[test]
    fn what_runs_in_the_mean_is_what_was_taken() {
        let mut sharing = Sharing::new(2);
        sharing.started(ms(10));
        sharing.started(ms(20));
        sharing.ended(ms(30));
        sharing.ended(ms(40));
        let mean = sharing.mean_running(ms(0), ms(40));
        assert!((mean - 1.0).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn what_is_forgotten_and_ends_that_never_began_do_no_harm() {
        let mut sharing = Sharing::new(2);
        sharing.ended(ms(1));
        (0..5000).for_each(|it| {
            sharing.started(ms(it));
            sharing.ended(ms(it));
        });
        assert_eq!(sharing.mean_running(ms(4999), ms(5010)), 0.0);
        assert!(sharing.marks.len() <= REMEMBERED);
        assert_eq!(
            sharing.served(ms(0), ms(1)),
            ms(1),
            "of before all that is remembered"
        );
    }
}

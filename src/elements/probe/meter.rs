// SPDX-License-Identifier: MPL-2.0

//! Counts frames and their latencies, since the start and since the last message.
//!
//! Knows no pads: a frame comes in as a [`Sample`], and a [`Summary`] comes out when a message is due.

use std::collections::VecDeque;
use std::time::Duration;

use gst::ClockTime;

use crate::messages::{Latencies, Summary};
use crate::score::LatencyWindow;

/// What is known of a frame when it passes.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Monotonic time.
    pub now: ClockTime,
    /// Time since the stamp; `None` without one.
    pub latency: Option<Duration>,
    pub budget: Option<ClockTime>,
    pub running_time: Option<ClockTime>,
}

#[derive(Debug)]
pub struct Meter {
    total: Tally,
    interval: Tally,
    budget: Option<ClockTime>,
    /// Running time of the last message, or of the first frame.
    reported: Option<ClockTime>,
}

impl Meter {
    /// A meter whose percentiles are over `window` frames.
    pub fn new(window: usize) -> Self {
        Meter {
            total: Tally::new(window),
            interval: Tally::new(window),
            budget: None,
            reported: None,
        }
    }

    /// Counts a frame; answers with the figures since the last message when `interval` has passed.
    pub fn record(&mut self, sample: &Sample, interval: ClockTime) -> Option<Summary> {
        self.budget = sample.budget;
        self.total.record(sample);
        self.interval.record(sample);
        self.is_due(sample.running_time, interval)
            .then(|| self.take_interval())
    }

    /// Figures since the last message; the next ones start here.
    pub fn take_interval(&mut self) -> Summary {
        let summary = self.interval.summary(self.budget);
        self.interval.restart();
        summary
    }

    /// Counts since the start, rates and latencies over the window.
    pub fn total(&self) -> Summary {
        self.total.summary(self.budget)
    }

    /// Without running time only an interval of zero is ever due.
    fn is_due(&mut self, running_time: Option<ClockTime>, interval: ClockTime) -> bool {
        if interval.is_zero() {
            return true;
        }
        let Some(now) = running_time else { return false };
        let since = *self.reported.get_or_insert(now);
        // Running time starts over with a flush, and so does the interval.
        let went_back = now < since;
        let due = since.saturating_add(interval) <= now;
        if due || went_back {
            self.reported = Some(now);
        }
        due
    }
}

#[derive(Debug)]
struct Tally {
    frames: u64,
    unstamped: u64,
    misses: u64,
    latencies: LatencyWindow,
    /// Monotonic times of the last frames, one more than the window, so that it has as many distances.
    arrivals: VecDeque<ClockTime>,
    window: usize,
}

impl Tally {
    fn new(window: usize) -> Self {
        Tally {
            frames: 0,
            unstamped: 0,
            misses: 0,
            latencies: LatencyWindow::new(window),
            arrivals: VecDeque::with_capacity(window + 2),
            window,
        }
    }

    fn record(&mut self, sample: &Sample) {
        self.frames += 1;
        self.arrivals.push_back(sample.now);
        if self.window + 1 < self.arrivals.len() {
            self.arrivals.pop_front();
        }
        match sample.latency {
            None => self.unstamped += 1,
            Some(latency) => {
                self.latencies.push(latency);
                let missed = sample
                    .budget
                    .is_some_and(|budget| Duration::from(budget) < latency);
                self.misses += u64::from(missed);
            }
        }
    }

    /// Forgets all but the last arrival, from which the next interval's rate is counted.
    fn restart(&mut self) {
        (self.frames, self.unstamped, self.misses) = (0, 0, 0);
        self.latencies.clear();
        let before_last = self.arrivals.len().saturating_sub(1);
        self.arrivals.drain(..before_last);
    }

    fn summary(&self, budget: Option<ClockTime>) -> Summary {
        let at = |p| self.latencies.percentile(p);
        let latencies = match (at(50.0), at(95.0), at(99.0), self.latencies.max()) {
            (Some(p50), Some(p95), Some(p99), Some(max)) => Some(Latencies { p50, p95, p99, max }),
            _ => None,
        };
        let (frames, unstamped, misses) = (self.frames, self.unstamped, self.misses);
        Summary {
            frames,
            unstamped,
            misses,
            fps: self.fps().unwrap_or_default(),
            latencies,
            budget,
        }
    }

    fn fps(&self) -> Option<f64> {
        let span = self.arrivals.back()?.checked_sub(*self.arrivals.front()?)?;
        let distances = self.arrivals.len() - 1;
        (!span.is_zero()).then(|| distances as f64 * 1e9 / span.nseconds() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame each 40 ms that took `latency` ms, with a budget of 20 ms.
    fn sample(frame: u64, latency: Option<u64>) -> Sample {
        Sample {
            now: ClockTime::from_seconds(9) + ClockTime::from_mseconds(40 * frame),
            latency: latency.map(Duration::from_millis),
            budget: Some(ClockTime::from_mseconds(20)),
            running_time: Some(ClockTime::from_mseconds(40 * frame)),
        }
    }

    const INTERVAL: ClockTime = ClockTime::from_mseconds(200);

    #[test]
    fn a_summary_is_due_once_an_interval_and_starts_anew() {
        let mut meter = Meter::new(100);
        let mut due = Vec::new();
        for frame in 0..12 {
            let latency = (frame != 3).then_some(10 + 2 * frame);
            due.extend(
                meter
                    .record(&sample(frame, latency), INTERVAL)
                    .map(|summary| (frame, summary)),
            );
        }
        let [(5, first), (10, second)] = due[..] else {
            panic!("{due:?}")
        };
        assert_eq!((first.frames, first.unstamped, first.misses), (6, 1, 0));
        assert_eq!((second.frames, second.unstamped, second.misses), (5, 0, 5));
        assert_eq!((first.fps, second.fps), (25.0, 25.0));
        assert_eq!(
            second.latencies.map(|it| (it.p50, it.max)),
            Some((Duration::from_millis(26), Duration::from_millis(30)))
        );
        assert_eq!(meter.total().frames, 12);
    }

    #[test]
    fn running_time_that_starts_over_restarts_the_interval() {
        let mut meter = Meter::new(10);
        assert_eq!(meter.record(&sample(100, Some(1)), INTERVAL), None);
        assert_eq!(meter.record(&sample(0, Some(1)), INTERVAL), None);
        assert_eq!(meter.record(&sample(4, Some(1)), INTERVAL), None);
        assert_eq!(
            meter.record(&sample(5, Some(1)), INTERVAL).map(|it| it.frames),
            Some(4)
        );
    }

    #[test]
    fn an_interval_of_zero_is_due_with_each_frame_even_without_time() {
        let mut meter = Meter::new(10);
        let timeless = Sample {
            running_time: None,
            ..sample(0, None)
        };
        assert!(meter.record(&timeless, ClockTime::ZERO).is_some());
        assert_eq!(meter.record(&timeless, INTERVAL), None);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! When each sample is heard, kept from the buffer that brought it to the buffer that takes its answer.

use std::collections::VecDeque;

use gst::ClockTime;
use gst::prelude::*;

/// Difference between the PTS of a buffer and the end of the one before that is no gap: containers round
/// timestamps to a millisecond, which moves the end of one buffer and the start of the next.
const TOLERANCE: ClockTime = ClockTime::from_mseconds(2);

/// Whether a buffer follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    Continuous,
    /// Time is missing or repeated.
    Broken,
}

/// When a stretch of samples is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub pts: Option<ClockTime>,
    pub duration: ClockTime,
}

/// Maps samples to time, as the buffers said: each sample is heard when it was heard in the buffer that it
/// came in, also where timestamps jitter.
#[derive(Debug)]
pub struct Timeline {
    rate: u64,
    /// Numbers of first samples of buffers, with their times.
    anchors: VecDeque<(u64, ClockTime)>,
    taken: u64,
    given: u64,
    /// Where the next buffer should begin.
    end: Option<ClockTime>,
}

impl Timeline {
    pub fn new(rate: u32) -> Timeline {
        Timeline {
            rate: u64::from(rate.max(1)),
            anchors: VecDeque::new(),
            taken: 0,
            given: 0,
            end: None,
        }
    }

    /// Whether a buffer with this PTS follows what was taken.
    pub fn check(&self, pts: Option<ClockTime>) -> Continuity {
        let (Some(pts), Some(end)) = (pts, self.end) else {
            return Continuity::Continuous;
        };
        let distance = pts.max(end) - pts.min(end);
        if distance <= TOLERANCE.max(self.time(2)) {
            Continuity::Continuous
        } else {
            Continuity::Broken
        }
    }

    /// Takes a buffer. One without PTS follows the one before.
    pub fn take(&mut self, pts: Option<ClockTime>, samples: usize) {
        if let Some(pts) = pts {
            self.anchors.push_back((self.taken, pts));
            self.end = Some(pts);
        }
        let samples = samples as u64;
        self.taken += samples;
        self.end = self
            .anchors
            .back()
            .map(|(number, pts)| *pts + self.time(self.taken - number));
    }

    /// Returns when the next samples are heard.
    pub fn give(&mut self, samples: usize) -> Span {
        let span = self.at(self.given, samples);
        self.given += samples as u64;
        while self
            .anchors
            .get(1)
            .is_some_and(|(number, _)| *number <= self.given)
        {
            self.anchors.pop_front();
        }
        span
    }

    /// Returns when samples that were not given yet are heard; `number` counts from the start.
    pub fn at(&self, number: u64, samples: usize) -> Span {
        let earlier = self.anchors.iter().take_while(|(first, _)| *first <= number);
        let Some((first, pts)) = earlier.last() else {
            return Span {
                pts: None,
                duration: self.time(samples as u64),
            };
        };
        // From the same anchor, so that neighbors meet.
        let start = self.time(number - first);
        Span {
            pts: Some(*pts + start),
            duration: self.time(number - first + samples as u64) - start,
        }
    }

    /// Samples taken since the start.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        self.anchors.clear();
        (self.taken, self.given, self.end) = (0, 0, None);
    }

    fn time(&self, samples: u64) -> ClockTime {
        let time = samples.mul_div_round(*ClockTime::SECOND, self.rate);
        ClockTime::from_nseconds(time.unwrap_or(u64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_heard_when_its_buffer_said_also_where_times_jitter() {
        let ms = ClockTime::from_mseconds;
        let mut timeline = Timeline::new(48_000);
        timeline.take(Some(ms(1000)), 480);
        assert_eq!(timeline.check(Some(ms(1011))), Continuity::Continuous);
        timeline.take(Some(ms(1011)), 480);
        timeline.take(None, 480);
        assert_eq!(timeline.give(240).pts, Some(ms(1000)));
        assert_eq!(
            timeline.give(480),
            Span {
                pts: Some(ms(1005)),
                duration: ms(10)
            }
        );
        assert_eq!(timeline.give(480).pts, Some(ms(1016)));
        assert_eq!(timeline.give(240).pts, Some(ms(1026)));
    }

    #[test]
    fn neighbors_meet_at_rates_that_are_no_whole_nanoseconds() {
        let mut timeline = Timeline::new(44_100);
        timeline.take(Some(ClockTime::ZERO), 44_100);
        let mut end = ClockTime::ZERO;
        for _ in 0..1000 {
            let span = timeline.give(44);
            assert_eq!(span.pts, Some(end));
            end += span.duration;
        }
    }

    #[test]
    fn more_than_two_milliseconds_are_a_gap_or_an_overlap() {
        let mut timeline = Timeline::new(8000);
        timeline.take(Some(ClockTime::from_mseconds(100)), 80);
        for (pts, expected) in [
            (112, Continuity::Continuous),
            (113, Continuity::Broken),
            (108, Continuity::Continuous),
            (107, Continuity::Broken),
        ] {
            assert_eq!(
                timeline.check(Some(ClockTime::from_mseconds(pts))),
                expected,
                "{pts}"
            );
        }
        assert_eq!(timeline.check(None), Continuity::Continuous);
    }
}

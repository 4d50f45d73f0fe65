// SPDX-License-Identifier: MPL-2.0

//! Positions and time stamps of a stream: one sample follows the other, whatever the time stamps' rounding.
//!
//! Which buffer follows which is decided as `GstAudioStreamAlign` decides it, for all of GStreamer's audio sinks and
//! sources: a time stamp is compared with the count of samples since time was last set, and where it is off by less
//! than the alignment threshold, 40 ms, the samples follow each other and time goes on by their count. Three of its
//! rules are not taken over. It lets time stamps be off for a second (`discont-wait`) before it believes them: a sink
//! may, but an element in the middle would give what follows a wrong time. It puts time stamps on a grid of samples
//! from zero, up to a sample beside where they were. And time stamps below zero, which come as numbers near 2^64, are
//! far from those above for it. Hence the arithmetic here: time goes round at 2^64, and is exact to a nanosecond.

use std::ops::Range;
use std::time::Duration;

use gst::ClockTime;

use super::spec::{duration, nearest};

/// Time stamps that are off by less than this are rounded, as in files that count milliseconds, or jitter, or follow
/// another clock: the samples follow each other. The alignment threshold of GStreamer's audio sinks.
const TOLERANCE: ClockTime = ClockTime::from_mseconds(40);

/// When a stretch of samples is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// `None` in a stream without time stamps.
    pub pts: Option<ClockTime>,
    pub duration: ClockTime,
}

/// Where the stream stands. Positions go on over a gap; what time they stand for does not.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    rate: u32,
    /// Position of the first sample since time was set.
    origin: u64,
    /// Its time stamp in nanoseconds.
    time: Option<u64>,
    /// Position of the sample that comes next.
    end: u64,
    /// The newest buffer's own time stamp.
    latest: Option<u64>,
}

impl Timeline {
    pub fn new(rate: u32) -> Timeline {
        Timeline {
            rate,
            origin: 0,
            time: None,
            end: 0,
            latest: None,
        }
    }

    /// Position of the sample that comes next.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Position of the first sample since time was set.
    pub fn origin(&self) -> u64 {
        self.origin
    }

    /// Whether a buffer goes on where the last one ended; one without a time stamp does. One that is marked as
    /// discontinuous has to do so to the sample.
    pub fn continues(&self, pts: Option<ClockTime>, is_marked: bool) -> bool {
        let (Some(pts), true) = (pts, self.is_timed()) else {
            // The first time stamp after buffers that had none sets the time.
            return pts.is_none() || self.end == self.origin;
        };
        let off = distance(self.nanoseconds(self.end), pts.nseconds()).unsigned_abs();
        if is_marked {
            off <= duration(1, self.rate)
        } else {
            off < TOLERANCE.nseconds()
        }
    }

    /// Sets the time of the sample that comes next: what this time stamp says, or none.
    ///
    /// Where the time stamps only lag a little behind the samples, time goes on with the samples rather than back.
    pub fn begin(&mut self, pts: Option<ClockTime>) {
        let mut time = pts.map(ClockTime::nseconds);
        if let (Some(pts), Some(latest)) = (time, self.latest.filter(|_| self.is_timed())) {
            let end = self.nanoseconds(self.end);
            let lags_a_little = (0..TOLERANCE.nseconds() as i64).contains(&distance(pts, end));
            if lags_a_little && 0 < distance(latest, pts) {
                time = Some(end);
            }
        }
        (self.origin, self.time) = (self.end, time);
    }

    /// Forgets the time: what comes next has nothing to do with what was. Positions go on.
    pub fn forget_time(&mut self) {
        (self.origin, self.time, self.latest) = (self.end, None, None);
    }

    /// Counts the samples of a buffer with this time stamp.
    pub fn advance(&mut self, pts: Option<ClockTime>, samples: u64) {
        self.end += samples;
        self.latest = pts.map(ClockTime::nseconds).or(self.latest);
    }

    /// Whether the stream has time stamps.
    pub fn is_timed(&self) -> bool {
        self.time.is_some()
    }

    /// Time stamp of a position; in a stream without time stamps they count from its beginning.
    pub fn time_of(&self, position: u64) -> ClockTime {
        // The greatest number stands for no time.
        ClockTime::from_nseconds(self.nanoseconds(position).min(u64::MAX - 1))
    }

    /// When these samples are heard.
    pub fn span(&self, positions: Range<u64>) -> Span {
        let (start, end) = (self.nanoseconds(positions.start), self.nanoseconds(positions.end));
        Span {
            pts: self.is_timed().then(|| self.time_of(positions.start)),
            duration: ClockTime::from_nseconds(end.wrapping_sub(start)),
        }
    }

    /// Position of a time stamp; `None` for what lies before the stream.
    pub fn position_of(&self, pts: ClockTime) -> Option<u64> {
        let after = distance(self.time.unwrap_or_default(), pts.nseconds());
        let samples = nearest(after.unsigned_abs(), self.rate);
        if after < 0 {
            self.origin.checked_sub(samples)
        } else {
            self.origin.checked_add(samples)
        }
    }

    fn nanoseconds(&self, position: u64) -> u64 {
        let time = self.time.unwrap_or_default();
        match position.checked_sub(self.origin) {
            Some(after) => time.wrapping_add(duration(after, self.rate)),
            None => time.wrapping_sub(duration(self.origin - position, self.rate)),
        }
    }
}

/// How far it is from one time to the other, the shorter way round.
fn distance(from: u64, to: u64) -> i64 {
    to.wrapping_sub(from) as i64
}

/// Buffers in a row that must last longer, or shorter, before the pace is another one: a last short buffer, or a long
/// one after a stall, is none.
const PERSISTENCE: u32 = 8;

/// Share by which a buffer must differ to count: some streams alternate between sizes (441 samples in 1,024 bytes).
const PACE_TOLERANCE: f64 = 0.25;

/// The duration of the buffers, as far as it lasts.
#[derive(Debug, Clone, Default)]
pub struct BufferDuration {
    /// Zero before the first buffer.
    duration: Duration,
    /// Buffers in a row that did not fit, and the longest of them.
    others: u32,
    longest: Duration,
}

impl BufferDuration {
    /// Takes in a buffer's duration; returns the pace when it is a new one.
    pub fn take(&mut self, buffer: Duration) -> Option<Duration> {
        if self.duration.is_zero() {
            self.duration = buffer;
            return Some(buffer).filter(|it| !it.is_zero());
        }
        let ratio = buffer.as_secs_f64() / self.duration.as_secs_f64();
        if (1.0 - PACE_TOLERANCE..=1.0 + PACE_TOLERANCE).contains(&ratio) {
            (self.others, self.longest) = (0, Duration::ZERO);
            return None;
        }
        self.others += 1;
        self.longest = self.longest.max(buffer);
        if self.others < PERSISTENCE || self.longest.is_zero() {
            return None;
        }
        self.duration = self.longest;
        (self.others, self.longest) = (0, Duration::ZERO);
        Some(self.duration)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(time: u64) -> Option<ClockTime> {
        Some(ClockTime::from_mseconds(time))
    }

    #[test]
    fn positions_go_on_where_the_time_jumps() {
        let mut line = Timeline::new(48_000);
        assert!(line.continues(ms(9_000), true), "any begin will do");
        line.begin(ms(9_000));
        line.advance(ms(9_000), 480);
        assert!(line.continues(ms(9_010), true));
        assert!(line.continues(ms(9_030), false), "rounded");
        assert!(!line.continues(ms(9_030), true));
        assert!(!line.continues(ms(9_100), false));
        assert!(line.continues(None, false));
        line.begin(ms(20_000));
        assert_eq!(line.position_of(ClockTime::from_mseconds(20_010)), Some(960));
        assert_eq!(line.position_of(ClockTime::from_mseconds(19_990)), Some(0));
        assert_eq!(line.position_of(ClockTime::from_mseconds(19_900)), None);
    }

    #[test]
    fn time_goes_round_at_its_greatest_number() {
        let mut line = Timeline::new(48_000);
        let below_zero = ClockTime::from_nseconds(0u64.wrapping_sub(5_000_000));
        line.begin(Some(below_zero));
        line.advance(Some(below_zero), 480);
        assert!(line.continues(ms(5), true));
        assert_eq!(line.time_of(480), ClockTime::from_mseconds(5));
        assert_eq!(line.position_of(ClockTime::from_mseconds(5)), Some(480));
        assert_eq!(line.position_of(below_zero), Some(0));
        let span = line.span(0..480);
        assert_eq!(
            (span.pts, span.duration),
            (Some(below_zero), ClockTime::from_mseconds(10))
        );
        assert!(!line.continues(ms(5000), false), "far from what is below zero");
    }

    #[test]
    fn time_goes_back_only_where_the_time_stamps_do() {
        let mut line = Timeline::new(48_000);
        line.begin(ms(100));
        line.advance(ms(100), 480);
        line.begin(ms(105));
        assert_eq!(
            line.time_of(480),
            ClockTime::from_mseconds(110),
            "it lags a little"
        );
        line.begin(ms(95));
        assert_eq!(line.time_of(480), ClockTime::from_mseconds(95), "it goes back");
        line.advance(ms(95), 4800);
        line.begin(ms(150));
        assert_eq!(line.time_of(5280), ClockTime::from_mseconds(150), "it lags a lot");
    }

    #[test]
    fn the_first_buffer_sets_the_pace_and_only_a_row_of_others_changes_it() {
        let ms = Duration::from_millis;
        let mut pace = BufferDuration::default();
        assert_eq!(pace.take(ms(10)), Some(ms(10)));
        assert_eq!(pace.take(ms(12)), None);
        for _ in 0..7 {
            assert_eq!(pace.take(ms(20)), None);
        }
        assert_eq!(pace.take(ms(10)), None, "it was no row");
        for _ in 0..7 {
            assert_eq!(pace.take(ms(20)), None);
        }
        assert_eq!(pace.take(ms(21)), Some(ms(21)));
        assert_eq!(pace.take(ms(20)), None);
    }

    proptest! {
        #[test]
        fn a_time_stamp_finds_its_sample_again(
            rate in 8_000_u32..=384_000, begin in any::<u64>(), position in 0_u64..1 << 40
        ) {
            let mut line = Timeline::new(rate);
            line.begin(Some(ClockTime::from_nseconds(begin.min(u64::MAX - 1))));
            prop_assert_eq!(line.position_of(line.time_of(position)), Some(position));
        }

        #[test]
        fn buffers_follow_each_other_as_gstreamer_aligns_them(
            steps in prop::collection::vec((-60_i64..60, any::<bool>(), 1_u64..5000), 1..100)
        ) {
            gst::init().unwrap();
            let (rate, mut time) = (48_000, 10_000_000_000_u64);
            let mut align = gst_audio::AudioStreamAlign::new(rate, TOLERANCE, ClockTime::ZERO);
            let mut line = Timeline::new(rate as u32);
            for (jitter, is_off, samples) in steps {
                // A quarter of a millisecond beside whole ones, so that its grid of samples decides nothing.
                let off = if is_off { jitter * 1_000_000 + 250_000 } else { 0 };
                let pts = ClockTime::from_nseconds(time.wrapping_add_signed(off));
                let (is_break, ..) = align.process(false, pts, samples as u32);
                let begins = line.end() == 0 || !line.continues(Some(pts), false);
                prop_assert_eq!(begins, is_break, "{} at {}", off, time);
                if begins {
                    line.begin(Some(pts));
                    time = pts.nseconds();
                }
                line.advance(Some(pts), samples);
                time += duration(samples, rate as u32);
            }
        }
    }
}

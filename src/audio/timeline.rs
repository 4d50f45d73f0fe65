// SPDX-License-Identifier: MPL-2.0

//! Positions and time stamps of a stream: one sample follows the other, whatever the time stamps' rounding.

use std::time::Duration;

use super::spec::{duration, nearest};

/// Time stamps that are off by less than this are rounded, as in files that count milliseconds, or follow another
/// clock: the samples follow each other. As GStreamer's audio sinks do (`alignment-threshold`).
const TOLERANCE: Duration = Duration::from_millis(40);

/// Where the stream stands. Positions go on over a gap; what time they stand for does not.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    rate: u32,
    /// A position, and the time stamp that it had.
    anchor: (u64, Option<Duration>),
    /// Position of the sample that comes next.
    end: u64,
}

impl Timeline {
    pub fn new(rate: u32) -> Timeline {
        Timeline {
            rate,
            anchor: (0, None),
            end: 0,
        }
    }

    /// Position of the sample that comes next.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Position of the first sample since time was set.
    pub fn origin(&self) -> u64 {
        self.anchor.0
    }

    /// Whether a buffer goes on where the last one ended; one without a time stamp does. One that is marked as
    /// discontinuous has to do so to the sample.
    pub fn continues(&self, pts: Option<Duration>, is_marked: bool) -> bool {
        let (Some(pts), Some(_)) = (pts, self.anchor.1) else {
            // The first time stamp after buffers that had none sets the time.
            return pts.is_none() || self.end == self.anchor.0;
        };
        let off = pts.abs_diff(self.time_of(self.end));
        let tolerance = if is_marked {
            duration(1, self.rate)
        } else {
            TOLERANCE
        };
        off <= tolerance
    }

    /// Sets the time of the sample that comes next.
    pub fn set(&mut self, pts: Option<Duration>) {
        self.anchor = (self.end, pts);
    }

    pub fn advance(&mut self, samples: u64) {
        self.end += samples;
    }

    /// Whether the stream has time stamps.
    pub fn is_timed(&self) -> bool {
        self.anchor.1.is_some()
    }

    /// Time stamp of a position; in a stream without time stamps they count from its beginning.
    pub fn time_of(&self, position: u64) -> Duration {
        let (origin, time) = self.anchor;
        let time = time.unwrap_or_default();
        match position.checked_sub(origin) {
            Some(after) => time + duration(after, self.rate),
            None => time.saturating_sub(duration(origin - position, self.rate)),
        }
    }

    /// Position of a time stamp; `None` for what lies before the stream.
    pub fn position_of(&self, pts: Duration) -> Option<u64> {
        let (origin, time) = self.anchor;
        let time = time.unwrap_or_default();
        match pts.checked_sub(time) {
            Some(after) => Some(origin + nearest(after, self.rate)),
            None => origin.checked_sub(nearest(time - pts, self.rate)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_go_on_where_the_time_jumps() {
        let mut line = Timeline::new(48_000);
        assert!(
            line.continues(Some(Duration::from_secs(9)), true),
            "any begin will do"
        );
        line.set(Some(Duration::from_secs(9)));
        line.advance(480);
        assert!(line.continues(Some(Duration::from_millis(9_010)), true));
        assert!(
            line.continues(Some(Duration::from_millis(9_030)), false),
            "rounded"
        );
        assert!(!line.continues(Some(Duration::from_millis(9_030)), true));
        assert!(!line.continues(Some(Duration::from_millis(9_100)), false));
        assert!(line.continues(None, false));
        line.set(Some(Duration::from_secs(20)));
        assert_eq!(line.position_of(Duration::from_millis(20_010)), Some(960));
        assert_eq!(line.position_of(Duration::from_millis(19_990)), Some(0));
        assert_eq!(line.position_of(Duration::from_millis(19_900)), None);
    }

    proptest! {
        #[test]
        fn a_time_stamp_finds_its_sample_again(
            rate in 8_000_u32..=384_000, begin in 0_u64..1 << 50, position in 0_u64..1 << 40
        ) {
            let mut line = Timeline::new(rate);
            line.set(Some(Duration::from_nanos(begin)));
            prop_assert_eq!(line.position_of(line.time_of(position)), Some(position));
        }
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What a monotonic time is in the world's time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Beyond this the world's clock was set, and is followed; below it may drift, so that the spans of a trace stay in order.
const SET: Duration = Duration::from_millis(10);

/// The world's time when monotonic time began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock(Duration);

impl Clock {
    pub fn now() -> Clock {
        let monotonic: Duration = gst::get_timestamp().into();
        let world = SystemTime::now().duration_since(UNIX_EPOCH);
        Clock(world.unwrap_or_default().saturating_sub(monotonic))
    }

    /// Follows another look at both clocks, if the world's was set in between.
    pub fn follow(&mut self, newer: Clock) {
        if SET < self.0.abs_diff(newer.0) {
            *self = newer;
        }
    }

    pub fn time(self, monotonic: gst::ClockTime) -> SystemTime {
        UNIX_EPOCH + self.0 + Duration::from(monotonic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_followed_and_one_that_drifts_is_not() {
        let begin = Clock(Duration::from_secs(1_000));
        let after = |newer: Duration| {
            let mut clock = begin;
            clock.follow(Clock(newer));
            clock.time(gst::ClockTime::from_seconds(5))
        };
        let at = |time: Duration| UNIX_EPOCH + time;
        assert_eq!(
            after(Duration::from_millis(1_000_009)),
            at(Duration::from_secs(1_005))
        );
        assert_eq!(after(Duration::from_secs(2_000)), at(Duration::from_secs(2_005)));
        assert_eq!(after(Duration::from_secs(500)), at(Duration::from_secs(505)));
    }
}

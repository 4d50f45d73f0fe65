// SPDX-License-Identifier: MPL-2.0

//! How long the buffers of a stream last, where no frame rate says so.

use std::time::Duration;

/// Buffers in a row that must last longer, or shorter, before the pace is another one: a last short buffer, or a long
/// one after a stall, is none.
const PERSISTENCE: u32 = 8;

/// Share by which a buffer must differ to count: some streams alternate between sizes (441 samples in 1,024 bytes).
const TOLERANCE: f64 = 0.25;

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
        if (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&ratio) {
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
    use super::*;

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
}

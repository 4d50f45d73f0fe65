// SPDX-License-Identifier: MPL-2.0

//! The ways to servers, which are slow after a rest: TCP begins anew with few packets a round trip. What a candidate on a
//! server takes after one is not what it takes while it is used, so it counts nothing, and the candidate is asked again.

use std::time::Duration;

/// After so long without a byte Linux lets a connection begin anew, at the least.
const REST: Duration = Duration::from_millis(200);

/// Periods of the stream that are no rest: who is asked that seldom while it is used answers so.
const PERIODS: u32 = 4;

/// Of each lane on a server, when it was used last, and whether it was so after a rest.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    ways: Vec<Option<Way>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// When the last answer came.
    used: Option<Duration>,
    /// Whether it came after a rest, and nothing after it.
    was_resting: bool,
}

impl Ways {
    /// Which lanes are on servers, by their numbers.
    pub fn set(&mut self, on_servers: impl Iterator<Item = bool>) {
        for (lane, is_on_server) in on_servers.enumerate() {
            if self.ways.len() <= lane {
                self.ways.push(None);
            }
            match (is_on_server, self.ways[lane]) {
                (true, None) => self.ways[lane] = Some(Way::default()),
                (false, _) => self.ways[lane] = None,
                (true, Some(_)) => {}
            }
        }
    }

    /// An answer came at `now` after `latency`. Whether that is what answers of the lane take while it is used.
    pub fn answered(&mut self, now: Duration, lane: usize, latency: Duration, period: Duration) -> bool {
        let Some(way) = self.ways.get_mut(lane).and_then(Option::as_mut) else {
            return true;
        };
        let rest = REST.max(period * PERIODS);
        let asked = now.saturating_sub(latency);
        let rested = way.used.is_some_and(|it| rest < asked.saturating_sub(it));
        *way = Way {
            used: Some(now),
            was_resting: rested,
        };
        !rested
    }

    /// The first lane that answered after a rest and should be asked again, before it rests anew.
    pub fn awake(&self) -> Option<usize> {
        let mut ways = self.ways.iter();
        ways.position(|it| it.is_some_and(|it| it.was_resting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(40);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn an_answer_after_a_rest_does_not_count_and_the_next_one_does() {
        let mut ways = Ways::default();
        ways.set([false, true].into_iter());
        assert!(ways.answered(ms(1000), 1, ms(24), PERIOD));
        assert!(ways.answered(ms(1040), 1, ms(24), PERIOD));
        assert_eq!(ways.awake(), None);
        assert!(!ways.answered(ms(3000), 1, ms(85), PERIOD));
        assert_eq!(ways.awake(), Some(1));
        assert!(ways.answered(ms(3040), 1, ms(24), PERIOD));
        assert_eq!(ways.awake(), None);
    }

    #[test]
    fn who_is_here_and_who_is_asked_seldom_by_a_slow_stream_always_count() {
        let mut ways = Ways::default();
        ways.set([false, true].into_iter());
        for second in 1..5 {
            assert!(ways.answered(ms(1000 * second), 0, ms(5), PERIOD));
            assert!(ways.answered(ms(1000 * second), 1, ms(85), ms(1000)));
        }
    }
}

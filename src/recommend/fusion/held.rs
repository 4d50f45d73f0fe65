// SPDX-License-Identifier: MPL-2.0

//! Which answer about sound belongs to a frame: the nearest in time, held until it is stale, never interpolated, since what
//! is between two classes is neither.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers that are kept at most: of sound that is hours ahead of the frames, as in a file that is read at once.
const CAPACITY: usize = 1 << 16;

/// How answers are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Answers up to so long after a frame may belong to it.
    pub lookahead: Duration,
    /// An answer farther away than this is stale.
    pub stale_after: Duration,
}

impl Default for Holding {
    fn default() -> Self {
        Holding {
            lookahead: Duration::ZERO,
            // Models of sound mostly answer once or twice a second.
            stale_after: Duration::from_secs(1),
        }
    }
}

impl Holding {
    /// The place of the answer that belongs to a frame at `time`, among `count` answers with times in order: the nearest that
    /// is not too late and not stale; of two as near the earlier one.
    pub fn nearest(&self, count: usize, at: impl Fn(usize) -> Duration, time: Duration) -> Option<usize> {
        let last = time.saturating_add(self.lookahead);
        // The first one after the frame, and the one before it.
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            match at(middle) <= time {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let before = low.checked_sub(1);
        let after = Some(low).filter(|it| *it < count && at(*it) <= last);
        let away = |it: &usize| at(*it).abs_diff(time);
        let near = before
            .into_iter()
            .chain(after)
            .filter(|it| away(it) <= self.stale_after);
        near.min_by_key(away)
    }
}

/// The answers of late of one stream, in order of time.
#[derive(Debug, Clone)]
pub struct Held<T>(VecDeque<(Duration, T)>);

impl<T> Held<T> {
    pub fn new() -> Self {
        Held(VecDeque::new())
    }

    /// Takes in an answer. One before the last begins anew, as after a seek.
    pub fn hear(&mut self, time: Duration, answer: T) {
        if self.0.back().is_some_and(|last| time < last.0) {
            self.0.clear();
        }
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back((time, answer));
    }

    /// The answer that belongs to a frame, with its time.
    pub fn of(&self, time: Duration, holding: &Holding) -> Option<(Duration, &T)> {
        let place = holding.nearest(self.0.len(), |it| self.0[it].0, time)?;
        self.0.get(place).map(|(at, answer)| (*at, answer))
    }

    /// Forgets what is stale for frames from `time` on.
    pub fn forget(&mut self, time: Duration, holding: &Holding) {
        while self
            .0
            .pop_front_if(|it| it.0.saturating_add(holding.stale_after) < time)
            .is_some()
        {}
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Held::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn held(times: &[u64]) -> Held<u64> {
        let mut held = Held::new();
        times.iter().for_each(|it| held.hear(ms(*it), *it));
        held
    }

    #[test]
    fn the_nearest_answer_is_held_until_it_is_stale() {
        let holding = Holding {
            lookahead: ms(200),
            stale_after: ms(500),
        };
        let held = held(&[0, 400, 1600]);
        for (time, answer) in [
            (0, Some(0)),
            (200, Some(0)),
            (201, Some(400)),
            (900, Some(400)),
            (901, None),
            (1399, None),
            (1400, Some(1600)),
            (2100, Some(1600)),
            (2101, None),
        ] {
            assert_eq!(held.of(ms(time), &holding).map(|it| *it.1), answer, "at {time}");
        }
    }

    #[test]
    fn without_lookahead_nothing_of_the_future_is_used_and_a_seek_begins_anew() {
        let mut held = held(&[0, 400]);
        let holding = Holding::default();
        assert_eq!(held.of(ms(399), &holding).map(|it| *it.1), Some(0));
        held.hear(ms(100), 100);
        assert_eq!(held.of(ms(400), &holding).map(|it| *it.1), Some(100));
        held.clear();
        assert_eq!(held.of(ms(400), &holding), None);
        (0..70_000).for_each(|it| held.hear(ms(it), it));
        assert_eq!(held.0.len(), CAPACITY);
        held.forget(ms(69_000), &holding);
        assert_eq!(held.0.len(), 2000);
        assert_eq!(held.of(ms(69_000), &holding).map(|it| *it.1), Some(69_000));
    }
}

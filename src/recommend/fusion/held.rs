// SPDX-License-Identifier: MPL-2.0

//! Which answer about sound belongs to a frame: the nearest in time, held until it is stale, never interpolated, since what
//! is between two classes is neither.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers that are kept at most: ten seconds of 25 a second.
const CAPACITY: usize = 256;

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
    /// The place of the answer that belongs to a frame at `time`, among answers with these times in order: the nearest that
    /// is not too late and not stale; of two as near the earlier one.
    pub fn nearest(
        &self,
        answers: impl DoubleEndedIterator<Item = Duration> + ExactSizeIterator,
        time: Duration,
    ) -> Option<usize> {
        let last = time.saturating_add(self.lookahead);
        let near = answers.enumerate().rev().filter(|it| it.1 <= last);
        let mut best: Option<(usize, Duration)> = None;
        for (place, at) in near {
            let away = at.abs_diff(time);
            if best.is_some_and(|it| it.1 < away) {
                break;
            }
            best = Some((place, away));
        }
        best.filter(|it| it.1 <= self.stale_after).map(|it| it.0)
    }
}

/// The answers of late of one stream, in order of time.
#[derive(Debug, Clone)]
pub struct Held<T>(VecDeque<(Duration, T)>);

impl<T> Held<T> {
    pub fn new() -> Self {
        Held(VecDeque::with_capacity(CAPACITY))
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
        let place = holding.nearest(self.0.iter().map(|it| it.0), time)?;
        self.0.get(place).map(|(at, answer)| (*at, answer))
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
        (0..1000).for_each(|it| held.hear(ms(it), it));
        assert_eq!(held.0.len(), CAPACITY);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Which frames are worth a picture.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, Frame};

/// How many pictures of each kind a report gets.
const FIRSTS: usize = 14;
const MISSES: u32 = 6;
const TIMES: u32 = 16;

/// Two misses closer than this look the same.
const APART: Duration = Duration::from_secs(1);

/// A frame that is to be shown. Times are monotonic.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at: Duration,
    pub occasion: Occasion,
}

/// Why it is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Occasion {
    /// The first one that was answered like this.
    First { candidate: String, answer: AnswerKind },
    /// The active candidate had no answer in time, and this left.
    Missed {
        candidate: String,
        answer: AnswerKind,
        latency: Duration,
    },
    /// Some frame, where nobody tells who answered.
    Passed,
}

/// Remembers what was shown already.
#[derive(Debug)]
pub struct Moments {
    most_firsts: usize,
    most_misses: u32,
    firsts: Vec<(String, AnswerKind)>,
    misses: u32,
    last_miss: Duration,
    times: u32,
    /// When the next frame is shown of which nothing is known.
    due: Duration,
}

impl Moments {
    /// Of one of `streams`: from the third on all of them share the pictures that two have, and each has some.
    pub fn one_of(streams: usize) -> Moments {
        Moments {
            most_firsts: (2 * FIRSTS / streams.max(2)).max(2),
            most_misses: (2 * MISSES / u32::try_from(streams.max(2)).unwrap_or(u32::MAX)).max(1),
            firsts: Vec::new(),
            misses: 0,
            last_miss: Duration::ZERO,
            times: 0,
            due: Duration::ZERO,
        }
    }

    /// Whether the frame that leaves now is to be shown, by what the switch says of it.
    pub fn of_frame(&mut self, frame: &Frame) -> Option<Moment> {
        let (at, candidate, answer) = (frame.time, &frame.candidate, frame.answer);
        if answer == AnswerKind::Dropped {
            return None;
        }
        let is_known = |it: &(String, AnswerKind)| it.0 == *candidate && it.1 == answer;
        if !self.firsts.iter().any(is_known) && self.firsts.len() < self.most_firsts {
            self.firsts.push((candidate.clone(), answer));
            let occasion = Occasion::First {
                candidate: candidate.clone(),
                answer,
            };
            return Some(Moment { at, occasion });
        }
        // Before anybody is active nobody misses.
        let is_missed = frame.is_miss && !frame.active.is_empty();
        let is_apart = self.misses == 0 || APART <= at.saturating_sub(self.last_miss);
        if !is_missed || !is_apart || self.most_misses <= self.misses {
            return None;
        }
        self.misses += 1;
        self.last_miss = at;
        let occasion = Occasion::Missed {
            candidate: candidate.clone(),
            answer,
            latency: frame.latency,
        };
        Some(Moment { at, occasion })
    }

    /// Whether a frame that leaves at `at` is to be shown where nobody says anything of it: the pauses double, so that a
    /// run of a second has some, and one of hours not too many.
    pub fn of_time(&mut self, at: Duration) -> Option<Moment> {
        if at < self.due || TIMES <= self.times {
            return None;
        }
        self.due = at + Duration::from_millis(500 << self.times);
        self.times += 1;
        let occasion = Occasion::Passed;
        Some(Moment { at, occasion })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples::frame;

    fn at(seconds: u64, candidate: &str, answer: AnswerKind, latency: u64) -> Frame {
        Frame {
            time: Duration::from_secs(seconds),
            ..frame(candidate, answer, latency)
        }
    }

    #[test]
    fn each_answerer_is_shown_once_and_misses_now_and_then() {
        let mut moments = Moments::one_of(1);
        let mut shown = |frame: &Frame| moments.of_frame(frame).map(|it| it.occasion);
        assert!(matches!(
            shown(&at(0, "small", AnswerKind::Active, 3)),
            Some(Occasion::First { .. })
        ));
        assert_eq!(shown(&at(1, "small", AnswerKind::Active, 3)), None);
        assert!(matches!(
            shown(&at(2, "small", AnswerKind::Active, 55)),
            Some(Occasion::Missed { .. })
        ));
        assert_eq!(shown(&at(2, "small", AnswerKind::Active, 55)), None, "too close");
        assert_eq!(
            shown(&at(3, "", AnswerKind::Dropped, 55)),
            None,
            "there is nothing to show"
        );
        assert!(matches!(
            shown(&at(4, "small", AnswerKind::Floor, 39)),
            Some(Occasion::First { .. })
        ));
        let later = (5..10_000).filter_map(|it| shown(&at(it, "small", AnswerKind::Active, 55)));
        assert_eq!(later.count(), MISSES as usize - 1);
    }

    #[test]
    fn without_messages_ten_hours_have_sixteen_pictures_and_ten_seconds_five() {
        let mut moments = Moments::one_of(1);
        let frames = (0..36_000 * 25).map(|number| Duration::from_millis(7_000 + 40 * number));
        let shown: Vec<Duration> = frames
            .filter_map(|it| moments.of_time(it))
            .map(|it| it.at)
            .collect();
        assert_eq!(shown.len(), 16);
        assert_eq!(shown.iter().filter(|it| it.as_secs() < 17).count(), 5);
    }
}

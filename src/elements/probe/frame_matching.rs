// SPDX-License-Identifier: MPL-2.0

//! Finds the reference frame of each frame, by running time.
//!
//! Both streams are in order, so this is a merge: what one stream has passed will not come any more, and at
//! most one of the two queues holds frames.

use std::collections::VecDeque;

use gst::ClockTime;

/// Frames that wait at most, per stream: two seconds at 30 frames a second, and not more memory than a
/// decoder's own pool and a few queues have.
const CAPACITY: usize = 64;

/// Times this near are the same frame: Matroska rounds to milliseconds, and frames are farther apart.
const TOLERANCE: ClockTime = ClockTime::MSECOND;

#[derive(Debug)]
pub struct Matcher<T> {
    answers: VecDeque<(ClockTime, T)>,
    references: VecDeque<(ClockTime, T)>,
}

/// What a frame brought about.
#[derive(Debug, PartialEq)]
pub struct Outcome<T> {
    /// A frame and its reference.
    pub pair: Option<(T, T)>,
    /// Frames that turned out to have no reference.
    pub unmatched: u64,
    /// Frames that are of no use any more, for the caller to release where it holds no lock.
    pub gone: Vec<T>,
}

impl<T> Matcher<T> {
    pub fn new() -> Self {
        Matcher {
            answers: VecDeque::with_capacity(CAPACITY + 1),
            references: VecDeque::with_capacity(CAPACITY),
        }
    }

    /// Takes in a frame.
    pub fn answer(&mut self, at: ClockTime, frame: T) -> Outcome<T> {
        let mut gone = Vec::new();
        if self.answers.back().is_some_and(|(last, _)| at < *last) {
            gone.extend(self.answers.drain(..).map(|(_, frame)| frame));
        }
        let lost = gone.len() as u64;
        gone.extend(passed(&mut self.references, at));

        let (mut pair, mut unmatched) = (None, lost);
        match self.references.front() {
            Some((time, _)) if at.saturating_add(TOLERANCE) < *time => {
                gone.push(frame);
                unmatched += 1;
            }
            Some(_) => {
                pair = self
                    .references
                    .pop_front()
                    .map(|(_, reference)| (frame, reference))
            }
            None => {
                self.answers.push_back((at, frame));
                if CAPACITY < self.answers.len() {
                    gone.extend(self.answers.pop_front().map(|(_, frame)| frame));
                    unmatched += 1;
                }
            }
        }
        Outcome {
            pair,
            unmatched,
            gone,
        }
    }

    /// Takes in a reference frame. A full queue refuses it: the ones that wait are those needed next.
    pub fn reference(&mut self, at: ClockTime, frame: T) -> Outcome<T> {
        let mut gone = Vec::new();
        if self.references.back().is_some_and(|(last, _)| at < *last) {
            gone.extend(self.references.drain(..).map(|(_, frame)| frame));
        }
        let before = gone.len();
        gone.extend(passed(&mut self.answers, at));
        let unmatched = (gone.len() - before) as u64;

        let mut pair = None;
        match self.answers.front() {
            Some((time, _)) if at.saturating_add(TOLERANCE) < *time => gone.push(frame),
            Some(_) => pair = self.answers.pop_front().map(|(_, answer)| (answer, frame)),
            None if self.references.len() < CAPACITY => self.references.push_back((at, frame)),
            None => gone.push(frame),
        }
        Outcome {
            pair,
            unmatched,
            gone,
        }
    }

    /// Whether frames wait for a reference.
    pub fn is_waiting(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Forgets all frames; those of the first stream are unmatched.
    pub fn clear(&mut self) -> Outcome<T> {
        let unmatched = self.answers.len() as u64;
        let both = self.answers.drain(..).chain(self.references.drain(..));
        Outcome {
            pair: None,
            unmatched,
            gone: both.map(|(_, frame)| frame).collect(),
        }
    }
}

/// Takes out the frames that are too early for `at`.
fn passed<T>(queue: &mut VecDeque<(ClockTime, T)>, at: ClockTime) -> impl Iterator<Item = T> {
    let count = queue.partition_point(|(time, _)| time.saturating_add(TOLERANCE) < at);
    queue.drain(..count).map(|(_, frame)| frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Push {
        Answer(u64),
        Reference(u64),
    }
    use Push::{Answer, Reference};

    /// Pushes frames with their time in milliseconds; tells the pairs, and how many were unmatched.
    fn run(pushes: &[Push]) -> (Vec<(u64, u64)>, u64) {
        let mut matcher = Matcher::new();
        let (mut pairs, mut unmatched) = (Vec::new(), 0);
        for push in pushes {
            let outcome = match push {
                Answer(ms) => matcher.answer(ClockTime::from_mseconds(*ms), *ms),
                Reference(ms) => matcher.reference(ClockTime::from_mseconds(*ms), *ms),
            };
            pairs.extend(outcome.pair);
            unmatched += outcome.unmatched;
        }
        (pairs, unmatched + matcher.clear().unmatched)
    }

    #[test]
    fn frames_find_their_reference_whoever_comes_first() {
        assert_eq!(
            run(&[Answer(0), Reference(0), Reference(40), Answer(40)]),
            (vec![(0, 0), (40, 40)], 0)
        );
        assert_eq!(
            run(&[Answer(0), Answer(40), Reference(0), Reference(40)]),
            (vec![(0, 0), (40, 40)], 0)
        );
    }

    #[test]
    fn a_rounded_time_is_the_same_frame() {
        assert_eq!(run(&[Answer(33), Reference(34)]), (vec![(33, 34)], 0));
        assert_eq!(run(&[Answer(33), Reference(35)]), (vec![], 1));
    }

    #[test]
    fn a_frame_missing_from_either_stream_costs_no_other() {
        assert_eq!(run(&[Answer(0), Answer(40), Reference(40)]), (vec![(40, 40)], 1));
        assert_eq!(
            run(&[Reference(0), Reference(40), Answer(40)]),
            (vec![(40, 40)], 0)
        );
        assert_eq!(run(&[Reference(40), Answer(0), Answer(40)]), (vec![(40, 40)], 1));
    }

    #[test]
    fn a_stream_that_starts_over_gives_up_what_waited() {
        assert_eq!(run(&[Answer(80), Answer(0), Reference(0)]), (vec![(0, 0)], 1));
        assert_eq!(run(&[Reference(80), Reference(0), Answer(0)]), (vec![(0, 0)], 0));
    }

    #[test]
    fn queues_are_bounded_and_references_far_ahead_keep_the_next_ones() {
        let frames = |count: u64| (0..count).map(|number| 40 * number);
        let ahead = frames(200).map(Reference).chain(frames(64).map(Answer));
        let (pairs, unmatched) = run(&ahead.collect::<Vec<_>>());
        assert_eq!((pairs.len(), unmatched), (64, 0));
        let behind = frames(200).map(Answer).chain(frames(200).map(Reference));
        let (pairs, unmatched) = run(&behind.collect::<Vec<_>>());
        assert_eq!((pairs.len(), unmatched), (64, 136));
        assert_eq!(pairs[0], (136 * 40, 136 * 40));
    }
}

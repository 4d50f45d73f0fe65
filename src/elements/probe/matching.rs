// SPDX-License-Identifier: MPL-2.0

//! Finds the partners of two streams by running time: frame by frame, or the stretches of sound that overlap.
//!
//! Both streams are in order, so this is a merge: what one stream has passed will not come any more.

use std::collections::VecDeque;

use gst::ClockTime;

/// What waits at most, per stream: two seconds at 30 frames a second, more than one of the usual 20 ms of sound, and
/// not more memory than a decoder's own pool and a few queues have.
const CAPACITY: usize = 64;

/// Times this near are the same frame: Matroska rounds to milliseconds, and frames are farther apart.
const TOLERANCE: ClockTime = ClockTime::MSECOND;

/// What a frame or a stretch brought about.
#[derive(Debug, PartialEq)]
pub struct Met<T> {
    /// Partners, the answer first.
    pub pairs: Vec<(T, T)>,
    /// Those of the first stream that turned out to have no reference.
    pub unmatched: u64,
    /// What is of no use any more, for the caller to release where it holds no lock.
    pub gone: Vec<T>,
}

impl<T> Default for Met<T> {
    fn default() -> Self {
        Met {
            pairs: Vec::new(),
            unmatched: 0,
            gone: Vec::new(),
        }
    }
}

impl<T> Met<T> {
    /// Answers that have no reference.
    fn give_up(&mut self, answers: impl IntoIterator<Item = T>) {
        let before = self.gone.len();
        self.gone.extend(answers);
        self.unmatched += (self.gone.len() - before) as u64;
    }

    fn give_up_unless_matched(&mut self, answers: impl IntoIterator<Item = Waiting<T>>) {
        for answer in answers {
            self.unmatched += u64::from(!answer.is_matched);
            self.gone.push(answer.span.what);
        }
    }
}

/// Both streams of frames; at most one of the two queues holds any.
#[derive(Debug)]
pub struct Frames<T> {
    answers: VecDeque<(ClockTime, T)>,
    references: VecDeque<(ClockTime, T)>,
}

impl<T> Frames<T> {
    pub fn new() -> Self {
        Frames {
            answers: VecDeque::with_capacity(CAPACITY + 1),
            references: VecDeque::with_capacity(CAPACITY),
        }
    }

    /// Takes in a frame of the first stream.
    pub fn answer(&mut self, at: ClockTime, frame: T) -> Met<T> {
        let mut met = Met::default();
        met.give_up(started_over(&mut self.answers, at));
        met.gone.extend(passed(&mut self.references, at));
        match self
            .references
            .pop_front_if(|(time, _)| *time <= at.saturating_add(TOLERANCE))
        {
            Some((_, reference)) => met.pairs.push((frame, reference)),
            None if !self.references.is_empty() => met.give_up([frame]),
            None => {
                self.answers.push_back((at, frame));
                let surplus = self.answers.len().saturating_sub(CAPACITY);
                met.give_up(self.answers.drain(..surplus).map(|(_, frame)| frame));
            }
        }
        met
    }

    /// Takes in a reference frame. A full queue refuses it: the ones that wait are those needed next.
    pub fn reference(&mut self, at: ClockTime, frame: T) -> Met<T> {
        let mut met = Met::default();
        met.gone.extend(started_over(&mut self.references, at));
        met.give_up(passed(&mut self.answers, at));
        match self
            .answers
            .pop_front_if(|(time, _)| *time <= at.saturating_add(TOLERANCE))
        {
            Some((_, answer)) => met.pairs.push((answer, frame)),
            None if self.answers.is_empty() && self.references.len() < CAPACITY => {
                self.references.push_back((at, frame));
            }
            None => met.gone.push(frame),
        }
        met
    }

    /// Whether frames wait for a reference.
    pub fn is_waiting(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Forgets all frames.
    pub fn clear(&mut self) -> Met<T> {
        let mut met = Met::default();
        met.give_up(self.answers.drain(..).map(|(_, frame)| frame));
        met.gone.extend(self.references.drain(..).map(|(_, frame)| frame));
        met
    }
}

/// Takes out all frames if `at` is before the last of them.
fn started_over<T>(queue: &mut VecDeque<(ClockTime, T)>, at: ClockTime) -> impl Iterator<Item = T> {
    let count = match queue.back() {
        Some((last, _)) if at < *last => queue.len(),
        _ => 0,
    };
    queue.drain(..count).map(|(_, frame)| frame)
}

/// Takes out the frames that are too early for `at`.
fn passed<T>(queue: &mut VecDeque<(ClockTime, T)>, at: ClockTime) -> impl Iterator<Item = T> {
    let count = queue.partition_point(|(time, _)| time.saturating_add(TOLERANCE) < at);
    queue.drain(..count).map(|(_, frame)| frame)
}

/// A stretch of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Span<T> {
    /// Running time.
    pub start: ClockTime,
    pub end: ClockTime,
    pub what: T,
}

/// Both streams of sound. Buffers need not be cut alike, so one may meet several, or a part of one.
#[derive(Debug)]
pub struct Spans<T> {
    answers: VecDeque<Waiting<T>>,
    references: VecDeque<Span<T>>,
    /// Where the reference has come to.
    reached: ClockTime,
}

#[derive(Debug)]
struct Waiting<T> {
    span: Span<T>,
    is_matched: bool,
}

impl<T: Clone> Spans<T> {
    pub fn new() -> Self {
        Spans {
            answers: VecDeque::with_capacity(CAPACITY + 1),
            references: VecDeque::with_capacity(CAPACITY + 1),
            reached: ClockTime::ZERO,
        }
    }

    /// Takes in a stretch of the first stream.
    pub fn answer(&mut self, span: Span<T>) -> Met<T> {
        let mut met = Met::default();
        if self
            .answers
            .back()
            .is_some_and(|last| span.start < last.span.start)
        {
            met.give_up_unless_matched(self.answers.drain(..));
        }
        let passed = self
            .references
            .iter()
            .take_while(|it| it.end <= span.start)
            .count();
        met.gone.extend(self.references.drain(..passed).map(|it| it.what));
        let meets = self.references.iter().filter(|it| overlap(it, &span));
        met.pairs = meets.map(|it| (span.what.clone(), it.what.clone())).collect();
        let waiting = Waiting {
            is_matched: !met.pairs.is_empty(),
            span,
        };
        if waiting.span.end <= self.reached {
            met.give_up_unless_matched([waiting]);
        } else {
            self.answers.push_back(waiting);
            let surplus = self.answers.len().saturating_sub(CAPACITY);
            met.give_up_unless_matched(self.answers.drain(..surplus));
        }
        met
    }

    /// Takes in a stretch of the reference.
    pub fn reference(&mut self, span: Span<T>) -> Met<T> {
        let mut met = Met::default();
        if span.start < self.reached && self.references.back().is_some_and(|last| span.start < last.start) {
            met.gone.extend(self.references.drain(..).map(|it| it.what));
        }
        self.reached = span.end;
        for waiting in self.answers.iter_mut().filter(|it| overlap(&it.span, &span)) {
            waiting.is_matched = true;
            met.pairs.push((waiting.span.what.clone(), span.what.clone()));
        }
        let passed = self
            .answers
            .iter()
            .take_while(|it| it.span.end <= span.end)
            .count();
        met.give_up_unless_matched(self.answers.drain(..passed));
        self.references.push_back(span);
        let surplus = self.references.len().saturating_sub(CAPACITY);
        met.gone
            .extend(self.references.drain(..surplus).map(|it| it.what));
        met
    }

    /// Whether stretches wait for a reference.
    pub fn is_waiting(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Forgets all that wait.
    pub fn clear(&mut self) -> Met<T> {
        let mut met = Met::default();
        met.give_up_unless_matched(self.answers.drain(..));
        met.gone.extend(self.references.drain(..).map(|it| it.what));
        self.reached = ClockTime::ZERO;
        met
    }
}

fn overlap<T>(one: &Span<T>, other: &Span<T>) -> bool {
    one.start < other.end && other.start < one.end
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
        let mut matcher = Frames::new();
        let (mut pairs, mut unmatched) = (Vec::new(), 0);
        for push in pushes {
            let outcome = match push {
                Answer(ms) => matcher.answer(ClockTime::from_mseconds(*ms), *ms),
                Reference(ms) => matcher.reference(ClockTime::from_mseconds(*ms), *ms),
            };
            pairs.extend(outcome.pairs);
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

    fn span(start: u64, end: u64, what: &'static str) -> Span<&'static str> {
        Span {
            start: ClockTime::from_mseconds(start),
            end: ClockTime::from_mseconds(end),
            what,
        }
    }

    #[test]
    fn stretches_that_are_cut_differently_meet_in_parts() {
        let mut spans = Spans::new();
        assert_eq!(spans.answer(span(0, 30, "a")).pairs, []);
        assert_eq!(spans.reference(span(0, 20, "x")).pairs, [("a", "x")]);
        assert!(spans.is_waiting(), "the end of a has no reference yet");
        let met = spans.reference(span(20, 40, "y"));
        assert_eq!(
            (met.pairs, met.unmatched, met.gone),
            (vec![("a", "y")], 0, vec!["a"])
        );
        assert_eq!(spans.answer(span(30, 60, "b")).pairs, [("b", "y")]);
    }

    #[test]
    fn what_has_no_reference_is_counted_once() {
        let mut spans = Spans::new();
        spans.answer(span(0, 10, "a"));
        spans.answer(span(10, 20, "b"));
        let met = spans.reference(span(10, 20, "x"));
        assert_eq!((met.pairs, met.unmatched), (vec![("b", "x")], 1));
        assert_eq!(spans.answer(span(12, 18, "late")).pairs, [("late", "x")]);
        assert_eq!(spans.clear().unmatched, 0);
    }

    #[test]
    fn streams_that_start_over_and_that_fall_behind_are_bounded() {
        let mut spans = Spans::new();
        for at in 0..100 {
            spans.answer(span(at * 10, at * 10 + 10, "a"));
        }
        assert!(spans.answers.len() <= CAPACITY);
        assert_eq!(spans.answer(span(0, 10, "again")).unmatched, CAPACITY as u64);
        for at in 0..100 {
            spans.reference(span(at * 10 + 500, at * 10 + 510, "x"));
        }
        assert!(spans.references.len() <= CAPACITY);
        spans.reference(span(0, 10, "again"));
        assert_eq!(spans.references.len(), 1);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Finds the stretches of the reference that lie at the time of each stretch of sound. Buffers of sound need not be cut alike,
//! so one may meet several, or a part of one.

use std::collections::VecDeque;

use gst::ClockTime;

/// Stretches that wait at most, per stream: more than a second of the usual 20 ms.
const CAPACITY: usize = 64;

/// A stretch of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Span<T> {
    /// Running time.
    pub start: ClockTime,
    pub end: ClockTime,
    pub what: T,
}

/// Both streams, each in order.
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

/// What a stretch brought about.
#[derive(Debug, PartialEq)]
pub struct Met<T> {
    /// Stretches that overlap, the answer first.
    pub pairs: Vec<(T, T)>,
    /// Stretches that turned out to have no reference.
    pub unmatched: u64,
    /// What is of no use any more, for the caller to release where it holds no lock.
    pub gone: Vec<T>,
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
        let mut met = Met::nothing();
        if self
            .answers
            .back()
            .is_some_and(|last| span.start < last.span.start)
        {
            met.give_up(self.answers.drain(..));
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
            met.give_up([waiting]);
        } else {
            self.answers.push_back(waiting);
            let surplus = self.answers.len().saturating_sub(CAPACITY);
            met.give_up(self.answers.drain(..surplus));
        }
        met
    }

    /// Takes in a stretch of the reference.
    pub fn reference(&mut self, span: Span<T>) -> Met<T> {
        let mut met = Met::nothing();
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
        met.give_up(self.answers.drain(..passed));
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
        let mut met = Met::nothing();
        met.give_up(self.answers.drain(..));
        met.gone.extend(self.references.drain(..).map(|it| it.what));
        self.reached = ClockTime::ZERO;
        met
    }
}

impl<T> Met<T> {
    fn nothing() -> Met<T> {
        Met {
            pairs: Vec::new(),
            unmatched: 0,
            gone: Vec::new(),
        }
    }

    fn give_up(&mut self, answers: impl IntoIterator<Item = Waiting<T>>) {
        for answer in answers {
            self.unmatched += u64::from(!answer.is_matched);
            self.gone.push(answer.span.what);
        }
    }
}

fn overlap<T>(one: &Span<T>, other: &Span<T>) -> bool {
    one.start < other.end && other.start < one.end
}

#[cfg(test)]
mod tests {
    use super::*;

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

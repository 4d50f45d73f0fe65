// SPDX-License-Identifier: MPL-2.0

//! The hand-over from the streaming threads to the thread that measures.
//!
//! Streaming threads only ever put frames in and go on; what they replace is released after the lock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use gst::ClockTime;
use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::fidelity::{Score, Scores};
use super::matching::{Frames, Met, Span, Spans};
use crate::messages::Fidelity;

/// Pairs that wait to be measured: a quarter of a second at 30 frames a second, so that a short load does
/// not cost a pair while a measurement that is too slow for the stream soon skips frames.
const PAIRS: usize = 8;

/// How long the end of the stream waits for the last pairs.
const PATIENCE: Duration = Duration::from_millis(500);

/// A buffer by reference, with what is needed to place and read it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub buffer: gst::Buffer,
    pub caps: gst::Caps,
    /// Running time.
    pub at: ClockTime,
}

impl Frame {
    pub fn is_sound(&self) -> bool {
        let structure = self.caps.structure(0);
        structure.is_some_and(|it| it.name() == "audio/x-raw")
    }

    /// How it is matched: sound by the time that it takes.
    fn span(&self) -> Option<Span<Frame>> {
        if !self.is_sound() {
            return None;
        }
        let length = self.buffer.duration().or_else(|| self.length())?;
        Some(Span {
            start: self.at,
            end: self.at.saturating_add(length),
            what: self.clone(),
        })
    }

    /// How long its samples take, by their number.
    fn length(&self) -> Option<ClockTime> {
        let info = gst_audio::AudioInfo::from_caps(&self.caps).ok()?;
        let samples = self.buffer.size() as u64 / u64::from(info.bpf());
        ClockTime::SECOND.mul_div_floor(samples, info.rate().into())
    }
}

#[derive(Debug)]
pub struct Pair {
    pub answer: Frame,
    pub reference: Frame,
}

#[derive(Debug)]
pub struct Comparator {
    inner: Mutex<Inner>,
    /// A pair came, or the end.
    work: Condvar,
    /// A pair was measured, or nothing is left to wait for.
    progress: Condvar,
}

#[derive(Debug)]
struct Inner {
    side: Side,
    frames: Frames<Frame>,
    spans: Spans<Frame>,
    pairs: VecDeque<Pair>,
    worker: Worker,
    scores: Scores,
    /// Whether the user was told why frames cannot be compared.
    complained: bool,
}

/// The reference stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// There is no request pad.
    Absent,
    Open,
    /// It reached its end.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Stopped,
    Idle,
    Measuring,
}

impl Comparator {
    pub fn new(window: usize) -> Self {
        Comparator {
            inner: Mutex::new(Inner {
                side: Side::Absent,
                frames: Frames::new(),
                spans: Spans::new(),
                pairs: VecDeque::with_capacity(PAIRS + 1),
                worker: Worker::Stopped,
                scores: Scores::new(window),
                complained: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// A reference pad was made.
    pub fn connect(&self) {
        self.inner.lock().side = Side::Open;
    }

    /// The reference pad went.
    pub fn disconnect(&self) {
        self.reset();
        self.inner.lock().side = Side::Absent;
        self.progress.notify_all();
    }

    /// Starts anew with no scores, for a thread that is about to call [`Comparator::next`].
    pub fn start(&self, window: usize) {
        let mut inner = self.inner.lock();
        inner.worker = Worker::Idle;
        inner.scores = Scores::new(window);
        inner.complained = false;
        if inner.side == Side::Ended {
            inner.side = Side::Open;
        }
    }

    /// Sends the thread home and lets nobody wait any more; the scores stay.
    pub fn stop(&self) {
        self.inner.lock().worker = Worker::Stopped;
        self.reset();
        self.work.notify_all();
    }

    /// Forgets the frames that wait.
    pub fn reset(&self) {
        let gone = {
            let mut inner = self.inner.lock();
            if inner.side == Side::Ended {
                inner.side = Side::Open;
            }
            let (frames, stretches) = (inner.frames.clear(), inner.spans.clear());
            let pairs = std::mem::take(&mut inner.pairs);
            let unmatched = frames.unmatched + stretches.unmatched;
            inner.scores.add_unmatched(unmatched + pairs.len() as u64);
            (frames.gone, stretches.gone, pairs)
        };
        drop(gone);
        self.progress.notify_all();
    }

    pub fn is_connected(&self) -> bool {
        self.inner.lock().side != Side::Absent
    }

    /// Takes in a frame of the first stream, if it can be compared at all.
    pub fn answer(&self, frame: Option<Frame>) {
        self.take_in(|inner| match frame {
            Some(frame) => match frame.span() {
                Some(span) => inner.spans.answer(span),
                None => inner.frames.answer(frame.at, frame),
            },
            None => Met {
                unmatched: 1,
                ..Met::default()
            },
        });
    }

    /// Takes in a reference frame.
    pub fn reference(&self, frame: Frame) {
        self.take_in(|inner| match frame.span() {
            Some(span) => inner.spans.reference(span),
            None => inner.frames.reference(frame.at, frame),
        });
    }

    fn take_in(&self, meet: impl FnOnce(&mut Inner) -> Met<Frame>) {
        let gone = {
            let mut inner = self.inner.lock();
            if inner.side == Side::Absent || inner.worker == Worker::Stopped {
                return;
            }
            let met = meet(&mut inner);
            inner.book(met)
        };
        self.work.notify_one();
        drop(gone);
    }

    /// The reference stream is at its end.
    pub fn end_reference(&self) {
        {
            let mut inner = self.inner.lock();
            if inner.side == Side::Open {
                inner.side = Side::Ended;
            }
        }
        self.progress.notify_all();
    }

    /// Waits, for a bounded time, until all frames that can be are measured.
    pub fn finish(&self) {
        let deadline = Instant::now() + PATIENCE;
        {
            let mut inner = self.inner.lock();
            while !inner.is_finished() && !self.progress.wait_until(&mut inner, deadline).timed_out() {}
        }
        self.reset();
    }

    /// Waits for the next pair; `None` when the thread shall end.
    pub fn next(&self) -> Option<Pair> {
        let mut inner = self.inner.lock();
        loop {
            if inner.worker == Worker::Stopped {
                return None;
            }
            if let Some(pair) = inner.pairs.pop_front() {
                inner.worker = Worker::Measuring;
                return Some(pair);
            }
            self.work.wait(&mut inner);
        }
    }

    /// Whether the user should be told why a pair cannot be compared: only the first time since the start.
    pub fn complain(&self) -> bool {
        !std::mem::replace(&mut self.inner.lock().complained, true)
    }

    /// The score of the pair that [`Comparator::next`] gave, if it could be compared.
    pub fn done(&self, score: Option<Score>) {
        {
            let mut inner = self.inner.lock();
            if inner.worker == Worker::Measuring {
                inner.worker = Worker::Idle;
            }
            match score {
                Some(score) => inner.scores.add(score),
                None => inner.scores.add_unmatched(1),
            }
        }
        self.progress.notify_all();
    }

    /// Since the start, with the means over the last pairs; `None` without a reference pad.
    pub fn total(&self) -> Option<(Fidelity, Option<(f64, f64)>)> {
        let inner = self.inner.lock();
        (inner.side != Side::Absent).then(|| (inner.scores.total(), inner.scores.window()))
    }

    /// Since this was last asked; `None` without a reference pad.
    pub fn take_interval(&self) -> Option<Fidelity> {
        let mut inner = self.inner.lock();
        (inner.side != Side::Absent).then(|| inner.scores.take_interval())
    }
}

impl Inner {
    /// Books what a buffer brought about; gives back what is to be released after the lock.
    fn book(&mut self, met: Met<Frame>) -> (Vec<Frame>, Vec<Pair>) {
        let pairs = met.pairs.into_iter();
        self.pairs
            .extend(pairs.map(|(answer, reference)| Pair { answer, reference }));
        let surplus = self.pairs.len().saturating_sub(PAIRS);
        let oldest: Vec<Pair> = self.pairs.drain(..surplus).collect();
        self.scores.add_unmatched(met.unmatched + oldest.len() as u64);
        (met.gone, oldest)
    }

    fn is_finished(&self) -> bool {
        let measured = self.worker != Worker::Measuring && self.pairs.is_empty();
        let is_waiting = self.frames.is_waiting() || self.spans.is_waiting();
        let complete = self.side != Side::Open || !is_waiting;
        self.side == Side::Absent || self.worker == Worker::Stopped || (measured && complete)
    }
}

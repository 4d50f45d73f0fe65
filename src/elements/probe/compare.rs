// SPDX-License-Identifier: MPL-2.0

//! The hand-over from the streaming threads to the thread that measures.
//!
//! Streaming threads only ever put frames in and go on; what they replace is released after the lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::ClockTime;
use gst_video::VideoInfo;
use parking_lot::{Condvar, Mutex};

use super::fidelity::{Fidelity, Score, Scores};
use super::matching::{Matcher, Outcome};

/// Pairs that wait to be measured: a quarter of a second at 30 frames a second, so that a short load does
/// not cost a pair while a measurement that is too slow for the stream soon skips frames.
const PAIRS: usize = 8;

/// How long the end of the stream waits for the last pairs.
const PATIENCE: Duration = Duration::from_millis(500);

/// A frame by reference, with what is needed to map it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub buffer: gst::Buffer,
    pub info: Arc<VideoInfo>,
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
    matcher: Matcher<Frame>,
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
                matcher: Matcher::new(),
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
            let outcome = inner.matcher.clear();
            let pairs = std::mem::take(&mut inner.pairs);
            inner.scores.add_unmatched(outcome.unmatched + pairs.len() as u64);
            (outcome.gone, pairs)
        };
        drop(gone);
        self.progress.notify_all();
    }

    pub fn is_connected(&self) -> bool {
        self.inner.lock().side != Side::Absent
    }

    /// Takes in a frame of the first stream, if it can be compared at all.
    pub fn answer(&self, at: Option<ClockTime>, frame: Option<Frame>) {
        let gone = {
            let mut inner = self.inner.lock();
            if inner.side == Side::Absent || inner.worker == Worker::Stopped {
                return;
            }
            match (at, frame) {
                (Some(at), Some(frame)) => {
                    let outcome = inner.matcher.answer(at, frame);
                    inner.take(outcome)
                }
                _ => {
                    inner.scores.add_unmatched(1);
                    return;
                }
            }
        };
        self.work.notify_one();
        drop(gone);
    }

    /// Takes in a reference frame.
    pub fn reference(&self, at: ClockTime, frame: Frame) {
        let gone = {
            let mut inner = self.inner.lock();
            if inner.side == Side::Absent || inner.worker == Worker::Stopped {
                return;
            }
            let outcome = inner.matcher.reference(at, frame);
            inner.take(outcome)
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
    /// Books an outcome; gives back what is to be released after the lock.
    fn take(&mut self, outcome: Outcome<Frame>) -> (Vec<Frame>, Option<Pair>) {
        self.scores.add_unmatched(outcome.unmatched);
        let Some((answer, reference)) = outcome.pair else {
            return (outcome.gone, None);
        };
        self.pairs.push_back(Pair { answer, reference });
        let oldest = if PAIRS < self.pairs.len() {
            self.pairs.pop_front()
        } else {
            None
        };
        self.scores.add_unmatched(u64::from(oldest.is_some()));
        (outcome.gone, oldest)
    }

    fn is_finished(&self) -> bool {
        let measured = self.worker != Worker::Measuring && self.pairs.is_empty();
        let complete = self.side != Side::Open || !self.matcher.is_waiting();
        self.side == Side::Absent || self.worker == Worker::Stopped || (measured && complete)
    }
}

// SPDX-License-Identifier: MPL-2.0

//! The stream of sound: what was said of it, how far it has come, and the wait for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::timing::Timing;
use crate::recommend::fusion::{Answer, Held, Holding};

/// How long frames of a pipeline that is not live wait while nothing comes. It only has to be longer than any run of a model.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Sound has come so far, or will not come any more.
    Enough,
    /// The time was up.
    Late,
    /// Nothing came for so long that frames pass without it from now on.
    Stalled,
}

/// Both threads meet here, for as long as it takes to put an answer down or to pick one up.
#[derive(Default)]
pub struct Hearing {
    stream: Mutex<Stream>,
    /// Something has come, or waiting is over.
    changed: Condvar,
}

#[derive(Default)]
struct Stream {
    timing: Timing,
    answers: Held<Arc<Answer>>,
    /// Running time up to which sound has come.
    reached: Option<Duration>,
    has_ended: bool,
    /// Reasons not to wait: a flush on either pad, the way to READY.
    is_flushing: bool,
    is_interrupted: bool,
    /// Where frames have come to that pass without waiting, since nothing came.
    passed: Option<Duration>,
}

impl Hearing {
    /// Begins anew.
    pub fn start(&self) {
        let mut stream = self.stream.lock();
        // Sticky events come before a restart too, so what they said stays.
        let timing = stream.timing.clone();
        *stream = Stream {
            timing,
            ..Stream::default()
        };
    }

    /// Lets nobody wait until [`Hearing::go_on`].
    pub fn interrupt(&self) {
        self.stream.lock().is_interrupted = true;
        self.changed.notify_all();
    }

    pub fn go_on(&self) {
        self.stream.lock().is_interrupted = false;
    }

    pub fn set_segment(&self, event: &gst::event::Segment) {
        let mut stream = self.stream.lock();
        stream.timing.set_segment(event);
        stream.has_ended = false;
    }

    /// Takes in a buffer and what was said on it.
    pub fn hear(&self, buffer: &gst::BufferRef, answer: Option<Answer>) {
        let mut stream = self.stream.lock();
        let Some(end) = stream.timing.end(buffer) else {
            return;
        };
        if let Some(answer) = answer {
            stream.answers.hear(end, Arc::new(answer));
        }
        stream.reach(end);
        drop(stream);
        self.changed.notify_all();
    }

    /// Takes in that there is no sound up to that time of the stream.
    pub fn gap(&self, end: Option<gst::ClockTime>) {
        let mut stream = self.stream.lock();
        if let Some(end) = stream.timing.running_time(end) {
            stream.reach(end);
        }
        drop(stream);
        self.changed.notify_all();
    }

    pub fn end(&self) {
        self.stream.lock().has_ended = true;
        self.changed.notify_all();
    }

    pub fn flush(&self) {
        self.stream.lock().is_flushing = true;
        self.changed.notify_all();
    }

    pub fn flushed(&self) {
        let mut stream = self.stream.lock();
        stream.timing.clear();
        stream.answers.clear();
        (stream.reached, stream.passed) = (None, None);
        (stream.is_flushing, stream.has_ended) = (false, false);
    }

    /// Waits until sound up to `until` has come: up to `deadline`, or without one as long as any comes.
    pub fn wait(&self, until: Duration, deadline: Option<Instant>) -> Waited {
        let mut stream = self.stream.lock();
        if stream.is_over(until) {
            return Waited::Enough;
        }
        if let Some(passed) = &mut stream.passed {
            *passed = until.max(*passed);
            return Waited::Late;
        }
        loop {
            if stream.is_over(until) {
                return Waited::Enough;
            }
            let before = stream.reached;
            let timed_out = match deadline {
                Some(deadline) => self.changed.wait_until(&mut stream, deadline).timed_out(),
                None => self.changed.wait_for(&mut stream, PATIENCE).timed_out(),
            };
            if !timed_out || stream.is_over(until) {
                continue;
            }
            if deadline.is_some() {
                return Waited::Late;
            }
            if stream.reached == before {
                stream.passed = Some(until);
                return Waited::Stalled;
            }
        }
    }

    /// The answer that belongs to a frame, with its time.
    pub fn of(&self, time: Duration, holding: &Holding) -> Option<(Duration, Arc<Answer>)> {
        let mut stream = self.stream.lock();
        stream.answers.forget(time, holding);
        stream.answers.of(time, holding).map(|it| (it.0, it.1.clone()))
    }
}

impl Stream {
    fn reach(&mut self, end: Duration) {
        self.reached = Some(end);
        if self.passed.is_some_and(|it| it <= end) {
            self.passed = None;
        }
    }

    fn is_over(&self, until: Duration) -> bool {
        self.has_ended
            || self.is_flushing
            || self.is_interrupted
            || self.reached.is_some_and(|it| until <= it)
    }
}

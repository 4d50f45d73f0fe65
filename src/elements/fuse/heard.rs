// SPDX-License-Identifier: MPL-2.0

//! The stream of sound: what was said of it, how far it has come, and the wait for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::timing::Timing;
use crate::recommend::fusion::{Answer, Held, Holding};

/// How long is waited while sound comes no farther. It only has to be longer than any run of a model.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a frame waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// While sound comes farther within [`PATIENCE`].
    Progress,
    /// Until its time is up.
    Due(Instant),
    /// Until then, long before its time is up.
    Ahead(Instant),
}

impl Limit {
    /// Of a frame of a live pipeline whose time is up after `left`, and which may be held up by `declared`. One that comes far
    /// ahead of its time, as where its clock is another, waits a little longer than that.
    pub fn live(left: Duration, declared: Duration) -> Limit {
        let now = Instant::now();
        let longest = declared.saturating_add(PATIENCE);
        let limit = match left <= longest {
            true => now.checked_add(left).map(Limit::Due),
            false => now.checked_add(longest).map(Limit::Ahead),
        };
        // No clock goes so far.
        limit.unwrap_or(Limit::Progress)
    }
}

/// What became of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Sound has come so far, or will not come any more.
    Enough,
    /// The time was up.
    Late,
    /// Sound came no farther for so long that frames pass without it from now on.
    Stalled,
    /// The frame is so far ahead of its time that frames pass without sound from now on.
    Ahead,
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

    /// Frames may wait again, from another time on.
    pub fn go_on(&self) {
        let mut stream = self.stream.lock();
        (stream.is_interrupted, stream.passed) = (false, None);
    }

    pub fn set_caps(&self, caps: &gst::CapsRef) {
        self.stream.lock().timing.set_caps(caps);
    }

    /// Whether it is in time; for sound that is not, nobody waits.
    pub fn set_segment(&self, event: &gst::event::Segment) -> bool {
        let mut stream = self.stream.lock();
        let is_in_time = stream.timing.set_segment(event);
        stream.has_ended = !is_in_time;
        drop(stream);
        self.changed.notify_all();
        is_in_time
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

    /// Takes in that there is no sound from that time of the stream on.
    pub fn gap(&self, start: gst::ClockTime, duration: Option<gst::ClockTime>) {
        let mut stream = self.stream.lock();
        if let Some(end) = stream.timing.end_of(start, duration) {
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

    /// Waits until sound up to `until` has come, no longer than `limit` says.
    pub fn wait(&self, until: Duration, limit: Limit) -> Waited {
        let mut stream = self.stream.lock();
        if stream.is_over(until) {
            return Waited::Enough;
        }
        if let Some(passed) = &mut stream.passed {
            *passed = until.max(*passed);
            return Waited::Late;
        }
        let (mut farthest, mut since) = (stream.reached, Instant::now());
        while !stream.is_over(until) {
            let (end, otherwise) = match limit {
                Limit::Progress => (since + PATIENCE, Waited::Stalled),
                Limit::Due(end) => (end, Waited::Late),
                Limit::Ahead(end) => (end, Waited::Ahead),
            };
            let timed_out = self.changed.wait_until(&mut stream, end).timed_out();
            if farthest < stream.reached {
                (farthest, since) = (stream.reached, Instant::now());
            } else if timed_out && !stream.is_over(until) {
                stream.passed = (otherwise != Waited::Late).then_some(until);
                return otherwise;
            }
        }
        Waited::Enough
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: gst::ClockTime = gst::ClockTime::MSECOND;

    fn hearing() -> Hearing {
        gst::init().unwrap();
        let hearing = Hearing::default();
        let event = gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new());
        let gst::EventView::Segment(event) = event.view() else {
            panic!("a segment");
        };
        assert!(hearing.set_segment(event));
        hearing
    }

    #[test]
    fn sound_that_comes_no_farther_is_not_waited_for() {
        let hearing = hearing();
        let until = Duration::from_millis(200);
        let deadline = Instant::now() + 10 * PATIENCE;
        let waited = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hearing.wait(until, Limit::Progress));
            while !waiting.is_finished() && Instant::now() < deadline {
                hearing.gap(100 * MS, None);
                std::thread::yield_now();
            }
            hearing.end();
            waiting.join().unwrap()
        });
        assert_eq!(waited, Waited::Stalled);
    }

    #[test]
    fn after_a_frame_far_ahead_none_waits_until_sound_has_caught_up_or_frames_begin_anew() {
        let hearing = hearing();
        let (day, now) = (Duration::from_secs(86_400), Instant::now());
        assert_eq!(hearing.wait(day, Limit::Ahead(now)), Waited::Ahead);
        assert_eq!(hearing.wait(2 * day, Limit::Progress), Waited::Late);
        hearing.go_on();
        assert_eq!(hearing.wait(day, Limit::Ahead(now)), Waited::Ahead);
        hearing.gap(gst::ClockTime::try_from(day).unwrap(), None);
        assert_eq!(hearing.wait(2 * day, Limit::Ahead(now)), Waited::Ahead);
        assert_eq!(hearing.wait(day, Limit::Progress), Waited::Enough);
        assert_eq!(hearing.wait(3 * day, Limit::Due(now)), Waited::Late);
    }
}

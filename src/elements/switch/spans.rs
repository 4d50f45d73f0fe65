// SPDX-License-Identifier: MPL-2.0

//! Where the times of a frame go, if somebody asked for them. They are those that the switch takes in any case; without an
//! observer they cost a look whether there is one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::lanes::lane::{Purpose, Run};
use crate::messages::AnswerKind;
use crate::policy::RunKind;

/// Who is told. Its methods run on the streaming thread and on the lanes' threads: they must neither wait nor allocate.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// Whether anything is wanted of the frame that entered then.
    fn wants(&self, entered: gst::ClockTime) -> bool;

    fn ran(self: Arc<Self>, times: RunTimes);

    fn left(self: Arc<Self>, times: FrameTimes);
}

/// A candidate's run on a frame. Times are monotonic.
#[derive(Debug)]
pub struct RunTimes {
    /// When the frame entered the switch; also its identity.
    pub entered: gst::ClockTime,
    /// When it was handed to the candidate.
    pub started: gst::ClockTime,
    /// Time until its answer was there.
    pub latency: Duration,
    /// What the run was for; `Active` is the answer, all others ran beside.
    pub kind: RunKind,
    pub candidate: Arc<str>,
}

/// A frame's way through the switch. Times are monotonic.
#[derive(Debug)]
pub struct FrameTimes {
    /// When it entered; also its identity.
    pub entered: gst::ClockTime,
    pub number: u64,
    pub pts: Option<gst::ClockTime>,
    pub answer: AnswerKind,
    /// Who answered, if anybody did.
    pub candidate: Option<Arc<str>>,
    pub budget: Duration,
    /// Time until the answer was there.
    pub latency: Duration,
    pub is_miss: bool,
    /// When its push began, if anything left.
    pub pushed: Option<gst::ClockTime>,
    /// When it was done with.
    pub ended: gst::ClockTime,
}

/// The observer, once there is one.
#[derive(Debug, Default)]
pub struct Spans(OnceLock<Arc<dyn Observer>>);

impl Spans {
    /// Takes the observer for good; the first one stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        let _ = self.0.set(observer);
    }

    fn of(&self, entered: gst::ClockTime) -> Option<&Arc<dyn Observer>> {
        self.0.get().filter(|it| it.wants(entered))
    }

    pub fn wants(&self, entered: gst::ClockTime) -> bool {
        self.of(entered).is_some()
    }

    /// A candidate's run has ended, after `latency`.
    pub fn ran(&self, run: &Run, latency: Duration, candidate: &Arc<str>) {
        let Some(observer) = self.of(run.stamp) else {
            return;
        };
        let kind = match run.purpose {
            Purpose::Answer | Purpose::Stride | Purpose::Survey => RunKind::Active,
            Purpose::WarmUp => RunKind::WarmUp,
            Purpose::Shadow(kind) | Purpose::Hear(kind) => kind,
        };
        observer.clone().ran(RunTimes {
            entered: run.stamp,
            started: run.started,
            latency,
            kind,
            candidate: candidate.clone(),
        });
    }

    /// Pushes what leaves of a frame, and tells of the frame when that is done.
    pub fn leave<T>(&self, times: Option<FrameTimes>, push: impl FnOnce() -> T) -> T {
        let Some(times) = times else { return push() };
        let pushed = Some(gst::get_timestamp());
        let result = push();
        self.end(Some(FrameTimes { pushed, ..times }));
        result
    }

    /// Tells of a frame that is done with.
    pub fn end(&self, times: Option<FrameTimes>) {
        if let (Some(times), Some(observer)) = (times, self.0.get()) {
            let ended = gst::get_timestamp();
            observer.clone().left(FrameTimes { ended, ..times });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use gst::subclass::prelude::*;

    use super::*;
    use crate::elements::switch::lanes::table::LOCKS;
    use crate::elements::switch::test_rig::around_identity;
    use crate::runtime::allocations;

    #[derive(Debug, Default)]
    struct Counting {
        runs: AtomicU64,
        frames: AtomicU64,
    }

    impl Observer for Counting {
        fn wants(&self, _: gst::ClockTime) -> bool {
            true
        }

        fn ran(self: Arc<Self>, times: RunTimes) {
            assert!(times.entered <= times.started && !times.latency.is_zero());
            self.runs.fetch_add(1, Ordering::Relaxed);
        }

        fn left(self: Arc<Self>, times: FrameTimes) {
            assert!(
                times
                    .pushed
                    .is_some_and(|it| times.entered < it && it <= times.ended)
            );
            self.frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_observer_costs_the_streaming_thread_no_allocation_and_no_lock() {
        let (switch, mut harness) = around_identity("video/x-raw,format=RGB,width=8,height=8,framerate=25/1");
        // Allocations and locks of a hundred frames, the least of several hundreds: now and then a list grows.
        let mut least = || {
            let hundreds = (0..5).map(|_| {
                let before = (allocations(), LOCKS.get());
                for _ in 0..100 {
                    let frame = gst::Buffer::with_size(8 * 8 * 3).unwrap();
                    assert_eq!(harness.push(frame), Ok(gst::FlowSuccess::Ok));
                    harness.pull().unwrap();
                }
                (allocations() - before.0, LOCKS.get() - before.1)
            });
            let hundreds: Vec<_> = hundreds.collect();
            (
                hundreds.iter().map(|it| it.0).min(),
                hundreds.iter().map(|it| it.1).min(),
            )
        };
        // The first frame waits for the candidate, and some more warm it up.
        least();
        let without = least();
        let observer = Arc::new(Counting::default());
        switch.imp().core.spans.observe(observer.clone());
        assert_eq!(least(), without);
        assert_eq!(observer.frames.load(Ordering::Relaxed), 500);
        assert!(500 <= observer.runs.load(Ordering::Relaxed));
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Lessons: a reference that never fits the slack is shown frames beside the stream.

use std::sync::{Arc, Mutex};

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// The fast one takes 2 ms and changes the picture a little; the slow one takes nearly four frame periods.
const FAST_AND_SLOW: &str =
    "videobalance name=fast brightness=0.1 ! identity sleep-time=2000 identity name=slow sleep-time=150000";

/// How the frames came to an element: the scheduling policy of their threads, and the buffers.
fn watch(element: &gst::Element) -> Arc<Mutex<Vec<(i32, gst::Buffer)>>> {
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let seen_there = seen.clone();
    let pad = element.static_pad("sink").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        // SAFETY: zero stands for the calling thread.
        let policy = unsafe { libc::sched_getscheduler(0) };
        let buffer = info.buffer().unwrap().clone();
        seen_there.lock().unwrap().push((policy, buffer));
        gst::PadProbeReturn::Ok
    });
    seen
}

fn memory(buffer: &gst::Buffer) -> *const u8 {
    buffer.map_readable().unwrap().as_ptr()
}

#[test]
fn a_reference_that_never_fits_is_shown_copies_at_idle_priority_while_the_stream_goes_on() {
    init();
    let mut rig = Rig::new(
        "late-policy=floor latency-budget=65000000 reference=slow",
        FAST_AND_SLOW,
    );
    rig.warm_up(&["fast", "slow"]);
    let (before, seen) = (runs(&rig), watch(&rig.candidate("slow")));
    let others = watch(&rig.candidate("fast"));
    let gate = rig.gate("slow");
    rig.pass_until("a lesson", |_| !seen.lock().unwrap().is_empty());
    let misses = rig.stats().get::<u64>("misses").unwrap();
    // The slow one holds its frame for as long as the test wants, and nobody waits for it.
    for _ in 0..60 {
        rig.pass();
    }
    let stats = rig.stats();
    assert_eq!(rig.active(), "fast");
    assert_eq!(stats.get::<u64>("misses").unwrap(), misses, "{stats}");
    gate.permit();
    drop(gate);
    rig.pass_until("the score", |rig| {
        rig.candidate_stats("fast")
            .unwrap()
            .get::<u64>("scores")
            .is_ok_and(|it| 0 < it)
    });
    let seen = seen.lock().unwrap();
    let (policy, frame) = &seen[0];
    assert_eq!(*policy, libc::SCHED_IDLE);
    let is_shared = |it: &(i32, gst::Buffer)| memory(&it.1) == memory(frame);
    assert!(
        !others.lock().unwrap().iter().any(is_shared),
        "it has memory of its own"
    );
    let stats = rig.stats();
    assert_eq!(stats.get::<&str>("reference"), Ok("slow"));
    assert_eq!(stats.get::<&str>("teaching"), Ok("idle"));
    assert!(before < runs(&rig));
    let slow = rig.candidate_stats("slow").unwrap();
    assert!(
        !slow.has_field("latency-p50-ns"),
        "a lesson is no measurement: {slow}"
    );
    assert!(0 < stats.get::<u64>("lessons").unwrap(), "{stats}");
    let told = rig.texts(gst::MessageType::Info);
    let [text] = &told[..] else { panic!("{told:?}") };
    for part in [
        "reference slow",
        "never fits the slack",
        "ms",
        "idle priority",
        "`reference`",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

fn runs(rig: &Rig) -> u64 {
    rig.candidate_stats("slow").unwrap().get("runs").unwrap()
}

#[test]
fn a_flush_and_a_stop_during_a_lesson_wait_for_nobody() {
    init();
    let mut rig = Rig::new(
        "late-policy=floor latency-budget=65000000 reference=slow",
        FAST_AND_SLOW,
    );
    rig.warm_up(&["fast", "slow"]);
    let gate = rig.gate("slow");
    rig.pass_until("a lesson", |rig| 1 <= rig.stats().get::<u64>("lessons").unwrap());
    rig.harness.push_event(gst::event::FlushStart::new());
    rig.harness.push_event(gst::event::FlushStop::new(true));
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::ZERO);
    rig.harness.push_event(gst::event::Segment::new(&segment));
    (0..20).for_each(|_| drop(rig.pass()));
    let before = runs(&rig);
    drop(gate);
    rig.pass_until("the lane is back when its frame is", |rig| before < runs(rig));
    let gate = rig.gate("slow");
    rig.pass_until("another lesson", |rig| {
        2 <= rig.stats().get::<u64>("lessons").unwrap()
    });
    rig.switch.set_state(gst::State::Null).unwrap();
    drop(gate);
}

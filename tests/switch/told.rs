// SPDX-License-Identifier: MPL-2.0

//! What a user hears who makes a mistake, or whose candidates all fail: once, with cause and remedy.

use std::sync::atomic::Ordering;

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// The warnings that say this, since the last call.
fn warnings(rig: &Rig, what: &str) -> Vec<String> {
    let texts = rig.texts(gst::MessageType::Warning).into_iter();
    texts.filter(|it| it.contains(what)).collect()
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn where_all_candidates_failed_a_live_stream_is_told_at_once_and_not_for_each_frame() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    for name in ["a", "b"] {
        fail_on_demand(&rig.candidate(name)).store(true, Ordering::SeqCst);
    }
    (0..20).for_each(|_| drop(rig.pass()));
    let told = warnings(&rig, "no candidate can answer");
    // A slow machine may come to the second one, a second later.
    assert!((1..=2).contains(&told.len()), "{told:#?}");
    assert_says(&told[0], &["all of them failed", "a: ", "b: ", "as they came"]);
}

#[test]
fn a_candidate_that_fails_again_for_the_same_cause_is_warned_of_once() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    fail_on_demand(&rig.candidate("a")).store(true, Ordering::SeqCst);
    rig.pin("a");
    let (mut failures, mut told) = (0, 0);
    rig.pass_until("it is started again and fails again", |rig| {
        while let Some(message) = rig.bus.pop() {
            let is_failure = message
                .structure()
                .is_some_and(|it| it.name() == "avrec/candidate-failed");
            failures += u32::from(is_failure);
            told += u32::from(message.type_() == gst::MessageType::Warning);
        }
        failures == 2
    });
    assert_eq!(told, 1);
}

#[test]
fn that_all_candidates_are_forbidden_is_told_once() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    rig.switch.set_property("forbidden", "a,b");
    (0..20).for_each(|_| drop(rig.pass()));
    let told = warnings(&rig, "no candidate");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &["`forbidden` names all of them (a, b)", "take one out"],
    );
}

#[test]
fn a_budget_that_no_candidate_keeps_is_told_once_with_the_numbers() {
    init();
    // Each frame takes 4 ms at least.
    let slow = |name: &str| format!("identity name={name} sleep-time=4000 ");
    let children = slow("a") + &slow("b");
    let mut rig = Rig::new("late-policy=floor latency-budget=2000000", &children);
    let mut told = Vec::new();
    rig.pass_until("it is told", |rig| {
        told.extend(warnings(rig, "budget"));
        !told.is_empty()
    });
    (0..50).for_each(|_| drop(rig.pass()));
    told.extend(warnings(&rig, "budget"));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &[
            "no candidate keeps the budget of 2.0 ms",
            "takes",
            "latency-budget=",
            "floor",
        ],
    );
    // Of another budget it is told again.
    rig.switch.set_property("latency-budget", 3_000_000u64);
    rig.pass_until("it is told again", |rig| !warnings(rig, "3.0 ms").is_empty());
}

#[test]
fn a_budget_that_some_frames_keep_is_not_complained_of() {
    let mut rig = Rig::new(
        "late-policy=floor latency-budget=40000000",
        "identity name=a identity name=b",
    );
    rig.warm_up(&["a", "b"]);
    (0..50).for_each(|_| drop(rig.pass()));
    assert!(warnings(&rig, "budget").is_empty());
}

#[test]
fn feedback_without_frames_is_bounded_and_the_refusal_is_told() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    rig.texts(gst::MessageType::Warning);
    let rate = |rig: &Rig| rig.switch.emit_by_name::<bool>("feedback", &[&"a", &0.5f64]);
    let taken = (0..1_000).filter(|_| rate(&rig)).count();
    assert!((10..=300).contains(&taken), "{taken} are kept");
    let told = warnings(&rig, "feedback is not taken");
    assert_says(&told[0], &["no frame has come", "from the next one on"]);
    rig.pass();
    assert!(rate(&rig), "with the next frame there is room again");
}

#[test]
fn candidates_that_take_nothing_of_what_comes_are_the_error_and_not_properties_that_are_set() {
    init();
    let line = "videotestsrc num-buffers=1 ! video/x-raw,format=I420_10LE,width=64,height=36 ! \
                avrec-switch models=a.onnx,b.onnx ! fakesink";
    let pipeline = gst::parse::launch(line).unwrap();
    assert!(pipeline.set_state(gst::State::Paused).is_err());
    let bus = pipeline.bus().unwrap();
    let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = error.view() else {
        unreachable!()
    };
    let text = format!("{} {:?}", error.error(), error.debug());
    assert_says(
        &text,
        &[
            "no candidate that can answer",
            "a: it does not fit what comes in: format is I420_10LE",
            "put videoconvert before the switch",
        ],
    );
    assert!(
        bus.pop_filtered(&[gst::MessageType::Warning]).is_none(),
        "one cause is told once"
    );
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn times_that_are_milliseconds_by_mistake_are_told_with_what_to_write() {
    let rig = Rig::new("latency-budget=30 crossfade=10", "identity name=a");
    let told = rig.texts(gst::MessageType::Warning).join("\n");
    assert_says(
        &told,
        &["latency-budget=30000000", "crossfade=10000000", "nanoseconds"],
    );
}

#[test]
fn stats_say_whether_the_machine_is_heard() {
    let mut rig = Rig::new("", "identity name=a");
    rig.warm_up(&["a"]);
    let heard = |rig: &Rig| rig.stats().get::<String>("sense").unwrap();
    assert_eq!(heard(&rig), "off");
    assert!(!rig.stats().has_field("waiting"));
    rig.switch.set_property("sense-machine", true);
    assert_eq!(heard(&rig), "silent", "before the next frame");
    if std::path::Path::new("/proc/loadavg").exists() {
        rig.pass_until("it is heard", |rig| heard(rig) == "heard");
        assert!(rig.stats().has_field("waiting"));
    }
    rig.switch.set_property("sense-machine", false);
    assert_eq!(heard(&rig), "off");
}

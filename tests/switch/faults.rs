// SPDX-License-Identifier: MPL-2.0

//! The switch beside candidates that hang, fail, drop or vanish: the stream goes on, and the user is told.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

const MISSING_SIZE: &str = "capsfilter name=picky caps=video/x-raw,format=NV12";

#[test]
fn beside_a_candidate_that_hangs_every_frame_goes_out_and_the_candidate_comes_back() {
    let mut rig = Rig::new("late-policy=floor", "identity name=stuck");
    rig.warm_up(&["stuck"]);
    rig.pin("stuck");
    let gate = rig.gate("stuck");
    rig.messages("");
    for _ in 0..50 {
        rig.pass();
    }
    let frames = rig.messages("avrec/frame");
    assert_eq!(frames.len(), 50);
    assert!(
        frames
            .iter()
            .all(|it| it.get::<&str>("answer") == Ok("passthrough")),
        "the frame itself answers"
    );
    assert!(
        frames[0].get::<bool>("late").unwrap(),
        "and the first is counted as a miss"
    );
    drop(gate);
    rig.pass_until("the candidate answers again", |rig| {
        rig.messages("avrec/frame")
            .iter()
            .any(|it| it.get::<&str>("answer") == Ok("active"))
    });
}

#[test]
fn the_named_floor_answers_where_the_frame_itself_would_have_the_wrong_size() {
    let children = "identity name=stuck ! videoscale ! capsfilter caps=video/x-raw,width=128,height=72 \
                    videoscale name=floor ! capsfilter caps=video/x-raw,width=128,height=72";
    let mut rig = Rig::new("late-policy=floor floor=floor", children);
    rig.warm_up(&["stuck", "floor"]);
    rig.pin("stuck");
    let _gate = rig.gate("stuck");
    rig.messages("");
    for _ in 0..10 {
        assert_eq!(rig.pass().size(), 128 * 72 * 3 / 2);
    }
    let names = rig
        .messages("avrec/frame")
        .into_iter()
        .map(|it| it.get::<String>("candidate").unwrap());
    assert!(
        names.clone().all(|it| it == "floor"),
        "{:?}",
        names.collect::<Vec<_>>()
    );
}

#[test]
fn a_frame_of_the_wrong_size_that_nobody_answers_leaves_scaled_and_none_is_lost() {
    for floor in ["", "floor=floor"] {
        let scaled = "videoscale ! capsfilter caps=video/x-raw,width=128,height=72";
        let children = format!("identity name=stuck ! {scaled} identity name=floor ! {scaled}");
        let mut rig = Rig::new(&format!("late-policy=floor {floor}"), &children);
        rig.warm_up(&["stuck", "floor"]);
        rig.pin("stuck");
        let _gates = ["stuck", "floor"].map(|it| rig.gate(it));
        rig.messages("");
        (0..3).for_each(|_| drop(rig.pass()));
        let told = rig.texts(gst::MessageType::Info);
        let is_told = |it: &&String| it.contains("left scaled and converted");
        assert_eq!(told.iter().filter(is_told).count(), 1, "once: {told:#?}");
        assert!(!told.concat().contains("  "), "{told:#?}");
        for _ in 0..10 {
            let begin = Instant::now();
            assert_eq!(rig.pass().size(), 128 * 72 * 3 / 2);
            assert!(begin.elapsed() < Duration::from_secs(1));
        }
        let frames = rig.messages("avrec/frame");
        let answers = frames.iter().map(|it| it.get::<&str>("answer").unwrap());
        assert_eq!(answers.collect::<Vec<_>>(), ["passthrough"; 10]);
        assert_eq!(rig.stats().get::<u64>("dropped"), Ok(0));
    }
}

#[test]
fn with_late_policy_drop_a_late_frame_is_dropped_and_told() {
    let mut rig = Rig::new("late-policy=wait", "identity name=stuck");
    rig.warm_up(&["stuck"]);
    let _gate = rig.gate("stuck");
    rig.switch.set_property_from_str("late-policy", "drop");
    rig.messages("");
    rig.push().unwrap();
    assert!(rig.harness.try_pull().is_none());
    assert_eq!(rig.stats().get::<u64>("dropped"), Ok(1));
    assert_eq!(rig.texts(gst::MessageType::Qos).len(), 1);
}

#[test]
fn a_frame_for_which_no_candidate_is_ready_is_a_miss() {
    for policy in ["drop", "floor"] {
        let mut rig = Rig::new("late-policy=wait", "identity name=stuck");
        rig.warm_up(&["stuck"]);
        let _gate = rig.gate("stuck");
        rig.switch.set_property_from_str("late-policy", policy);
        let before = rig.stats().get::<u64>("misses").unwrap();
        rig.messages("");
        // The first frame waits for the candidate, the others find it busy.
        for _ in 0..3 {
            rig.push().unwrap();
        }
        let late = rig.messages("avrec/frame").into_iter();
        let late: Vec<_> = late.map(|it| it.get::<bool>("late").unwrap()).collect();
        assert_eq!(late, [true; 3], "{policy}");
        assert_eq!(rig.stats().get::<u64>("misses"), Ok(before + 3), "{policy}");
    }
}

#[test]
fn stopping_does_not_wait_for_a_candidate_that_hangs() {
    let mut rig = Rig::new("late-policy=floor", "identity name=stuck identity name=other");
    rig.warm_up(&["stuck", "other"]);
    rig.pin("stuck");
    let gate = rig.gate("stuck");
    rig.pass();
    let begin = Instant::now();
    rig.switch.set_state(gst::State::Null).unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "NULL took {:?}",
        begin.elapsed()
    );
    // It can be started again while the candidate still hangs, and the other one answers.
    rig.switch.set_state(gst::State::Playing).unwrap();
    rig.harness.set_src_caps_str(SMALL);
    rig.harness.push_event(gst::event::Segment::new(
        &gst::FormattedSegment::<gst::ClockTime>::new(),
    ));
    rig.pin("");
    rig.pass();
    drop(gate);
    rig.pass_until("the hung candidate is back", |rig| {
        rig.state_of("stuck") == "ready"
    });
}

#[test]
fn nothing_outlives_a_switch_that_was_stopped() {
    init();
    let line = "videotestsrc ! video/x-raw,format=I420,width=64,height=36,framerate=25/1 ! \
                avrec-switch.( name=s reference=one identity name=one identity name=two identity name=gone ) ! fakesink";
    for _ in 0..10 {
        let pipeline = gst::parse::launch(line)
            .unwrap()
            .downcast::<gst::Pipeline>()
            .unwrap();
        let bin = pipeline.by_name("s").unwrap().downcast::<gst::Bin>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        for _ in 0..3 {
            while !bus
                .timed_pop_filtered(gst::ClockTime::from_seconds(10), &[gst::MessageType::Element])
                .expect("all candidates become ready")
                .has_name("avrec/candidate-ready")
            {}
        }
        let elements = pipeline.iterate_recurse().into_iter().filter_map(Result::ok);
        let elements: Vec<_> = elements.map(|it| it.downgrade()).collect();
        let gone = bin.by_name("gone").unwrap();
        bin.remove(&gone).unwrap();
        pipeline.set_state(gst::State::Null).unwrap();
        drop((pipeline, bin, bus, gone));
        let left = elements.iter().filter_map(|it| it.upgrade());
        let left: Vec<_> = left.map(|it| it.name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_candidate_that_fails_in_mid_stream_is_a_warning_and_is_started_again() {
    let mut rig = Rig::new("late-policy=wait", "identity name=weak identity name=strong");
    rig.warm_up(&["weak", "strong"]);
    rig.pin("weak");
    rig.messages("");
    let fails = fail_on_demand(&rig.candidate("weak"));
    fails.store(true, Ordering::SeqCst);
    rig.pass_until("the weak one fails", |rig| rig.state_of("weak") == "failed");
    let mut warnings = Vec::new();
    let mut failed = Vec::new();
    // The lane's thread tells of the failure after its state shows it.
    while failed.is_empty() {
        let message = rig
            .bus
            .timed_pop(gst::ClockTime::from_seconds(10))
            .expect("it is told");
        match message.view() {
            gst::MessageView::Error(error) => panic!("an error reached the pipeline: {error:?}"),
            gst::MessageView::Warning(warning) => warnings.push(warning.error().to_string()),
            gst::MessageView::Element(it) if it.has_name("avrec/candidate-failed") => {
                failed.push(it.structure().unwrap().get::<String>("candidate").unwrap());
            }
            _ => {}
        }
    }
    assert_eq!(failed, ["weak"]);
    assert!(warnings.iter().any(|it| it.contains("weak")), "{warnings:?}");
    assert_eq!(
        rig.candidate_stats("weak").unwrap().get::<&str>("state"),
        Ok("failed")
    );
    fails.store(false, Ordering::SeqCst);
    rig.pass_until("the weak one is back", |rig| rig.state_of("weak") == "ready");
}

#[test]
fn a_candidate_that_refuses_the_caps_is_contained() {
    let mut rig = Rig::new("late-policy=wait", &format!("{MISSING_SIZE} identity name=good"));
    for _ in 0..30 {
        rig.pass();
    }
    assert!(rig.texts(gst::MessageType::Error).is_empty());
    assert_ne!(rig.state_of("picky"), "ready");
    assert_eq!(rig.active(), "good");
}

#[test]
fn a_candidate_that_cannot_start_is_contained() {
    let mut rig = Rig::new(
        "late-policy=wait",
        "avrec-infer name=broken model-file=/nowhere/model.onnx identity name=good",
    );
    rig.pass_until("the other one answers", |rig| rig.active() == "good");
    eventually("it has failed", || rig.state_of("broken") == "failed");
    let cause = rig
        .candidate_stats("broken")
        .unwrap()
        .get::<String>("cause")
        .unwrap();
    assert!(
        cause.contains("/nowhere/model.onnx"),
        "the cause names the file: {cause}"
    );
}

#[test]
fn a_candidate_that_drops_frames_does_not_count_as_busy_for_ever() {
    let mut rig = Rig::new("late-policy=floor latency-budget=5000000", "identity name=sieve");
    rig.warm_up(&["sieve"]);
    rig.candidate("sieve").set_property("drop-probability", 1.0f32);
    for _ in 0..5 {
        rig.pass();
    }
    rig.candidate("sieve").set_property("drop-probability", 0.0f32);
    rig.messages("");
    rig.pass_until("it answers again", |rig| {
        rig.messages("avrec/frame")
            .iter()
            .any(|it| it.get::<&str>("answer") == Ok("active"))
    });
}

#[test]
fn when_all_candidates_fail_the_frame_itself_passes() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a error-after=8");
    let mut answers = Vec::new();
    for _ in 0..30 {
        rig.pass();
        answers.extend(
            rig.messages("avrec/frame")
                .into_iter()
                .map(|it| it.get::<String>("answer").unwrap()),
        );
    }
    // It is started again after a second, and may have been on a busy machine.
    assert!(answers.iter().any(|it| it == "passthrough"), "{answers:?}");
    assert!(!answers.iter().any(|it| it == "dropped"), "{answers:?}");
}

#[test]
fn when_all_candidates_fail_and_the_floor_is_forbidden_there_is_one_clear_error() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a error-after=8");
    let error = (0..1_000).find_map(|_| rig.push().err());
    assert_eq!(error, Some(gst::FlowError::Error));
    let errors = rig.texts(gst::MessageType::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("all of them failed") && errors[0].contains("late-policy=floor"),
        "{errors:?}"
    );
}

#[test]
fn children_that_cannot_be_candidates_are_named_with_their_reason() {
    for (child, reason) in [
        ("shapewipe name=odd", "2 sink pads"),
        ("fakesink name=odd", "0 source pads"),
        ("videotestsrc name=odd", "0 sink pads"),
        (
            "bin.( name=odd fakesrc ! fakesink )",
            "0 sink pads and 0 source pads",
        ),
    ] {
        let mut rig = Rig::new("late-policy=wait", &format!("{child} identity name=good"));
        let warnings = rig.texts(gst::MessageType::Warning);
        assert!(
            warnings
                .iter()
                .any(|it| it.contains("odd") && it.contains(reason)),
            "{child}: {warnings:?}"
        );
        rig.pass();
    }
}

#[test]
fn a_switch_without_candidates_says_how_to_give_it_some() {
    init();
    let switch = gst::ElementFactory::make("avrec-switch").build().unwrap();
    let bus = gst::Bus::new();
    switch.set_bus(Some(&bus));
    assert!(switch.set_state(gst::State::Ready).is_err());
    let error = bus
        .pop_filtered(&[gst::MessageType::Error])
        .expect("an error is posted");
    let gst::MessageView::Error(error) = error.view() else {
        unreachable!()
    };
    assert!(error.error().message().contains("no candidate"), "{error:?}");
    assert!(error.debug().unwrap().contains("catalog"), "{error:?}");
    switch.set_state(gst::State::Null).unwrap();
}

#[test]
fn the_active_candidate_may_be_removed_even_with_a_frame_in_hand() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    rig.pin("a");
    rig.pass();
    let gate = rig.gate("a");
    let bin = rig.switch.clone().downcast::<gst::Bin>().unwrap();
    let leaving = rig.candidate("a");
    rig.pass();
    bin.remove(&leaving).unwrap();
    for _ in 0..10 {
        rig.pass();
    }
    assert_eq!(rig.active(), "b");
    assert!(
        rig.candidate_stats("a").is_none(),
        "it is gone from the statistics"
    );
    drop(gate);
    leaving.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_candidate_may_join_while_frames_flow() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.warm_up(&["a"]);
    let newcomer = gst::ElementFactory::make("identity")
        .name("late")
        .build()
        .unwrap();
    rig.switch
        .downcast_ref::<gst::Bin>()
        .unwrap()
        .add(&newcomer)
        .unwrap();
    newcomer.sync_state_with_parent().unwrap();
    rig.warm_up(&["late"]);
    rig.pin("late");
    rig.pass();
    assert_eq!(rig.active(), "late");
}

#[test]
fn it_starts_and_stops_fifty_times_with_frames_between() {
    init();
    let line = "videotestsrc num-buffers=8 ! video/x-raw,format=I420,width=64,height=36,framerate=25/1 ! \
                avrec-switch.( name=s identity name=a  videoscale name=b ) ! fakesink name=sink async=true";
    let pipeline = gst::parse::launch(line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let bus = pipeline.bus().unwrap();
    for round in 0..50 {
        pipeline.set_state(gst::State::Playing).unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus
            .timed_pop_filtered(gst::ClockTime::from_seconds(20), &ends)
            .expect("the stream ends");
        assert_eq!(end.type_(), gst::MessageType::Eos, "round {round}: {end:?}");
        let stats: gst::Structure = pipeline.by_name("s").unwrap().property("stats");
        assert_eq!(stats.get::<u64>("out"), Ok(8), "round {round}");
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn an_exhaustive_switch_tells_of_the_answer_that_did_not_come_and_goes_on() {
    let mut rig = Rig::new("exhaustive=true", "identity name=weak identity name=strong");
    rig.pass();
    let fails = fail_on_demand(&rig.candidate("weak"));
    fails.store(true, Ordering::SeqCst);
    rig.messages("");
    let latencies = |rig: &Rig| -> Vec<[bool; 2]> {
        let surveys = rig.messages("avrec/survey");
        let candidates = surveys
            .iter()
            .map(|it| it.get::<gst::Array>("candidates").unwrap());
        candidates
            .map(|it| [0, 1].map(|lane| it[lane].get::<gst::Structure>().unwrap().has_field("latency-ns")))
            .collect()
    };
    for _ in 0..5 {
        rig.pass();
    }
    assert_eq!(latencies(&rig), [[false, true]; 5]);
    fails.store(false, Ordering::SeqCst);
    rig.pass_until("the weak one is back", |rig| {
        latencies(rig).contains(&[true, true])
    });
}

#[test]
fn a_flush_frees_a_frame_that_all_candidates_are_to_answer() {
    let mut rig = Rig::new("exhaustive=true", "identity name=a identity name=b");
    rig.pass();
    let gate = rig.gate("b");
    let sink = rig.switch.static_pad("sink").unwrap();
    let runs = |rig: &Rig, name: &str| rig.candidate_stats(name).unwrap().get::<u64>("runs").unwrap();
    let (frame, before) = (rig.frame(), runs(&rig, "a"));
    let pushing = std::thread::spawn({
        let sink = sink.clone();
        move || sink.chain(frame)
    });
    eventually("the first candidate has answered", || before < runs(&rig, "a"));
    sink.send_event(gst::event::FlushStart::new());
    assert_eq!(pushing.join().unwrap(), Err(gst::FlowError::Flushing));
    drop(gate);
    sink.send_event(gst::event::FlushStop::new(true));
    rig.harness.push_event(gst::event::Segment::new(
        &gst::FormattedSegment::<gst::ClockTime>::new(),
    ));
    rig.pass();
}

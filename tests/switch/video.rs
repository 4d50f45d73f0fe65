// SPDX-License-Identifier: MPL-2.0

//! The switch on a stream that behaves: order, time stamps, caps, events, swaps.

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// Three candidates whose answers differ in size.
const THREE_SIZES: &str = "identity name=same \
    videoscale name=big ! capsfilter caps=video/x-raw,width=128,height=72 \
    videoscale name=tiny ! capsfilter caps=video/x-raw,width=32,height=18";

fn size_of(name: &str) -> usize {
    match name {
        "same" => 64 * 36 * 3 / 2,
        "big" => 128 * 72 * 3 / 2,
        _ => 32 * 18 + 2 * 16 * 9,
    }
}

#[test]
fn a_thousand_forced_swaps_between_sizes_lose_repeat_reorder_and_restamp_nothing() {
    let mut rig = Rig::new("late-policy=wait", THREE_SIZES);
    rig.warm_up(&["same", "big", "tiny"]);
    let first = rig.messages("avrec/frame").len() as u64;
    for number in first..first + 1_000 {
        let name = ["same", "big", "tiny"][number as usize % 3];
        rig.pin(name);
        let sent = rig.frame();
        let (pts, duration, offset) = (sent.pts(), sent.duration(), sent.offset());
        rig.harness.push(sent).unwrap();
        let got = rig.pull();
        assert_eq!(
            (got.pts(), got.duration(), got.offset()),
            (pts, duration, offset),
            "frame {number}"
        );
        assert_eq!(got.size(), size_of(name), "frame {number} comes from {name}");
        assert!(
            rig.harness.try_pull().is_none(),
            "one frame comes out for frame {number}"
        );
        let caps = rig.harness.sinkpad().unwrap().current_caps().unwrap();
        let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
        assert_eq!(info.size(), got.size(), "the caps go before frame {number}");
    }
    let stats = rig.stats();
    assert!(
        999 <= stats.get::<u64>("swaps").unwrap(),
        "every frame but the first had to swap"
    );
    assert_eq!(stats.get::<u64>("in").unwrap(), stats.get::<u64>("out").unwrap());
}

#[test]
fn sticky_events_come_in_the_order_that_downstream_needs() {
    init();
    let mut rig = Rig::unstarted("late-policy=wait", "identity name=a");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    rig.switch.static_pad("src").unwrap().add_probe(
        gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER,
        move |_, info| {
            let what = info
                .event()
                .map_or("buffer", |it| it.type_().name().as_str())
                .to_string();
            log.lock().unwrap().push(what);
            gst::PadProbeReturn::Ok
        },
    );
    rig = rig.start(SMALL);
    rig.harness.push_event(gst::event::Tag::new(gst::TagList::new()));
    rig.pass();
    rig.pass();
    rig.harness.push_event(gst::event::Eos::new());
    let seen = seen.lock().unwrap();
    let expected = [
        "stream-start",
        "caps",
        "segment",
        "tag",
        "buffer",
        "buffer",
        "eos",
    ];
    assert_eq!(*seen, expected);
}

#[test]
fn eos_without_a_single_frame_passes() {
    let mut rig = Rig::new("", "identity name=a");
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    eventually("eos", || {
        rig.harness
            .sinkpad()
            .unwrap()
            .pad_flags()
            .contains(gst::PadFlags::EOS)
    });
}

#[test]
fn a_gap_passes_in_its_place() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.pass();
    let gap = gst::event::Gap::builder(gst::ClockTime::from_mseconds(40)).build();
    assert!(rig.harness.push_event(gap));
    let types = std::iter::from_fn(|| rig.harness.try_pull_event())
        .map(|it| it.type_())
        .collect::<Vec<_>>();
    assert_eq!(types.last(), Some(&gst::EventType::Gap));
    rig.pass();
}

#[test]
fn buffers_without_time_stamps_and_empty_buffers_pass() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    for _ in 0..5 {
        rig.harness.push(gst::Buffer::from_slice([1u8; 16])).unwrap();
        assert_eq!(rig.pull().pts(), None);
        rig.harness.push(gst::Buffer::new()).unwrap();
        assert_eq!(rig.pull().size(), 0);
    }
}

#[test]
fn read_only_and_shared_buffers_pass_untouched() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    let kept = rig.frame();
    let memory = kept.peek_memory(0).as_ptr();
    rig.harness.push(kept.clone()).unwrap();
    let got = rig.pull();
    assert_eq!(
        got.peek_memory(0).as_ptr(),
        memory,
        "the pixels are shared, not copied"
    );
    assert_eq!(
        kept.iter_meta::<gst::Meta>().count(),
        0,
        "the sender's own buffer stays as it was"
    );
}

#[test]
fn flags_and_foreign_metas_survive_a_candidate_that_makes_new_buffers() {
    let mut rig = Rig::new(
        "late-policy=wait",
        "videoscale name=v ! capsfilter caps=video/x-raw,width=32,height=18",
    );
    let mut sent = rig.frame();
    {
        let buffer = sent.get_mut().unwrap();
        buffer.set_flags(gst::BufferFlags::DISCONT | gst::BufferFlags::MARKER);
        let reference = gst::Caps::new_empty_simple("timestamp/x-ntp");
        gst::ReferenceTimestampMeta::add(buffer, &reference, gst::ClockTime::from_seconds(7), None);
    }
    rig.harness.push(sent).unwrap();
    let got = rig.pull();
    assert!(
        got.flags()
            .contains(gst::BufferFlags::DISCONT | gst::BufferFlags::MARKER)
    );
    let metas = got
        .iter_meta::<gst::ReferenceTimestampMeta>()
        .map(|it| it.timestamp())
        .collect::<Vec<_>>();
    assert!(
        metas.contains(&gst::ClockTime::from_seconds(7)),
        "the foreign time stamp is kept"
    );
    assert_eq!(
        metas.len(),
        2,
        "and the switch's own is there for a probe behind it"
    );
}

#[test]
fn caps_may_change_between_frames() {
    let mut rig = Rig::new("late-policy=wait", THREE_SIZES);
    rig.warm_up(&["same", "big", "tiny"]);
    for (caps, size) in [
        (
            "video/x-raw,format=I420,width=320,height=180,framerate=50/1",
            320 * 180 * 3 / 2,
        ),
        (
            "video/x-raw,format=RGB,width=16,height=16,framerate=0/1",
            16 * 16 * 3,
        ),
        (SMALL, 64 * 36 * 3 / 2),
    ] {
        rig.harness.set_src_caps_str(caps);
        for name in ["same", "big", "tiny", "same"] {
            rig.pin(name);
            rig.harness.push(frame(0, size)).unwrap();
            let got = rig.pull();
            let caps = rig.harness.sinkpad().unwrap().current_caps().unwrap();
            let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
            assert_eq!(info.size(), got.size());
            if name == "same" {
                assert_eq!(got.size(), size);
            }
        }
    }
}

#[test]
fn after_a_flush_the_stream_starts_anew_and_no_old_answer_comes_out() {
    let mut rig = Rig::new("late-policy=floor latency-budget=5000000", "identity name=a");
    rig.warm_up(&["a"]);
    let gate = rig.gate("a");
    rig.push().unwrap();
    assert_eq!(
        rig.pull().offset(),
        rig.stats().get::<u64>("in").unwrap() - 1,
        "the floor answers"
    );
    rig.harness.push_event(gst::event::FlushStart::new());
    rig.harness.push_event(gst::event::FlushStop::new(true));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    rig.harness.push_event(gst::event::Segment::new(&segment));
    gate.permit();
    drop(gate);
    for number in [1_000, 1_001, 1_002] {
        rig.harness.push(frame(number, 64 * 36 * 3 / 2)).unwrap();
        assert_eq!(rig.pull().offset(), number);
    }
    rig.pass_until("the candidate is back", |rig| {
        rig.state_of("a") == "ready" && rig.active() == "a"
    });
}

#[test]
fn a_flush_frees_a_frame_that_waits_for_its_answer() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.warm_up(&["a"]);
    let gate = rig.gate("a");
    let sink = rig.switch.static_pad("sink").unwrap();
    let frame = rig.frame();
    let pushing = std::thread::spawn({
        let sink = sink.clone();
        move || sink.chain(frame)
    });
    eventually("the candidate has the frame", || {
        rig.candidate_stats("a").unwrap().get::<&str>("state") == Ok("ready")
    });
    sink.send_event(gst::event::FlushStart::new());
    assert_eq!(pushing.join().unwrap(), Err(gst::FlowError::Flushing));
    drop(gate);
}

#[test]
fn the_latency_is_the_budget_and_a_new_budget_is_announced() {
    let mut rig = Rig::new("latency-budget=7000000", "identity name=a");
    rig.harness.set_upstream_latency(gst::ClockTime::from_mseconds(3));
    let latency = |rig: &Rig| {
        let mut query = gst::query::Latency::new();
        assert!(rig.switch.static_pad("src").unwrap().query(&mut query));
        query.result().1
    };
    assert_eq!(latency(&rig), gst::ClockTime::from_mseconds(10));
    rig.messages("");
    rig.switch.set_property("latency-budget", 9_000_000u64);
    assert_eq!(latency(&rig), gst::ClockTime::from_mseconds(12));
    assert_eq!(rig.texts(gst::MessageType::Latency).len(), 1);
    rig.switch.set_property("latency-budget", 0u64);
    assert_eq!(
        latency(&rig),
        gst::ClockTime::from_mseconds(43),
        "one frame duration at 25 a second"
    );
}

#[test]
fn quality_of_service_stops_at_the_switch() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.pass();
    let qos = gst::event::Qos::builder(gst::QOSType::Underflow, 1.5, 5_000_000)
        .timestamp(gst::ClockTime::ZERO)
        .build();
    assert!(rig.switch.static_pad("src").unwrap().send_event(qos));
    let reached = std::iter::from_fn(|| rig.harness.try_pull_upstream_event());
    assert!(!reached.into_iter().any(|it| it.type_() == gst::EventType::Qos));
    rig.pass();
}

#[test]
fn a_pin_holds_and_an_empty_name_takes_it_off() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    let changes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = changes.clone();
    rig.switch.connect("candidate-changed", false, move |values| {
        let (from, to): (String, String) = (values[1].get().unwrap(), values[2].get().unwrap());
        log.lock().unwrap().push((from, to));
        None
    });
    rig.messages("");
    let other = if rig.active() == "a" { "b" } else { "a" };
    let before = rig.active();
    rig.pin(other);
    for _ in 0..20 {
        rig.pass();
        assert_eq!(rig.active(), other);
    }
    assert!(
        !rig.switch.property::<bool>("auto-switch"),
        "a pin is not automatic switching"
    );
    assert_eq!(*changes.lock().unwrap(), [(before, other.to_string())]);
    let told = rig.messages("avrec/switch");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].get::<&str>("reason"), Ok("pinned"));
    rig.pin("");
    assert!(rig.switch.property::<bool>("auto-switch"));
    rig.pass();
}

#[test]
fn a_pin_to_nobody_is_refused_with_the_names_there_are() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.pass();
    rig.messages("");
    rig.pin("c");
    let warnings = rig.texts(gst::MessageType::Warning);
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("names no candidate: c") && it.contains("a, b")),
        "{warnings:?}"
    );
    rig.pass();
}

#[test]
fn children_are_reached_through_the_child_proxy() {
    let rig = Rig::new("", "identity name=a identity name=b");
    let proxy = rig.switch.dynamic_cast_ref::<gst::ChildProxy>().unwrap();
    assert_eq!(proxy.children_count(), 2, "entry, exit and queues do not count");
    rig.switch.set_property("auto-switch", true);
    proxy.set_child_property("b::silent", true.to_value());
    assert!(rig.candidate("b").property::<bool>("silent"));
}

#[test]
fn an_exhaustive_switch_runs_every_candidate_on_every_frame_and_loses_and_reorders_none() {
    let mut rig = Rig::new("exhaustive=true reference=big", THREE_SIZES);
    for number in 0..20 {
        let got = rig.pass();
        assert_eq!(got.pts(), Some(gst::ClockTime::from_mseconds(40 * number)));
        assert!(
            rig.harness.try_pull().is_none(),
            "one frame comes out for frame {number}"
        );
    }
    let messages: Vec<gst::Structure> = std::iter::from_fn(|| rig.bus.pop())
        .filter_map(|it| it.structure().map(|it| it.to_owned()))
        .collect();
    let surveys = messages.iter().filter(|it| it.name() == "avrec/survey");
    for (number, survey) in surveys.clone().enumerate() {
        assert_eq!(survey.get::<u64>("frame"), Ok(number as u64));
        assert_eq!(survey.get::<u64>("running-time"), Ok(40_000_000 * number as u64));
        assert_eq!(survey.get::<u64>("budget-ns"), Ok(40_000_000));
        assert_eq!(survey.get::<&str>("reference"), Ok("big"));
        let candidates = survey.get::<gst::Array>("candidates").unwrap();
        let candidates: Vec<_> = candidates
            .iter()
            .map(|it| it.get::<gst::Structure>().unwrap())
            .collect();
        let names: Vec<&str> = candidates.iter().map(|it| it.get("name").unwrap()).collect();
        assert_eq!(names, ["same", "big", "tiny"]);
        for (name, candidate) in names.iter().zip(&candidates) {
            assert!(0 < candidate.get::<u64>("latency-ns").unwrap(), "{candidate}");
            let agreement = candidate.get::<f64>("agreement").ok();
            assert_eq!(agreement.is_none(), *name == "big", "{candidate}");
            assert!(agreement.is_none_or(|it| (0.0..1.0).contains(&it)), "{candidate}");
        }
    }
    assert_eq!(surveys.count(), 20, "the first frame waits until all are warm");
    let scores = messages
        .iter()
        .filter(|it| it.name() == "avrec/candidate-score")
        .count();
    assert_eq!(scores, 40, "each answer is compared, and none of them twice");
    for name in ["same", "big", "tiny"] {
        let runs = rig.candidate_stats(name).unwrap().get::<u64>("runs");
        assert_eq!(runs, Ok(20 + 3), "{name}: the frames, and three runs to warm up");
    }
    let stats = rig.stats();
    assert_eq!(
        (stats.get::<u64>("in"), stats.get::<u64>("out")),
        (Ok(20), Ok(20))
    );
    assert_eq!(
        stats.get::<u64>("misses"),
        Ok(0),
        "the others' time is not the frame's"
    );
}

#[test]
fn exhaustive_can_be_switched_on_and_off_while_frames_pass() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    for round in 0..6 {
        rig.switch.set_property("exhaustive", round % 2 == 0);
        rig.messages("");
        for _ in 0..50 {
            rig.pass();
        }
        let surveys = rig.messages("avrec/survey").len();
        assert_eq!(surveys, if round % 2 == 0 { 50 } else { 0 }, "round {round}");
    }
    let stats = rig.stats();
    assert_eq!(
        (stats.get::<u64>("in"), stats.get::<u64>("out")),
        (Ok(300), Ok(300))
    );
}

#[test]
fn before_the_first_frame_the_machine_counts_as_calm() {
    let rig = Rig::new("", "identity name=a");
    assert_eq!(rig.stats().get::<f64>("slowdown"), Ok(1.0));
}

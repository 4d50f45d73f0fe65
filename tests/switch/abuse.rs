// SPDX-License-Identifier: MPL-2.0

//! What applications do to candidates while the stream runs, and what candidates do to the switch: the stream goes on.

use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::switch::*;
use crate::support::switch_audio::SoundRig;

/// How long the first frame may take to leave beside a candidate that hangs.
const FIRST_FRAME: Duration = Duration::from_secs(1);

const BOTH: [&str; 2] = ["late-policy=floor", "late-policy=wait"];

fn bin_of(rig: &Rig) -> gst::Bin {
    rig.switch.clone().downcast().unwrap()
}

#[test]
fn a_candidate_that_the_application_stops_is_left_and_comes_back_when_it_is_started() {
    for state in [gst::State::Ready, gst::State::Null] {
        for properties in BOTH {
            let mut rig = Rig::new(properties, "identity name=a identity name=b");
            rig.warm_up(&["a", "b"]);
            rig.pin("a");
            rig.pass();
            let candidate = rig.candidate("a");
            candidate.set_state(state).unwrap();
            (0..50).for_each(|_| drop(rig.pass()));
            assert_eq!(rig.state_of("a"), "failed", "{state:?}, {properties}");
            let stats = rig.candidate_stats("a").unwrap();
            let cause = stats.get::<String>("cause").unwrap();
            assert!(cause.contains("the application has stopped it"), "{cause}");
            assert_eq!(
                candidate.current_state(),
                state,
                "nobody starts it against its will"
            );
            assert_eq!(rig.active(), "b");
            candidate.set_state(gst::State::Playing).unwrap();
            rig.pass_until("it answers again", |rig| rig.active() == "a");
            candidate.set_state(state).unwrap();
            bin_of(&rig).remove(&candidate).unwrap();
            (0..10).for_each(|_| drop(rig.pass()));
            candidate.set_state(gst::State::Null).unwrap();
        }
    }
}

#[test]
fn a_candidate_that_the_application_stops_in_a_stream_of_sound_is_left_and_comes_back() {
    for properties in BOTH {
        let mut stream = SoundRig::new(properties, "identity name=a identity name=b");
        stream.warm_up(960, &["a", "b"]);
        stream.rig.pin("a");
        stream.pass_until(960, "a", |it| it.rig.active() == "a");
        let candidate = stream.rig.candidate("a");
        candidate.set_state(gst::State::Ready).unwrap();
        (0..50).for_each(|_| stream.pass(960));
        assert_eq!(stream.rig.state_of("a"), "failed", "{properties}");
        candidate.set_state(gst::State::Playing).unwrap();
        stream.pass_until(960, "it answers again", |it| {
            it.rig.state_of("a") == "ready" && it.rig.active() == "a"
        });
        stream.end();
        stream.assert_whole();
    }
}

#[test]
fn a_candidate_that_flushes_by_itself_is_left_and_started_again() {
    for properties in BOTH {
        let mut rig = Rig::new(properties, "identity name=a identity name=b");
        rig.warm_up(&["a", "b"]);
        rig.pin("a");
        rig.pass();
        let sink = rig.candidate("a").static_pad("sink").unwrap();
        sink.send_event(gst::event::FlushStart::new());
        rig.pass_until("it is told", |rig| {
            let warnings = rig.texts(gst::MessageType::Warning);
            warnings.iter().any(|it| it.contains("it is flushing"))
        });
        rig.pass_until("it answers again", |rig| rig.active() == "a");
    }
}

#[test]
fn beside_a_candidate_that_hangs_on_its_first_frame_the_stream_begins() {
    let orders = [
        ("", "identity name=h identity name=f"),
        ("", "identity name=f identity name=h"),
        ("floor=f", "identity name=h identity name=f"),
        ("active-candidate=h", "identity name=h identity name=f"),
    ];
    for policy in BOTH {
        for (named, children) in orders {
            // Who pins a candidate and keeps no deadline waits for it.
            if named.contains("active") && policy.contains("wait") {
                continue;
            }
            let rig = Rig::unstarted(&format!("{policy} {named}"), children);
            let _gate = rig.gate("h");
            let mut rig = rig.start(SMALL);
            let begin = Instant::now();
            rig.pass();
            let after = begin.elapsed();
            assert!(after < FIRST_FRAME, "{after:?} with {policy} {named}: {children}");
            (0..20).for_each(|_| drop(rig.pass()));
        }
    }
}

#[test]
fn beside_a_candidate_that_hangs_on_its_first_sound_the_stream_begins() {
    for policy in BOTH {
        for children in [
            "identity name=h identity name=f",
            "identity name=f identity name=h",
        ] {
            let mut stream = SoundRig::unstarted(policy, children);
            let _gate = stream.rig.gate("h");
            stream.start();
            let begin = Instant::now();
            while stream.heard.is_empty() {
                stream.pass(960);
            }
            let after = begin.elapsed();
            assert!(after < 2 * FIRST_FRAME, "{after:?} with {policy}: {children}");
            (0..20).for_each(|_| stream.pass(960));
        }
    }
}

#[test]
fn that_a_candidate_hangs_is_told_while_the_stream_waits_for_it() {
    let rig = Rig::unstarted("late-policy=wait", "identity name=h");
    let gate = rig.gate("h");
    let mut rig = rig.start(SMALL);
    let frame = rig.frame();
    let bus = rig.bus.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let warning =
                bus.timed_pop_filtered(gst::ClockTime::from_seconds(10), &[gst::MessageType::Warning]);
            drop(gate);
            let warning = warning.expect("it is told");
            let gst::MessageView::Warning(warning) = warning.view() else {
                unreachable!()
            };
            assert!(
                warning.error().message().contains("h cannot answer"),
                "{warning:?}"
            );
        });
        rig.harness.push(frame).unwrap();
    });
    rig.pull();
}

#[test]
fn beside_a_pinned_candidate_that_drops_all_the_floor_answers_and_it_is_told() {
    let scaled = "videoscale name=b ! capsfilter caps=video/x-raw,width=128,height=72 \
                  identity name=a drop-probability=1.0 ! videoscale ! capsfilter caps=video/x-raw,width=128,height=72";
    for policy in BOTH {
        for children in ["identity name=a drop-probability=1.0 identity name=b", scaled] {
            let properties = format!("{policy} floor=b active-candidate=a latency-budget=200000000");
            let mut rig = Rig::new(&properties, children);
            let begin = Instant::now();
            for _ in 0..10 {
                rig.pass();
            }
            let after = begin.elapsed();
            assert!(after < 5 * FIRST_FRAME, "{after:?} with {policy}: {children}");
            let mut told = Vec::new();
            rig.pass_until("it is told", |rig| {
                let warnings = rig.texts(gst::MessageType::Warning).into_iter();
                told.extend(warnings.filter(|it| it.contains("a cannot answer")));
                !told.is_empty()
            });
            assert!(told[0].contains("it makes nothing of its frames"), "{told:?}");
        }
    }
}

#[test]
fn the_only_candidate_may_drop_frames_where_no_deadline_is_kept() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.warm_up(&["a"]);
    rig.candidate("a").set_property("drop-probability", 1.0f32);
    let begin = Instant::now();
    (0..20).for_each(|_| drop(rig.pass()));
    assert!(begin.elapsed() < FIRST_FRAME, "{:?}", begin.elapsed());
}

#[test]
fn caps_may_change_while_the_active_candidate_is_late_and_another_refuses_them() {
    let other = "video/x-raw,format=NV12,width=64,height=36,framerate=25/1";
    for _ in 0..10 {
        let children = "identity name=a capsfilter name=picky caps=video/x-raw,format=I420";
        let mut rig = Rig::new("late-policy=floor", children);
        rig.warm_up(&["a", "picky"]);
        rig.pin("a");
        rig.pass();
        let gate = rig.gate("a");
        rig.pass();
        let caps: gst::Caps = other.parse().unwrap();
        let sink = rig.switch.static_pad("sink").unwrap();
        assert!(sink.query_accept_caps(&caps), "the late one may take them");
        rig.harness.set_src_caps_str(other);
        (0..10).for_each(|_| drop(rig.pass()));
        drop(gate);
        rig.pass_until("it answers again", |rig| {
            rig.messages("avrec/frame")
                .iter()
                .any(|it| it.get::<&str>("answer") == Ok("active"))
        });
        assert_eq!(rig.switch.static_pad("src").unwrap().current_caps(), Some(caps));
    }
}

#[test]
fn where_all_candidates_are_forbidden_what_comes_in_goes_out() {
    let mut stream = SoundRig::new("late-policy=wait", "identity name=a identity name=b");
    stream.warm_up(960, &["a", "b"]);
    stream.rig.switch.set_property("forbidden", "a,b");
    (0..20).for_each(|_| stream.pass(960));
    stream.rig.switch.set_property("forbidden", "");
    stream.pass_until(960, "they answer again", |it| {
        it.rig
            .messages("avrec/frame")
            .iter()
            .any(|it| it.get::<&str>("answer") == Ok("active"))
    });
    stream.end();
    stream.assert_whole();
}

#[test]
fn candidates_may_end_their_streams() {
    for policy in BOTH {
        let mut rig = Rig::new(policy, "identity name=a identity name=b");
        rig.warm_up(&["a", "b"]);
        let end = |rig: &Rig, name: &str| {
            let src = rig.candidate(name).static_pad("src").unwrap();
            src.push_event(gst::event::Eos::new())
        };
        rig.pin("a");
        assert!(end(&rig, "a"));
        (0..20).for_each(|_| drop(rig.pass()));
        assert_eq!(rig.active(), "b", "{policy}");
        if policy.contains("floor") {
            assert!(end(&rig, "b"));
            (0..20).for_each(|_| drop(rig.pass()));
        }
        let events = std::iter::from_fn(|| rig.harness.try_pull_event());
        assert!(events.into_iter().all(|it| it.type_() != gst::EventType::Eos));
        rig.pass_until("they answer again", |rig| rig.state_of("a") == "ready");
    }
}

#[test]
fn candidates_that_fail_together_come_back_together() {
    let mut rig = Rig::new("late-policy=floor", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    let candidates = ["a", "b"].map(|it| rig.candidate(it));
    let fail = |it: &gst::Element| gst::element_error!(it, gst::StreamError::Failed, ["a scripted failure"]);
    candidates.iter().for_each(fail);
    // The next frame comes when both are due.
    let begin = Instant::now();
    eventually("both pauses are over", || begin.elapsed() > 2 * FIRST_FRAME);
    rig.pass_until("both are back", |rig| {
        rig.state_of("a") == "ready" && rig.state_of("b") == "ready"
    });
}

/// How often the switch asked what is before it for other caps, since the last call.
fn requests_for_other_caps(rig: &mut Rig) -> usize {
    let events = std::iter::from_fn(|| rig.harness.try_pull_upstream_event());
    events
        .filter(|it| it.type_() == gst::EventType::Reconfigure)
        .count()
}

#[test]
fn a_candidate_that_starts_again_asks_for_other_caps_only_where_it_does_not_take_those_that_come() {
    let mut rig = Rig::new("", "identity name=a capsfilter name=b");
    rig.warm_up(&["a", "b"]);
    let candidate = rig.candidate("b");
    for (takes, asks) in [("ANY", false), ("video/x-raw,width=32", true)] {
        candidate.set_state(gst::State::Ready).unwrap();
        rig.pass_until("it is down", |rig| rig.state_of("b") == "failed");
        candidate.set_property_from_str("caps", takes);
        requests_for_other_caps(&mut rig);
        candidate.set_state(gst::State::Playing).unwrap();
        if asks {
            rig.pass_until("it asks", |rig| 0 < requests_for_other_caps(rig));
        } else {
            rig.warm_up(&["b"]);
            assert_eq!(requests_for_other_caps(&mut rig), 0, "{takes}");
        }
    }
}

#[test]
fn the_exit_of_a_candidate_is_opened_before_it_starts() {
    let mut rig = Rig::new("", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    let candidate = rig.candidate("b");
    let (seen, states) = std::sync::mpsc::channel();
    let exit = bin_of(&rig).by_name("switch-exit").unwrap();
    let (exit, watched) = (exit.static_pad("sink_1").unwrap(), candidate.clone());
    let events = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    exit.add_probe(events, move |_, info| {
        if let Some(gst::EventView::FlushStop(_)) = info.event().map(|it| it.view()) {
            seen.send(watched.current_state()).unwrap();
        }
        gst::PadProbeReturn::Ok
    });
    // It fails as it runs, so that only the switch starts it again.
    let fails = fail_on_demand(&candidate);
    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    rig.pin("b");
    rig.pass_until("it fails", |rig| rig.state_of("b") == "failed");
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    rig.pass_until("it is back", |rig| rig.state_of("b") == "ready");
    let states: Vec<_> = states.try_iter().collect();
    assert_eq!(states, [gst::State::Null], "no answer can run into the flush");
}

#[test]
fn a_candidate_that_is_added_while_caps_come_works_with_these() {
    let mut rig = Rig::new("", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    let bin = bin_of(&rig);
    let input = bin.by_name("lane-1-b-queue").unwrap().static_pad("sink").unwrap();
    let is_added = std::sync::atomic::AtomicBool::new(false);
    let switch = bin.clone();
    input.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let is_caps = info.event().is_some_and(|it| it.type_() == gst::EventType::Caps);
        if is_caps && !is_added.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let late = gst::ElementFactory::make("identity")
                .name("late")
                .build()
                .unwrap();
            switch.add(&late).unwrap();
            late.sync_state_with_parent().unwrap();
        }
        gst::PadProbeReturn::Ok
    });
    rig.harness
        .set_src_caps_str("video/x-raw,format=GRAY8,width=64,height=54,framerate=25/1");
    rig.warm_up(&["late"]);
    rig.pin("late");
    rig.pass_until("it answers", |rig| rig.active() == "late");
    let caps = rig.candidate("late").static_pad("src").unwrap().current_caps();
    assert_eq!(caps, rig.harness.sinkpad().unwrap().current_caps());
    assert!(caps.unwrap().to_string().contains("GRAY8"));
}

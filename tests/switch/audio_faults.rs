// SPDX-License-Identifier: MPL-2.0

//! The switch on sound beside candidates that are late, fail or give what they should not, and on streams with gaps:
//! whatever happens, each sample goes out once, and without a step.

use std::sync::atomic::Ordering;

use gst::prelude::*;

use crate::support::switch::{eventually, fail_on_demand};
use crate::support::switch_audio::*;

/// Two candidates that differ by what they add, one of them in time to be faded away when it is late.
const TWO: &str = "avrec-test-lag name=early offset=0.1 avrec-test-lag name=slow delay=960 offset=-0.1";

/// Largest step that a fade of 10 ms between 0.1 above and 0.1 below adds to the sine's own, twice over.
const STEP: f32 = 2.0 * 0.2 / 240.0;

fn sines_step() -> f32 {
    let sine: Vec<f32> = (0..48_000).map(sine).collect();
    largest_step(&sine)
}

#[track_caller]
fn assert_no_step(sound: &[f32]) {
    let step = largest_step(sound);
    assert!(step <= sines_step() + STEP, "{step}");
}

/// Where the sound is the input's own.
fn is_input(stream: &SoundRig, at: usize) -> bool {
    (stream.heard[at] - sine(at as u64)).abs() < 1e-6
}

#[test]
fn a_late_candidate_is_faded_away_and_comes_back_without_a_step() {
    let mut stream = SoundRig::new("late-policy=wait", TWO);
    stream.warm_up(960, &["early", "slow"]);
    stream.rig.pin("early");
    stream.pass_until(960, "early", |it| it.rig.active() == "early");
    for _ in 0..20 {
        stream.pass(960);
    }
    stream.rig.switch.set_property_from_str("late-policy", "floor");
    let begin = stream.heard.len();
    let gate = stream.rig.gate("early");
    for _ in 0..5 {
        stream.pass(960);
    }
    let middle = stream.heard.len() - 1;
    assert!(!is_input(&stream, begin), "what it had given was heard");
    assert!(is_input(&stream, middle), "then the input goes out");
    drop(gate);
    stream.pass_until(960, "it is back", |it| !is_input(it, it.heard.len() - 1));
    stream.pass(960);
    assert_eq!(stream.heard.len() as u64, stream.sent - 960, "it kept the delay");
    assert_no_step(&stream.heard[begin..]);
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
}

#[test]
fn a_late_candidate_without_a_sample_ahead_leaves_no_step() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=only offset=0.1");
    stream.warm_up(960, &["only"]);
    stream.pass(960);
    stream.rig.switch.set_property_from_str("late-policy", "floor");
    let begin = stream.heard.len();
    let gate = stream.rig.gate("only");
    for _ in 0..5 {
        stream.pass(960);
    }
    assert_eq!(stream.heard.len() as u64, stream.sent);
    // Its last difference to the input fades away.
    assert!((stream.heard[begin] - sine(begin as u64) - 0.1).abs() < 1e-3);
    assert!(is_input(&stream, begin + 480));
    assert_no_step(&stream.heard[begin - 100..]);
    drop(gate);
}

#[test]
fn a_candidate_that_fails_is_followed_by_another_and_not_a_sample_goes_out_unheard() {
    let mut stream = SoundRig::new("late-policy=wait", TWO);
    stream.warm_up(960, &["early", "slow"]);
    stream.rig.pin("slow");
    stream.pass_until(960, "slow", |it| it.rig.active() == "slow");
    for _ in 0..20 {
        stream.pass(960);
    }
    let begin = stream.heard.len();
    let fails = fail_on_demand(&stream.rig.candidate("slow"));
    fails.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        stream.pass(960);
    }
    assert_eq!(stream.rig.active(), "early");
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
    assert_no_step(&stream.heard[begin..]);
    for at in begin..stream.heard.len() {
        let difference = stream.heard[at] - sine(at as u64);
        assert!(difference.abs() < 0.1 + 1e-6, "{at}: {difference}");
    }
    let last = stream.heard.len() - 1;
    assert!((stream.heard[last] - sine(last as u64) - 0.1).abs() < 1e-6);
    let crossings = (begin..last).filter(|at| is_input(&stream, *at)).count();
    assert!(
        crossings <= 2,
        "the input was heard for {crossings} samples, not only passed in the fade"
    );
}

#[test]
fn a_candidate_that_is_removed_while_it_sounds_leaves_no_step() {
    let mut stream = SoundRig::new("late-policy=floor", TWO);
    stream.warm_up(960, &["early", "slow"]);
    stream.rig.pin("slow");
    stream.pass_until(960, "slow", |it| it.rig.active() == "slow");
    let begin = stream.heard.len();
    let slow = stream.rig.candidate("slow");
    stream
        .rig
        .switch
        .downcast_ref::<gst::Bin>()
        .unwrap()
        .remove(&slow)
        .unwrap();
    stream.pass_until(960, "the other", |it| it.rig.active() == "early");
    stream.pass(960);
    assert_no_step(&stream.heard[begin..]);
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
}

#[test]
fn a_candidate_that_is_forbidden_is_not_heard_any_more() {
    let mut stream = SoundRig::new("late-policy=floor", TWO);
    stream.warm_up(960, &["early", "slow"]);
    stream.rig.pin("slow");
    stream.pass_until(960, "slow", |it| it.rig.active() == "slow");
    let begin = stream.heard.len();
    stream.rig.switch.set_property("forbidden", "slow");
    stream.pass(960);
    let last = stream.heard.len() - 1;
    assert!(
        -0.01 < stream.heard[last] - sine(last as u64),
        "it was faded away at once"
    );
    stream.pass_until(960, "the other", |it| it.rig.active() == "early");
    stream.pass(960);
    assert_no_step(&stream.heard[begin..]);
}

#[test]
fn when_nobody_can_answer_and_the_floor_is_not_allowed_the_pipeline_is_told() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=only");
    stream.warm_up(960, &["only"]);
    let fails = fail_on_demand(&stream.rig.candidate("only"));
    fails.store(true, Ordering::SeqCst);
    let buffer = stream.buffer(960);
    // It is started again after a while, so that there is hope for some time.
    let switch = stream.rig.switch.clone();
    let pushed = std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the failure", || {
                let stats = switch.property::<gst::Structure>("stats").to_string();
                stats.contains("failed")
            });
            let only = switch
                .downcast_ref::<gst::Bin>()
                .unwrap()
                .by_name("only")
                .unwrap();
            switch.downcast_ref::<gst::Bin>().unwrap().remove(&only).unwrap();
        });
        stream.rig.harness.push(buffer)
    });
    assert_eq!(pushed, Err(gst::FlowError::Error));
    assert!(stream.rig.texts(gst::MessageType::Error)[0].contains("no candidate can answer"));
}

#[test]
fn a_candidate_that_gives_nothing_is_told_and_left() {
    let children = "avrec-test-lag name=mute mute=true avrec-test-lag name=good";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.pass_until(4_800, "told", |it| it.rig.state_of("mute") == "failed");
    let stats = stream.rig.candidate_stats("mute").unwrap();
    assert!(stats.get::<&str>("cause").unwrap().contains("lags by"), "{stats}");
    stream.end();
    stream.assert_whole();
}

#[test]
fn what_a_candidate_leaves_out_comes_from_the_input() {
    let children = "avrec-test-lag name=leaky leaves-out=7";
    let mut stream = SoundRig::new("late-policy=wait", children);
    for _ in 0..60 {
        stream.pass(960);
    }
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_candidate_that_gives_another_format_is_told_and_left() {
    let children = "identity name=good \
        audioconvert name=other ! capsfilter caps=audio/x-raw,format=S16LE \
        audioresample name=slower ! capsfilter caps=audio/x-raw,rate=16000";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.pass_until(960, "told", |it| {
        it.rig.state_of("other") == "failed" && it.rig.state_of("slower") == "failed"
    });
    let cause = |name: &str| {
        let stats = stream.rig.candidate_stats(name).unwrap();
        stats.get::<String>("cause").unwrap()
    };
    assert!(
        cause("other").contains("gives S16 at 48000 Hz"),
        "{}",
        cause("other")
    );
    assert!(
        cause("slower").contains("gives F32 at 16000 Hz"),
        "{}",
        cause("slower")
    );
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_buffer_that_is_no_whole_number_of_samples_is_an_error() {
    let mut stream = SoundRig::new("late-policy=wait", "identity name=a");
    stream.pass(960);
    let odd = gst::Buffer::from_slice([1_u8; 7]);
    assert_eq!(stream.rig.harness.push(odd), Err(gst::FlowError::Error));
    let errors = stream.rig.texts(gst::MessageType::Error);
    assert!(errors[0].contains("a buffer of 7 bytes is not a whole number of samples of 4 bytes"));
}

#[test]
fn the_stream_may_end_in_the_middle_of_a_fade() {
    let mut stream = SoundRig::new("late-policy=wait crossfade=100000000", TWO);
    stream.warm_up(960, &["early", "slow"]);
    for name in ["slow", "early"] {
        stream.rig.pin(name);
        stream.pass_until(960, name, |it| it.rig.active() == name);
    }
    let begin = stream.heard.len();
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
    let last = stream.heard.len() - 1;
    let difference = stream.heard[last] - sine(last as u64);
    assert!(-0.1 < difference && difference < 0.1, "{difference}");
    assert_no_step(&stream.heard[begin..]);
}

#[test]
fn a_flush_in_the_middle_of_a_fade_leaves_nothing_behind() {
    let mut stream = SoundRig::new("late-policy=wait", TWO);
    stream.warm_up(100, &["early", "slow"]);
    for name in ["slow", "early"] {
        stream.rig.pin(name);
        stream.pass_until(100, name, |it| it.rig.active() == name);
    }
    stream.rig.harness.push_event(gst::event::FlushStart::new());
    stream.rig.harness.push_event(gst::event::FlushStop::new(true));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    stream.rig.harness.push_event(gst::event::Segment::new(&segment));
    while stream.rig.harness.try_pull().is_some() {}
    // The stream begins again.
    (stream.sent, stream.heard) = (0, Vec::new());
    for _ in 0..30 {
        stream.pass(960);
    }
    assert!(stream.heard.len() as u64 == stream.sent - 960);
    assert_eq!(stream.rig.active(), "early");
    for at in 0..stream.heard.len() {
        assert!((stream.heard[at] - sine(at as u64) - 0.1).abs() < 1e-6, "{at}");
    }
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
}

#[test]
fn before_a_gap_all_goes_out_that_came_in() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    for _ in 0..20 {
        stream.pass(500);
    }
    assert_eq!(stream.heard.len() as u64, stream.sent - 960);
    // A second is missing.
    let mut buffer = stream.buffer(500);
    let pts = buffer.pts().unwrap() + gst::ClockTime::SECOND;
    buffer.get_mut().unwrap().set_pts(pts);
    buffer.get_mut().unwrap().set_flags(gst::BufferFlags::DISCONT);
    stream.rig.harness.push(buffer).unwrap();
    stream.collect();
    assert_eq!(
        stream.heard.len() as u64,
        stream.sent - 500,
        "the rest of what was before"
    );
    let mut late = 0;
    let first = stream.sent - 500;
    for _ in 0..3 {
        let mut buffer = stream.buffer(500);
        let pts = buffer.pts().unwrap() + gst::ClockTime::SECOND;
        buffer.get_mut().unwrap().set_pts(pts);
        stream.rig.harness.push(buffer).unwrap();
        while let Some(buffer) = stream.rig.harness.try_pull() {
            assert_eq!(buffer.pts(), Some(time_of(first + late) + gst::ClockTime::SECOND));
            assert_eq!(buffer.flags().contains(gst::BufferFlags::DISCONT), late == 0);
            late += samples(&buffer).len() as u64;
        }
    }
    assert_eq!(late, 2_000 - 960);
}

#[test]
fn a_gap_event_comes_after_what_came_in_before_it() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    for _ in 0..4 {
        stream.pass(500);
    }
    let gap = gst::event::Gap::builder(time_of(2_000))
        .duration(gst::ClockTime::SECOND)
        .build();
    assert!(stream.rig.harness.push_event(gap));
    stream.collect();
    stream.assert_whole();
    let events = std::iter::from_fn(|| stream.rig.harness.try_pull_event());
    assert_eq!(events.last().map(|it| it.type_()), Some(gst::EventType::Gap));
}

#[test]
fn rounded_time_stamps_are_smoothed_and_none_stay_none() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    for _ in 0..20 {
        let mut buffer = stream.buffer(441);
        let milliseconds = buffer.pts().unwrap().mseconds();
        let buffer_ref = buffer.get_mut().unwrap();
        buffer_ref.set_pts(gst::ClockTime::from_mseconds(milliseconds));
        stream.rig.harness.push(buffer).unwrap();
    }
    stream.collect();
    stream.end();
    stream.assert_whole();

    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    let mut out = 0;
    for _ in 0..20 {
        let mut buffer = stream.buffer(441);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::NONE);
        stream.rig.harness.push(buffer).unwrap();
        while let Some(buffer) = stream.rig.harness.try_pull() {
            assert_eq!(buffer.pts(), None);
            out += samples(&buffer).len() as u64;
        }
    }
    assert_eq!(out, stream.sent - 960);
}

#[test]
fn jitter_of_5_ms_is_smoothed_and_nothing_is_drained() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    for index in 0..40 {
        let mut buffer = stream.buffer(480);
        let jitter = gst::ClockTime::from_mseconds([0, 5, 2, 4, 1][index % 5]);
        let pts = buffer.pts().unwrap() + jitter;
        buffer.get_mut().unwrap().set_pts(pts);
        stream.rig.harness.push(buffer).unwrap();
        stream.collect();
        let inside = stream.sent - stream.heard.len() as u64;
        assert_eq!(inside, stream.sent.min(960), "all but the delay is out");
    }
    stream.end();
    stream.assert_whole();
}

/// Pushes sound with these time stamps, in buffers of 10 ms; returns the time stamps and lengths of what comes out.
fn times_of(stream: &mut SoundRig, stamps: &[u64], is_marked: impl Fn(usize) -> bool) -> Vec<(u64, u64)> {
    for (index, pts) in stamps.iter().enumerate() {
        let mut buffer = stream.buffer(480);
        let buffer_ref = buffer.get_mut().unwrap();
        buffer_ref.set_pts(gst::ClockTime::from_nseconds(*pts));
        if is_marked(index) {
            buffer_ref.set_flags(gst::BufferFlags::DISCONT);
        }
        stream.rig.harness.push(buffer).unwrap();
    }
    assert!(stream.rig.harness.push_event(gst::event::Eos::new()));
    let buffers = std::iter::from_fn(|| stream.rig.harness.try_pull());
    let pieces = buffers.map(|it| {
        let pts = it.pts().expect("none is lost").nseconds();
        (pts, samples(&it).len() as u64)
    });
    pieces.collect()
}

#[test]
fn time_stamps_below_zero_or_earlier_than_before_leave_as_they_came() {
    const MS: u64 = 1_000_000;
    // Test sources make time stamps below zero after seeks, which come as ones near 2^64.
    let below_zero = 0u64.wrapping_sub(25 * MS);
    for starts in [
        [below_zero, 5000 * MS],
        [5000 * MS, 3000 * MS],
        [5000 * MS, below_zero],
    ] {
        let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
        let stretch = |start: u64| (0..10).map(move |it| start.wrapping_add(it * 10 * MS));
        let stamps: Vec<u64> = starts.into_iter().flat_map(stretch).collect();
        let pieces = times_of(&mut stream, &stamps, |_| false);
        let mut count = 0;
        for (pts, samples) in pieces {
            let within = gst::ClockTime::SECOND
                .mul_div_floor(count % 4800, 48_000)
                .unwrap();
            let expected = starts[(count / 4800) as usize].wrapping_add(within.nseconds());
            assert_eq!(pts, expected, "at {count}, from {starts:?}");
            count += samples;
        }
        assert_eq!(count, stream.sent);
    }
}

#[test]
fn time_goes_on_where_a_marked_buffer_comes_early() {
    const MS: u64 = 1_000_000;
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=slow delay=960");
    let stamps: Vec<u64> = (0..30)
        .map(|it| it * 10 * MS - 5 * MS * u64::from(it == 15))
        .collect();
    let pieces = times_of(&mut stream, &stamps, |it| it == 15);
    let mut end = 0;
    for (pts, samples) in pieces {
        assert!(end <= pts, "{pts} comes again: all until {end} was there");
        end = pts + samples * 1_000_000_000 / 48_000;
    }
    assert_eq!(end, 300 * MS);
}

#[test]
fn caps_may_change_in_the_middle() {
    let children = "identity name=plain avrec-test-lag name=slow delay=960";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(960, &["plain", "slow"]);
    let mut before = stream.sent;
    // The delay stays as long as it was where it need not be longer: 20 ms, then 960 samples of 16 kHz.
    for (rate, channels, delay) in [(44_100, 2, 960), (16_000, 1, 960), (48_000, 6, 2_880)] {
        let caps = format!(
            "audio/x-raw,format=F32LE,layout=interleaved,rate={rate},channels={channels},channel-mask=(bitmask)0"
        );
        stream.rig.harness.set_src_caps_str(&caps);
        stream.collect();
        let heard = stream.heard.len() as u64;
        assert_eq!(heard, before, "all goes out before {caps}");
        let mut got = Vec::new();
        let mut sent = 0;
        for name in ["plain", "slow", "plain"] {
            stream.rig.pin(name);
            for _ in 0..60 {
                let values = (sent..sent + 480 * channels).flat_map(|it| sine(it).to_le_bytes());
                let buffer = gst::Buffer::from_mut_slice(values.collect::<Vec<u8>>());
                stream.rig.harness.push(buffer).unwrap();
                sent += 480 * channels;
                while let Some(buffer) = stream.rig.harness.try_pull() {
                    got.extend(samples(&buffer));
                }
            }
            assert_eq!(stream.rig.active(), name, "{caps} {:#?}", stream.rig.stats());
        }
        assert_eq!(got.len() as u64, sent - delay * channels, "{caps}");
        let gap = gst::event::Gap::builder(gst::ClockTime::ZERO).build();
        stream.rig.harness.push_event(gap);
        while let Some(buffer) = stream.rig.harness.try_pull() {
            got.extend(samples(&buffer));
        }
        let expected: Vec<f32> = (0..sent).map(sine).collect();
        assert_eq!(got, expected, "{caps}");
        // What comes now is counted anew.
        stream.heard.clear();
        before = 0;
    }
}

#[test]
fn with_late_policy_drop_a_late_stretch_is_left_out_and_marked() {
    let mut stream = SoundRig::new("late-policy=wait", "avrec-test-lag name=only");
    stream.warm_up(960, &["only"]);
    stream.rig.switch.set_property_from_str("late-policy", "drop");
    let gate = stream.rig.gate("only");
    stream.rig.messages("");
    stream.pass(960);
    assert_eq!(stream.heard.len() as u64, stream.sent - 960);
    assert_eq!(stream.rig.stats().get::<u64>("dropped"), Ok(1));
    drop(gate);
    let mut next = None;
    while next.is_none() {
        let buffer = stream.buffer(960);
        stream.rig.harness.push(buffer).unwrap();
        next = stream.rig.harness.try_pull();
    }
    assert!(next.unwrap().flags().contains(gst::BufferFlags::DISCONT));
}

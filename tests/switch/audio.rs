// SPDX-License-Identifier: MPL-2.0

//! The switch on sound: every sample in its place, and no step where one candidate follows another.

use gst::prelude::*;
use gstavrec::media::metas;

use crate::support::switch_audio::*;
use crate::support::{init, sayer};

/// Candidates that lag by 0, 10 and 20 ms.
const THREE_LAGS: &str = "avrec-test-lag name=prompt \
    avrec-test-lag name=ten delay=480 \
    avrec-test-lag name=twenty delay=960";

#[test]
fn sound_passes_one_candidate_sample_by_sample() {
    let mut stream = SoundRig::new("late-policy=wait", "identity name=a");
    for length in [480, 1, 441, 1024, 480] {
        stream.pass(length);
    }
    assert_eq!(
        stream.heard.len() as u64,
        stream.sent,
        "without a delay all is out at once"
    );
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_swap_between_lanes_of_different_delay_loses_nothing() {
    let mut stream = SoundRig::new("late-policy=wait", THREE_LAGS);
    stream.warm_up(480, &["prompt", "ten", "twenty"]);
    for name in ["twenty", "prompt", "ten", "prompt"] {
        stream.rig.pin(name);
        stream.pass_until(480, name, |it| it.rig.active() == name);
        stream.pass(480);
        assert_eq!(
            stream.sent - stream.heard.len() as u64,
            960,
            "the largest delay, whoever sounds"
        );
    }
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_thousand_swaps_between_lanes_of_0_10_and_20_ms_lose_and_bend_nothing() {
    let mut stream = SoundRig::new("late-policy=wait", THREE_LAGS);
    stream.warm_up(480, &["prompt", "ten", "twenty"]);
    let before = stream.rig.stats().get::<u64>("swaps").unwrap();
    let mut length = 0;
    for swap in 0..1_000 {
        let name = ["prompt", "twenty", "ten"][swap % 3];
        stream.rig.pin(name);
        while stream.rig.active() != name {
            // Buffers of all sizes, from one sample to 43 ms.
            length = (length * 31 + 7) % 2_053;
            stream.pass(length + 1);
            stream.rig.messages("");
        }
    }
    stream.end();
    let swaps = stream.rig.stats().get::<u64>("swaps").unwrap() - before;
    assert!(999 <= swaps, "{swaps} swaps");
    stream.assert_whole();
    let sine: Vec<f32> = (0..stream.sent).map(sine).collect();
    let ratio = largest_step(&stream.heard) / largest_step(&sine);
    println!(
        "{swaps} swaps over {} samples, largest step {ratio} times the sine's",
        stream.sent
    );
    assert_eq!(ratio, 1.0);
}

#[test]
fn versions_that_differ_are_cross_faded_with_gains_that_sum_to_one() {
    let children = "avrec-test-lag name=low delay=480 avrec-test-lag name=high offset=0.2";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(480, &["low", "high"]);
    stream.rig.pin("low");
    stream.pass_until(480, "low", |it| it.rig.active() == "low");
    stream.pass(4_800);
    let begin = stream.heard.len();
    stream.rig.pin("high");
    stream.pass_until(300, "high", |it| it.rig.active() == "high");
    stream.pass(4_800);
    stream.end();
    let difference = |at: usize| stream.heard[at] - sine(at as u64);
    let fade = (begin..stream.heard.len())
        .find(|at| 1e-6 < difference(*at))
        .unwrap()
        - 1;
    for k in 0..480 {
        let expected = 0.2 * k as f32 / 480.0;
        assert!(
            (difference(fade + k) - expected).abs() < 1e-6,
            "{k}: {}",
            difference(fade + k)
        );
    }
    for at in fade + 480..stream.heard.len() {
        assert!((difference(at) - 0.2).abs() < 1e-6);
    }
}

#[test]
fn without_a_fade_a_swap_is_a_cut_in_the_right_place() {
    let children = "avrec-test-lag name=low delay=480 avrec-test-lag name=high offset=0.2";
    let mut stream = SoundRig::new("late-policy=wait crossfade=0", children);
    stream.warm_up(480, &["low", "high"]);
    stream.rig.pin("low");
    stream.pass_until(480, "low", |it| it.rig.active() == "low");
    let begin = stream.heard.len();
    stream.pass(480);
    stream.rig.pin("high");
    stream.pass_until(480, "high", |it| it.rig.active() == "high");
    stream.end();
    let shifted: Vec<bool> = (begin..stream.heard.len())
        .map(|at| 0.1 < stream.heard[at] - sine(at as u64))
        .collect();
    let changes = shifted.windows(2).filter(|it| it[0] != it[1]).count();
    assert_eq!((shifted[0], changes), (false, 1));
    assert_eq!(stream.heard.len() as u64, stream.sent);
}

#[test]
fn nothing_is_heard_of_a_candidate_before_it_knows_the_stream() {
    // It gives zeros for 100 ms whenever it hears the stream anew.
    let children = "avrec-test-lag name=quick avrec-test-lag name=slow delay=480 cold=4800";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(480, &["quick", "slow"]);
    for name in ["quick", "slow", "quick", "slow"] {
        stream.rig.pin(name);
        stream.pass_until(480, name, |it| it.rig.active() == name);
        // What it gives is used for some time, and the other one forgets.
        for _ in 0..10 {
            stream.pass(480);
        }
    }
    stream.end();
    let slow = stream.rig.candidate("slow").property::<u64>("discontinuities");
    assert!(2 <= slow, "it began anew: {slow}");
    let begin = 9_600;
    for at in begin..stream.heard.len() {
        assert_eq!(stream.heard[at], sine(at as u64), "sample {at}");
    }
}

#[test]
fn candidates_that_give_hops_of_their_own_are_aligned_to_the_sample() {
    let children = "avrec-test-lag name=a hop=480 avrec-test-lag name=b hop=441 delay=100";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(1_024, &["a", "b"]);
    for name in ["a", "b", "a", "b"] {
        stream.rig.pin(name);
        stream.pass_until(1_024, name, |it| it.rig.active() == name);
    }
    assert_eq!(stream.sent - stream.heard.len() as u64, 541);
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_delay_that_is_not_declared_is_found_out() {
    let children = "avrec-test-lag name=honest avrec-test-lag name=silent delay=333 hop=480 declares=0";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(441, &["honest", "silent"]);
    for name in ["silent", "honest", "silent"] {
        stream.rig.pin(name);
        stream.pass_until(441, name, |it| it.rig.active() == name);
    }
    let delay = stream.sent - stream.heard.len() as u64;
    assert!((333..333 + 480).contains(&delay), "{delay}");
    stream.end();
    stream.assert_whole();
}

#[test]
fn the_latency_is_the_budget_and_the_largest_delay_and_is_told_when_it_grows() {
    let mut stream = SoundRig::new("late-policy=wait", THREE_LAGS);
    stream.warm_up(480, &["prompt", "ten", "twenty"]);
    stream.rig.messages("");
    let latency = |stream: &SoundRig| {
        let mut query = gst::query::Latency::new();
        assert!(stream.rig.switch.static_pad("src").unwrap().query(&mut query));
        query.result().1
    };
    // One buffer of 10 ms, and 20 ms.
    let before = latency(&stream);
    stream.pass(480);
    assert_eq!(before, gst::ClockTime::from_mseconds(30));
    let slower = gst::parse::bin_from_description("avrec-test-lag name=thirty delay=1440", false).unwrap();
    let slower = slower.by_name("thirty").unwrap();
    slower
        .parent()
        .unwrap()
        .downcast::<gst::Bin>()
        .unwrap()
        .remove(&slower)
        .unwrap();
    let switch = stream.rig.switch.downcast_ref::<gst::Bin>().unwrap().clone();
    switch.add(&slower).unwrap();
    let mut told = 0;
    stream.pass_until(480, "warm", |it| {
        told += it.rig.texts(gst::MessageType::Latency).len();
        it.rig.state_of("thirty") == "ready"
    });
    assert_eq!(told, 1);
    assert_eq!(latency(&stream), gst::ClockTime::from_mseconds(40));
    stream.rig.pin("thirty");
    stream.pass_until(480, "thirty", |it| it.rig.active() == "thirty");
    stream.end();
    stream.assert_whole();
}

#[test]
fn the_pipelines_own_filters_are_aligned() {
    // A windowed sinc filter lags by half its length and says so; it lets our sine through as it is, but for its ripple.
    let children = "identity name=plain \
        audiowsinclimit name=filter mode=low-pass cutoff=12000 length=401 window=blackman";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(480, &["plain", "filter"]);
    for name in ["filter", "plain", "filter", "plain"] {
        stream.rig.pin(name);
        stream.pass_until(480, name, |it| it.rig.active() == name);
        for _ in 0..10 {
            stream.pass(480);
        }
    }
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
    // Where the stream begins and ends, the filter knows no more of it.
    for at in 400..stream.heard.len() - 400 {
        let difference = stream.heard[at] - sine(at as u64);
        assert!(
            difference.abs() < 1e-3,
            "sample {at} of {}: {difference}",
            stream.heard.len()
        );
    }
}

#[test]
fn a_swap_is_told_with_the_buffer_in_which_the_new_candidate_is_first_heard() {
    let children = "avrec-test-lag name=low delay=480 avrec-test-lag name=high offset=0.2";
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(480, &["low", "high"]);
    stream.rig.pin("low");
    stream.pass_until(480, "low", |it| it.rig.active() == "low");
    for _ in 0..30 {
        stream.pass(480);
    }
    stream.rig.messages("");
    let (begin, heard) = (stream.sent, stream.heard.len());
    stream.rig.pin("high");
    let mut told = Vec::new();
    while told.is_empty() {
        let before = stream.heard.len();
        assert_eq!(stream.rig.active(), "low");
        assert!((heard..before).all(|at| stream.heard[at] == sine(at as u64)));
        stream.pass(480);
        told = stream.rig.messages("avrec/switch");
    }
    let last = stream.heard.len() - 1;
    assert_ne!(stream.heard[last], sine(last as u64));
    assert_eq!(stream.rig.active(), "high");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].get::<&str>("from"), Ok("low"));
    assert_eq!(told[0].get::<&str>("to"), Ok("high"));
    assert_eq!(told[0].get::<&str>("reason"), Ok("pinned"));
    // At the latest after 200 ms of the stream, and the delay by which it goes out.
    let waited = stream.sent - begin;
    assert!(waited <= 9_600 + 480 + 960, "{waited} samples");
}

#[test]
fn a_wish_that_is_taken_back_is_never_told() {
    // On sound `exhaustive` only keeps the policy from looking at lanes, which would be warm then and sound at once.
    let mut stream = SoundRig::new("late-policy=wait exhaustive=true", THREE_LAGS);
    stream.warm_up(480, &["prompt", "ten", "twenty"]);
    stream.rig.pin("prompt");
    stream.pass_until(480, "prompt", |it| it.rig.active() == "prompt");
    let runs = |it: &SoundRig, name: &str| it.rig.candidate_stats(name).unwrap().get::<u64>("runs").unwrap();
    let mut last = (0, 0);
    stream.pass_until(480, "nobody is looked at beside it", |it| {
        let now = (runs(it, "ten"), runs(it, "twenty"));
        std::mem::replace(&mut last, now) == now
    });
    stream.rig.messages("");
    for name in ["ten", "prompt", "twenty", "prompt"] {
        stream.rig.pin(name);
        stream.pass(480);
    }
    for _ in 0..50 {
        stream.pass(480);
    }
    assert_eq!(stream.rig.messages("avrec/switch").len(), 0);
    stream.end();
    stream.assert_whole();
}

#[test]
fn candidates_are_compared_by_stretches_of_their_sound() {
    let children = "avrec-test-lag name=true avrec-test-lag name=raised delay=480 offset=0.05";
    let mut stream = SoundRig::new("late-policy=wait reference=true active-candidate=true", children);
    stream.warm_up(480, &["true", "raised"]);
    let figure = |it: &SoundRig| {
        let evidence = it
            .rig
            .candidate_stats("raised")?
            .get::<gst::Structure>("evidence")
            .ok()?;
        evidence.get::<f64>("si-sdr-db").ok()
    };
    stream.pass_until(480, "a stretch was compared", |it| figure(it).is_some());
    // The power of a sine of 0.5 over that of 0.05: 0.125 over 0.0025.
    let ratio = figure(&stream).unwrap();
    assert!((ratio - 17.0).abs() < 0.3, "{ratio}");
    stream.end();
    stream.assert_whole();
}

#[test]
fn what_candidates_say_of_the_sound_goes_out_with_it_and_is_compared() {
    init();
    sayer::register();
    let children = "avrectestsayer name=sure says=\"heard speech 0.9 music 0.1\" \
        avrec-test-lag name=unsure delay=480 ! avrectestsayer says=\"heard speech 0.6 music 0.4\"";
    let mut stream = SoundRig::new("late-policy=wait reference=sure active-candidate=sure", children);
    stream.warm_up(480, &["sure", "unsure"]);
    let distance = |it: &SoundRig| {
        let evidence = it
            .rig
            .candidate_stats("unsure")?
            .get::<gst::Structure>("evidence")
            .ok()?;
        evidence.get::<f64>("total-variation").ok()
    };
    stream.pass_until(480, "a stretch was compared", |it| distance(it).is_some());
    let apart = distance(&stream).unwrap();
    assert!((apart - 0.3).abs() < 1e-6, "{apart}");
    for (name, confidence) in [("sure", 0.9), ("unsure", 0.6)] {
        stream.rig.pin(name);
        stream.pass_until(480, name, |it| it.rig.active() == name);
        (0..5).for_each(|_| stream.pass(480));
        let heard = metas::classes(stream.last.as_ref().unwrap()).unwrap();
        assert!(
            (heard[0].confidence - confidence).abs() < 1e-6,
            "{name}: {heard:?}"
        );
    }
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_model_and_a_plain_element_take_turns_on_the_stream() {
    init();
    let children = concat!(
        "avrec-infer name=model model-file=",
        env!("CARGO_MANIFEST_DIR"),
        "/models/denoise-medium.onnx identity name=plain"
    );
    let mut stream = SoundRig::new("late-policy=wait", children);
    stream.warm_up(441, &["model", "plain"]);
    for name in ["plain", "model", "plain", "model", "plain"] {
        stream.rig.pin(name);
        stream.pass_until(441, name, |it| it.rig.active() == name);
        (0..40).for_each(|_| stream.pass(441));
    }
    // The plain one answers now, as late as the model is.
    let begin = stream.heard.len() - 441;
    let as_they_came = (begin..).zip(&stream.heard[begin..]);
    as_they_came.for_each(|(at, value)| assert_eq!(*value, sine(at as u64), "sample {at}"));
    stream.end();
    assert_eq!(stream.heard.len() as u64, stream.sent);
    assert!(stream.heard.iter().all(|it| it.is_finite()));
}

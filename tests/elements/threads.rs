// SPDX-License-Identifier: MPL-2.0

//! How many threads there are: one for each lane, and none that waits for work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::runtime::{BackendChoice, Options, Runner, library};

use crate::support::{alone, init};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

/// Names of the threads of this process, and how many have each.
fn threads() -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        // One that ends meanwhile has no name any more.
        if let Ok(name) = std::fs::read_to_string(task.path().join("comm")) {
            *names.entry(name.trim().to_string()).or_default() += 1;
        }
    }
    names
}

/// Threads of this process once ONNX Runtime has started what it keeps for good.
fn threads_of_library() -> BTreeMap<String, usize> {
    init();
    let line = format!("videotestsrc num-buffers=1 ! avrec-infer model-file={MODELS}/small.onnx ! fakesink");
    let pipeline = launch(&line);
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends)
        .unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let mut before = threads();
    // Those that end are not to be counted.
    before.retain(|name, _| !["avrec", "videotestsrc"].iter().any(|it| name.starts_with(it)));
    before
}

/// Threads that came since `before`, without those that GStreamer keeps for any element.
fn since(before: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let of_pool = |name: &str| name.starts_with("pool-") || name == "gmain" || name == "GstSystemClock";
    let mut now = threads();
    for (name, count) in before {
        if let Some(it) = now.get_mut(name) {
            *it = it.saturating_sub(*count);
        }
    }
    now.retain(|name, count| *count != 0 && !of_pool(name));
    now
}

/// Waits for a number of threads that nothing announces.
#[track_caller]
fn come_down_to(expected: &[(&str, usize)], before: &BTreeMap<String, usize>) {
    let expected: BTreeMap<String, usize> = expected.iter().map(|it| (it.0.to_string(), it.1)).collect();
    let end = Instant::now() + Duration::from_secs(20);
    // While a stream plays, these have work all along; the last is one for all switches of a process.
    let works = |name: &String| ["avrec scorer", "avrec lessons", "avrec machine"].contains(&name.as_str());
    let waiting = || {
        let mut now = since(before);
        now.retain(|name, _| expected.is_empty() || !works(name));
        now
    };
    while waiting() != expected {
        assert!(Instant::now() < end, "{:?} and not {expected:?}", since(before));
        std::thread::yield_now();
    }
}

#[track_caller]
fn check(test: &str) {
    check_with(test, "2");
}

/// Runs a test in a process of its own, whose runs may use as many threads as `pool` says.
#[track_caller]
fn check_with(test: &str, pool: &str) {
    let mut command = alone(&format!("threads::{test}"));
    let output = command.env("AVREC_THREADS", pool).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{told}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Plays until so many candidates are ready.
fn play_until_ready(pipeline: &gst::Pipeline, count: usize) {
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut ready = 0;
    while ready < count {
        let message = pipeline
            .bus()
            .unwrap()
            .timed_pop(gst::ClockTime::from_seconds(60))
            .expect("they come");
        ready += usize::from(
            message
                .structure()
                .is_some_and(|it| it.name() == "avrec/candidate-ready"),
        );
    }
}

fn launch(line: &str) -> gst::Pipeline {
    gst::parse::launch(line).unwrap().downcast().unwrap()
}

#[test]
fn a_switch_of_models_has_a_thread_for_each_lane_and_none_that_waits() {
    check("video");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn video() {
    let before = threads_of_library();
    for live in [false, true] {
        let pipeline = launch(&format!(
            "videotestsrc name=source is-live={live} \
             ! video/x-raw,format=I420,width=64,height=48,framerate=50/1 \
             ! avrec-switch.( identity name=i avrec-infer name=s model-file={MODELS}/small.onnx \
               avrec-infer name=m model-file={MODELS}/medium.onnx avrec-infer name=l model-file={MODELS}/large.onnx ) \
             ! fakesink"
        ));
        play_until_ready(&pipeline, 4);
        let lanes = [
            "lane-0-i-queue:",
            "lane-1-s-queue:",
            "lane-2-m-queue:",
            "lane-3-l-queue:",
        ];
        let lanes = lanes.map(|it| (it, 1));
        let expected = [&lanes[..], &[("source:src", 1)]].concat();
        come_down_to(&expected, &before);
        pipeline.set_state(gst::State::Null).unwrap();
        come_down_to(&[], &before);
    }
}

#[test]
fn on_sound_there_are_no_more() {
    check("sound");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn sound() {
    let before = threads_of_library();
    for live in [false, true] {
        let pipeline = launch(&format!(
            "audiotestsrc name=source is-live={live} ! audio/x-raw,format=F32LE,rate=48000,channels=1 \
             ! avrec-switch.( identity name=i avrec-infer name=s model-file={MODELS}/denoise-small.onnx ) ! fakesink"
        ));
        play_until_ready(&pipeline, 2);
        let expected = [("lane-0-i-queue:", 1), ("lane-1-s-queue:", 1), ("source:src", 1)];
        come_down_to(&expected, &before);
        pipeline.set_state(gst::State::Null).unwrap();
        come_down_to(&[], &before);
    }
}

#[test]
fn a_loader_is_there_as_long_as_it_loads() {
    check("infer");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn infer() {
    let before = threads_of_library();
    let pipeline = launch(&format!(
        "videotestsrc name=source ! video/x-raw,format=I420,width=64,height=48 \
         ! avrec-infer name=x model-file={MODELS}/small.onnx ! fakesink"
    ));
    let element = pipeline.by_name("x").unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for model in ["medium.onnx", "small.onnx", "none-such.onnx", "large.onnx"] {
        let bus = pipeline.bus().unwrap();
        let told = ["avrec/model-loaded", "avrec/model-failed"];
        loop {
            let message = bus
                .timed_pop(gst::ClockTime::from_seconds(60))
                .expect("the model comes");
            if message
                .structure()
                .is_some_and(|it| told.contains(&it.name().as_str()))
            {
                break;
            }
        }
        come_down_to(&[("source:src", 1)], &before);
        element.set_property("model-file", format!("{MODELS}/{model}"));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    come_down_to(&[], &before);
}

#[test]
fn a_probe_has_a_thread_only_for_a_reference() {
    check("probe");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn probe() {
    let before = threads_of_library();
    let pipeline = launch("videotestsrc name=source ! avrec-probe name=x ! fakesink");
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline.state(gst::ClockTime::from_seconds(60)).0.unwrap();
    come_down_to(&[("source:src", 1)], &before);
    pipeline.set_state(gst::State::Null).unwrap();
    come_down_to(&[], &before);
}

/// Loads models, each with a number of threads, and returns what is told of how many there are, or of why there is none.
fn load(models: &[(&str, u32)]) -> (gst::Pipeline, Vec<Result<u32, String>>) {
    let elements = models.iter().map(|(model, threads)| {
        let model = format!("{MODELS}/{model}.onnx");
        format!("! avrec-infer backend=ort task=tensor model-file={model} threads={threads} ")
    });
    let line = format!(
        "videotestsrc ! video/x-raw,format=GRAY8 {} ! fakesink",
        elements.collect::<String>()
    );
    let pipeline = launch(&line);
    // One that fails is told besides.
    let _ = pipeline.set_state(gst::State::Playing);
    let bus = pipeline.bus().unwrap();
    let mut told = Vec::new();
    while told.len() < models.len() {
        let message = bus
            .timed_pop(gst::ClockTime::from_seconds(60))
            .expect("they come");
        let structure = message.structure();
        told.extend(structure.and_then(|it| match it.name().as_str() {
            "avrec/model-loaded" => Some(Ok(it.get("threads").unwrap())),
            "avrec/model-failed" => Some(Err(it.get("cause").unwrap())),
            _ => None,
        }));
    }
    (pipeline, told)
}

#[test]
fn models_on_several_threads_share_one_pool_and_others_have_none() {
    check_with("pool", "3");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn pool() {
    init();
    if !library::is_available() {
        return;
    }
    let of_pool = || threads().get("avrec-pool").copied().unwrap_or_default();
    let (alone, told) = load(&[("small", 1), ("medium", 1)]);
    assert_eq!((told, of_pool()), (vec![Ok(1), Ok(1)], 0));
    // What runs is one of three, whichever numbers are asked for.
    let (together, told) = load(&[("small", 2), ("medium", 3), ("large", 8)]);
    assert_eq!((told, of_pool()), (vec![Ok(3); 3], 2));
    let options = |threads| Options {
        backend: BackendChoice::Rten,
        threads,
        ..Default::default()
    };
    // Those of rten are the runner's own, and no more.
    let of_rten = [1, 2, 8].map(|threads| {
        let model = format!("{MODELS}/small.onnx");
        Runner::load(model.as_ref(), &options(threads)).unwrap().threads()
    });
    assert_eq!(of_rten, [1, 2, 3]);
    for pipeline in [alone, together] {
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn a_size_of_the_pool_that_is_none_is_an_error_for_who_needs_it() {
    check_with("no_size", "all");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn no_size() {
    init();
    if !library::is_available() {
        return;
    }
    let (pipeline, mut told) = load(&[("small", 1), ("medium", 2)]);
    told.sort_by_key(Result::is_err);
    assert_eq!(told[0], Ok(1));
    let cause = told[1].as_ref().unwrap_err();
    assert!(
        cause.contains("AVREC_THREADS=all is not a number of threads"),
        "{cause}"
    );
    pipeline.set_state(gst::State::Null).unwrap();
}

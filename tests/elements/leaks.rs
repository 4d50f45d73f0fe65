// SPDX-License-Identifier: MPL-2.0

//! GStreamer's leaks tracer finds nothing left of the elements: after a stream, after swaps, after a
//! failure, after a restart. Each scenario runs in a process of its own, because the tracer reports when
//! GStreamer is shut down.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::{alone, init};

/// The child is this program again, and does what this variable names.
const SCENARIO: &str = "AVREC_LEAKS_SCENARIO";

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/small.onnx");
const MEDIUM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/medium.onnx");
const SOURCE: &str =
    "videotestsrc num-buffers=40 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1";
/// As it, but until somebody ends it.
const ENDLESS: &str = "videotestsrc pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1";

/// Runs a scenario and returns what the tracer says is still alive.
#[track_caller]
fn alive_after(scenario: &str) -> Vec<String> {
    let output = alone("leaks::scenario")
        .env(SCENARIO, scenario)
        .env("GST_TRACERS", "leaks")
        .env("GST_DEBUG", "GST_TRACER:7")
        .env("GST_DEBUG_NO_COLOR", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{scenario}: {}\n{told}",
        String::from_utf8_lossy(&output.stdout)
    );
    told.lines()
        .filter(|it| it.contains("object-alive, ") && !it.contains("new format string"))
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check(scenario: &str) {
    let alive = alive_after(scenario);
    assert!(alive.is_empty(), "{scenario} leaks\n{}", alive.join("\n"));
}

#[test]
fn a_leak_is_seen() {
    let alive = alive_after("leak");
    assert!(alive.iter().any(|it| it.contains("forgotten")), "{alive:?}");
}

#[test]
fn avrec_infer_leaks_nothing_over_a_reload_and_a_restart() {
    check("infer");
}

#[test]
fn avrec_infer_leaks_nothing_when_its_model_is_bad() {
    check("infer-fails");
}

#[test]
fn avrec_infer_leaks_nothing_of_its_tensor_messages() {
    check("tensors");
}

#[test]
fn avrec_fuse_leaks_nothing_with_sound() {
    check("fuse");
}

#[test]
fn avrec_probe_leaks_nothing_with_a_reference() {
    check("probe");
}

#[test]
fn avrec_switch_leaks_nothing_over_swaps_and_a_restart() {
    check("switch");
}

#[test]
fn avrec_switch_leaks_nothing_of_listed_candidates() {
    check("models");
}

#[test]
fn avrec_switch_leaks_nothing_of_a_candidate_that_fails_and_of_one_that_is_removed() {
    check("switch-fails");
}

#[test]
#[ignore = "the other tests run it, in a process of its own"]
fn scenario() {
    init();
    match std::env::var(SCENARIO).unwrap().as_str() {
        "leak" => std::mem::forget(gst::Pipeline::with_name("forgotten")),
        "infer" => infer(),
        "infer-fails" => infer_fails(),
        "tensors" => tensors(),
        "fuse" => fuse(),
        "probe" => probe(),
        "switch" => switch(),
        "models" => models(),
        "switch-fails" => switch_fails(),
        other => panic!("no scenario {other}"),
    }
    // SAFETY: the scenario is over and its objects are dropped; nothing of GStreamer is called after this.
    unsafe { gst::deinit() };
}

fn infer() {
    let pipeline = launch(&format!(
        "{SOURCE} ! avrec-infer name=i model-file={SMALL} ! fakesink"
    ));
    let element = pipeline.by_name("i").unwrap();
    for model in [MEDIUM, SMALL] {
        let mut loaded = 0;
        let ended = play(&pipeline, |message| {
            if message.name() == "avrec/model-loaded" {
                loaded += 1;
                if loaded == 1 {
                    element.set_property("model-file", model);
                }
            }
        });
        assert_eq!(ended, Ended::AtEos);
    }
    drop(element);
}

fn infer_fails() {
    let pipeline = launch(&format!("{SOURCE} ! avrec-infer model-file=/dev/null ! fakesink"));
    let ended = play(&pipeline, |_| {});
    assert!(matches!(ended, Ended::WithError(_)), "{ended:?}");
}

fn tensors() {
    let pipeline = launch(&format!(
        "{SOURCE} ! avrec-infer task=tensor model-file={SMALL} ! fakesink"
    ));
    let mut answers = 0;
    play(&pipeline, |message| {
        answers += u32::from(message.name() == "avrec/tensors")
    });
    assert_eq!(answers, 40);
}

fn fuse() {
    let pipeline = launch(&format!(
        "{SOURCE} ! avrec-infer model-file=models/events-picture.onnx ! avrec-fuse name=f post-messages=true ! fakesink \
         audiotestsrc num-buffers=80 ! audio/x-raw,rate=16000 ! avrec-infer model-file=models/events-sound.onnx ! f.sound"
    ));
    let mut both = 0;
    for _ in 0..2 {
        play(&pipeline, |message| both += u32::from(message.has_field("sound")));
    }
    assert!(0 < both);
}

fn probe() {
    let pipeline = launch(&format!(
        "{SOURCE} ! tee name=t ! queue ! avrec-probe ! videobalance saturation=0.5 ! avrec-probe name=p ! fakesink \
         t. ! queue ! p.reference"
    ));
    let mut pairs = 0;
    for _ in 0..2 {
        play(&pipeline, |message| {
            pairs += message.get::<u64>("pairs").unwrap_or_default()
        });
    }
    assert!(0 < pairs);
}

fn switch() {
    let pipeline = launch(&format!(
        "{ENDLESS} ! avrec-switch.( name=s frame-messages=true sense-machine=false late-policy=wait reference=medium \
           videoscale name=plain avrec-infer name=small model-file={SMALL} \
           avrec-infer name=medium model-file={MEDIUM} ) \
         ! fakesink"
    ));
    for _ in 0..2 {
        swap_among(&pipeline, &["plain", "small", "medium"]);
    }
}

fn models() {
    let pipeline = launch(&format!(
        "{ENDLESS} ! avrec-switch name=s frame-messages=true sense-machine=false late-policy=wait models={SMALL},{MEDIUM} ! fakesink"
    ));
    swap_among(&pipeline, &["small", "medium"]);
}

fn switch_fails() {
    let pipeline = launch(&format!(
        "{ENDLESS} ! avrec-switch.( name=s frame-messages=true sense-machine=false identity name=plain identity name=leaver \
           avrec-infer name=bad model-file=/dev/null ) ! fakesink"
    ));
    let switch = pipeline.by_name("s").and_downcast::<gst::Bin>().unwrap();
    let ended = play(&pipeline, |message| match message.name().as_str() {
        "avrec/candidate-failed" => {
            assert_eq!(message.get::<&str>("candidate"), Ok("bad"));
            let leaver = switch.by_name("leaver").unwrap();
            switch.remove(&leaver).unwrap();
            // A child keeps its state when it leaves.
            let _ = leaver.set_state(gst::State::Null);
        }
        "avrec/frame" if switch.by_name("leaver").is_none() => end(&pipeline),
        _ => {}
    });
    assert_eq!(ended, Ended::AtEos);
    drop(switch);
}

/// Pins each of the candidates in turn, a frame or more each, until each has taken over several times.
fn swap_among(pipeline: &gst::Pipeline, names: &[&str]) {
    let switch = pipeline.by_name("s").unwrap();
    let (mut ready, mut pinned, mut changes) = (BTreeSet::new(), 0, 0);
    let ended = play(pipeline, |message| match message.name().as_str() {
        "avrec/candidate-ready" => {
            ready.insert(message.get::<String>("candidate").unwrap());
        }
        "avrec/switch" => {
            changes += 1;
            if changes == 5 * names.len() {
                end(pipeline);
            }
        }
        "avrec/frame" if ready.len() == names.len() => {
            switch.set_property("active-candidate", names[pinned % names.len()]);
            pinned += 1;
        }
        _ => {}
    });
    assert_eq!(ended, Ended::AtEos);
}

fn end(pipeline: &gst::Pipeline) {
    // Refused only when the stream has ended already.
    let _ = pipeline.send_event(gst::event::Eos::new());
}

fn launch(description: &str) -> gst::Pipeline {
    gst::parse::launch(description).unwrap().downcast().unwrap()
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    AtEos,
    WithError(String),
}

/// Plays to the end, shows the element messages, and stops.
fn play(pipeline: &gst::Pipeline, mut act: impl FnMut(&gst::StructureRef)) -> Ended {
    // A failure comes as a message too. An event that is sent to a pipeline on its way to PLAYING holds the
    // lock that it needs to get there, so nothing is sent before.
    let _ = pipeline.set_state(gst::State::Playing);
    let _ = pipeline.state(gst::ClockTime::from_seconds(60));
    let bus = pipeline.bus().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let ended = loop {
        let message = bus
            .timed_pop(gst::ClockTime::from_seconds(60))
            .expect("the stream goes on");
        assert!(Instant::now() < deadline, "the scenario does not come to its end");
        match message.view() {
            gst::MessageView::Eos(_) => break Ended::AtEos,
            gst::MessageView::Error(it) => {
                break Ended::WithError(format!("{} {:?}", it.error(), it.debug()));
            }
            gst::MessageView::Element(it) => {
                if let Some(structure) = it.structure() {
                    act(structure);
                }
            }
            _ => {}
        }
    };
    pipeline.set_state(gst::State::Null).unwrap();
    ended
}

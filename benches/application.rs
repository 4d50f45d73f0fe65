// SPDX-License-Identifier: MPL-2.0

//! CPU time a frame beyond the bare model run: a Python application over `avrec-infer`, for the same job.
//!
//! `cargo bench --bench application` runs `benches/python/upscale.py` and a pipeline with avrec-infer in
//! turn: 320 × 180 I420 in, 640 × 360 out, the medium model, one thread. Each subtracts, in its own process,
//! the bare run of the model on a ready tensor and the video source alone. The Python side needs PyGObject,
//! numpy and onnxruntime; `AVREC_PYTHON` names the interpreter that has them (default python3).

use std::process::Command;
use std::sync::{Arc, OnceLock};

use gst::prelude::*;
use gstavrec::runtime::{Options, Session};

const MODEL: &str = "models/medium.onnx";
const FRAMES: u32 = 400;
/// Frames before the count begins: the model is loaded and warm by then.
const WARM_UP: u64 = 40;
const REPETITIONS: usize = 5;
const SOURCE: &str = "pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=25/1";

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let (mut all_theirs, mut all_ours) = (Vec::new(), Vec::new());
    println!("µs a frame beyond model and source:   Python       ours");
    for _ in 0..REPETITIONS {
        let Some(theirs) = python() else {
            println!(
                "no figure: {} does not run benches/python/upscale.py",
                interpreter()
            );
            return;
        };
        let ours = job(FRAMES) - bare(FRAMES) - source_alone(FRAMES);
        println!("{theirs:44.1} {ours:10.1}");
        all_theirs.push(theirs);
        all_ours.push(ours);
    }
    // Ours is a small difference of large numbers: a run of the model varies by more than the element costs.
    let (theirs, ours) = (median(all_theirs), median(all_ours));
    println!(
        "Python application {theirs:.0}, avrec-infer {ours:.0}: ratio {:.1} (reach 5, aim 10)",
        theirs / ours
    );
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn interpreter() -> String {
    std::env::var("AVREC_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// The Python application's figure in microseconds; `None` when it does not run here.
fn python() -> Option<f64> {
    let run = Command::new(interpreter())
        .args(["benches/python/upscale.py", MODEL, &FRAMES.to_string()])
        .output();
    let output = run.ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let figures: Vec<f64> = text.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let [job, bare, source] = figures[..] else {
        return None;
    };
    Some(job - bare - source)
}

/// CPU time of this process in microseconds.
fn cpu() -> f64 {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    usage.tv_sec as f64 * 1e6 + usage.tv_nsec as f64 / 1e3
}

/// CPU time a frame of a pipeline, counted from its frame [`WARM_UP`] to its end.
fn play(line: &str, frames: u32) -> f64 {
    let frames = u64::from(frames) + WARM_UP;
    let line = format!("videotestsrc num-buffers={frames} {line} ! fakesink name=end sync=false");
    let pipeline = gst::parse::launch(&line)
        .expect("the pipeline")
        .downcast::<gst::Pipeline>()
        .expect("a pipeline");
    let begin = Arc::new(OnceLock::new());
    let (at, mut passed) = (begin.clone(), 0);
    let pad = pipeline
        .by_name("end")
        .and_then(|it| it.static_pad("sink"))
        .expect("a pad");
    let count = std::sync::Mutex::new(move || {
        passed += 1;
        if passed == WARM_UP {
            at.set(cpu()).expect("once");
        }
    });
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        (count.lock().expect("one thread"))();
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).expect("PLAYING");
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline
        .bus()
        .expect("a bus")
        .timed_pop_filtered(None, &ends)
        .expect("an end");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    let spent = cpu() - begin.get().expect("enough frames");
    pipeline.set_state(gst::State::Null).expect("NULL");
    spent / (frames - WARM_UP) as f64
}

fn job(frames: u32) -> f64 {
    play(&format!("{SOURCE} ! avrec-infer model-file={MODEL}"), frames)
}

fn source_alone(frames: u32) -> f64 {
    play(SOURCE, frames)
}

fn bare(frames: u32) -> f64 {
    let mut session = Session::load(MODEL.as_ref(), &Options::default()).expect("the model");
    session.prepare(&[1, 1, 180, 320]).expect("the shape");
    session.run().expect("a run");
    let begin = cpu();
    for _ in 0..frames {
        session.run().expect("a run");
    }
    (cpu() - begin) / f64::from(frames)
}

// SPDX-License-Identifier: MPL-2.0

//! CPU time a frame beyond the bare model run: a Python application over `avrec-infer`, for the same job.
//!
//! `cargo bench --bench application [-- MODEL.onnx]` (the medium model by default) runs
//! `benches/python/upscale.py` and a pipeline with avrec-infer in turn: 320 × 180 I420 in, 640 × 360 out, one
//! thread. Each runs the model once more after each frame, on a ready tensor in a session of its own, and
//! measures that by the thread's CPU clock. What the frame took beyond twice that is the cost of everything
//! around the model; the runs are neighbors in time, so a machine that changes its pace changes both. The
//! source shows one picture over and over and costs next to nothing.
//!
//! The Python side needs PyGObject, numpy and onnxruntime, which `scripts/setup.sh bench` installs;
//! `AVREC_PYTHON` names the interpreter that has them.

use std::process::Command;
use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gstavrec::runtime::{Options, Runner};
use gstavrec::tensor::Data;
use rustix::time::{ClockId, clock_gettime};

/// Frames a repetition, and those before that are not counted: the model is loaded and warm by then.
const FRAMES: usize = 300;
const WARM_UP: usize = 40;
const REPETITIONS: usize = 7;
/// Share of the frames at either end that does not count: other programs interrupted them.
const TRIMMED: f64 = 0.1;

/// CPU times in microseconds: of the process since the frame before, and of the bare run within that.
type Frame = (f64, f64);

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let named = std::env::args()
        .skip(1)
        .find(|argument| argument.ends_with(".onnx"));
    let model = named.unwrap_or_else(|| "models/medium.onnx".into());
    let (mut all_theirs, mut all_ours) = (Vec::new(), Vec::new());
    println!("µs a frame beyond the model:   Python       ours   (bare run: Python, ours)");
    for _ in 0..REPETITIONS {
        let Some(theirs) = python(&model) else {
            println!(
                "no figure: {} does not run benches/python/upscale.py; scripts/setup.sh bench installs what it needs",
                interpreter()
            );
            return;
        };
        let ours = job(&model);
        let (their_run, our_run) = (bare(&theirs), bare(&ours));
        let (theirs, ours) = (beyond(&theirs), beyond(&ours));
        println!("{theirs:37.0} {ours:10.0}   ({their_run:.0}, {our_run:.0})");
        all_theirs.push(theirs);
        all_ours.push(ours);
    }
    println!(
        "Python application {}, avrec-infer {}: ratio {:.1} (reach 5, aim 10)",
        spread(&all_theirs),
        spread(&all_ours),
        median(&all_theirs) / median(&all_ours)
    );
}

/// What a frame costs beyond its model run, as a trimmed mean: threads share the work of a frame unevenly, so
/// that the median would not be fair.
fn beyond(frames: &[Frame]) -> f64 {
    let mut costs: Vec<f64> = frames.iter().map(|(whole, run)| whole - 2.0 * run).collect();
    costs.sort_by(f64::total_cmp);
    let trimmed = (costs.len() as f64 * TRIMMED) as usize;
    let kept = &costs[trimmed..costs.len() - trimmed];
    kept.iter().sum::<f64>() / kept.len() as f64
}

fn bare(frames: &[Frame]) -> f64 {
    median(&frames.iter().map(|it| it.1).collect::<Vec<_>>())
}

fn median(samples: &[f64]) -> f64 {
    gstavrec::quantile::median(samples.iter().copied()).expect("a sample")
}

/// Median, lowest and highest as text.
fn spread(samples: &[f64]) -> String {
    let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.0} µs ({low:.0} to {high:.0})", median(samples))
}

fn interpreter() -> String {
    std::env::var("AVREC_PYTHON").unwrap_or_else(|_| ".cache/python/bin/python3".into())
}

/// The Python application's frames; `None` when it does not run here.
fn python(model: &str) -> Option<Vec<Frame>> {
    let counts = [FRAMES, WARM_UP].map(|it| it.to_string());
    let run = Command::new(interpreter())
        .args(["benches/python/upscale.py", model])
        .args(counts)
        .output();
    let output = run.ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let frame = |line: &str| {
        let (whole, run) = line.split_once(' ')?;
        Some((whole.parse().ok()?, run.parse().ok()?))
    };
    let frames: Vec<_> = text.lines().filter_map(frame).collect();
    (frames.len() == FRAMES).then_some(frames)
}

/// CPU time of this process or of this thread in microseconds.
fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The frames of a pipeline with avrec-infer, with a bare run after each.
fn job(model: &str) -> Vec<Frame> {
    let line = format!(
        "videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=320,height=180 ! \
         imagefreeze num-buffers={} ! video/x-raw,framerate=25/1 ! avrec-infer model-file={model} ! \
         fakesink name=end sync=false",
        FRAMES + WARM_UP
    );
    let pipeline = gst::parse::launch(&line)
        .expect("the pipeline")
        .downcast::<gst::Pipeline>()
        .expect("a pipeline");
    let frames = Arc::new(Mutex::new(Vec::with_capacity(FRAMES + WARM_UP)));
    let (seen, mut session, mut last) = (frames.clone(), bare_session(model), cpu(ClockId::ProcessCPUTime));
    let after_each = Mutex::new(move || {
        let begin = cpu(ClockId::ThreadCPUTime);
        session.run().expect("a run");
        let run = cpu(ClockId::ThreadCPUTime) - begin;
        let now = cpu(ClockId::ProcessCPUTime);
        seen.lock().expect("one thread").push((now - last, run));
        last = now;
    });
    let pad = pipeline.by_name("end").and_then(|it| it.static_pad("sink"));
    pad.expect("a pad")
        .add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            (after_each.lock().expect("one thread"))();
            gst::PadProbeReturn::Ok
        });
    pipeline.set_state(gst::State::Playing).expect("PLAYING");
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().expect("a bus").timed_pop_filtered(None, &ends);
    assert_eq!(end.expect("an end").type_(), gst::MessageType::Eos);
    pipeline.set_state(gst::State::Null).expect("NULL");
    let mut frames = std::mem::take(&mut *frames.lock().expect("one thread"));
    frames.split_off(WARM_UP)
}

fn bare_session(model: &str) -> Runner {
    let mut session = Runner::load(model.as_ref(), &Options::default()).expect("the model");
    session.prepare(&[1, 1, 180, 320]).expect("the shape");
    let luma = (0..180 * 320).map(|it| (it * 131 % 241) as f32 / 255.0);
    session.input().data = Data::F32(luma.collect());
    session
}

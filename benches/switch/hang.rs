// SPDX-License-Identifier: MPL-2.0

//! Beside a candidate that sleeps ten seconds on a frame and is asked for again and again: late frames, and
//! those of the same stream, at the same time, with a candidate that does not sleep.

use std::time::Duration;

use gst::prelude::*;

use super::rig::{Figure, Live};

const FRAMES: u32 = 2_000;
const RATE: u32 = 25;
const BUDGET: Duration = Duration::from_millis(40);
const GRACE: Duration = Duration::from_millis(3);
const SWITCH: &str = "avrec-switch.( name=s late-policy=floor floor=plain active-candidate=asked \
    videoscale name=plain ! capsfilter caps=video/x-raw,width=640,height=360 \
    identity name=asked ! videoscale ! capsfilter caps=video/x-raw,width=640,height=360 \
    avrec-infer name=small model-file=models/small.onnx )";

/// Frames in which models load and candidates warm up; they are not counted on either side.
const WARM_UP: usize = 50;

pub fn measure() -> Vec<Figure> {
    let [with, without] = [true, false].map(|sleeps| std::thread::spawn(move || late_frames(sleeps)));
    let (with, without) = (with.join().expect("a run"), without.join().expect("a run"));
    let late = |beside| format!("of {FRAMES} live frames, later than budget + 3 ms beside {beside}");
    vec![
        Figure::new(late("a candidate asleep for 10 s (reach 1 more, aim 0)"), with),
        Figure::new(late("one that is awake"), without),
    ]
}

fn late_frames(sleeps: bool) -> f64 {
    let live = Live::new(FRAMES, RATE, SWITCH);
    let asked = live.pipeline.by_name("asked").expect("the candidate");
    asked
        .static_pad("sink")
        .expect("a pad")
        .add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            // Not while it warms up: it has to be ready to be asked for.
            if sleeps && 25 < info.buffer().expect("a buffer").offset() {
                std::thread::sleep(Duration::from_secs(10));
            }
            gst::PadProbeReturn::Ok
        });
    let (seen, sent) = live.play();
    let late = seen
        .iter()
        .skip(WARM_UP)
        .filter(|it| BUDGET + GRACE < it.latency)
        .count();
    (late + (sent.len() - seen.len())) as f64
}

// SPDX-License-Identifier: MPL-2.0

//! What is spent on a frame before and after its model: `avrec-infer` beside the stock elements that make a frame of the
//! model's size and colors.
//!
//! `cargo bench --bench prepare` prints the CPU time of the process a frame, in milliseconds and as a ratio taken in the
//! same run. The model looks at one pixel; what remains of it, and what a pipeline costs that does nothing, are
//! measured too and subtracted. The stock elements leave bytes, which somebody still has to make numbers of and lay out
//! in planes, and pad with black instead of gray. Needs `ORT_DYLIB_PATH` or an installed library.

use std::hint::black_box;
use std::time::Duration;

use gst_video::{VideoFormat, VideoInfo};
use gstavrec::quantile::median;
use gstavrec::runtime::{Options, Runner};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 9;
/// Frames a round, each way.
const FRAMES: usize = 60;
/// Frames that take turns, so that none is in the nearest cache only because it was there before.
const BUFFERS: usize = 8;

/// A format and size of frames, the side of the model, and how they are fitted.
const JOBS: [(VideoFormat, u32, u32, u32, &str); 5] = [
    (VideoFormat::I420, 640, 480, 224, "stretch"),
    (VideoFormat::I420, 640, 480, 640, "letterbox"),
    (VideoFormat::Nv12, 1280, 720, 640, "letterbox"),
    (VideoFormat::Nv12, 640, 480, 224, "stretch"),
    (VideoFormat::Rgb, 320, 240, 224, "stretch"),
];

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    println!("CPU time a frame, beyond source and model            ours     stock   ours over stock");
    for job in JOBS {
        compare(job);
    }
}

fn compare((format, width, height, side, fit): (VideoFormat, u32, u32, u32, &str)) {
    let info = VideoInfo::builder(format, width, height)
        .build()
        .expect("a format");
    let model = format!("{}/tests/models/corner_{side}.onnx", env!("CARGO_MANIFEST_DIR"));
    let mut ways = [
        "identity".to_owned(),
        format!("avrec-infer threads=1 fit={fit} model-file={model}"),
        format!(
            "videoconvert ! videoscale add-borders={} ! capsfilter caps=video/x-raw,format=RGB,width={side},height={side}{}",
            fit == "letterbox",
            if fit == "letterbox" { ",pixel-aspect-ratio=1/1" } else { "" }
        ),
    ]
    .map(|line| {
        let mut harness = gst_check::Harness::new_parse(&line);
        harness.set_src_caps(info.to_caps().expect("caps"));
        harness
    });
    let mut runner = Runner::load(model.as_ref(), &Options::default()).expect("the model");
    runner
        .prepare(&[1, 3, side as usize, side as usize])
        .expect("the shape");
    let frames: Vec<gst::Buffer> = (0..BUFFERS).map(|seed| picture(&info, seed)).collect();

    let mut ours = Vec::new();
    let mut stock = Vec::new();
    for round in 0..=ROUNDS {
        let [source, infer, others] = ways.each_mut().map(|harness| {
            spent(|index| {
                drop(
                    harness
                        .push_and_pull(frames[index % BUFFERS].clone())
                        .expect("a frame"),
                )
            })
        });
        let model = spent(|_| {
            black_box(runner.run().expect("a run"));
        });
        // The first one warms up.
        if 0 < round {
            ours.push(infer - source - model);
            stock.push(others - source);
        }
    }
    let [ours, stock] = [ours, stock].map(|it| median(it).expect("a repetition"));
    println!(
        "{:42} {ours:9.3} ms {stock:6.3} ms {:9.2}",
        format!("{format} {width}x{height} to {side}x{side}, {fit}"),
        ours / stock
    );
}

/// Milliseconds that the process spends on a frame.
fn spent(mut job: impl FnMut(usize)) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let start = now();
    (0..FRAMES).for_each(&mut job);
    (now() - start).as_secs_f64() * 1e3 / FRAMES as f64
}

/// Slopes and grain; the content does not change what is measured.
fn picture(info: &VideoInfo, seed: usize) -> gst::Buffer {
    let mut state = seed as u32 + 1;
    let bytes: Vec<u8> = (0..info.size())
        .map(|at| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (40 + at % 640 / 5) as u8 + (state >> 28) as u8
        })
        .collect();
    gst::Buffer::from_slice(bytes)
}

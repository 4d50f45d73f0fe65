// SPDX-License-Identifier: MPL-2.0

//! What `avrec-infer` costs beyond the bare run of its model.
//!
//! `cargo bench --bench infer [-- MODEL.onnx]` (the medium model by default) pushes frames of 320 x 180 in I420 through the element and
//! runs the same model on a ready tensor in ONNX Runtime, frame by frame in turn, one thread each. It
//! prints the ratio of the medians of each repetition. Needs `ORT_DYLIB_PATH` or an installed library.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gstavrec::quantile::median;
use gstavrec::runtime::{Options, Runner, Task, TaskChoice, library};
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 180;
const REPETITIONS: usize = 7;
/// Frames a repetition, each way.
const FRAMES: usize = 60;
/// Frames before the first repetition, so that memory and caches are warm.
const WARM_UP: usize = 10;

fn main() {
    let named = std::env::args()
        .skip(1)
        .find(|argument| argument.ends_with(".onnx"));
    let model = PathBuf::from(named.unwrap_or_else(|| "models/medium.onnx".into()));
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");

    let line = format!(
        "avrec-infer backend=ort task=image threads=1 model-file={}",
        model.display()
    );
    let element = gst::parse::launch(&line).expect("the element");
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, WIDTH, HEIGHT)
        .build()
        .expect("caps");
    harness.set_src_caps(info.to_caps().expect("caps"));
    let frame = gst::Buffer::from_slice(texture(info.size()));

    let mut bare = library::session()
        .expect("ONNX Runtime")
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(|it| ort::Error::new(it.message()))
        .and_then(|mut it| it.commit_from_file(&model))
        .expect("the model");
    let pixels: Vec<f32> = texture((WIDTH * HEIGHT) as usize)
        .iter()
        .map(|&it| f32::from(it) / 255.0)
        .collect();
    let mut session = Runner::load(
        &model,
        &Options {
            task: TaskChoice::Task(Task::Image),
            ..Options::default()
        },
    )
    .expect("the model");
    session
        .prepare(&[1, 1, HEIGHT as usize, WIDTH as usize])
        .expect("the shape");
    session.input().data = gstavrec::tensor::Data::F32(pixels.clone());

    let mut run_bare = || {
        let view =
            TensorRef::from_array_view(([1usize, 1, HEIGHT as usize, WIDTH as usize], pixels.as_slice()));
        let outputs = bare.run(ort::inputs![view.expect("a view")]).expect("a run");
        black_box(&outputs[0]);
    };
    let mut run_session = || {
        black_box(session.run().expect("a run"));
    };
    let mut run_element = || drop(black_box(harness.push_and_pull(frame.clone()).expect("a frame")));

    for _ in 0..WARM_UP {
        run_bare();
        run_session();
        run_element();
    }
    let mut ratios = Vec::new();
    println!("repetition   bare run   session               element");
    for repetition in 1..=REPETITIONS {
        let [mut bares, mut sessions, mut elements] = [(); 3].map(|()| Vec::with_capacity(FRAMES));
        for _ in 0..FRAMES {
            bares.push(timed(&mut run_bare));
            sessions.push(timed(&mut run_session));
            elements.push(timed(&mut run_element));
        }
        let [bare, session, element] =
            [bares, sessions, elements].map(|it| median(it).expect("a repetition"));
        let of = |it: Duration| it.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{repetition:10} {bare:10.2?} {:10.2?} {:.3} {:10.2?} {:.3}",
            session,
            of(session),
            element,
            of(element)
        );
        ratios.push((of(session), of(element)));
    }
    let middle = |of: fn(&(f64, f64)) -> f64| median(ratios.iter().map(of)).expect("a ratio");
    println!("session over bare run, median: {:.3}", middle(|it| it.0));
    println!(
        "avrec-infer over bare run, median: {:.3} (reach 1.10, aim 1.03)",
        middle(|it| it.1)
    );
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Bytes that are neither flat nor periodic in a row.
fn texture(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| ((index * 131 + index / 97 * 17) % 241) as u8)
        .collect()
}

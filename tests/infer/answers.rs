// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` on frames that pass with an answer: detect, classify, score, and what `task=auto` makes of models.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::media::metas;

use crate::support::frames::{Content, Frame};
use crate::support::infer::Bench;
use crate::support::init;
use crate::support::models::model;

const FORMATS: [&str; 13] = [
    "I420", "NV12", "GRAY8", "RGB", "BGR", "RGBA", "BGRA", "ARGB", "ABGR", "RGBx", "BGRx", "xRGB", "xBGR",
];

/// Frames of this size lie in an input of 64×64 at a quarter of their size, 14 pixels below its top: the cell in
/// column c and row r shows what is at x = 32c, y = 32r - 56.
const SIZE: (u32, u32) = (256, 144);

/// A bright block of a cell's size, at column 2 and row 3, and one that is half as bright at column 5 and row 4.
fn blocks(plane: usize, x: usize, y: usize) -> u8 {
    match (plane, x, y) {
        (3, ..) => 255,
        (0, 64..96, 40..72) => 250,
        (0, 160..192, 72..104) => 130,
        (0, ..) => 25,
        _ => 128,
    }
}

/// The same for packed formats, whose planes are colors.
fn gray_blocks(plane: usize, x: usize, y: usize) -> u8 {
    if plane == 3 { 255 } else { blocks(0, x, y) }
}

fn frame(
    format: &str,
    size: (u32, u32),
    yuv: Content,
    packed: Content,
) -> (gst_video::VideoInfo, gst::Buffer) {
    init();
    let format: VideoFormat = format.parse().unwrap();
    let is_yuv = matches!(format, VideoFormat::I420 | VideoFormat::Nv12 | VideoFormat::Gray8);
    let (content, colorimetry) = if is_yuv {
        (yuv, "1:3:0:0")
    } else {
        (packed, "sRGB")
    };
    let frame = Frame::new(format, size.0, size.1, colorimetry, content);
    (frame.info.clone(), frame.buffer)
}

fn scene(format: &str) -> (gst_video::VideoInfo, gst::Buffer) {
    frame(format, SIZE, blocks, gray_blocks)
}

/// A bench with caps for these frames. The detectors take the gray around a frame for half an object.
fn bench(name: &str, properties: &str, info: &gst_video::VideoInfo) -> Bench {
    let mut bench = Bench::new(name, &format!("confidence-threshold=0.48 {properties}"));
    set_caps(&mut bench, info);
    bench
}

fn set_caps(bench: &mut Bench, info: &gst_video::VideoInfo) {
    let mut caps = info.to_caps().unwrap();
    caps.make_mut().set("framerate", gst::Fraction::new(25, 1));
    bench.harness.set_src_caps(caps);
}

/// Labels and rectangles of the regions on a buffer, in the order of the answer.
fn regions(buffer: &gst::BufferRef) -> Vec<(String, (u32, u32, u32, u32))> {
    buffer
        .iter_meta::<VideoRegionOfInterestMeta>()
        .map(|meta| (meta.roi_type().to_owned(), meta.rect()))
        .collect()
}

fn bright(rect: (u32, u32, u32, u32)) -> (String, (u32, u32, u32, u32)) {
    ("bright".to_owned(), rect)
}

fn at(mut buffer: gst::Buffer, milliseconds: u64) -> gst::Buffer {
    buffer.make_mut().set_pts(milliseconds * gst::ClockTime::MSECOND);
    buffer
}

#[test]
fn bright_blocks_are_found_where_they_are_in_frames_of_each_format() {
    for format in FORMATS {
        let (info, buffer) = scene(format);
        let mut bench = bench("detect_bright", "", &info);
        let output = bench.harness.push_and_pull(at(buffer, 40)).unwrap();
        assert_eq!(
            regions(&output),
            [bright((64, 40, 32, 32)), bright((160, 72, 32, 32))],
            "{format}"
        );
        let found = metas::detections(&output);
        assert!(
            0.9 < found[0].confidence && (0.45..0.55).contains(&found[1].confidence),
            "{format} {found:?}"
        );
        assert_eq!(output.pts(), Some(40 * gst::ClockTime::MSECOND));
    }
}

#[test]
fn the_letterbox_is_undone_for_tall_and_odd_frames_too() {
    // Input pixels are (frame - offset) / scale; each block is cell (5, 2) of 8×8 input pixels.
    for (size, scale, left, top) in [
        ((64, 64), 1.0, 0.0, 0.0),
        ((144, 256), 0.25, 14.0, 0.0),
        ((200, 101), 0.32, 0.0, 16.0),
    ] {
        let (info, buffer) = frame("RGB", size, |_, _, _| 25, |_, _, _| 200);
        let mut bench = bench("detect_bright", "confidence-threshold=0.6", &info);
        let output = bench.harness.push_and_pull(buffer).unwrap();
        let found = metas::detections(&output);
        assert!(!found.is_empty());
        for detection in found {
            let Region {
                left: x,
                top: y,
                width,
                height,
            } = detection.region;
            // A box is a cell, cut at the frame's edge.
            let column = (x * scale + left) / 8.0;
            let row = (y * scale + top) / 8.0;
            let is_near = |it: f32| (it - it.round()).abs() < 0.07;
            assert!(is_near(column) || x == 0.0, "{size:?} {detection:?}");
            assert!(is_near(row) || y == 0.0, "{size:?} {detection:?}");
            assert!(x + width <= size.0 as f32 && y + height <= size.1 as f32);
        }
    }
}

#[test]
fn a_stretched_frame_gives_other_boxes_than_a_letterboxed_one() {
    let (info, buffer) = scene("RGB");
    let mut stretched = bench("detect_bright", "fit=stretch", &info);
    let output = stretched.harness.push_and_pull(buffer.clone()).unwrap();
    // Cells of the whole input: 32 pixels across and 18 down.
    assert!(
        regions(&output)
            .iter()
            .all(|(_, (x, y, w, h))| x % 32 == 0 && y % 18 == 0 && (*w, *h) == (32, 18))
    );
    let mut corner = bench("detect_bright", "fit=corner", &info);
    let output = corner.harness.push_and_pull(buffer).unwrap();
    assert!(
        regions(&output)
            .iter()
            .all(|(_, (x, y, ..))| x % 32 == 0 && y % 32 == 0)
    );
}

#[test]
fn thresholds_hold_from_the_next_frame_on() {
    let (info, buffer) = scene("RGB");
    let mut bench = bench("detect_bright", "confidence-threshold=0.7", &info);
    let count = |bench: &mut Bench| regions(&bench.harness.push_and_pull(buffer.clone()).unwrap()).len();
    assert_eq!(count(&mut bench), 1);
    bench.element.set_property("confidence-threshold", 0.48f32);
    assert_eq!(count(&mut bench), 2);
    bench.element.set_property("max-detections", 1u32);
    assert_eq!(count(&mut bench), 1);
    bench.element.set_property("max-detections", 300u32);
    bench.element.set_property("confidence-threshold", 0.01f32);
    assert!(10 < count(&mut bench));
    bench.element.set_property("confidence-threshold", 1.0f32);
    assert_eq!(count(&mut bench), 0);
}

#[test]
fn metas_cost_no_copy_of_the_pixels_and_leave_a_shared_buffer_alone() {
    let (info, buffer) = scene("NV12");
    let mut bench = bench("detect_bright", "", &info);
    let shared = buffer.clone();
    let output = bench.harness.push_and_pull(buffer).unwrap();
    assert!(regions(&shared).is_empty());
    assert_eq!(output.peek_memory(0).as_ptr(), shared.peek_memory(0).as_ptr());
    drop(shared);
    let address = output.as_ptr();
    let again = bench.harness.push_and_pull(output).unwrap();
    assert_eq!(again.as_ptr(), address, "a buffer of our own needs no other one");
    assert_eq!(regions(&again).len(), 4, "what was on it stays");
}

#[test]
fn frames_between_runs_carry_the_last_answer_again() {
    let (info, buffer) = scene("RGB");
    let (_, empty) = frame("RGB", SIZE, |_, _, _| 0, |_, _, _| 0);
    let mut bench = bench("detect_bright", "inference-interval=3", &info);
    let mut counts = Vec::new();
    for index in 0..7 {
        let source = if index == 0 || 4 <= index { &buffer } else { &empty };
        counts.push(
            regions(
                &bench
                    .harness
                    .push_and_pull(at(source.clone(), 40 * index))
                    .unwrap(),
            )
            .len(),
        );
    }
    assert_eq!(counts, [2, 2, 2, 0, 0, 0, 2]);
    let stats = bench.element.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("runs").unwrap(), 3);
    assert_eq!(stats.get::<u64>("frames-out").unwrap(), 7);
}

#[test]
fn after_a_gap_the_next_frame_is_looked_at() {
    let (info, buffer) = scene("RGB");
    let (_, mut empty) = frame("RGB", SIZE, |_, _, _| 0, |_, _, _| 0);
    let mut bench = bench("detect_bright", "inference-interval=100", &info);
    assert_eq!(
        regions(&bench.harness.push_and_pull(buffer.clone()).unwrap()).len(),
        2
    );
    assert_eq!(
        regions(&bench.harness.push_and_pull(empty.clone()).unwrap()).len(),
        2
    );
    empty.make_mut().set_flags(gst::BufferFlags::DISCONT);
    assert_eq!(regions(&bench.harness.push_and_pull(empty).unwrap()).len(), 0);
}

#[test]
fn boxes_that_are_no_numbers_are_left_out_and_counted() {
    let (info, buffer) = scene("RGB");
    let mut bench = bench("detect_nan", "", &info);
    let output = bench.harness.push_and_pull(buffer).unwrap();
    // The block on the left half has a box that is none.
    assert_eq!(regions(&output), [bright((160, 72, 32, 32))]);
    let stats = bench.element.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("dropped-values").unwrap(), 1);
}

fn labels_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn labels_come_from_the_file_else_from_the_model_else_from_numbers() {
    let (info, buffer) = scene("RGB");
    let labels = labels_file("hell\nrot\n");
    for (name, properties, label) in [
        ("detect_bright", String::new(), "bright"),
        (
            "detect_bright",
            format!("labels-file={}", labels.path().display()),
            "hell",
        ),
        ("detect_unsaid", "task=detect".to_owned(), "0"),
        (
            "detect_unsaid",
            format!("task=detect labels-file={}", labels.path().display()),
            "hell",
        ),
    ] {
        let mut bench = bench(name, &properties, &info);
        let output = bench.harness.push_and_pull(buffer.clone()).unwrap();
        assert_eq!(regions(&output)[0].0, label, "{name} {properties}");
    }
}

#[test]
fn labels_that_do_not_fit_a_guess_are_warned_of() {
    let labels = labels_file("one\ntwo\n");
    // Three classes that nobody names: with two labels no task is left to guess.
    let bench = Bench::new("constant", &format!("labels-file={}", labels.path().display()));
    let told = bench.complaint(gst::MessageType::Warning);
    assert!(told.contains("3 classes and there are 2 labels"), "{told}");
}

#[test]
fn labels_may_change_while_frames_flow() {
    let (info, buffer) = scene("RGB");
    let mut bench = bench("detect_bright", "", &info);
    bench.message("avrec/model-loaded");
    let labels = labels_file("hell\nrot\n");
    bench
        .element
        .set_property("labels-file", labels.path().to_str().unwrap());
    let label = |bench: &mut Bench| {
        regions(&bench.harness.push_and_pull(buffer.clone()).unwrap())[0]
            .0
            .clone()
    };
    while label(&mut bench) == "bright" {}
    assert_eq!(label(&mut bench), "hell");

    // Too few are refused, and the old ones stay.
    let short = labels_file("nur eins\n");
    bench
        .element
        .set_property("labels-file", short.path().to_str().unwrap());
    let text = bench.complaint(gst::MessageType::Warning);
    assert!(text.contains("2 classes") && text.contains("1 label"), "{text}");
    assert_eq!(label(&mut bench), "hell");
}

#[test]
fn labels_that_cannot_be_used_are_an_error_that_says_what_to_change() {
    let short = labels_file("one\n");
    let empty = labels_file("\n\n");
    let bytes = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bytes.path(), [0xff, 0xfe, 0x00]).unwrap();
    for (path, words) in [
        (
            short.path().to_str().unwrap(),
            ["2 classes", "one for each class"],
        ),
        (empty.path().to_str().unwrap(), ["no line", "one label a line"]),
        (bytes.path().to_str().unwrap(), ["UTF-8", "one label a line"]),
        ("/nowhere/labels.txt", ["/nowhere/labels.txt", "No such file"]),
        ("/tmp", ["not a regular file", "one label a line"]),
    ] {
        let bench = Bench::new("detect_bright", &format!("labels-file={path}"));
        let text = bench.complaint(gst::MessageType::Error);
        assert!(words.iter().all(|it| text.contains(it)), "{path}: {text}");
    }
}

#[test]
fn a_model_that_fits_no_decoder_of_the_task_is_an_error_that_lists_what_does() {
    for (name, task, words) in [
        ("main_color", "detect", "YOLO ([1, 4+C, N]"),
        ("means", "score", "task=score"),
    ] {
        let bench = Bench::new(name, &format!("task={task}"));
        let text = bench.complaint(gst::MessageType::Error);
        assert!(
            text.contains(words) && text.contains("task=tensor"),
            "{name}: {text}"
        );
    }
}

#[test]
fn settings_that_go_against_the_task_are_an_error() {
    for (name, properties, words) in [
        ("detect_bright", "fit=crop", "fit=crop"),
        ("detect_bright", "output=alpha", "task=segment"),
        ("mean_luma", "output=alpha", "task=segment"),
        ("twice_luma", "output=overlay", "output=overlay"),
        ("means", "task=tensor output=overlay", "answer that can be drawn"),
        ("twice_luma", "fit=letterbox", "fit=letterbox"),
    ] {
        let bench = Bench::new(name, properties);
        let text = bench.complaint(gst::MessageType::Error);
        assert!(text.contains(words), "{properties}: {text}");
    }
}

#[test]
fn what_nobody_said_is_assumed_and_told() {
    for (name, properties, task, assumed) in [
        ("detect_bright", "", "detect", ""),
        ("detect_unsaid", "", "detect", "task=detect"),
        ("detect_unsaid", "task=detect", "detect", ""),
        ("main_color", "", "classify", ""),
        ("means", "", "classify", "task=classify"),
        ("mean_luma", "", "score", ""),
        ("means", "task=tensor", "tensor", ""),
        ("means_and_size", "task=tensor", "tensor", ""),
        ("twice_luma", "", "image", "task=image"),
        ("twice_luma", "task=image", "image", "output-range"),
        ("twice_luma", "task=image output-range=0,1", "image", ""),
        ("means_and_size", "", "tensor", "size"),
    ] {
        let bench = Bench::new(name, properties);
        let loaded = bench.message("avrec/model-loaded");
        assert_eq!(loaded.get::<&str>("task").unwrap(), task, "{name}");
        let told = loaded.get::<&str>("assumed").unwrap();
        // What is assumed of the input stands behind it.
        let of_outputs = told.split("Nobody says how a picture").next().unwrap().trim();
        assert!(
            of_outputs.contains(assumed) && of_outputs.is_empty() == assumed.is_empty(),
            "{name} {properties}: {told}"
        );
        let stats = bench.element.property::<gst::Structure>("stats");
        assert_eq!(stats.get::<&str>("assumed").unwrap(), told, "{name}");
    }
}

#[test]
fn a_frame_s_classes_are_on_it_the_most_confident_first() {
    let green = |plane: usize, _: usize, _: usize| [51, 204, 102, 255][plane];
    let (info, buffer) = frame("RGBA", SIZE, |_, _, _| 0, green);
    let mut bench = bench("main_color", "top-k=2", &info);
    let output = bench.harness.push_and_pull(buffer).unwrap();
    assert_eq!(regions(&output), [("green".to_owned(), (0, 0, 256, 144))]);
    let classes = metas::classes(&output).unwrap();
    let expect = [("green", 0.8), ("blue", 0.4)];
    assert_eq!(classes.len(), 2);
    for (class, (label, confidence)) in classes.iter().zip(expect) {
        assert_eq!(class.class, metas::class_of(label));
        assert!((class.confidence - confidence).abs() < 0.01, "{class:?}");
    }
}

#[test]
fn smoothing_follows_half_of_a_step_in_as_many_answers() {
    let red = |plane: usize, _: usize, _: usize| [255, 0, 0][plane];
    let blue = |plane: usize, _: usize, _: usize| [0, 0, 255][plane];
    let (info, red) = frame("RGB", SIZE, |_, _, _| 0, red);
    let (_, blue) = frame("RGB", SIZE, |_, _, _| 0, blue);
    let mut bench = bench("main_color", "smoothing=4", &info);
    let confidence = |bench: &mut Bench, frame: &gst::Buffer| {
        let output = bench.harness.push_and_pull(frame.clone()).unwrap();
        let classes = metas::classes(&output).unwrap();
        let blue = classes.iter().find(|it| it.class == metas::class_of("blue"));
        blue.map_or(0.0, |it| it.confidence)
    };
    assert_eq!(confidence(&mut bench, &red), 0.0);
    let steps: Vec<f32> = (0..8).map(|_| confidence(&mut bench, &blue)).collect();
    assert!(
        (steps[3] - 0.5).abs() < 0.01 && (steps[7] - 0.75).abs() < 0.01,
        "{steps:?}"
    );
}

#[test]
fn a_score_is_on_the_frame_and_with_key_frames_its_peaks_are_told() {
    let (info, _) = frame("GRAY8", SIZE, |_, _, _| 0, |_, _, _| 0);
    let mut bench = bench(
        "mean_luma",
        "key-frames=true key-frame-threshold=0.5 key-frame-distance=200000000",
        &info,
    );
    let levels = [10u8, 200, 100, 150, 90, 20, 120, 30, 60, 250];
    for (index, level) in levels.iter().enumerate() {
        let mut buffer = gst::Buffer::from_mut_slice(vec![*level; info.size()]);
        buffer
            .get_mut()
            .unwrap()
            .set_pts(index as u64 * 100 * gst::ClockTime::MSECOND);
        let output = bench.harness.push_and_pull(buffer).unwrap();
        let score = metas::score(&output).unwrap();
        assert!(
            (score - f32::from(*level) / 255.0).abs() < 1e-3,
            "{level} {score}"
        );
        assert_eq!(metas::read(&output), Some(Answer::Score(score)));
    }
    assert!(bench.harness.push_event(gst::event::Eos::new()));
    // 150 comes 200 ms after 200, 120 is too low, and 250 lasts to the end.
    for (index, score) in [(1u64, 200.0), (3, 150.0), (9, 250.0)] {
        let told = bench.message("avrec/key-frame");
        let time = index * 100 * gst::ClockTime::MSECOND;
        assert_eq!(told.get::<gst::ClockTime>("pts").unwrap(), time);
        assert_eq!(told.get::<gst::ClockTime>("running-time").unwrap(), time);
        assert!((told.get::<f64>("score").unwrap() - score / 255.0).abs() < 1e-3);
    }
    let events: Vec<_> = std::iter::from_fn(|| bench.harness.try_pull_event())
        .filter(|it| gst_video::ForceKeyUnitEvent::is(it))
        .map(|event| gst_video::DownstreamForceKeyUnitEvent::parse(&event).unwrap())
        .collect();
    // After the last frame there is none to be a key frame.
    let asked: Vec<_> = events
        .iter()
        .map(|it| it.running_time.unwrap().mseconds())
        .collect();
    assert_eq!(asked, [100, 300]);
    assert_eq!(events.iter().map(|it| it.count).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn key_frames_are_off_unless_asked_for() {
    let (info, _) = frame("GRAY8", SIZE, |_, _, _| 0, |_, _, _| 0);
    let mut bench = bench("mean_luma", "", &info);
    for level in [10u8, 250, 10] {
        bench
            .harness
            .push_and_pull(gst::Buffer::from_mut_slice(vec![level; info.size()]))
            .unwrap();
    }
    let messages = std::iter::from_fn(|| bench.bus.pop());
    assert_eq!(messages.filter(|it| it.has_name("avrec/key-frame")).count(), 0);
    let events = std::iter::from_fn(|| bench.harness.try_pull_event());
    assert_eq!(
        events.filter(|it| gst_video::ForceKeyUnitEvent::is(it)).count(),
        0
    );
}

#[test]
fn answers_are_posted_when_asked_for() {
    let (info, buffer) = scene("RGB");
    let mut bench = bench("detect_bright", "post-messages=true", &info);
    bench.harness.push_and_pull(at(buffer, 120)).unwrap();
    let told = bench.message("avrec/detections");
    assert_eq!(
        told.get::<gst::ClockTime>("pts").unwrap(),
        120 * gst::ClockTime::MSECOND
    );
    assert_eq!(
        (
            told.get::<u32>("width").unwrap(),
            told.get::<u32>("height").unwrap()
        ),
        SIZE
    );
    let objects = told.get::<gst::Array>("objects").unwrap();
    assert_eq!(objects.len(), 2);
    let first = objects[0].get::<gst::Structure>().unwrap();
    assert_eq!(first.get::<&str>("label").unwrap(), "bright");
    assert_eq!(first.get::<f64>("x").unwrap(), 64.0);
    assert_eq!(first.get::<f64>("height").unwrap(), 32.0);

    for (name, message) in [("main_color", "avrec/classes"), ("mean_luma", "avrec/score")] {
        let (info, buffer) = scene("RGB");
        let mut bench = self::bench(name, "post-messages=true", &info);
        bench.harness.push_and_pull(buffer).unwrap();
        bench.message(message);
    }
}

#[test]
fn models_of_other_tasks_take_over_between_two_frames() {
    let (info, buffer) = scene("RGB");
    let mut bench = bench("detect_bright", "", &info);
    assert_eq!(
        bench.message("avrec/model-loaded").get::<&str>("task").unwrap(),
        "detect"
    );
    let push = |bench: &mut Bench| bench.harness.push_and_pull(buffer.clone()).unwrap();
    assert_eq!(regions(&push(&mut bench)).len(), 2);
    for (name, task) in [
        ("main_color", "classify"),
        ("invert_rgb", "image"),
        ("mean_luma", "score"),
        ("detect_bright", "detect"),
        ("segment_bright", "segment"),
    ] {
        // Segmentation has no meta before GStreamer 1.26.
        bench
            .element
            .set_property_from_str("output", if task == "segment" { "overlay" } else { "meta" });
        bench
            .element
            .set_property("model-file", model(name).to_str().unwrap());
        let output = loop {
            let output = push(&mut bench);
            let kinds = [
                gst::MessageType::Element,
                gst::MessageType::Warning,
                gst::MessageType::Error,
            ];
            if let Some(message) = bench.bus.pop_filtered(&kinds) {
                let structure = message.structure().unwrap();
                assert_eq!(structure.name(), "avrec/model-loaded", "{name}");
                assert_eq!(structure.get::<&str>("task").unwrap(), task);
                break output;
            }
        };
        match task {
            "classify" => assert!(metas::classes(&output).is_some()),
            "score" => assert!(metas::score(&output).is_some()),
            "detect" => assert_eq!(regions(&output).len(), 2),
            _ => assert!(regions(&output).is_empty()),
        }
        let is_same = bytes(&output) == bytes(&buffer);
        assert_eq!(is_same, !matches!(task, "image" | "segment"), "{name}");
    }
}

fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

/// Runs frames of a file through the element; returns size, time and buffer of each.
fn play(source: &str, infer: &str) -> Vec<((u32, u32), gst::Buffer)> {
    init();
    let line = format!(
        "filesrc location={source} ! decodebin ! videoconvert ! avrec-infer {infer} ! appsink name=sink sync=false"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let sink = pipeline
        .by_name("sink")
        .unwrap()
        .downcast::<gst_app::AppSink>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut frames = Vec::new();
    while let Some(sample) = sink.pull_sample().ok().filter(|_| frames.len() < 60) {
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        frames.push(((info.width(), info.height()), sample.buffer_owned().unwrap()));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    frames
}

#[test]
fn a_trained_detector_finds_objects_whose_places_are_known() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let truth = std::fs::read_to_string(root.join("examples/media/scene.csv")).unwrap();
    // frame, class, left, top, width, height
    let truth: Vec<(u64, String, Region)> = truth
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let [left, top, width, height] = [2, 3, 4, 5].map(|it| fields[it].parse().unwrap());
            let region = Region {
                left,
                top,
                width,
                height,
            };
            (fields[0].parse().unwrap(), fields[1].to_owned(), region)
        })
        .collect();
    let clip = root.join("examples/media/scene.webm");
    let model = root.join("models/detect-medium.onnx");
    let frames = play(clip.to_str().unwrap(), &format!("model-file={}", model.display()));
    assert_eq!(frames.len(), 60);
    let (mut found, mut right) = (0, 0);
    for (_, buffer) in frames {
        let number = (buffer.pts().unwrap().mseconds() + 20) / 40;
        for detection in metas::detections(&buffer) {
            found += 1;
            let is_it = |(frame, label, region): &&(u64, String, Region)| {
                *frame == number
                    && metas::class_of(label) == detection.class
                    && 0.5 <= region.iou(&detection.region)
            };
            right += usize::from(truth.iter().any(|it| is_it(&it)));
        }
    }
    // Chance would make about none of them right: six classes, and boxes of a hundredth of the frame.
    assert!(30 <= right && found <= 4 * right, "{right} of {found}");
}

#[test]
fn real_frames_of_a_real_clip_carry_boxes_inside_of_them() {
    init();
    let clip = std::env::var_os("AVREC_CLIP").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/bigbuckbunny.mp4"),
        std::path::PathBuf::from,
    );
    if !clip.is_file() {
        eprintln!("no clip; set AVREC_CLIP to a video file to test with it");
        return;
    }
    let infer = format!(
        "model-file={} confidence-threshold=0.5",
        model("detect_bright").display()
    );
    let frames = play(clip.to_str().unwrap(), &infer);
    assert!(30 <= frames.len());
    for ((width, height), buffer) in frames {
        let found = metas::detections(&buffer);
        assert!(!found.is_empty(), "Big Buck Bunny's sky is bright");
        for Detection {
            region, confidence, ..
        } in found
        {
            assert!(
                region.left + region.width <= width as f32 && region.top + region.height <= height as f32
            );
            assert!((0.5..=1.0).contains(&confidence));
        }
    }
}

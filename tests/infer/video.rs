// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` on frames: formats, sizes, metas, events, stats.

use gst::prelude::*;
use gst_video::VideoFormat;

use crate::support::infer::Bench;
use crate::support::init;
use crate::support::models::{self, model};

fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

fn out_size(bench: &Bench) -> (i32, i32) {
    let caps = bench.harness.sinkpad().unwrap().current_caps().unwrap();
    let structure = caps.structure(0).unwrap();
    (structure.get("width").unwrap(), structure.get("height").unwrap())
}

#[test]
fn a_frame_of_each_format_comes_out_twice_as_large_with_its_times() {
    for name in ["twice_luma", "twice_rgb"] {
        for format in [
            "I420", "NV12", "GRAY8", "RGB", "BGR", "RGBA", "BGRA", "ARGB", "ABGR", "RGBx", "BGRx", "xRGB",
            "xBGR",
        ] {
            let mut bench = Bench::new(name, "");
            let info = bench.caps(format, 33, 17);
            for frame in 0..3u64 {
                assert_eq!(bench.push(&info), Ok(gst::FlowSuccess::Ok), "{name} {format}");
                let buffer = bench.harness.pull().unwrap();
                assert_eq!(buffer.pts(), Some(frame * 40 * gst::ClockTime::MSECOND));
                assert_eq!(buffer.duration(), Some(40 * gst::ClockTime::MSECOND));
                let out = gst_video::VideoInfo::builder(format.parse().unwrap(), 66, 34)
                    .build()
                    .unwrap();
                assert_eq!(buffer.size(), out.size(), "{name} {format}");
                assert!(
                    bytes(&buffer).iter().any(|&it| it != bytes(&buffer)[0]),
                    "{name} {format} is flat"
                );
            }
            assert_eq!(out_size(&bench), (66, 34));
        }
    }
}

#[test]
fn gray_pixels_come_out_where_and_as_they_should() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("GRAY8", 8, 4);
    let source = bench.frame(&info);
    let input = bytes(&source);
    let output = bytes(&bench.harness.push_and_pull(source).unwrap());
    for (index, &value) in output.iter().enumerate() {
        let (row, column) = (index / 16, index % 16);
        assert!(
            value.abs_diff(input[row / 2 * 8 + column / 2]) <= 1,
            "row {row} column {column}"
        );
    }
}

#[test]
fn a_model_on_colors_inverts_each_of_them() {
    for (name, backend) in [
        ("invert_rgb", "auto"),
        ("invert_nhwc", "auto"),
        ("invert_byte", "rten"),
        ("invert_255", "rten"),
    ] {
        let mut bench = Bench::new(name, &format!("backend={backend}"));
        let info = bench.caps("RGB", 12, 6);
        let source = bench.frame(&info);
        let input = bytes(&source);
        let output = bytes(&bench.harness.push_and_pull(source).unwrap());
        for (index, (&before, &after)) in input.iter().zip(&output).enumerate() {
            assert!(
                after.abs_diff(255 - before) <= 1,
                "{name} byte {index}: {before} became {after}"
            );
        }
    }
}

#[test]
fn odd_sizes_with_strides_of_their_own_give_the_same_picture() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 21, 13);
    let plain = bench.frame(&info);
    let expected = bytes(&bench.harness.push_and_pull(plain.clone()).unwrap());

    let strides = [64, 32, 32];
    let heights = [13, 7, 7];
    let offsets = [10usize, 10 + 64 * 13, 10 + 64 * 13 + 32 * 7];
    let mut memory = vec![99u8; offsets[2] + 32 * 7 + 5];
    let tight = bytes(&plain);
    for plane in 0..3 {
        let width = [21, 11, 11][plane];
        for row in 0..heights[plane] {
            let from = info.offset()[plane] + row * info.stride()[plane] as usize;
            let to = offsets[plane] + row * strides[plane] as usize;
            memory[to..to + width].copy_from_slice(&tight[from..from + width]);
        }
    }
    let mut padded = gst::Buffer::from_mut_slice(memory);
    let padded_ref = padded.get_mut().unwrap();
    padded_ref.set_pts(gst::ClockTime::SECOND);
    let flags = gst_video::VideoFrameFlags::empty();
    gst_video::VideoMeta::add_full(padded_ref, flags, VideoFormat::I420, 21, 13, &offsets, &strides).unwrap();
    let output = bench.harness.push_and_pull(padded).unwrap();
    assert_eq!(bytes(&output), expected);
}

#[test]
fn a_model_of_fixed_size_takes_frames_of_any_size() {
    let mut bench = Bench::new("twice_luma_fixed", "");
    for (width, height) in [(24, 16), (50, 30), (321, 181)] {
        let info = bench.caps("NV12", width, height);
        bench.push(&info).unwrap();
        bench.harness.pull().unwrap();
        assert_eq!(out_size(&bench), (2 * width as i32, 2 * height as i32));
    }
}

#[test]
fn caps_may_change_in_size_format_and_rate_while_frames_flow() {
    let mut bench = Bench::new("twice_rgb", "");
    for (format, width, height) in [
        ("RGB", 16, 8),
        ("RGB", 24, 8),
        ("I420", 24, 8),
        ("BGRx", 7, 5),
        ("RGB", 16, 8),
    ] {
        let info = bench.caps(format, width, height);
        for _ in 0..2 {
            bench.push(&info).unwrap();
            assert!(bench.harness.pull().is_ok());
        }
        assert_eq!(out_size(&bench), (2 * width as i32, 2 * height as i32));
    }
}

#[test]
fn tensors_are_posted_and_the_frame_is_the_very_same() {
    let mut bench = Bench::new("means", "task=tensor");
    let info = bench.caps("RGB", 10, 6);
    let source = bench.frame(&info);
    let input = bytes(&source);
    let address = source.as_ptr();
    let output = bench.harness.push_and_pull(source).unwrap();
    assert_eq!(output.as_ptr(), address);

    let message = bench.message("avrec/tensors");
    assert_eq!(
        message.get::<gst::ClockTime>("pts").unwrap(),
        gst::ClockTime::ZERO
    );
    assert_eq!(
        message.get::<gst::ClockTime>("running-time").unwrap(),
        gst::ClockTime::ZERO
    );
    let tensors = message.get::<gst::Array>("tensors").unwrap();
    let tensor = tensors[0].get::<gst::Structure>().unwrap();
    assert_eq!(tensor.get::<&str>("id").unwrap(), "means");
    assert_eq!(tensor.get::<&str>("type").unwrap(), "float32");
    let dims: Vec<u64> = tensor
        .get::<gst::Array>("dims")
        .unwrap()
        .iter()
        .map(|it| it.get().unwrap())
        .collect();
    assert_eq!(dims, [1, 3]);
    let data = tensor.get::<gst::glib::Bytes>("data").unwrap();
    let red = f32::from_ne_bytes(data[..4].try_into().unwrap());
    let rows = input.chunks(info.stride()[0] as usize);
    let sum: u32 = rows
        .flat_map(|row| row[..30].chunks(3))
        .map(|pixel| u32::from(pixel[0]))
        .sum();
    assert!((red - sum as f32 / 60.0 / 255.0).abs() < 1e-4, "{red}");
}

#[test]
fn only_each_third_frame_is_looked_at_with_an_interval_of_three() {
    let mut bench = Bench::new("means", "task=tensor inference-interval=3");
    let info = bench.caps("RGB", 10, 6);
    for _ in 0..7 {
        bench.push(&info).unwrap();
        bench.harness.pull().unwrap();
    }
    let messages = std::iter::from_fn(|| bench.bus.pop());
    let posted = messages
        .filter(|it| it.structure().is_some_and(|it| it.name() == "avrec/tensors"))
        .count();
    assert_eq!(posted, 3);
}

#[test]
fn a_frame_without_pts_stays_without() {
    for name in ["twice_luma", "means"] {
        let mut bench = Bench::new(name, "");
        let info = bench.caps("RGB", 10, 6);
        let mut frame = bench.frame(&info);
        frame.get_mut().unwrap().set_pts(gst::ClockTime::NONE);
        assert_eq!(bench.harness.push_and_pull(frame).unwrap().pts(), None);
    }
}

#[test]
fn metas_stay_and_regions_grow_with_the_picture() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 32, 16);
    let mut frame = bench.frame(&info);
    let caps = gst::Caps::new_empty_simple("timestamp/x-test");
    let frame_ref = frame.get_mut().unwrap();
    gst::ReferenceTimestampMeta::add(frame_ref, &caps, 7 * gst::ClockTime::SECOND, None);
    gst_video::VideoRegionOfInterestMeta::add(frame_ref, "face", (4, 6, 10, 5));
    let output = bench.harness.push_and_pull(frame).unwrap();
    let stamp = output.meta::<gst::ReferenceTimestampMeta>().unwrap();
    assert_eq!(stamp.timestamp(), 7 * gst::ClockTime::SECOND);
    let region = output.meta::<gst_video::VideoRegionOfInterestMeta>().unwrap();
    assert_eq!(region.rect(), (8, 12, 20, 10));
}

#[test]
fn after_a_flush_frames_flow_again_and_eos_comes_through() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 16, 8);
    bench.push(&info).unwrap();
    bench.harness.pull().unwrap();
    assert!(bench.harness.push_event(gst::event::FlushStart::new()));
    assert!(bench.harness.push_event(gst::event::FlushStop::new(true)));
    assert!(bench.harness.push_event(gst::event::Segment::new(
        &gst::FormattedSegment::<gst::ClockTime>::new()
    )));
    bench.push(&info).unwrap();
    bench.harness.pull().unwrap();
    assert!(bench.harness.push_event(gst::event::Eos::new()));
    let last = std::iter::from_fn(|| bench.harness.try_pull_event())
        .last()
        .unwrap();
    assert_eq!(last.type_(), gst::EventType::Eos);
}

#[test]
fn stats_tell_the_model_the_backend_and_the_latency() {
    let mut bench = Bench::new("twice_luma", "backend=rten threads=2");
    let info = bench.caps("I420", 16, 8);
    for _ in 0..5 {
        bench.push(&info).unwrap();
        bench.harness.pull().unwrap();
    }
    let stats = bench.element.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("frames-in").unwrap(), 5);
    assert_eq!(stats.get::<u64>("frames-out").unwrap(), 5);
    assert_eq!(stats.get::<&str>("backend").unwrap(), "rten");
    assert_eq!(stats.get::<&str>("backend-note").unwrap(), "asked for");
    assert_eq!(stats.get::<u32>("threads").unwrap(), 2);
    assert_eq!(stats.get::<&str>("task").unwrap(), "image");
    assert_eq!(stats.get::<f64>("scale-width").unwrap(), 2.0);
    let dims: Vec<u64> = stats
        .get::<gst::Array>("input-dims")
        .unwrap()
        .iter()
        .map(|it| it.get().unwrap())
        .collect();
    assert_eq!(dims, [1, 1, 8, 16]);
    let (run, all) = (
        stats.get::<u64>("run-latency-p50-ns").unwrap(),
        stats.get::<u64>("latency-p50-ns").unwrap(),
    );
    assert!(0 < run && run <= all);
}

/// Runs a pipeline to its end; returns how many buffers reached the sink.
fn run(line: &str) -> Result<u64, String> {
    init();
    let pipeline = gst::parse::launch(line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let sink = pipeline.by_name("sink").unwrap();
    let _ = pipeline.set_state(gst::State::Playing);
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
    let rendered = sink
        .property::<gst::Structure>("stats")
        .get::<u64>("rendered")
        .unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    match message.as_ref().map(|it| it.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(rendered),
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        _ => Err("no end".into()),
    }
}

#[test]
fn a_pipeline_negotiates_sizes_through_the_element_both_ways() {
    let model = model("twice_luma").display().to_string();
    let upstream = format!(
        "videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=64,height=36 ! avrec-infer model-file={model} ! \
         video/x-raw,width=128,height=72 ! fakesink name=sink sync=false"
    );
    assert_eq!(run(&upstream), Ok(20));
    let tensors = format!(
        "videotestsrc num-buffers=20 ! video/x-raw,format=BGRx,width=64,height=36 ! queue ! \
         avrec-infer model-file={} ! queue ! fakesink name=sink sync=false",
        models::model("means").display()
    );
    assert_eq!(run(&tensors), Ok(20));
}

#[test]
fn caps_that_cannot_be_made_are_not_negotiated() {
    let model = model("twice_luma").display().to_string();
    let line = format!(
        "videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=64,height=36 ! avrec-infer model-file={model} ! \
         video/x-raw,width=130,height=72 ! fakesink name=sink"
    );
    assert!(run(&line).is_err());
}

#[test]
fn fifty_starts_and_stops_leave_nothing_behind() {
    init();
    let line = format!(
        "videotestsrc is-live=false ! video/x-raw,format=I420,width=32,height=16 ! \
         avrec-infer name=infer model-file={} ! fakesink name=sink sync=false",
        model("twice_luma").display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    for round in 0..50 {
        pipeline.set_state(gst::State::Playing).unwrap();
        if round % 2 == 0 {
            let (result, _, _) = pipeline.state(gst::ClockTime::from_seconds(60));
            assert_eq!(result, Ok(gst::StateChangeSuccess::Success), "round {round}");
        }
        pipeline.set_state(gst::State::Null).unwrap();
        let errors = pipeline.bus().unwrap();
        assert!(
            errors.pop_filtered(&[gst::MessageType::Error]).is_none(),
            "round {round}"
        );
    }
}

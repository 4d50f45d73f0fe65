// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` with models, frames and moments that are wrong.

use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::infer::{Bench, texture};
use crate::support::init;
use crate::support::models::model;

#[test]
fn a_model_that_cannot_be_used_is_one_error_with_cause_and_remedy() {
    for (name, properties, words) in [
        ("text", "", &["not an ONNX model", "export"][..]),
        ("truncated", "", &["truncated", "again"]),
        ("unknown_operator", "", &["Blur", "backend="]),
        ("external_missing", "", &["absent.data", "put it there"]),
        ("external_absolute", "", &["outside"]),
        ("external_parent", "", &["outside"]),
        ("rank_1", "", &["sample_rate=16000"]),
        ("rank_5", "", &["5 dimension"]),
        ("two_channels", "", &["3 (RGB)"]),
        ("two_inputs", "", &["its input 'x2'"]),
        ("means", "task=image", &["task=tensor"]),
        (
            "invert_luma",
            "execution-provider=cuda",
            &["execution-provider=cpu"],
        ),
    ] {
        let mut bench = Bench::new(name, properties);
        let error = bench.complaint(gst::MessageType::Error);
        words
            .iter()
            .for_each(|word| assert!(error.contains(word), "{name}: {error}"));
        let cause = bench
            .message("avrec/model-failed")
            .get::<String>("cause")
            .unwrap();
        assert!(cause.contains(words[0]), "{cause}");
        let info = bench.caps("I420", 16, 8);
        assert_eq!(bench.push(&info), Err(gst::FlowError::Error), "{name}");
        assert!(
            bench.bus.pop_filtered(&[gst::MessageType::Error]).is_none(),
            "{name} was told twice"
        );
    }
}

#[test]
fn frames_in_the_memory_of_a_card_are_refused_with_what_brings_them_here() {
    for (memory, element) in [
        ("memory:GLMemory", "put gldownload before this element"),
        ("memory:CUDAMemory", "put cudadownload before this element"),
        ("memory:DMABuf", "put glupload ! gldownload before this element"),
    ] {
        let mut bench = Bench::new("invert_luma", "");
        let caps = format!("video/x-raw({memory}),format=RGBA,width=16,height=8,framerate=25/1");
        bench.harness.set_src_caps_str(&caps);
        let warning = bench.complaint(gst::MessageType::Warning);
        assert!(warning.contains(memory) && warning.contains(element), "{warning}");
        let buffer = gst::Buffer::with_size(16 * 8 * 4).unwrap();
        assert_eq!(bench.harness.push(buffer), Err(gst::FlowError::NotNegotiated));
        // What can be read is taken afterwards.
        let info = bench.caps("GRAY8", 16, 8);
        bench.push(&info).unwrap();
    }
}

#[test]
fn a_missing_file_or_none_or_a_wrong_device_fails_at_once() {
    init();
    for (line, words) in [
        (
            "avrec-infer model-file=/nowhere/m.onnx",
            "/nowhere/m.onnx does not exist; set model-file",
        ),
        ("avrec-infer model-file=/", "is a folder"),
        (
            "avrec-infer model-file=~/m.onnx",
            "the shell left ~ as it is: write $HOME",
        ),
        (
            "avrec-infer model-file=file:///m.onnx",
            "addresses of models on servers begin with",
        ),
        (
            "avrec-infer model-file=models/smal.onnx",
            "models has denoise-large.onnx",
        ),
        (
            "avrec-infer model-file=/nowhere/m.onnx",
            "there is no folder /nowhere",
        ),
        ("avrec-infer", "set model-file"),
        (
            "avrec-infer model-file=/nowhere/m.onnx backend=rten",
            "does not exist",
        ),
    ] {
        let element = gst::parse::launch(line).unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err(), "{line}");
        let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
        let gst::MessageView::Error(error) = message.view() else {
            unreachable!()
        };
        assert!(
            error.error().to_string().contains(words),
            "{line}: {}",
            error.error()
        );
        element.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn a_missing_file_is_of_the_domain_that_applications_look_for() {
    init();
    let element = gst::parse::launch("avrec-infer model-file=/nowhere/m.onnx").unwrap();
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    assert!(element.set_state(gst::State::Paused).is_err());
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = message.view() else {
        unreachable!()
    };
    assert!(error.error().matches(gst::ResourceError::NotFound));
    element.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_picture_with_nan_ends_the_stream_with_the_place() {
    let mut bench = Bench::new("nan_in_the_dark", "");
    let info = bench.caps("GRAY8", 16, 8);
    let bright = gst::Buffer::from_mut_slice(vec![200u8; info.size()]);
    assert!(bench.harness.push_and_pull(bright).is_ok());
    assert_eq!(bench.push(&info), Err(gst::FlowError::Error));
    let error = bench.complaint(gst::MessageType::Error);
    assert!(error.contains("NaN") && error.contains("output 'y'"), "{error}");
}

#[test]
fn a_run_that_fails_is_an_error_that_names_model_and_backend() {
    let mut bench = Bench::new("fails_when_wide", "");
    let info = bench.caps("GRAY8", 300, 8);
    assert_eq!(bench.push(&info), Err(gst::FlowError::Error));
    let error = bench.complaint(gst::MessageType::Error);
    assert!(
        error.contains("failed to run") && error.contains("fails_when_wide.onnx"),
        "{error}"
    );
}

#[test]
fn a_buffer_that_is_no_frame_is_a_clear_error() {
    for name in ["twice_luma", "means"] {
        for size in [0, 7] {
            let mut bench = Bench::new(name, "");
            bench.caps("RGB", 16, 8);
            let buffer = gst::Buffer::from_mut_slice(vec![1u8; size]);
            assert_eq!(
                bench.harness.push(buffer),
                Err(gst::FlowError::Error),
                "{name} {size}"
            );
            let error = bench.complaint(gst::MessageType::Error);
            assert!(
                error.contains(&format!("a buffer of {size} bytes")) && error.contains("RGB 16x8"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_read_only_buffer_is_as_good_as_any() {
    for name in ["twice_luma", "means"] {
        let mut bench = Bench::new(name, "");
        let info = bench.caps("RGB", 16, 8);
        let frame = bench.frame(&info);
        let copy = frame.clone();
        assert!(bench.harness.push_and_pull(frame).is_ok());
        drop(copy);
        let fixed = gst::Buffer::from_slice(texture(info.size(), 3));
        assert!(bench.harness.push_and_pull(fixed).is_ok());
    }
}

/// Starts a pipeline whose model takes long to load, and returns when it loads.
fn loading_pipeline() -> gst::Pipeline {
    init();
    let line = format!(
        "videotestsrc ! video/x-raw,format=GRAY8,width=32,height=16 ! avrec-infer name=infer backend=rten \
         model-file={} ! fakesink sync=false",
        model("slow").display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let infer = pipeline.by_name("infer").unwrap();
    let (caps_came, came) = std::sync::mpsc::channel();
    let pad = infer.static_pad("sink").unwrap();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info
            .event()
            .is_some_and(|event| event.type_() == gst::EventType::Caps)
        {
            let _ = caps_came.send(());
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    came.recv_timeout(Duration::from_secs(60)).unwrap();
    pipeline
}

#[test]
fn a_pipeline_stops_while_a_model_is_still_loading() {
    let pipeline = loading_pipeline();
    let stop = Instant::now();
    pipeline.set_state(gst::State::Null).unwrap();
    let took = stop.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let bus = pipeline.bus().unwrap();
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
}

#[test]
fn a_flush_does_not_wait_for_a_model_and_frames_flow_after_it() {
    let pipeline = loading_pipeline();
    let infer = pipeline.by_name("infer").unwrap();
    let flush = Instant::now();
    let pad = infer.static_pad("sink").unwrap().peer().unwrap();
    assert!(pad.push_event(gst::event::FlushStart::new()));
    assert!(flush.elapsed() < Duration::from_secs(1));
    assert!(pad.push_event(gst::event::FlushStop::new(true)));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_seek_while_a_model_is_loading_ends_in_frames() {
    init();
    let line = format!(
        "videotestsrc num-buffers=30 ! video/x-raw,format=GRAY8,width=32,height=16,framerate=30/1 ! \
         avrec-infer name=infer backend=rten model-file={} ! fakesink sync=false",
        model("slow").display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let infer = pipeline.by_name("infer").unwrap();
    let (caps_came, came) = std::sync::mpsc::channel();
    infer
        .static_pad("sink")
        .unwrap()
        .add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if info
                .event()
                .is_some_and(|event| event.type_() == gst::EventType::Caps)
            {
                let _ = caps_came.send(());
            }
            gst::PadProbeReturn::Ok
        });
    pipeline.set_state(gst::State::Paused).unwrap();
    came.recv_timeout(Duration::from_secs(60)).unwrap();
    // Upstream of the waiting element, so that the seek flushes it.
    let start = gst::ClockTime::from_mseconds(200);
    assert!(
        infer
            .static_pad("sink")
            .unwrap()
            .push_event(gst::event::Seek::new(
                1.0,
                gst::SeekFlags::FLUSH,
                gst::SeekType::Set,
                start,
                gst::SeekType::None,
                gst::ClockTime::NONE,
            ))
    );
    // The model is changed to a quick one, so that the test need not wait for the slow one.
    infer.set_property("model-file", model("invert_luma").to_str().unwrap());
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(120), &kinds)
        .unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

/// Scheduling policies of the threads that slow runs go to.
#[cfg(target_os = "linux")]
fn run_threads() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let named = tasks.map(|it| it.unwrap()).filter(|it| {
        std::fs::read_to_string(it.path().join("comm")).is_ok_and(|name| name.trim() == "avrec-run")
    });
    let ids = named.map(|it| it.file_name().to_str().unwrap().parse().unwrap());
    // SAFETY: it takes a plain number.
    ids.map(|it| unsafe { libc::sched_getscheduler(it) }).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_slow_run_at_idle_priority_leaves_no_idle_thread_to_later_ones() {
    let mut bench = Bench::new("../../models/large", "");
    let info = bench.caps("I420", 1280, 720);
    std::thread::scope(|scope| {
        let lesson = scope.spawn(|| {
            // SAFETY: a plain structure of zeros is what this policy wants, and zero stands for the calling thread.
            let is_idle = unsafe {
                let parameters: libc::sched_param = std::mem::zeroed();
                libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) == 0
            };
            assert!(is_idle);
            bench.push(&info).unwrap();
            bench.push(&info).unwrap();
        });
        lesson.join().unwrap();
    });
    assert_eq!(run_threads(), Vec::<i32>::new(), "it runs where it was asked for");
    bench.push(&info).unwrap();
    bench.push(&info).unwrap();
    assert_eq!(run_threads(), [libc::SCHED_OTHER]);
}

// SPDX-License-Identifier: MPL-2.0

//! Loads that nobody waits for any more, bounds of memory that a user sets, and harm beside good candidates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gst::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use super::cases;
use crate::support::models::model;
use crate::support::{alone, init};

/// Set in the program that is measured, where nothing else runs.
const ALONE: &str = "AVREC_TEST_GIVEN_UP";

const VIDEO: &str = "videotestsrc ! video/x-raw,format=RGB,width=64,height=48";

fn pipeline(line: &str) -> gst::Pipeline {
    init();
    gst::parse::launch(line).unwrap().downcast().unwrap()
}

fn file(folder: &Path, bytes: Vec<u8>) -> PathBuf {
    let path = folder.join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Lets time pass for what runs, and returns a message of this type if there is one meanwhile.
fn watch(pipeline: &gst::Pipeline, time: Duration, kind: gst::MessageType) -> Option<gst::Message> {
    let time = gst::ClockTime::from_nseconds(time.as_nanos() as u64);
    pipeline.bus().unwrap().timed_pop_filtered(time, &[kind])
}

#[test]
fn an_endless_model_takes_no_processor_after_null_however_often_it_was_started() {
    const NAME: &str =
        "crafted::given_up::an_endless_model_takes_no_processor_after_null_however_often_it_was_started";
    let Ok(backend) = std::env::var(ALONE) else {
        for backend in ["ort", "rten"] {
            let output = alone(NAME).env(ALONE, backend).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{backend}: {told}");
        }
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), cases::endless_loop());
    let line = format!(
        "{VIDEO} ! avrec-infer name=i backend={backend} model-file={} ! fakesink",
        path.display()
    );
    let pipeline = pipeline(&line);
    let infer = pipeline.by_name("i").unwrap();
    let some = Duration::from_millis(200);
    for _ in 0..4 {
        pipeline.set_state(gst::State::Playing).unwrap();
        assert!(
            watch(&pipeline, some, gst::MessageType::Error).is_none(),
            "it loads"
        );
        let stats = infer.property::<gst::Structure>("stats");
        let loading = Duration::from_nanos(stats.get("loading-ns").unwrap());
        assert!(some / 2 < loading, "{stats}");
        pipeline.set_state(gst::State::Null).unwrap();
        let stats = infer.property::<gst::Structure>("stats");
        assert!(!stats.has_field("loading-ns"));
    }
    // What is given up ends within some operators, or within 2 s for good.
    watch(&pipeline, 15 * some, gst::MessageType::Error);
    let used = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    let before = used();
    watch(&pipeline, 5 * some, gst::MessageType::Error);
    let burned = used() - before;
    assert!(burned < some, "{burned:?} of the processor in {:?}", 5 * some);
}

#[test]
fn another_model_takes_the_place_of_one_that_loads_for_ever() {
    for backend in ["ort", "rten"] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), cases::endless_loop());
        let line = format!(
            "{VIDEO} ! avrec-infer name=i backend={backend} model-file={} ! fakesink",
            path.display()
        );
        let pipeline = pipeline(&line);
        pipeline.set_state(gst::State::Playing).unwrap();
        let some = Duration::from_millis(200);
        assert!(watch(&pipeline, some, gst::MessageType::Error).is_none());
        let good = model("invert_rgb");
        pipeline
            .by_name("i")
            .unwrap()
            .set_property("model-file", good.to_str().unwrap());
        let loaded = loop {
            let message =
                watch(&pipeline, Duration::from_secs(30), gst::MessageType::Element).expect("a model");
            match message.structure() {
                Some(structure) if structure.name() == "avrec/model-loaded" => break structure.to_owned(),
                _ => {}
            }
        };
        assert_eq!(
            loaded.get::<String>("model-file").unwrap(),
            good.to_str().unwrap()
        );
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn a_model_that_was_refused_for_its_memory_runs_once_it_may_take_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    // 50 MB of values for each frame.
    std::fs::write(&path, cases::pad(2000)).unwrap();
    for backend in ["ort", "rten"] {
        for (limit, is_enough) in [(20_000_000, false), (200_000_000, true)] {
            let line = format!(
                "videotestsrc num-buffers=2 ! video/x-raw,format=RGB,width=64,height=48 \
                 ! avrec-infer task=tensor backend={backend} memory-limit={limit} model-file={} ! fakesink",
                path.display()
            );
            let pipeline = pipeline(&line);
            pipeline.set_state(gst::State::Playing).unwrap();
            let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
            let patience = gst::ClockTime::from_seconds(30);
            let message = pipeline
                .bus()
                .unwrap()
                .timed_pop_filtered(patience, &kinds)
                .unwrap();
            match message.view() {
                gst::MessageView::Error(error) if !is_enough => {
                    let text = error.error().to_string();
                    assert!(text.contains("raise memory-limit"), "{text}");
                    assert!(error.error().matches(gst::ResourceError::NoSpaceLeft), "{text}");
                }
                gst::MessageView::Error(error) => panic!("{backend}: {}", error.error()),
                _ => assert!(is_enough, "{backend} took more than {limit}"),
            }
            pipeline.set_state(gst::State::Null).unwrap();
        }
    }
}

#[test]
fn harm_is_a_candidate_that_fails_and_the_others_go_on() {
    for backend in ["ort", "rten"] {
        let folder = tempfile::tempdir().unwrap();
        let harm = [
            ("tile", cases::tile(1 << 40)),
            ("zeros", cases::zeros(&[1 << 60])),
        ];
        let candidates = harm.map(|(name, bytes)| {
            let own = folder.path().join(name);
            std::fs::create_dir(&own).unwrap();
            let path = file(&own, bytes);
            format!("avrec-infer backend={backend} model-file={}", path.display())
        });
        let line = format!(
            "videotestsrc num-buffers=40 ! video/x-raw,format=RGB,width=64,height=48 \
             ! avrec-switch.( name=s {} identity ) ! fakesink",
            candidates.join("  ")
        );
        let pipeline = pipeline(&line);
        pipeline.set_state(gst::State::Playing).unwrap();
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
        let patience = gst::ClockTime::from_seconds(30);
        let message = pipeline
            .bus()
            .unwrap()
            .timed_pop_filtered(patience, &kinds)
            .unwrap();
        assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

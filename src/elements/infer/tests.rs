// SPDX-License-Identifier: MPL-2.0

//! Orders of events between the loader thread and the streaming thread that no test from outside can bring about.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

use super::Infer;
use super::answer_settings::AnswerSettings;
use super::enums::Backend;
use super::model::Active;
use super::model_swap;
use super::state::{Load, Request};
use crate::runtime::{BackendChoice, Options, Stop};

/// An element that has settled caps and runs a model, between two test pads.
struct Bench {
    element: Infer,
    harness: gst_check::Harness,
    bus: gst::Bus,
}

impl Bench {
    fn new(model_name: &str, info: &VideoInfo) -> Bench {
        let element = glib::Object::builder::<Infer>()
            .property("model-file", model(model_name).to_str().unwrap())
            .property("backend", Backend::Rten)
            .build();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_src_caps(info.to_caps().unwrap());
        let mut bench = Bench {
            element,
            harness,
            bus,
        };
        bench.message("avrec/model-loaded");
        bench.answer(info);
        bench
    }

    /// Hands over a loaded model as the loader thread does.
    fn bring(&self, active: Active) {
        let infer = self.element.imp();
        let epoch = infer.state.lock().epoch;
        model_swap::loaded(infer, epoch, &Request::of(&active), Ok(Box::new(active)));
    }

    /// Pushes a textured frame and returns what comes out.
    #[track_caller]
    fn answer(&mut self, info: &VideoInfo) -> Vec<u8> {
        self.harness.push(gst::Buffer::from_slice(texture(info))).unwrap();
        self.harness.pull().unwrap().map_readable().unwrap().to_vec()
    }

    /// Pushes frames until another model answers, and returns its first answer.
    #[track_caller]
    fn answer_of_next_model(&mut self, info: &VideoInfo) -> Vec<u8> {
        loop {
            let answer = self.answer(info);
            if let Some(message) = self
                .bus
                .pop_filtered(&[gst::MessageType::Element, gst::MessageType::Error])
            {
                assert!(message.has_name("avrec/model-loaded"), "{message:?}");
                return answer;
            }
        }
    }

    #[track_caller]
    fn message(&self, name: &str) {
        let patience = gst::ClockTime::from_seconds(60);
        let message = self
            .bus
            .timed_pop_filtered(patience, &[gst::MessageType::Element]);
        assert!(message.unwrap().has_name(name));
    }
}

fn model(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    folder.join(name).with_extension("onnx")
}

fn load(name: &str) -> Active {
    let options = Options {
        backend: BackendChoice::Rten,
        ..Options::default()
    };
    Active::load(&model(name), options, AnswerSettings::default(), Stop::default()).unwrap()
}

fn frames(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    gst::init().unwrap();
    VideoInfo::builder(format, width, height)
        .fps(gst::Fraction::new(25, 1))
        .build()
        .unwrap()
}

fn gray(width: u32, height: u32) -> VideoInfo {
    frames(VideoFormat::Gray8, width, height)
}

fn texture(info: &VideoInfo) -> Vec<u8> {
    (0..info.size()).map(|it| (it * 131 % 241) as u8).collect()
}

/// What a model that ran from the start answers to the frame of [`Bench::answer`].
fn expected(model_name: &str, info: &VideoInfo) -> Vec<u8> {
    Bench::new(model_name, info).answer(info)
}

#[test]
fn a_model_that_was_loaded_before_caps_were_settled_takes_over_ready_for_them() {
    let info = gray(32, 16);
    for name in ["twice_luma", "thrice_luma"] {
        let mut bench = Bench::new("twice_luma", &info);
        bench.bring(load(name));
        assert!(
            bench.answer_of_next_model(&info) == expected(name, &info),
            "{name}"
        );
    }
}

#[test]
fn a_model_that_was_made_ready_for_earlier_caps_takes_over_ready_for_the_new_ones() {
    let (small, large) = (gray(16, 8), gray(32, 16));
    let mut bench = Bench::new("twice_luma", &large);
    let mut active = load("twice_luma");
    active.prepare_video(&small, &large).unwrap();
    bench.bring(active);
    assert!(bench.answer_of_next_model(&large) == expected("twice_luma", &large));
}

#[test]
fn a_load_that_takes_long_is_told_at_growing_intervals() {
    gst::init().unwrap();
    let element = glib::Object::builder::<Infer>()
        .property("model-file", "slow.onnx")
        .build();
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    let infer = element.imp();
    let mut told = Vec::new();
    infer.state.lock().load = Some(Load::begin("slow.onnx".into(), Stop::default()));
    for seconds in [3, 11, 15, 21, 39, 45] {
        if let Some(load) = &mut infer.state.lock().load {
            load.since = Instant::now() - Duration::from_secs(seconds);
        }
        infer.tell_wait();
        let infos = bus.iter_filtered(&[gst::MessageType::Info]);
        told.extend(infos.map(|it| match it.view() {
            // What `gst-launch-1.0` prints.
            gst::MessageView::Info(info) => info.debug().unwrap_or_default().to_string(),
            _ => String::new(),
        }));
    }
    let after = |seconds: u64| format!("slow.onnx has been loading for {seconds} s");
    assert_eq!(told.len(), 3, "{told:?}");
    let told = told.iter().zip([11, 21, 45]);
    told.for_each(|(text, seconds)| assert!(text.starts_with(&after(seconds)), "{text}"));
}

#[test]
fn tensors_may_follow_pictures_of_the_same_size() {
    let info = frames(VideoFormat::Rgb, 16, 8);
    let mut bench = Bench::new("invert_rgb", &info);
    assert!(bench.answer(&info) != texture(&info));
    let mut active = load("means");
    active.prepare_video(&info, &info).unwrap();
    bench.bring(active);
    bench.answer_of_next_model(&info);
    assert!(bench.answer(&info) == texture(&info));
}

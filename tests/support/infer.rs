// SPDX-License-Identifier: MPL-2.0

//! An `avrec-infer` that is fed frame by frame.

use std::path::Path;

use gst::prelude::*;

use super::init;
use super::models::model;

/// An `avrec-infer` between two test pads, with a bus to read.
pub struct Bench {
    pub harness: gst_check::Harness,
    pub element: gst::Element,
    pub bus: gst::Bus,
    frames: u64,
}

impl Bench {
    /// `properties` are as in a launch line.
    pub fn new(model_name: &str, properties: &str) -> Bench {
        Bench::at(&model(model_name), properties)
    }

    /// As [`new`](Bench::new), with a model that is not one of the tests'.
    pub fn at(model: &Path, properties: &str) -> Bench {
        init();
        let line = format!("avrec-infer model-file={} {properties}", model.display());
        let element = gst::parse::launch(&line).unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
        Bench {
            harness,
            element,
            bus,
            frames: 0,
        }
    }

    pub fn caps(&mut self, format: &str, width: u32, height: u32) -> gst_video::VideoInfo {
        let info = gst_video::VideoInfo::builder(format.parse().unwrap(), width, height)
            .fps(gst::Fraction::new(25, 1))
            .build()
            .unwrap();
        self.harness.set_src_caps(info.to_caps().unwrap());
        info
    }

    /// Pushes a textured frame with the next PTS.
    pub fn push(&mut self, info: &gst_video::VideoInfo) -> Result<gst::FlowSuccess, gst::FlowError> {
        let buffer = self.frame(info);
        self.harness.push(buffer)
    }

    /// Makes a textured frame with the next PTS.
    pub fn frame(&mut self, info: &gst_video::VideoInfo) -> gst::Buffer {
        let mut buffer = gst::Buffer::from_mut_slice(texture(info.size(), self.frames));
        let buffer_ref = buffer.get_mut().unwrap();
        buffer_ref.set_pts(self.frames * 40 * gst::ClockTime::MSECOND);
        buffer_ref.set_duration(40 * gst::ClockTime::MSECOND);
        self.frames += 1;
        buffer
    }

    /// Returns the next message of this name, waiting for the thread that posts it.
    #[track_caller]
    pub fn message(&self, name: &str) -> gst::Structure {
        loop {
            let message = self
                .bus
                .timed_pop(gst::ClockTime::from_seconds(60))
                .unwrap_or_else(|| panic!("no {name}"));
            if let Some(structure) = message.structure().filter(|it| it.name() == name) {
                return structure.to_owned();
            }
        }
    }

    /// Returns the text of the next error or warning.
    #[track_caller]
    pub fn complaint(&self, kind: gst::MessageType) -> String {
        let message = self
            .bus
            .timed_pop_filtered(gst::ClockTime::from_seconds(60), &[kind]);
        match message.as_ref().map(|it| it.view()) {
            Some(gst::MessageView::Error(it)) => it.error().to_string(),
            Some(gst::MessageView::Warning(it)) => it.error().to_string(),
            _ => panic!("no {kind:?}"),
        }
    }
}

/// Bytes that are neither flat nor periodic in a row, another for each frame.
pub fn texture(size: usize, frame: u64) -> Vec<u8> {
    (0..size)
        .map(|index| ((index * 131 + index / 97 * 17 + frame as usize * 41) % 241) as u8)
        .collect()
}

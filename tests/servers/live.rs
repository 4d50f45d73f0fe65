// SPDX-License-Identifier: MPL-2.0

//! A live stream through a switch between what scales frames here and an upscaler on a server.

use gst::prelude::*;

use crate::support::init;

/// Frames a second; each has until the next one.
const RATE: u64 = 25;

/// A pipeline that plays, and what became of its frames.
pub struct Live {
    pipeline: gst::Pipeline,
    pub frames: Vec<Frame>,
}

/// What became of one frame.
#[derive(Debug)]
pub struct Frame {
    /// Whose answer left.
    pub candidate: String,
    /// Whether it left after its budget.
    pub is_late: bool,
}

impl Live {
    /// Plays; `remote` is the address of the upscaler.
    pub fn play(remote: &str) -> Live {
        init();
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
        let line = format!(
            "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=96,height=54,framerate={RATE}/1 \
             ! avrec-switch.( name=switch frame-messages=true late-policy=floor floor=here \
               videoscale name=here ! capsfilter caps=\"video/x-raw,width=192,height=108\" \
               avrec-infer name=there model-file={remote} modelinfo-file={models}/small.onnx.modelinfo ) \
             ! fakesink sync=false"
        );
        let pipeline = gst::parse::launch(&line)
            .unwrap()
            .downcast::<gst::Pipeline>()
            .unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Live {
            pipeline,
            frames: Vec::new(),
        }
    }

    pub fn set_budget(&self, milliseconds: u64) {
        let switch = self.pipeline.by_name("switch").unwrap();
        switch.set_property("latency-budget", milliseconds * 1_000_000);
    }

    /// Plays so many frames more, and returns them.
    pub fn pass(&mut self, count: usize) -> &[Frame] {
        let begin = self.frames.len();
        while self.frames.len() < begin + count {
            self.next();
        }
        &self.frames[begin..]
    }

    /// Plays until the last frames are answered by `candidate`, and returns how many there were.
    #[track_caller]
    pub fn pass_until(&mut self, candidate: &str, at_most: usize) -> usize {
        let begin = self.frames.len();
        while self.frames.len() < begin + at_most {
            self.next();
            let last = self.frames.iter().rev().take(5);
            if begin + 5 <= self.frames.len() && last.into_iter().all(|it| it.candidate == candidate) {
                return self.frames.len() - begin;
            }
        }
        panic!(
            "{candidate} did not answer within {at_most} frames: {}",
            self.explained()
        );
    }

    fn next(&mut self) {
        let bus = self.pipeline.bus().unwrap();
        let kinds = [gst::MessageType::Element, gst::MessageType::Error];
        loop {
            let message = bus
                .timed_pop_filtered(gst::ClockTime::from_seconds(30), &kinds)
                .expect("no frame for 30 s");
            if let gst::MessageView::Error(it) = message.view() {
                panic!("{} ({:?})", it.error(), it.debug());
            }
            let Some(it) = message.structure().filter(|it| it.name() == "avrec/frame") else {
                continue;
            };
            let time = |name| it.get::<u64>(name).unwrap();
            self.frames.push(Frame {
                candidate: it.get("candidate").unwrap(),
                is_late: time("budget-ns") < time("latency-ns"),
            });
            return;
        }
    }

    /// Why who answers does.
    pub fn explained(&self) -> String {
        let switch = self.pipeline.by_name("switch").unwrap();
        let explanation = switch.emit_by_name::<gst::Structure>("explain", &[]);
        explanation.get("text").unwrap()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

pub fn late(frames: &[Frame]) -> usize {
    frames.iter().filter(|it| it.is_late).count()
}

// SPDX-License-Identifier: MPL-2.0

//! Live streams through a switch: real frames and sound, paced by the clock, from an application's source to a sink that
//! waits for its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::ledger::Ledger;

/// How long the end of a stream may take.
const DRAIN: Duration = Duration::from_secs(20);

/// Buffers that are fed again and again, decoded once.
#[derive(Clone)]
pub struct Material {
    caps: gst::Caps,
    buffers: Arc<Vec<gst::Buffer>>,
}

impl Material {
    /// Decodes what a description ends with into memory.
    fn decode(description: &str) -> Material {
        let pipeline = gst::parse::launch(&format!("{description} ! appsink name=sink sync=false"));
        let pipeline = pipeline.expect("the decoder").downcast::<gst::Pipeline>();
        let pipeline = pipeline.expect("a pipeline");
        let sink = pipeline.by_name("sink").expect("the sink");
        let sink = sink.downcast::<gst_app::AppSink>().expect("an appsink");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        let (mut buffers, mut caps) = (Vec::new(), None);
        while let Ok(sample) = sink.pull_sample() {
            caps = caps.or(sample.caps_owned());
            let mut buffer = sample.buffer_owned().expect("a buffer");
            // Of a copy in plain memory, so that no pool is kept from its buffers.
            let bytes = buffer.make_mut().map_readable().expect("its bytes").to_vec();
            let duration = buffer.duration();
            let mut buffer = gst::Buffer::from_slice(bytes);
            buffer.get_mut().expect("a new one").set_duration(duration);
            buffers.push(buffer);
        }
        pipeline.set_state(gst::State::Null).expect("it stops");
        Material {
            caps: caps.expect("the file decodes"),
            buffers: buffers.into(),
        }
    }

    pub fn video(clip: &str) -> Material {
        Material::decode(&format!(
            "filesrc location={clip} ! decodebin ! videoconvert ! videoscale ! videorate \
             ! video/x-raw,format=I420,width=320,height=180,framerate=25/1"
        ))
    }

    pub fn sound(clip: &str) -> Material {
        Material::decode(&format!(
            "filesrc location={clip} ! flacparse ! flacdec ! audioconvert ! audio/x-raw,format=F32LE \
             ! deinterleave name=channels channels.src_0 ! queue ! fakesink sync=false channels.src_1 ! queue \
             ! audiobuffersplit output-buffer-duration=1/50 strict-buffer-size=true"
        ))
    }
}

/// A pipeline that plays: source, switch, sink.
pub struct Stream {
    pub name: String,
    pipeline: gst::Pipeline,
    pub switch: gst::Element,
    pub ledger: Ledger,
    pub errors: u32,
    pub warnings: u32,
    pub swaps: u32,
    /// Whether the end of the stream has reached the sink.
    is_over: bool,
    ends: Arc<AtomicBool>,
    feeder: Option<JoinHandle<()>>,
}

impl Stream {
    /// Starts; `switch` is a launch line of an `avrec-switch` named `switch`.
    pub fn start(name: String, material: &Material, switch: &str) -> Stream {
        let line = format!(
            "appsrc name=source format=time is-live=true min-latency=0 block=true max-buffers=1 ! clocksync \
             ! {switch} ! queue ! fakesink sync=true"
        );
        let pipeline = gst::parse::launch(&line).unwrap_or_else(|it| panic!("{line}: {it}"));
        let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
        let switch = pipeline.by_name("switch").expect("the switch");
        let source = pipeline.by_name("source").expect("the source");
        let source = source.downcast::<gst_app::AppSrc>().expect("an appsrc");
        source.set_caps(Some(&material.caps));
        let ledger = Ledger::watch(&switch);
        pipeline.set_state(gst::State::Playing).expect("it plays");

        let ends = Arc::new(AtomicBool::new(false));
        let (asked, material) = (ends.clone(), material.clone());
        let feed = move || {
            let mut time = gst::ClockTime::ZERO;
            for buffer in material.buffers.iter().cycle() {
                if asked.load(Ordering::Relaxed) {
                    // Of a stopped pipeline nobody waits for it.
                    let _ = source.end_of_stream();
                    return;
                }
                let mut buffer = buffer.copy();
                let writable = buffer.get_mut().expect("a copy");
                writable.set_pts(time);
                time += writable.duration().expect("it has one");
                if source.push_buffer(buffer).is_err() {
                    return;
                }
            }
        };
        let feeder = std::thread::Builder::new().name("feeder".into()).spawn(feed);
        Stream {
            name,
            pipeline,
            switch,
            ledger,
            errors: 0,
            warnings: 0,
            swaps: 0,
            is_over: false,
            ends,
            feeder: Some(feeder.expect("a thread")),
        }
    }

    pub fn candidate(&self, name: &str) -> gst::Element {
        let bin = self.switch.downcast_ref::<gst::Bin>().expect("a bin");
        bin.by_name(name).expect("the candidate")
    }

    /// Hears what the bus has; returns the errors in words.
    pub fn hear(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        let bus = self.pipeline.bus().expect("a bus");
        while let Some(message) = bus.pop() {
            match message.view() {
                gst::MessageView::Error(it) => {
                    self.errors += 1;
                    told.push(format!("{}: {} {:?}", self.name, it.error(), it.debug()));
                }
                gst::MessageView::Eos(_) => self.is_over = true,
                gst::MessageView::Warning(_) => self.warnings += 1,
                gst::MessageView::Element(it) if it.has_name("avrec/switch") => self.swaps += 1,
                // A new latency is the application's to spread.
                gst::MessageView::Latency(_) => drop(self.pipeline.recalculate_latency()),
                _ => {}
            }
        }
        told
    }

    /// Ends: by the end of its stream, where `drains`, of which nothing may be lost, else in its midst.
    pub fn stop(&mut self, drains: bool) -> Vec<String> {
        self.ends.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        let latest = Instant::now() + DRAIN;
        while drains && !self.is_over && Instant::now() < latest {
            std::thread::sleep(Duration::from_millis(20));
            told.extend(self.hear());
        }
        if self.is_over {
            self.ledger.end();
        } else if drains {
            self.errors += 1;
            told.push(format!("{}: no end of the stream within {DRAIN:?}", self.name));
        }
        self.pipeline.set_state(gst::State::Null).expect("it stops");
        if let Some(feeder) = self.feeder.take() {
            feeder.join().expect("the feeder");
        }
        told
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What happens to the streams that stay: what users do, and what candidates do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::random::Random;

use crate::stream::Stream;

/// Longest time that a candidate hangs.
const HANGS: Duration = Duration::from_secs(12);

/// The switch whose candidates have faults: both sizes of the model have one output, and `plain` answers at once.
pub fn switch(root: &str) -> String {
    let scale = "videoscale ! capsfilter caps=video/x-raw,width=640,height=360";
    format!(
        "avrec-switch.( name=switch late-policy=floor floor=plain videoscale name=plain ! capsfilter \
         caps=video/x-raw,width=640,height=360 avrec-infer name=model model-file={root}/models/small.onnx \
         identity name=fails ! {scale} identity name=hangs ! {scale} )"
    )
}

/// What the candidates with faults do now.
#[derive(Default)]
struct Faults {
    fails: AtomicBool,
    hangs: AtomicBool,
}

pub struct Events {
    faults: Arc<Faults>,
    model: gst::Element,
}

impl Events {
    pub fn new(stream: &Stream) -> Events {
        let faults = Arc::<Faults>::default();
        let (asked, failing) = (faults.clone(), stream.candidate("fails").downgrade());
        probe(&stream.candidate("fails"), move |info| {
            if !asked.fails.load(Ordering::Relaxed) {
                return gst::PadProbeReturn::Ok;
            }
            if let Some(element) = failing.upgrade() {
                gst::element_error!(element, gst::StreamError::Failed, ["it fails, as was asked for"]);
            }
            info.take_buffer();
            info.flow_res = Err(gst::FlowError::Error);
            gst::PadProbeReturn::Handled
        });
        let asked = faults.clone();
        probe(&stream.candidate("hangs"), move |_| {
            let end = Instant::now() + HANGS;
            while asked.hangs.load(Ordering::Relaxed) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
            }
            gst::PadProbeReturn::Ok
        });
        Events {
            faults,
            model: stream.candidate("model"),
        }
    }

    /// Lets one thing happen, or none, and says which.
    pub fn happen(&self, streams: &[Stream], random: &mut Random) -> Option<&'static str> {
        let candidates: [&[&str]; 3] = [
            &["bilinear", "small", "medium", "large"],
            &["small", "medium", "large"],
            &["plain", "model", "fails", "hangs"],
        ];
        let place = random.whole(0, streams.len() - 1);
        let switch = &streams[place].switch;
        let candidate = candidates[place][random.whole(0, candidates[place].len() - 1)];
        let what = match random.whole(0, 9) {
            0..=2 => {
                switch.set_property("active-candidate", candidate);
                "a candidate pinned"
            }
            3 | 4 => {
                switch.set_property("active-candidate", "");
                switch.set_property("auto-switch", true);
                "the choice given back"
            }
            5 => {
                let forbidden = if random.chance(0.5) { candidate } else { "" };
                switch.set_property("forbidden", forbidden);
                "candidates forbidden, or none"
            }
            6 => {
                let size = if random.chance(0.5) { "small" } else { "medium" };
                let file = format!("{}/models/{size}.onnx", crate::ROOT);
                self.model.set_property("model-file", file);
                "a model reloaded"
            }
            7 => {
                let fails = random.chance(0.5);
                self.faults.fails.store(fails, Ordering::Relaxed);
                "a candidate fails, or no longer"
            }
            8 => {
                let hangs = random.chance(0.5);
                self.faults.hangs.store(hangs, Ordering::Relaxed);
                "a candidate hangs, or no longer"
            }
            _ => return None,
        };
        Some(what)
    }

    /// Ends all faults.
    pub fn calm(&self) {
        self.faults.fails.store(false, Ordering::Relaxed);
        self.faults.hangs.store(false, Ordering::Relaxed);
    }
}

fn probe(
    element: &gst::Element,
    act: impl Fn(&mut gst::PadProbeInfo) -> gst::PadProbeReturn + Send + Sync + 'static,
) {
    let pad = element.static_pad("sink").expect("a pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| act(info));
}

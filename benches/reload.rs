// SPDX-License-Identifier: MPL-2.0

//! Resident memory after a thousand model reloads over that after fifty, with frames flowing.

use gst::prelude::*;

const FIRST: u32 = 50;
const LAST: u32 = 1_000;

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let element = gst::ElementFactory::make("avrec-infer")
        .property("model-file", "models/small.onnx")
        .build()
        .expect("the element");
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    harness.set_src_caps_str("video/x-raw,format=I420,width=320,height=180,framerate=25/1");
    let frame = gst::Buffer::from_slice(vec![99u8; 320 * 180 * 3 / 2]);
    let mut first = 0.0;
    for reload in 1..=LAST {
        let model = ["models/medium.onnx", "models/small.onnx"][reload as usize % 2];
        element.set_property("model-file", model);
        // The new model takes over between two frames, so frames have to come until it has.
        while !bus.iter().any(|it| it.has_name("avrec/model-loaded")) {
            drop(harness.push_and_pull(frame.clone()).expect("a frame"));
        }
        if reload == FIRST {
            first = resident();
        }
    }
    println!(
        "resident memory after {LAST} reloads over after {FIRST}: {:.3} ({:.1} MB over {first:.1} MB; reach 1.05, aim 1.01)",
        resident() / first,
        resident()
    );
}

/// Resident memory of this process in megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|it| it.starts_with("VmRSS")).expect("VmRSS");
    let kilobytes: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok())
        .expect("a number");
    kilobytes / 1000.0
}

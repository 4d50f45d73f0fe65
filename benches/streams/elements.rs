// SPDX-License-Identifier: MPL-2.0

//! Streams of `avrec-infer` with one model.

use std::path::Path;
use std::time::Instant;

use gst::prelude::*;

use crate::cost::{Cost, kibibytes};
use crate::network::SIDE;

fn init() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
}

/// A pipeline of streams, each of frames of its own that cost next to nothing.
fn pipeline(model: &Path, streams: usize, frames: usize) -> gst::Element {
    let branch = format!(
        "videotestsrc pattern=black num-buffers={frames} ! video/x-raw,format=RGB,width={SIDE},height={SIDE} \
         ! avrec-infer backend=ort task=tensor model-file={} ! fakesink ",
        model.display()
    );
    gst::parse::launch(&branch.repeat(streams)).expect("the pipeline")
}

/// Waits until each stream has its first answer.
fn begin(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Paused).expect("it starts");
    let (result, ..) = pipeline.state(gst::ClockTime::NONE);
    result.expect("it has started");
}

fn finish(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let bus = pipeline.bus().expect("a bus");
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let last = bus.timed_pop_filtered(gst::ClockTime::NONE, &kinds);
    assert!(last.is_some_and(|it| it.type_() == gst::MessageType::Eos));
}

/// Runs all until the last has answered.
pub fn run(model: &Path, streams: usize, frames: usize) -> Cost {
    init();
    let start = Instant::now();
    let pipeline = pipeline(model, streams, frames);
    begin(&pipeline);
    let first = start.elapsed();
    finish(&pipeline);
    let further = start.elapsed() - first;
    pipeline.set_state(gst::State::Null).expect("it stops");
    Cost::of_this_process(first, further)
}

/// Streams of one frame after another that come and go, beside one that holds the model where `is_held`. Prints the
/// resident memory after the first tenth, or after fifty, and at the end, in MiB.
pub fn come_and_go(model: &Path, streams: usize, is_held: bool) {
    init();
    let holder = is_held.then(|| pipeline(model, 1, 2));
    holder.iter().for_each(begin);
    let early = (streams / 10).max(50).min(streams);
    for stream in 1..=streams {
        let guest = pipeline(model, 1, 1);
        finish(&guest);
        guest.set_state(gst::State::Null).expect("it stops");
        if stream == early {
            println!("{}", kibibytes("VmRSS") / 1024.0);
        }
    }
    println!("{}", kibibytes("VmRSS") / 1024.0);
    if let Some(holder) = holder {
        let start = Instant::now();
        holder.set_state(gst::State::Null).expect("it stops");
        println!("{} {:?}", kibibytes("VmRSS") / 1024.0, start.elapsed());
    }
}

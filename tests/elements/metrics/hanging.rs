// SPDX-License-Identifier: MPL-2.0

//! An element that somebody else holds a lock of is left out, and the others are read.

use gst::prelude::*;

use super::changing::{port, run};
use super::program::{get, scrape};

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn a_lock_is_held() {
    gst::init().unwrap();
    let line = "videotestsrc ! video/x-raw,width=32,height=32 ! avrec-probe name=free ! avrec-probe name=held ! fakesink";
    let pipeline: gst::Pipeline = gst::parse::launch(line).unwrap().downcast().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    // On its way there the pipeline takes locks of its elements, while it holds its own.
    let played = pipeline.state(gst::ClockTime::from_seconds(60));
    assert_eq!(played.1, gst::State::Playing);
    let (held, port) = (pipeline.by_name("held").unwrap(), port());
    let shown = |name: &str| {
        scrape(port)
            .values("avrec_probe_frames_total", &[("element", name)])
            .len()
    };
    let silent = || scrape(port).sum("avrec_elements_silent", &[]);
    assert_eq!((shown("held"), silent()), (1, 0.0));

    let lock = held.object_lock();
    // The first one waits for it; whoever comes later does not.
    assert_eq!((shown("held"), shown("free"), silent()), (0, 1, 1.0));
    let (_, streams) = get(port, "/streams", "*/*");
    let streams: serde_json::Value = serde_json::from_str(&streams).unwrap();
    assert_eq!(
        (
            streams["silent"].as_array().map(Vec::len),
            streams["streams"].as_array().unwrap().len()
        ),
        (Some(1), 1)
    );
    drop(lock);
    while silent() != 0.0 {
        std::thread::yield_now();
    }
    assert_eq!((shown("held"), shown("free")), (1, 1));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn an_element_that_hangs_is_left_out_and_counted_until_it_answers() {
    run("hanging::a_lock_is_held");
}

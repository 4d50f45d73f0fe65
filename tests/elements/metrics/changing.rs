// SPDX-License-Identifier: MPL-2.0

//! A program whose pipelines, candidates and models come and go while somebody scrapes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use gst::prelude::*;

use super::program::{PATIENCE, scrape};
use crate::support::alone;

/// Where the tracer of this process listens.
pub fn port() -> u16 {
    let tracers = gst::active_tracers();
    let tracer = tracers
        .into_iter()
        .find(|it| it.type_().name() == "GstAvrecMetrics");
    let port: i32 = tracer.unwrap().property("port");
    port.try_into().unwrap()
}

fn play() -> gst::Pipeline {
    let line = "videotestsrc ! video/x-raw,width=32,height=32 ! avrec-switch.( name=s identity name=a identity name=b ) ! fakesink";
    let pipeline: gst::Pipeline = gst::parse::launch(line).unwrap().downcast().unwrap();
    pipeline.set_property("name", "same");
    pipeline.set_state(gst::State::Playing).unwrap();
    let played = pipeline.state(gst::ClockTime::from_seconds(60));
    assert_eq!(played.1, gst::State::Playing);
    pipeline
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn pipelines_come_and_go() {
    // The plugin is the one that the tracer came from.
    gst::init().unwrap();
    play().set_state(gst::State::Null).unwrap();
    let port = port();
    assert_eq!(
        scrape(port).values("avrec_elements", &[]),
        [0.0],
        "those that are gone are forgotten"
    );

    let (one, other) = (play(), play());
    let page = scrape(port);
    let pipelines: BTreeSet<_> = page
        .samples
        .iter()
        .filter_map(|it| it.labels.get("pipeline"))
        .collect();
    assert_eq!(
        pipelines,
        BTreeSet::from([&"same".to_owned(), &"same#2".to_owned()])
    );
    for pipeline in [one, other] {
        pipeline.set_state(gst::State::Null).unwrap();
    }

    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let scraper = std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        while !over.load(Ordering::Relaxed) {
            seen.insert(scrape(port).values("avrec_elements", &[])[0] as u64);
        }
        seen
    });
    for _ in 0..30 {
        let pipeline = play();
        pipeline.set_state(gst::State::Null).unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let seen = scraper.join().unwrap();
    assert!(seen.contains(&1) && seen.iter().all(|it| *it <= 2), "{seen:?}");
}

/// A program that pins one candidate after the other, and reloads a model that it has and one that there is not.
#[test]
#[ignore = "another test runs it, in a process of its own"]
fn candidates_are_pinned_and_models_reloaded() {
    gst::init().unwrap();
    let pipeline = play();
    let (switch, port) = (pipeline.by_name("s").unwrap(), port());
    let wait_for = |name: &str, labels: &[(&str, &str)], value: f64| {
        let end = Instant::now() + PATIENCE;
        while scrape(port).sum(name, labels) != value {
            assert!(Instant::now() < end, "{name} is not {value}: {:#?}", scrape(port));
            std::thread::yield_now();
        }
    };
    wait_for("avrec_active", &[], 1.0);
    let before = scrape(port).sum("avrec_swaps_total", &[("reason", "pinned")]);
    let first: String = switch.property("active-candidate");
    let other = if first == "a" { "b" } else { "a" };
    switch.set_property("active-candidate", other);
    wait_for("avrec_active", &[("candidate", other)], 1.0);
    wait_for("avrec_swaps_total", &[("reason", "pinned")], before + 1.0);
    assert_eq!(
        scrape(port).sum("avrec_swaps_total", &[("reason", "start")]),
        0.0,
        "the first is no swap"
    );
    pipeline.set_state(gst::State::Null).unwrap();

    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let line = format!(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48 \
         ! avrec-infer name=i backend=rten model-file={models}/small.onnx ! fakesink"
    );
    let pipeline: gst::Pipeline = gst::parse::launch(&line).unwrap().downcast().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    wait_for("avrec_model_loads_total", &[("element", "i")], 1.0);
    let model = pipeline.by_name("i").unwrap();
    model.set_property("model-file", format!("{models}/none.onnx"));
    wait_for("avrec_model_load_failures_total", &[("element", "i")], 1.0);
    model.set_property("model-file", format!("{models}/medium.onnx"));
    wait_for("avrec_model_loads_total", &[("element", "i")], 2.0);
    pipeline.set_state(gst::State::Null).unwrap();
}

/// Runs a test in a process of its own, with the tracer.
#[track_caller]
pub fn run(test: &str) {
    let mut command = alone(&format!("metrics::{test}"));
    let output = command
        .env("GST_TRACERS", "avrec-metrics(port=0)")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn swaps_are_counted_by_their_reason_and_models_as_they_are_loaded_and_refused() {
    run("changing::candidates_are_pinned_and_models_reloaded");
}

#[test]
fn a_scrape_while_pipelines_come_and_go_is_flawless() {
    run("changing::pipelines_come_and_go");
}

// SPDX-License-Identifier: MPL-2.0

//! Pipelines come and go while somebody scrapes, in a program that makes many.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;

use super::program::scrape;
use crate::support::alone;

/// Where the tracer of this process listens.
fn port() -> u16 {
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

#[test]
fn a_scrape_while_pipelines_come_and_go_is_flawless() {
    let mut command = alone("metrics::stopping::pipelines_come_and_go");
    let output = command
        .env("GST_TRACERS", "avrec-metrics(port=0)")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

// SPDX-License-Identifier: MPL-2.0

//! A collector that is not there, refuses, rejects or hangs is told once, and no frame is the worse for it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::collector::{Collector, Manner};
use super::program::{Told, play};

const FRAMES: u64 = 400;

/// Runs frames through a switch with one candidate: each is a run and a frame.
#[track_caller]
fn run(parameters: &str, variables: &[(&str, &str)]) -> Told {
    let begin = Instant::now();
    let told = play(
        parameters,
        variables,
        &format!(
            "videotestsrc num-buffers={FRAMES} ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
             ! avrec-switch.( name=s late-policy=wait identity name=a ) ! fakesink"
        ),
    );
    assert!(told.is_success, "{told:#?}");
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "the end waits for nobody"
    );
    told
}

#[test]
fn one_that_is_not_there_is_told_once_with_what_to_do() {
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    // As fast as they are shown, so that there is time to tell.
    let told = play(
        &format!("endpoint=http://127.0.0.1:{port}"),
        &[("OTEL_BSP_SCHEDULE_DELAY", "20")],
        "videotestsrc is-live=true num-buffers=40 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
         ! avrec-switch.( name=s late-policy=wait identity name=a ) ! fakesink",
    );
    assert!(told.is_success, "{told:#?}");
    let what = format!("no spans reach http://127.0.0.1:{port}/v1/traces");
    assert_eq!(told.warnings(&what), [1, 1], "{told:#?}");
    assert!(told.log.contains("Connection refused"), "{told:#?}");
    assert!(told.log.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{told:#?}");
    assert_eq!(told.counts()[0], 0);
}

#[test]
fn one_that_refuses_is_told_once_with_what_to_do() {
    let collector = Collector::start(Manner::Refuse(401));
    let endpoint = format!("endpoint={}", collector.endpoint());
    let told = run(&endpoint, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64")]);
    assert!(!collector.received().is_empty());
    assert_eq!(told.warnings("refuses spans: 401")[0], 1, "{told:#?}");
    assert!(told.log.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{told:#?}");
    assert_eq!(told.counts()[0], 0);
}

#[test]
fn one_that_rejects_some_is_told_once() {
    let collector = Collector::start(Manner::Reject(3));
    let told = run(&format!("endpoint={}", collector.endpoint()), &[]);
    assert_eq!(told.warnings("rejects 3 spans: too old")[0], 1, "{told:#?}");
}

#[test]
fn what_one_that_hangs_does_not_take_is_dropped_counted_and_told() {
    let collector = Collector::start(Manner::Hang);
    let variables = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "16"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "300000"),
    ];
    let told = run(&format!("endpoint={}", collector.endpoint()), &variables);
    let [taken, lost, dropped] = told.counts();
    assert_eq!(taken, 0);
    // A run is two spans, and so is a frame that left; but for the few runs that warm the candidate up, none is left out.
    let spans = lost + 2 * dropped;
    assert!(
        (4 * FRAMES..4 * FRAMES + 8).contains(&spans),
        "{spans}: {told:#?}"
    );
    assert!(lost <= 2 * 3 * 16, "bounded: {lost}");
    assert_eq!(
        told.warnings("were dropped, since more come than the collector takes")[0],
        1,
        "{told:#?}"
    );
}

#[test]
fn what_was_said_wrong_is_told_with_what_is_right() {
    let collector = Collector::start(Manner::Take);
    let right = format!("endpoint={}", collector.endpoint());
    for (parameters, what) in [
        (format!("{right},rate=1"), "there is no parameter rate"),
        (
            format!("{right},ratio=2"),
            "ratio is '2', and not a share from 0 to 1",
        ),
        (format!("{right},ratio=half"), "ratio is not understood"),
        ("endpoint=nonsense".to_owned(), "no spans"),
    ] {
        let told = run(&parameters, &[]);
        assert_eq!(told.warnings(what), [1, 1], "{parameters}: {told:#?}");
    }
}

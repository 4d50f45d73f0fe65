// SPDX-License-Identifier: MPL-2.0

//! Servers that do not do what they should, without anything beside them: one error, with cause and remedy.

use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::infer::Bench;
use crate::support::server::{Manner, Server};

const SMALL: (u32, u32) = (32, 18);

/// What an element says whose server goes wrong after its first answer.
fn complaint(scheme: &str, manner: Manner) -> String {
    let mut server = Server::start();
    let mut bench = Bench::at(server.model(scheme).as_ref(), "timeout=1000000000");
    let info = bench.caps("RGB", SMALL.0, SMALL.1);
    bench.push(&info).unwrap();
    match &manner {
        Manner::Fails(0, _) => server.kill(),
        manner => server.set(|it| it.manner = manner.clone()),
    }
    assert_eq!(bench.push(&info), Err(gst::FlowError::Error), "{manner:?}");
    bench.complaint(gst::MessageType::Error)
}

#[test]
fn whatever_a_server_does_is_an_error_that_says_so() {
    for (manner, words) in [
        (
            Manner::Stalls,
            &["did not answer within 1000 ms", "raise timeout"][..],
        ),
        (Manner::Cuts, &["cannot be reached", "start the server"]),
        (Manner::Garbage, &["sent an answer that cannot be used"]),
        (Manner::WrongShape, &["changed its shape"]),
        (Manner::WrongType, &["'INT64'", "promise FP32"]),
        (Manner::TooLong, &["comes with 6920 bytes"]),
        (Manner::Huge(1 << 20), &["comes with 1048576 bytes"]),
        (
            Manner::Fails(3, "unexpected shape"),
            &["refuses (InvalidArgument): unexpected shape"],
        ),
        (Manner::Fails(14, "unloading"), &["is not available: unloading"]),
        (Manner::Fails(0, "killed"), &["cannot be reached"]),
    ] {
        let text = complaint("grpc", manner.clone());
        words
            .iter()
            .for_each(|word| assert!(text.contains(word), "{manner:?}: {text}"));
    }
}

#[test]
fn answers_beyond_what_is_promised_are_refused_before_they_are_there() {
    let server = Server::start();
    server.set(|it| {
        it.input.1 = vec![1, 3, 18, 32];
        it.output.1 = vec![1, 3, 18, 32];
    });
    let mut bench = Bench::at(server.model("grpc").as_ref(), "");
    let info = bench.caps("RGB", SMALL.0, SMALL.1);
    bench.push(&info).unwrap();
    server.set(|it| it.manner = Manner::Huge(1 << 20));
    assert_eq!(bench.push(&info), Err(gst::FlowError::Error));
    let text = bench.complaint(gst::MessageType::Error);
    assert!(
        text.contains("larger than what the model's metadata promise"),
        "{text}"
    );
}

#[test]
fn a_request_beyond_the_servers_limit_names_the_setting() {
    let server = Server::start();
    server.set(|it| it.most_bytes = 4096);
    let mut bench = Bench::at(server.model("grpc").as_ref(), "input-size=640x360");
    bench.caps("RGB", SMALL.0, SMALL.1);
    let text = bench.complaint(gst::MessageType::Error);
    assert!(
        text.contains("takes no request of") && text.contains("grpc_max_message_length"),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_told_when_it_is_asked_for() {
    let mut server = Server::start();
    server.set(|it| it.is_ready = false);
    let of = |model: String| Bench::at(model.as_ref(), "").complaint(gst::MessageType::Error);
    assert!(of(server.model("grpc")).contains("which is not ready"));
    server.set(|it| it.output.0 = "BYTES");
    server.set(|it| it.is_ready = true);
    assert!(of(server.model("grpc")).contains("'picture' is string"));
    assert!(of(server.model("http").replace("invert", "absent")).contains("HTTP 404"));
    server.set(|it| it.output = ("FP32", Vec::new()));
    let model = server.model("grpc");
    server.kill();
    let text = of(model);
    assert!(
        text.contains("cannot be reached") && text.contains("correct host and port"),
        "{text}"
    );
    let text = of("grpc://host.invalid:8001/model".into());
    assert!(text.contains("cannot be reached"), "{text}");
    assert!(of("grpc://host/model".into()).contains("it has no port"));
}

#[test]
fn a_stop_waits_for_no_server() {
    let server = Server::start();
    let mut bench = Bench::at(server.model("grpc").as_ref(), "timeout=60000000000");
    let info = bench.caps("RGB", SMALL.0, SMALL.1);
    bench.push(&info).unwrap();
    bench.harness.pull().unwrap();
    let answers = server.answers();
    server.set(|it| it.manner = Manner::Stalls);
    let (frame, element) = (bench.frame(&info), bench.element.clone());
    let pad = bench.element.static_pad("sink").unwrap();
    let pushes = std::thread::spawn(move || pad.chain(frame));
    while server.answers() == answers && server.last_request().is_empty() {
        std::thread::yield_now();
    }
    let start = Instant::now();
    element.set_state(gst::State::Null).unwrap();
    assert!(pushes.join().unwrap().is_err());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// In such a program a write to a connection that is gone is a signal that ends it, unless somebody sees to that.
#[test]
fn a_program_in_c_outlives_servers_that_end() {
    for scheme in ["grpc", "http"] {
        let mut server = Server::start();
        let line = format!(
            "-q videotestsrc is-live=true ! video/x-raw,format=RGB,width=256,height=256,framerate=100/1 ! avrec-switch.( \
             late-policy=floor active-candidate=far identity name=near avrec-infer name=far model-file={} ) ! fakesink",
            server.model(scheme)
        );
        let mut program = std::process::Command::new("gst-launch-1.0");
        let mut program = program.args(line.split_whitespace()).spawn().unwrap();
        for time in 0..10 {
            let (before, end) = (server.answers(), Instant::now() + Duration::from_secs(60));
            while server.answers() < before + 5 {
                let ended = program.try_wait().unwrap();
                assert_eq!(ended, None, "{scheme}, after the server ended {time} times");
                assert!(
                    Instant::now() < end,
                    "{scheme}: no answer is asked for, time {time}"
                );
                std::thread::yield_now();
            }
            server.kill();
            server.revive();
        }
        program.kill().unwrap();
        program.wait().unwrap();
    }
}

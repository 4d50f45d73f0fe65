// SPDX-License-Identifier: MPL-2.0

//! When the server listens, and what is told where it cannot.

use std::net::TcpListener;
use std::process::{Command, Output};

use super::program::launch;

fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    out + &err
}

#[test]
fn a_port_that_is_taken_is_told_once_and_the_pipeline_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let line = "videotestsrc num-buffers=5 ! avrec-probe ! avrec-switch.( identity ) ! fakesink";
    let output = launch(port, line).output().unwrap();
    let told = told(&output);
    assert!(output.status.success(), "{told}");
    let warning = format!("no metrics at 127.0.0.1 port {port}: Address already in use");
    assert_eq!(told.matches(&warning).count(), 1, "{told}");
    assert!(
        told.contains("avrec-metrics(port=") && told.contains("Got EOS"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_listened_at_is_told_and_the_pipeline_runs() {
    for (parameters, cause) in [
        ("address=camera.example", "'camera.example' is no IP address"),
        // Kept for documentation, and of no machine.
        ("address=192.0.2.1,port=0", "192.0.2.1 port 0: "),
        ("port=99999", "99999 is no port"),
        ("port=-1", "-1 is no port"),
        ("port=http", "'port'"),
        ("prot=9464", "'prot' not found"),
    ] {
        let mut command = launch(0, "videotestsrc num-buffers=5 ! avrec-probe ! fakesink");
        command.env("GST_TRACERS", format!("avrec-metrics({parameters})"));
        let output = command.output().unwrap();
        let told = told(&output);
        assert!(output.status.success() && told.contains(cause), "{told}");
    }
}

#[test]
fn who_only_looks_at_the_elements_does_not_listen() {
    for (program, argument) in [
        ("gst-inspect-1.0", "avrec-switch"),
        ("gst-launch-1.0", "videotestsrc num-buffers=5 ! fakesink"),
    ] {
        let output = Command::new(program)
            .args(argument.split_whitespace())
            .env("GST_TRACERS", "avrec-metrics(port=0)")
            .env("GST_DEBUG", "avrec-metrics:4")
            .output()
            .unwrap();
        let told = told(&output);
        assert!(output.status.success() && !told.contains("Serving"), "{told}");
    }
}

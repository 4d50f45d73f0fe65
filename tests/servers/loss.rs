// SPDX-License-Identifier: MPL-2.0

//! Servers that stop answering while a live stream is played: no more than a frame is late, and they come back.

use rustix::process::{Pid, Signal, kill_process_group};

use crate::live::{Live, late};
use crate::running::{Server, servers};

/// A server that is stopped, and goes on when this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(server: &Server) -> Stopped {
        let group = Pid::from_raw(server.process).unwrap();
        kill_process_group(group, Signal::STOP).unwrap();
        Stopped(group)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill_process_group(self.0, Signal::CONT).unwrap();
    }
}

#[test]
fn a_server_that_stands_still_costs_one_frame_and_is_back_when_it_goes_on() {
    for server in servers().into_iter().filter(|it| it.name != "nginx") {
        let mut live = Live::play(&server.by_grpc("small"));
        live.pass_until("there", 250);
        live.pass(50);
        let stopped = Stopped::new(&server);
        let frames = live.pass(100);
        let late_while = late(frames);
        assert!(frames[50..].iter().all(|it| it.candidate == "here"), "{frames:?}");
        drop(stopped);
        let back = live.pass_until("there", 250);
        eprintln!(
            "{}: {late_while} late while it stood, back after {back} frames",
            server.name
        );
        assert!(late_while <= 1);
    }
}

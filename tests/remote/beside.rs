// SPDX-License-Identifier: MPL-2.0

//! A server beside a local candidate: it fails and comes back, and no frame is lost for it.

use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::server::{Manner, Server};
use crate::support::switch::{Rig, SMALL};

/// A switch whose better candidate is on a server.
fn rig(server: &Server, properties: &str) -> Rig {
    let model = server.model("grpc");
    let children = format!("identity name=local avrec-infer name=far timeout=200000000 model-file={model}");
    let rig = Rig::unstarted(&format!("late-policy=floor {properties}"), &children);
    rig.start(&SMALL.replace("I420", "RGB"))
}

/// A frame in RGB.
fn pass(rig: &mut Rig) {
    let mut frame = rig.frame();
    frame.get_mut().unwrap().remove_all_memory();
    frame
        .get_mut()
        .unwrap()
        .append_memory(gst::Memory::from_slice(vec![7u8; 64 * 36 * 3]));
    rig.harness.push(frame).unwrap();
    rig.pull();
}

#[track_caller]
fn pass_until(rig: &mut Rig, what: &str, mut is_done: impl FnMut(&mut Rig) -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_done(rig) {
        assert!(
            Instant::now() < end,
            "not within thirty seconds: {what}: {:#?}",
            rig.stats()
        );
        pass(rig);
    }
}

#[test]
fn each_fault_is_one_lane_that_fails_and_comes_back_by_itself() {
    let mut server = Server::start();
    let mut rig = rig(&server, "latency-budget=1000000000");
    pass_until(&mut rig, "ready", |rig| rig.state_of("far") == "ready");
    for manner in [
        Manner::Stalls,
        Manner::Cuts,
        Manner::Garbage,
        Manner::TooLong,
        Manner::Fails(14, "unloaded"),
        Manner::Fails(0, "killed"),
    ] {
        rig.pin("far");
        pass_until(&mut rig, "active", |rig| rig.active() == "far");
        rig.messages("");
        match &manner {
            Manner::Fails(0, _) => server.kill(),
            manner => server.set(|it| it.manner = manner.clone()),
        }
        pass_until(&mut rig, "failed", |rig| rig.state_of("far") == "failed");
        server.set(|it| it.manner = Manner::Inverts);
        if let Manner::Fails(0, _) = manner {
            // Looked at in vain, some times.
            for _ in 0..50 {
                pass(&mut rig);
            }
            server.revive();
        }
        pass_until(&mut rig, "ready again", |rig| rig.state_of("far") == "ready");
    }
}

#[test]
fn a_server_is_a_device_of_its_own() {
    let server = Server::start();
    let mut rig = rig(&server, "");
    pass_until(&mut rig, "ready", |rig| rig.state_of("far") == "ready");
    let explanation = rig.switch.emit_by_name::<gst::Structure>("explain", &[]);
    let candidates = explanation.get::<gst::Array>("candidates").unwrap();
    let devices = candidates.iter().map(|it| it.get::<gst::Structure>().unwrap());
    let devices: Vec<String> = devices.map(|it| it.get("device").unwrap()).collect();
    assert_eq!(
        devices,
        ["cpu".to_owned(), format!("127.0.0.1:{}", server.port())]
    );
}

#[test]
fn frames_leave_the_machine_only_where_they_may() {
    let children = "identity name=local avrec-infer name=far model-file=grpc://203.0.113.1:8001/model";
    let rig = Rig::unstarted("privacy=local late-policy=floor", children);
    let mut rig = rig.start(&SMALL.replace("I420", "RGB"));
    pass_until(&mut rig, "refused", |rig| rig.state_of("far") == "failed");
    let stats = rig.candidate_stats("far").unwrap();
    let cause: String = stats.get("cause").unwrap();
    assert!(cause.contains("lets no frame leave this machine"), "{cause}");
    // One on this machine is none that frames leave it for.
    let server = Server::start();
    let mut rig = self::rig(&server, "privacy=no-frames");
    pass_until(&mut rig, "ready", |rig| rig.state_of("far") == "ready");
}

#[test]
fn a_thousand_connections_that_are_cut_leave_nothing_behind() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let server = Server::start();
    let path = std::path::PathBuf::from(server.model("grpc"));
    let once = || {
        use gstavrec::runtime::{Options, Runner};
        let mut runner = Runner::load(&path, &Options::default()).unwrap();
        runner.prepare(&[1, 3, 8, 8]).unwrap();
        server.set(|it| it.manner = Manner::Cuts);
        assert!(runner.run().is_err());
        server.set(|it| it.manner = Manner::Inverts);
    };
    crate::support::init();
    (0..20).for_each(|_| once());
    let settled = |before: (usize, usize)| {
        let end = Instant::now() + Duration::from_secs(20);
        while before.0 < descriptors() || before.1 < threads() {
            assert!(
                Instant::now() < end,
                "{before:?} became {:?}",
                (descriptors(), threads())
            );
            std::thread::yield_now();
        }
    };
    let before = (descriptors() + 2, threads() + 1);
    (0..1000).for_each(|_| once());
    settled(before);
}

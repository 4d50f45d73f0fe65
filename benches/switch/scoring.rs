// SPDX-License-Identifier: MPL-2.0

//! What scoring costs a plain frame where the machine is busy: the thread that scores has the lowest priority and may get
//! no time for long, and whoever waited for it would wait as long.
//!
//! The active candidate and the reference are quick, so that nearly all of a frame's time is the switch's own. Without
//! scoring the same shadow runs take place, and their answers are not looked at.

use std::process::{Child, Command, Stdio};

use super::rig::{Figure, Live, percentile};

const FRAMES: u32 = 500;
const RATE: u32 = 50;
/// Frames in which candidates warm up.
const WARM_UP: usize = 50;

/// More threads than cores, on any machine that a live stream would run on with so little.
const HOGS: &str = "4";

pub fn measure() -> Vec<Figure> {
    let _load = Load::start();
    // In the order on, off, off, on: a machine that changes its pace weighs on both alike.
    let order = [true, false, false, true].map(|scores| (scores, latencies(scores)));
    let of = |scores| {
        let mine = order.iter().filter(|it| it.0 == scores);
        mine.flat_map(|it| it.1.iter().copied()).collect::<Vec<_>>()
    };
    let ([on, off], [longest_on, longest_off]) = (
        [of(true), of(false)].map(|it| percentile(it, 99.0)),
        [of(true), of(false)].map(|it| percentile(it, 100.0)),
    );
    let what = |what| format!("{what} of a plain frame beside stress-ng --cpu {HOGS}");
    vec![
        Figure::new(format!("{}, µs, with scoring", what("p99")), on),
        Figure::new(format!("{}, µs, without", what("p99")), off),
        Figure::new(format!("{}, with over without", what("p99")), on / off),
        Figure::new(format!("{}, µs, with scoring", what("the longest")), longest_on),
        Figure::new(format!("{}, µs, without", what("the longest")), longest_off),
    ]
}

/// Microseconds that each frame spent in the switch.
fn latencies(scores: bool) -> Vec<f64> {
    let source = if scores { "agreement" } else { "prior" };
    let candidate = |name, method| {
        format!("videoscale name={name} method={method} ! capsfilter caps=video/x-raw,width=640,height=360 ")
    };
    let switch = format!(
        "avrec-switch.( name=s late-policy=wait latency-budget=20000000 active-candidate=fast reference=sharp \
         quality-source={source} {} {} )",
        candidate("fast", "nearest-neighbour"),
        candidate("sharp", "bilinear")
    );
    let (seen, _) = Live::new(FRAMES, RATE, &switch).play();
    let settled = seen.iter().skip(WARM_UP);
    settled.map(|it| it.latency.as_secs_f64() * 1e6).collect()
}

/// A busy machine, until it is dropped.
struct Load(Child);

impl Load {
    fn start() -> Load {
        let load = Command::new("stress-ng")
            .args(["--cpu", HOGS, "--quiet"])
            .stdout(Stdio::null())
            .spawn();
        Load(load.expect("stress-ng: install it"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A request to end, which it passes on to its own processes; killed, it would leave them behind.
        if let Ok(id) = i32::try_from(self.0.id()) {
            // SAFETY: the child has not been waited for, so the id is still its own.
            unsafe { libc::kill(id, libc::SIGTERM) };
        }
        let _ = self.0.wait();
    }
}

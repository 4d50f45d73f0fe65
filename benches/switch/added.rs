// SPDX-License-Identifier: MPL-2.0

//! Added time a frame of the switch around a candidate, over the bare candidate: two harnesses in turn.

use std::time::{Duration, Instant};

use super::rig::{median, spread};

const REPETITIONS: usize = 7;
const FRAMES: usize = 60;

pub fn run() {
    for (what, candidate) in [
        ("identity", "identity"),
        ("the medium model", "avrec-infer model-file=models/medium.onnx"),
    ] {
        for (how, pause) in [
            ("back to back", Duration::ZERO),
            ("25 a second", Duration::from_millis(40)),
        ] {
            let added = measure(candidate, pause);
            println!(
                "avrec-switch around {what}, {how}: added µs a frame, median {} (reach 150, aim 50)",
                spread(&added)
            );
        }
    }
}

fn harness(line: &str) -> gst_check::Harness {
    let element = gst::parse::bin_from_description(line, true).expect("the element");
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    harness.set_src_caps_str("video/x-raw,format=I420,width=320,height=180,framerate=25/1");
    harness
}

fn measure(candidate: &str, pause: Duration) -> Vec<f64> {
    let mut bare = harness(candidate);
    let mut switched = harness(&format!("avrec-switch.( late-policy=wait {candidate} )"));
    let frame = |number: usize| {
        let bytes: Vec<u8> = (0..320 * 180 * 3 / 2)
            .map(|it| (it * 7 + number * 13) as u8)
            .collect();
        gst::Buffer::from_slice(bytes)
    };
    let once = |harness: &mut gst_check::Harness, number| {
        let frame = frame(number);
        std::thread::sleep(pause / 2);
        let begin = Instant::now();
        let answer = harness.push_and_pull(frame).expect("an answer");
        let time = begin.elapsed();
        drop(answer);
        time.as_secs_f64() * 1e6
    };
    for number in 0..20 {
        once(&mut bare, number);
        once(&mut switched, number);
    }
    let repetition = |_| {
        let pairs = (0..FRAMES).map(|it| (once(&mut bare, it), once(&mut switched, it)));
        let (bares, switcheds): (Vec<_>, Vec<_>) = pairs.unzip();
        median(switcheds) - median(bares)
    };
    let repetitions = if pause.is_zero() { REPETITIONS } else { 5 };
    (0..repetitions).map(repetition).collect()
}

// SPDX-License-Identifier: MPL-2.0

//! Added time a frame of the switch around a candidate, over the bare candidate.
//!
//! Two harnesses answer frames in the order bare, switch, switch, bare, and each such four give one
//! difference: a machine that changes its pace, and the caches, which are warm for who has just run and cold
//! for the other, weigh on both alike. (In pairs the order alone was worth ±150 µs with the medium model.) A
//! repetition is the median of its differences, with harnesses of its own, because where threads and memory
//! come to lie differs from one to the next by more than a repetition tells.

use std::time::{Duration, Instant};

use super::rig::{Figure, median};

/// Fours of answers a repetition.
const FOURS: usize = 60;
const WARM_UP: usize = 10;

pub fn measure() -> Vec<Figure> {
    let candidates = [
        ("identity", "identity"),
        ("the medium model", "avrec-infer model-file=models/medium.onnx"),
    ];
    let pauses = [
        ("back to back", Duration::ZERO),
        ("25 a second", Duration::from_millis(40)),
    ];
    let cases = candidates
        .into_iter()
        .flat_map(|it| pauses.map(|pause| (it, pause)));
    cases
        .map(|((what, candidate), (how, pause))| {
            let what = format!("added µs a frame around {what}, {how} (reach 150, aim 50)");
            Figure::new(what, added(candidate, pause))
        })
        .collect()
}

fn harness(line: &str) -> gst_check::Harness {
    let element = gst::parse::bin_from_description(line, true).expect("the element");
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    harness.set_src_caps_str("video/x-raw,format=I420,width=320,height=180,framerate=25/1");
    harness
}

/// Median of the differences of the fours.
fn added(candidate: &str, pause: Duration) -> f64 {
    let mut bare = harness(candidate);
    let mut switched = harness(&format!("avrec-switch.( late-policy=wait {candidate} )"));
    let once = |harness: &mut gst_check::Harness, number: usize| {
        let bytes: Vec<u8> = (0..320 * 180 * 3 / 2)
            .map(|it| (it * 7 + number * 13) as u8)
            .collect();
        let frame = gst::Buffer::from_slice(bytes);
        std::thread::sleep(pause / 2);
        let begin = Instant::now();
        let answer = harness.push_and_pull(frame).expect("an answer");
        let time = begin.elapsed();
        drop(answer);
        time.as_secs_f64() * 1e6
    };
    let mut four = |number: usize| {
        let first = once(&mut bare, number);
        let added = once(&mut switched, number) + once(&mut switched, number);
        (added - first - once(&mut bare, number)) / 2.0
    };
    for number in 0..WARM_UP {
        four(number);
    }
    median((0..FOURS).map(four))
}

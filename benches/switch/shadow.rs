// SPDX-License-Identifier: MPL-2.0

//! P99 frame latency of the active lane with shadow runs over without: the medium model answers, with and
//! without other candidates beside it.

use super::rig::{Live, percentile, spread};

const FRAMES: u32 = 250;
const REPETITIONS: usize = 5;

/// Frames in which models load and warm up beside the active one.
const WARM_UP: usize = 60;

pub fn run() {
    let alone = "avrec-switch name=s late-policy=wait models=models/medium.onnx active-candidate=medium";
    let beside = "avrec-switch name=s late-policy=wait catalog=models/upscale.toml active-candidate=medium";
    let (mut ratios, mut all) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..REPETITIONS {
        let latencies = [beside, alone].map(|switch| {
            let (seen, _) = Live::new(FRAMES, 25, switch).play();
            seen.iter()
                .skip(WARM_UP)
                .map(|it| it.latency.as_secs_f64())
                .collect::<Vec<_>>()
        });
        let [with, without] = latencies.clone().map(|it| percentile(it, 99.0));
        ratios.push(with / without);
        for (all, latencies) in all.iter_mut().zip(latencies) {
            all.extend(latencies);
        }
    }
    let [with, without] = all.map(|it| percentile(it, 99.0));
    println!(
        "p99 of the active lane with shadow runs over without: {} (reach 1.10, aim 1.02)",
        spread(&ratios)
    );
    println!(
        "the same over all frames of the repetitions: {:.3}",
        with / without
    );
}

// SPDX-License-Identifier: MPL-2.0

//! P99 frame latency of the active lane with shadow runs over without: the medium model answers, with and
//! without other candidates beside it.

use super::rig::{Figure, Live, percentile};

const FRAMES: u32 = 250;

/// Frames in which models load and warm up beside the active one.
const WARM_UP: usize = 60;

pub fn measure() -> Vec<Figure> {
    let alone = "avrec-switch name=s late-policy=wait models=models/medium.onnx active-candidate=medium";
    let beside = "avrec-switch name=s late-policy=wait catalog=models/upscale.toml active-candidate=medium";
    let [with, without] = [beside, alone].map(|switch| {
        let (seen, _) = Live::new(FRAMES, 25, switch).play();
        let latencies = seen.iter().skip(WARM_UP).map(|it| it.latency.as_secs_f64());
        percentile(latencies, 99.0)
    });
    vec![
        Figure::new(
            "p99 of the active lane with shadow runs over without (reach 1.10, aim 1.02)",
            with / without,
        ),
        Figure::new("the same in ms with", with * 1e3),
        Figure::new("the same in ms without", without * 1e3),
    ]
}

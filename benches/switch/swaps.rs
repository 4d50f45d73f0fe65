// SPDX-License-Identifier: MPL-2.0

//! A thousand forced swaps between candidates of different output sizes: frames lost, repeated, reordered,
//! re-stamped; and the longest gap between two frames that leave.

use gst::prelude::*;

use super::rig::{Figure, Live, Seen, median};

const SWITCH: &str = "avrec-switch.( name=s \
    identity name=same \
    videoscale name=big ! capsfilter caps=video/x-raw,width=640,height=360 \
    videoscale name=tiny ! capsfilter caps=video/x-raw,width=160,height=90 )";

/// Frames at the start in which candidates are warmed up, and no swap is forced.
const WARM_UP: u64 = 25;

pub fn measure() -> Vec<Figure> {
    let (seen, sent) = swapped(1_000 + WARM_UP as u32, 100, true).play();
    let got: Vec<_> = seen.iter().map(|it| (it.pts, it.offset)).collect();
    let lost = sent.iter().filter(|it| !got.contains(it)).count();
    let repeated = got.len() + lost - sent.len();
    let reordered = got.windows(2).filter(|it| it[1].1 <= it[0].1).count();
    let gap = |swap| longest_gap(&swapped(150, 25, swap).play().0);
    let forced = |what| format!("1,000 forced swaps between three sizes: {what} (reach 0)");
    vec![
        Figure::new(forced("lost or re-stamped"), lost as f64),
        Figure::new(forced("repeated"), repeated as f64),
        Figure::new(forced("reordered"), reordered as f64),
        Figure::new(
            "longest gap between two frames over their median, 25 a second, a swap each frame (reach 1.1, aim 1.02)",
            gap(true),
        ),
        Figure::new("the same without swaps", gap(false)),
    ]
}

/// A live stream on which every frame but the first ones is answered by another candidate.
fn swapped(frames: u32, rate: u32, swap: bool) -> Live {
    let live = Live::new(frames, rate, SWITCH);
    let weak = live.switch.downgrade();
    live.switch
        .static_pad("sink")
        .expect("a pad")
        .add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let offset = info.buffer().expect("a buffer").offset();
            if swap
                && WARM_UP <= offset
                && let Some(switch) = weak.upgrade()
            {
                switch.set_property("active-candidate", ["same", "big", "tiny"][offset as usize % 3]);
            }
            gst::PadProbeReturn::Ok
        });
    live
}

fn longest_gap(seen: &[Seen]) -> f64 {
    let settled = &seen[WARM_UP as usize..];
    let gaps = settled
        .windows(2)
        .map(|it| (it[1].left - it[0].left).nseconds() as f64);
    let gaps: Vec<_> = gaps.collect();
    let usual = median(gaps.clone());
    gaps.into_iter().fold(0.0, f64::max) / usual
}

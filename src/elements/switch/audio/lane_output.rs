// SPDX-License-Identifier: MPL-2.0

//! What a lane's own threads do where the stream is audio: they bring what it returns, and fetch what it hears next.

use gst::prelude::*;

use super::lane::{self, Misfit};
use super::latency;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::watchdog::lane_failed;
use crate::elements::switch::shared::Shared;

/// Takes in what a lane returned; runs on a thread of the lane's.
pub fn delivered(core: &Shared, lane: usize, buffer: &gst::Buffer) {
    let Ok(map) = buffer.map_readable() else {
        let cause = "what it gives cannot be read";
        return lane_failed(core, lane, cause, "let it give ordinary memory");
    };
    match core.lanes.change(|lanes| lane::take(lanes, lane, buffer, &map)) {
        Ok(next) => feed(core, next),
        Err(misfit) => {
            let (cause, remedy) = explanation(core, &misfit);
            lane_failed(core, lane, &cause, remedy);
        }
    }
}

/// Notes that a candidate let go of the buffer that it had in hand; runs on the lane's thread.
pub fn returned(core: &Shared, lane: usize, entered: Option<gst::ClockTime>) {
    let is_unknown = |it: &lane::LaneAudio| !it.has_declared || !it.track.has_output();
    if core.lanes.lock().is(lane, |it| is_unknown(&it.audio)) {
        latency::ask_delay(core, lane);
    }
    let (next, lag) = core.lanes.change(|lanes| {
        let next = lane::let_go(lanes, lane, entered);
        (next, lane::lags_too_far(lanes, lane))
    });
    match lag {
        Some(lag) => latency::leave(core, lane, lag),
        None => feed(core, next),
    }
}

/// What is wrong with what a lane returned, and what to change.
fn explanation(core: &Shared, misfit: &Misfit) -> (String, &'static str) {
    let stream = core.sink.current_caps().map(|it| it.to_string());
    let stream = stream.unwrap_or_default();
    match misfit {
        Misfit::Format(given) => {
            let given = given.map_or("something else".to_string(), |it| {
                format!("{:?} at {} Hz, {} channels", it.format, it.rate, it.channels)
            });
            (
                format!("it gives {given} where the stream is {stream}"),
                "put audioconvert and audioresample into the candidate, behind the element",
            )
        }
        Misfit::Size(bytes) => (
            format!("it gives {bytes} bytes, which are not a whole number of samples of {stream}"),
            "see the element: its buffers do not hold what its caps tell",
        ),
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What a lane's own threads do where the stream is sound: they bring what it gives, and fetch what it hears next.

use gst::prelude::*;

use super::lane::Misfit;
use super::latency;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::watchdog::lane_failed;
use crate::elements::switch::shared::Shared;

/// Takes in what a lane gave; runs on a thread of the lane's.
pub fn delivered(core: &Shared, lane: usize, buffer: &gst::Buffer) {
    let Ok(map) = buffer.map_readable() else {
        return lane_failed(
            core,
            lane,
            "what it gives cannot be read",
            "let it give ordinary memory",
        );
    };
    let next = core.lanes.change(|state| state.heard(lane, buffer, &map));
    match next {
        Ok(next) => feed(core, next),
        Err(misfit) => {
            let (cause, remedy) = misfit.explained(core);
            lane_failed(core, lane, &cause, &remedy);
        }
    }
}

/// Notes that a candidate let go of the buffer that it had in hand; runs on the lane's thread.
pub fn returned(core: &Shared, lane: usize, entered: Option<gst::ClockTime>) {
    let asks = {
        let state = core.lanes.lock();
        let hearing = state.get(lane).map(|it| &it.hearing);
        hearing.is_some_and(|it| !it.has_declared || !it.ear.has_given())
    };
    if asks {
        latency::ask_delay(core, lane);
    }
    let next = core.lanes.change(|state| state.let_go(lane, entered));
    if latency::lags_too_far(core, lane) {
        return;
    }
    feed(core, next);
}

/// A lane's latency is another one: it is asked for when the lane has its next buffer.
pub fn delay_changed(core: &Shared, lane: usize) {
    if let Some(slot) = core.lanes.lock().get_mut(lane) {
        slot.hearing.has_declared = false;
    }
}

impl Misfit {
    /// What is wrong, and what to change.
    fn explained(&self, core: &Shared) -> (String, String) {
        let stream = core.sink.current_caps().map(|it| it.to_string());
        let stream = stream.unwrap_or_default();
        match self {
            Misfit::Format(given) => {
                let given = given.map_or("something else".to_string(), |it| {
                    format!("{:?} at {} Hz, {} channels", it.format, it.rate, it.channels)
                });
                (
                    format!("it gives {given} where the stream is {stream}"),
                    "put audioconvert and audioresample into the candidate, behind the element".to_string(),
                )
            }
            Misfit::Size(bytes) => (
                format!("it gives {bytes} bytes, which are not a whole number of samples of {stream}"),
                "see the element: its buffers do not hold what its caps tell".to_string(),
            ),
        }
    }
}

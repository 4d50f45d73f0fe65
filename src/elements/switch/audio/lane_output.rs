// SPDX-License-Identifier: MPL-2.0

//! What a lane's own threads do where the stream is sound: they bring what it gives, and fetch what it hears next.

use std::sync::Arc;

use gst::prelude::*;

use super::lane::Misfit;
use crate::elements::switch::shared::Shared;

impl Shared {
    /// Takes in what a lane gave; runs on a thread of the lane's.
    pub fn sound_delivered(self: &Arc<Self>, lane: usize, buffer: &gst::Buffer) {
        let Ok(map) = buffer.map_readable() else {
            return self.lane_failed(
                lane,
                "what it gives cannot be read",
                "let it give ordinary memory",
            );
        };
        let next = self.board.change(|state| state.heard(lane, buffer, &map));
        match next {
            Ok(Some(frame)) => self.feed(lane, &frame),
            Ok(None) => {}
            Err(misfit) => {
                let (cause, remedy) = misfit.explained(self);
                self.lane_failed(lane, &cause, &remedy);
            }
        }
    }

    /// Notes that a candidate let go of the buffer that it had in hand; runs on the lane's thread.
    pub(in crate::elements::switch) fn sound_returned(
        self: &Arc<Self>,
        lane: usize,
        entered: Option<gst::ClockTime>,
    ) {
        let asks = {
            let state = self.board.lock();
            let audio = state.slots.get(lane).map(|it| &it.audio);
            audio.is_some_and(|it| !it.has_declared || !it.track.has_output())
        };
        if asks {
            self.ask_delay(lane);
        }
        let next = self.board.change(|state| state.let_go(lane, entered));
        if self.lags_too_far(lane) {
            return;
        }
        if let Some(frame) = next {
            self.feed(lane, &frame);
        }
    }

    /// A lane's latency is another one: it is asked for when the lane has its next buffer.
    pub fn delay_changed(&self, lane: usize) {
        if let Some(slot) = self.board.lock().slots.get_mut(lane) {
            slot.audio.has_declared = false;
        }
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

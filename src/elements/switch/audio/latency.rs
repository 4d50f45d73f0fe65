// SPDX-License-Identifier: MPL-2.0

//! How far sound lags: what each lane declares, and what the stream is late by.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;

use super::stream::AudioStream;
use crate::elements::switch::CAT;
use crate::elements::switch::shared::Shared;

/// The most that a lane may lag. No model for live sound looks so far ahead; an element that gives nothing at all
/// would else hold up the stream for ever.
const MOST: Duration = Duration::from_secs(5);

thread_local! {
    /// Whether this thread asks a lane for its own latency, without that of the stream before it.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Answers a lane's query in place of what is before the switch, where the switch itself asks.
pub fn answers_for_lane(query: &mut gst::QueryRef) -> bool {
    match query.view_mut() {
        // Elements add their own to what they hear of a live stream, some of them to no other.
        gst::QueryViewMut::Latency(query) if ASKING.get() => {
            query.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
            true
        }
        _ => false,
    }
}

impl Shared {
    /// Asks a lane how far it lags. To be called on a thread that holds nothing of the lane's.
    pub(in crate::elements::switch) fn ask_delay(self: &Arc<Self>, number: usize) {
        let Some(peer) = self.lane(number).and_then(|it| it.exit.peer()) else {
            return;
        };
        let mut query = gst::query::Latency::new();
        ASKING.set(true);
        let is_answered = peer.query(&mut query);
        ASKING.set(false);
        if !is_answered {
            return;
        }
        let (_, delay, _) = query.result();
        self.board.change(|state| {
            let Some(spec) = state.sound.map(|it| it.spec) else {
                return;
            };
            if let Some(slot) = state.slots.get_mut(number) {
                slot.audio.has_declared = true;
                // It may have been rounded up to a nanosecond.
                let delay = Duration::from(delay).saturating_sub(Duration::from_nanos(1));
                slot.audio.track.declare_delay(spec.samples_in(delay));
            }
        });
    }

    /// Whether the lane lags by more than can be waited for; then it is told, and left.
    pub(in crate::elements::switch) fn lags_too_far(self: &Arc<Self>, number: usize) -> bool {
        let lag = self.board.change(|state| {
            let spec = state.sound?.spec;
            let slot = state.slots.get_mut(number)?;
            let is_idle = slot.run.is_none();
            let track = &mut slot.audio.track;
            let behind = if is_idle { track.behind() } else { 0 };
            let lag = spec.duration_of(track.delay().max(behind));
            let is_too_far = MOST < lag;
            if is_too_far {
                *track = crate::audio::AlignedTrack::default();
            }
            is_too_far.then_some(lag)
        });
        let Some(lag) = lag else { return false };
        let cause = format!(
            "it lags by {:.1} s, more than the {} s that are waited for",
            lag.as_secs_f64(),
            MOST.as_secs()
        );
        self.lane_failed(number, &cause, "see that it gives back all samples that it gets");
        true
    }

    /// Lets the stream lag as far as the slowest lane needs, and tells the pipeline when that is more than before.
    pub(in crate::elements::switch) fn keep_delay(&self, stream: &mut AudioStream) {
        let needed = self.board.lock().largest_delay();
        if needed <= stream.delay {
            return;
        }
        stream.delay = needed;
        let delay = stream.spec.duration_of(needed);
        gst::info!(
            CAT,
            "Sound goes out {delay:?} later, since a candidate lags so far"
        );
        *self.sound_delay.lock() = delay;
        self.post_latency();
    }
}

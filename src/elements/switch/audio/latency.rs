// SPDX-License-Identifier: MPL-2.0

//! How far audio lags: what each lane declares, and what the stream is late by.

use std::cell::Cell;
use std::time::Duration;

use gst::prelude::*;

use super::stream::AudioStream;
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::watchdog::lane_failed;
use crate::elements::switch::shared::Shared;

/// The most that a lane may lag. No model for live audio looks so far ahead; an element that returns nothing at all
/// would else hold up the stream for ever.
pub const MAX_LAG: Duration = Duration::from_secs(5);

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

/// Asks a lane how far it lags. To be called on a thread that holds nothing of the lane's.
pub fn ask_delay(core: &Shared, lane: usize) {
    let Some(peer) = core.lanes.elements(lane).and_then(|it| it.exit.peer()) else {
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
    core.lanes.change(|lanes| {
        let position = lanes.position;
        if let (Some(position), Some(it)) = (position, lanes.get_mut(lane)) {
            it.audio.has_declared = true;
            // It may have been rounded up to a nanosecond.
            let delay = Duration::from(delay).saturating_sub(Duration::from_nanos(1));
            it.audio.track.declare_delay(position.spec.samples_in(delay));
        }
    });
}

/// A lane's latency is another one: it is asked for when the lane has its next buffer.
pub fn delay_changed(core: &Shared, lane: usize) {
    if let Some(it) = core.lanes.lock().get_mut(lane) {
        it.audio.has_declared = false;
    }
}

/// Leaves a lane that lags by more than can be waited for, and says so.
pub fn leave(core: &Shared, lane: usize, lag: Duration) {
    let cause = format!(
        "it lags by {:.1} s, more than the {} s that are waited for",
        lag.as_secs_f64(),
        MAX_LAG.as_secs()
    );
    let remedy = "see that it gives back all samples that it gets";
    lane_failed(core, lane, &cause, remedy);
}

/// Lets the stream lag as far as the slowest lane needs, which is more than before, and tells the pipeline.
pub fn grow(core: &Shared, stream: &mut AudioStream, delay: u64) {
    stream.delay = delay;
    let delay = stream.spec.duration_of(delay);
    gst::info!(
        CAT,
        "Audio goes out {delay:?} later, since a candidate lags so far"
    );
    core.timing.set_audio_delay(delay);
    core.bus.latency_changed();
}

// SPDX-License-Identifier: MPL-2.0

//! What comes back from a lane: its answers, its events and queries. Runs on the lane's threads.

use gst::prelude::*;

use crate::elements::stamp;
use crate::elements::switch::audio::lane_output;
use crate::elements::switch::lanes::feed::{feed, refused};
use crate::elements::switch::lanes::run::FollowUp;
use crate::elements::switch::shared::Shared;

/// Takes in what a lane made of its frame.
pub fn delivered(core: &Shared, lane: usize, buffer: gst::Buffer) {
    let stamp = stamp::read(&buffer);
    match core.lanes.deliver(lane, buffer, stamp) {
        FollowUp::Nothing => {}
        FollowUp::RunNext(next) => feed(core, Some(next)),
        FollowUp::Score(trial) => core.scoring.score(trial),
        FollowUp::Announce => core.bus.candidate_ready(core.lanes.list().name(lane)),
        FollowUp::Audio(buffer) => lane_output::delivered(core, lane, &buffer),
    }
}

/// Takes in how the push of a frame into a candidate returned.
pub fn returned(
    core: &Shared,
    lane: usize,
    entered: Option<gst::ClockTime>,
    flow: Result<gst::FlowSuccess, gst::FlowError>,
) {
    match flow {
        Ok(_) if core.lanes.returned(lane, entered) => {}
        Ok(_) => lane_output::returned(core, lane, entered),
        Err(error) => refused(core, lane, entered, error),
    }
}

/// Takes in that the push of a frame returned that was answered meanwhile. The lane may have the same frame once more by now.
pub fn returned_after_answer(core: &Shared, lane: usize, entered: Option<gst::ClockTime>) {
    if core.lanes.lock().position.is_some() {
        lane_output::returned(core, lane, entered);
    }
}

/// An upstream event from a lane: QoS is the switch's own business, the rest concerns upstream.
pub fn entry_event(core: &Shared, event: gst::Event) -> bool {
    match event.type_() {
        gst::EventType::Qos => true,
        _ => core.sink.push_event(event),
    }
}

/// A downstream event from a lane: only its caps are news.
pub fn exit_event(core: &Shared, lane: usize, event: &gst::Event) -> bool {
    match event.view() {
        gst::EventView::Caps(caps) => core.lanes.set_caps(lane, caps.caps_owned()),
        gst::EventView::Eos(_) => core.lanes.change(|lanes| {
            if let Some(slot) = lanes.get_mut(lane) {
                slot.audio.is_drained = true;
            }
        }),
        _ => {}
    }
    true
}

/// A query from a lane to downstream.
pub fn exit_query(core: &Shared, query: &mut gst::QueryRef) -> bool {
    match query.type_() {
        gst::QueryType::Allocation => false,
        _ => core.src.peer_query(query),
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What comes back from a lane: its answers, its events and queries. Runs on the lane's threads.

use gst::prelude::*;

use crate::elements::stamp;
use crate::elements::switch::audio::lane_output;
use crate::elements::switch::lanes::feed::{feed, refused};
use crate::elements::switch::lanes::run::FollowUp;
use crate::elements::switch::lanes::watchdog::lane_unfit;
use crate::elements::switch::memory::work;
use crate::elements::switch::shared::Shared;

/// Takes in what a lane made of its frame.
pub fn delivered(core: &Shared, lane: usize, buffer: gst::Buffer) {
    let stamp = stamp::read(&buffer);
    let delivered = core.lanes.deliver(lane, buffer, stamp);
    if delivered.is_output_new {
        core.look_at_candidates();
    }
    match delivered.follow_up {
        FollowUp::Nothing => {}
        FollowUp::RunNext(next) => feed(core, Some(next)),
        FollowUp::Score(trial) => core.scoring.score(trial),
        FollowUp::Announce => core.bus.candidate_ready(core.lanes.list().name(lane)),
        FollowUp::Unfit(misfit) => lane_unfit(core, lane, &misfit),
        FollowUp::Audio(buffer) => lane_output::delivered(core, lane, &buffer),
    }
    core.start_wanted_threads();
    work::begin_if_wanted(core);
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
pub fn exit_event(core: &Shared, lane: usize, event: &gst::Event) {
    match event.view() {
        gst::EventView::Caps(caps) => core.lanes.set_caps(lane, caps.caps_owned()),
        gst::EventView::Eos(_) => core.lanes.change(|lanes| {
            if let Some(slot) = lanes.get_mut(lane) {
                slot.audio.is_drained = true;
            }
        }),
        _ => {}
    }
}

/// A query from a lane to downstream, which wants what the switch holds to.
pub fn exit_query(core: &Shared, lane: usize, query: &mut gst::QueryRef) -> bool {
    match query.type_() {
        gst::QueryType::Allocation => false,
        gst::QueryType::Caps | gst::QueryType::AcceptCaps => {
            let held = core.lanes.lock().output.clone();
            let is_answered = core.src.peer_query(query);
            match query.view_mut() {
                gst::QueryViewMut::Caps(query) => is_answered | narrow(query, held.as_ref()),
                gst::QueryViewMut::AcceptCaps(query) => {
                    let caps = query.caps_owned();
                    let fits = held.is_none_or(|it| caps.can_intersect(&it));
                    let accepts = fits && (query.result() || !is_answered);
                    query.set_result(accepts);
                    if let (false, Some(slot)) = (accepts, core.lanes.lock().get_mut(lane)) {
                        slot.refused = Some(caps);
                    }
                    true
                }
                _ => is_answered,
            }
        }
        _ => core.src.peer_query(query),
    }
}

/// Leaves of the answer to a caps query what the switch holds to; `false` where it holds to nothing.
fn narrow(query: &mut gst::query::Caps, held: Option<&gst::Caps>) -> bool {
    let Some(held) = held else { return false };
    let wanted = query.result_owned().or(query.filter_owned());
    let narrowed = wanted.map_or(held.clone(), |it| held.intersect(&it));
    query.set_result(&narrowed);
    true
}

// SPDX-License-Identifier: MPL-2.0

//! Frames into lanes.

use gst::prelude::*;

use super::run::Feed;
use super::watchdog::lane_failed;
use crate::elements::switch::shared::Shared;

/// Pushes a frame into the lane that was claimed for it; where none was, there is nothing to do.
pub fn feed(core: &Shared, feed: Option<Feed>) {
    let Some(feed) = feed else { return };
    let lane = feed.elements;
    if feed.flush_first {
        flush(core, &lane.entry);
    }
    if let Err(error) = lane.entry.push(feed.frame) {
        refused(core, lane.number, Some(feed.entered), error);
    }
}

/// Takes in that a lane or its candidate did not take a frame.
pub fn refused(core: &Shared, lane: usize, entered: Option<gst::ClockTime>, error: gst::FlowError) {
    match error {
        // The lane is being stopped.
        gst::FlowError::Flushing => core.lanes.swallowed(lane, entered),
        error => {
            let remedy = "see that the candidate takes the caps of the stream, and its own messages";
            lane_failed(core, lane, &format!("it refuses a frame: {error}"), remedy);
        }
    }
}

/// Gives an idle lane the flush that it could not take while it was busy.
pub fn flush(core: &Shared, entry: &gst::Pad) {
    entry.push_event(gst::event::FlushStart::new());
    entry.push_event(gst::event::FlushStop::new(true));
    if let Some(segment) = core.sink.sticky_event::<gst::event::Segment>(0) {
        entry.push_event(segment);
    }
}

// SPDX-License-Identifier: MPL-2.0

//! Frames into lanes.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::elements::LaneElements;
use super::negotiation;
use super::pushing::deferring;
use super::run::Feed;
use super::watchdog::{self, lane_failed, lane_unfit};
use crate::elements::switch::pads::holder::PadHolder;
use crate::elements::switch::shared::Shared;

/// Pushes a frame into the lane that was claimed for it; where none was, there is nothing to do.
pub fn feed(core: &Shared, feed: Option<Feed>) {
    let Some(feed) = feed else { return };
    let lane = feed.elements;
    if feed.flush_first {
        flush(core, &lane.entry);
    }
    if feed.is_lesson {
        return give_lesson(core, lane, (feed.frame, feed.entered));
    }
    if let Err(error) = lane.entry.push(feed.frame) {
        refused(core, lane.number, Some(feed.entered), error);
    }
}

/// Shows a frame to a candidate at idle priority: past the lane's queue, whose thread has another one. What comes of it is
/// taken in at ordinary priority.
fn give_lesson(core: &Shared, lane: Arc<LaneElements>, (frame, entered): (gst::Buffer, gst::ClockTime)) {
    core.idle.give(move || {
        // As the queue would push it; the watch tells how it returned, if it took it.
        let input = lane.watch.static_pad("sink");
        let (flow, later) = deferring(|| input.map_or(Err(gst::FlowError::Flushing), |it| it.chain(frame)));
        move || {
            later.into_iter().for_each(|act| act());
            let holder = lane.watch.downcast_ref::<PadHolder>();
            let core = holder.and_then(|it| it.imp().core());
            if let (Some(core), Err(error @ gst::FlowError::Flushing)) = (core, flow) {
                refused(&core, lane.number, Some(entered), error);
            }
        }
    });
}

/// Takes in that a lane or its candidate did not take a frame.
pub fn refused(core: &Shared, lane: usize, entered: Option<gst::ClockTime>, error: gst::FlowError) {
    match error {
        gst::FlowError::Flushing => watchdog::does_not_take(core, lane, entered),
        gst::FlowError::Eos => {
            let remedy = "see why it ends its stream before the switch's ends";
            lane_failed(core, lane, "it has ended its stream", remedy);
        }
        gst::FlowError::NotNegotiated => {
            if let Some(elements) = core.lanes.elements(lane) {
                lane_unfit(core, lane, &negotiation::of_negotiation(core, &elements));
            }
        }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::elements::switch::lanes::lane::Purpose;
    use crate::elements::switch::lanes::table::LOCKS;
    use crate::elements::switch::test_rig::around_identity;
    use crate::policy::RunKind;

    #[test]
    fn an_idle_thread_takes_no_lock_that_the_stream_waits_for() {
        let (switch, mut harness) = around_identity("video/x-raw,format=RGB,width=8,height=8,framerate=25/1");
        assert_eq!(
            harness.push(gst::Buffer::with_size(8 * 8 * 3).unwrap()),
            Ok(gst::FlowSuccess::Ok)
        );
        harness.pull().unwrap();
        let core = &switch.imp().core;
        let runs = || core.lanes.tally(0).unwrap().runs.get();
        let before = runs();
        let lesson = Purpose::Shadow(RunKind::Idle);
        let next = core
            .lanes
            .lock()
            .claim(0, gst::Buffer::with_size(8 * 8 * 3).unwrap(), lesson);
        feed(core, next);
        // It comes behind the lesson, on the same threads.
        let (told, heard) = mpsc::channel();
        core.idle.give(move || {
            let locks = LOCKS.get();
            move || told.send(locks).unwrap()
        });
        core.start_wanted_threads();
        assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(0));
        assert_eq!(runs(), before + 1, "what it gave was taken in");
        assert!(core.lanes.lock().get(0).is_some_and(|it| it.run.is_none()));
    }
}

// SPDX-License-Identifier: MPL-2.0

//! What lanes are told of the stream: each event, whether a lane is there already or joins while it comes.

use std::sync::Arc;

use gst::prelude::*;
use parking_lot::Mutex;

use super::elements::LaneElements;
use super::table::LaneTable;

/// Keeps a lane from joining between an event's being told and its being noted on the entry, where it would miss the event, or
/// get it before those that go first.
#[derive(Debug, Default)]
pub struct Telling(Mutex<()>);

impl Telling {
    /// Tells all lanes of a serialized event that came to `sink`.
    pub fn tell(&self, lanes: &LaneTable, sink: &gst::Pad, event: &gst::Event) {
        let list = {
            let _held = self.0.lock();
            // GStreamer notes it only once all were told. After the end nobody who joins has to hear of it, and a second
            // one would be refused.
            if event.is_sticky() && event.type_() != gst::EventType::Eos {
                // A pad that flushes takes none, and no lane gets any.
                let _ = sink.store_sticky_event(event);
            }
            lanes.list()
        };
        for lane in list.present() {
            // A lane that is not up yet gets the sticky ones with its first frame.
            lane.entry.push_event(event.clone());
        }
    }

    /// Puts a lane among those that are told, and gives it what `sink` has noted, which the others were told before.
    pub fn join(&self, lanes: &LaneTable, sink: &gst::Pad, lane: Arc<LaneElements>) {
        let _held = self.0.lock();
        sink.sticky_events_foreach(|event| {
            // The pad is new and active, so it takes them.
            let _ = lane.entry.store_sticky_event(event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        lanes.attach(lane);
    }
}

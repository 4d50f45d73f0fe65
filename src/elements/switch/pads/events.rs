// SPDX-License-Identifier: MPL-2.0

//! Events and queries through the switch.
//!
//! Downstream, the lanes see every serialized event, and the exit passes all of them on but the caps,
//! which are those of the lane that answers. Upstream, the switch looks like one element whose latency
//! is its budget. No lane's ALLOCATION reaches anybody: a pool of one would end up in another.

use gst::prelude::*;

use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::elements::switch::shared::Shared;

impl Shared {
    /// A downstream event at the entry.
    pub fn sink_event(self: &std::sync::Arc<Self>, event: gst::Event) -> bool {
        self.before_event(&event);
        match event.view() {
            gst::EventView::FlushStart(_) => {
                self.board.set_flushing(true);
                return self.src.push_event(event);
            }
            gst::EventView::FlushStop(_) => {
                self.board.set_flushing(false);
                self.policy_adapter.lock().flushed(gst::get_timestamp().into());
                self.sound_flushed();
                self.outgoing.lock().flush();
                return self.src.push_event(event);
            }
            gst::EventView::Caps(caps) => {
                self.caps_changed(&caps.caps_owned());
                // What is held has the size of the frames before.
                self.board.lock().held = None;
                self.tell_lanes(&event);
                return true;
            }
            _ => {}
        }
        if !event.is_serialized() {
            return self.src.push_event(event);
        }
        // A gap makes a transform produce nothing, so the lanes need not know.
        if event.type_() != gst::EventType::Gap {
            self.tell_lanes(&event);
        }
        let events = self.outgoing.lock().event(event);
        self.push_events(events)
    }

    /// Pushes events downstream, all of them, whatever becomes of one.
    pub fn push_events(&self, events: Vec<gst::Event>) -> bool {
        let mut all = true;
        for event in events {
            all &= self.src.push_event(event);
        }
        all
    }

    fn tell_lanes(&self, event: &gst::Event) {
        for lane in self.lanes().iter().flatten() {
            // A lane that is not up yet gets the sticky ones with its first frame.
            lane.entry.push_event(event.clone());
        }
    }

    /// Takes the frame duration from new caps, and tells the pipeline when the latency follows from it.
    fn caps_changed(&self, caps: &gst::Caps) {
        self.enter(caps);
        if self.stage.lock().is_some() {
            // The buffers will tell how long they are.
            return;
        }
        let rate = caps
            .structure(0)
            .and_then(|it| it.get::<gst::Fraction>("framerate").ok());
        let second = u64::from(gst::ClockTime::SECOND);
        let duration = rate
            .filter(|it| 0 < it.numer() && 0 < it.denom())
            .and_then(|it| second.mul_div_round(it.denom() as u64, it.numer() as u64))
            .unwrap_or_default();
        let (before, after) = {
            let mut policy_adapter = self.policy_adapter.lock();
            let before = policy_adapter.budget();
            policy_adapter.set_frame_duration(std::time::Duration::from_nanos(duration), false);
            (before, policy_adapter.budget())
        };
        if before != after {
            self.post_latency();
        }
    }

    /// Asks the pipeline to compute its latency anew.
    pub fn post_latency(&self) {
        if let Some(switch) = self.switch.upgrade() {
            // Fails only without a bus, that is outside of a pipeline.
            let _ = switch.post_message(gst::message::Latency::builder().src(&switch).build());
        }
    }

    /// A query from upstream.
    pub fn sink_query(&self, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(query) => {
                let caps = self.lanes_caps(query.filter_owned().as_ref());
                query.set_result(&caps);
                true
            }
            gst::QueryViewMut::AcceptCaps(query) => {
                let accepts = self.accepts(&query.caps_owned());
                query.set_result(accepts);
                true
            }
            gst::QueryViewMut::Allocation(_) => false,
            _ => self.src.peer_query(query),
        }
    }

    /// What every lane can take; a lane that can take nothing of what the others can has no say.
    fn lanes_caps(&self, filter: Option<&gst::Caps>) -> gst::Caps {
        let mut common = filter.cloned().unwrap_or_else(gst::Caps::new_any);
        for lane in self.responsive_lanes() {
            let Some(peer) = lane.entry.peer() else { continue };
            let both =
                common.intersect_with_mode(&peer.query_caps(Some(&common)), gst::CapsIntersectMode::First);
            if !both.is_empty() {
                common = both;
            }
        }
        common
    }

    /// Whether some lane takes the caps; the active one is asked first, and mostly alone.
    ///
    /// A lane that refuses them will fail and be told; the stream goes on with the others.
    fn accepts(&self, caps: &gst::Caps) -> bool {
        let active = self.totals.lock().active;
        let mut lanes = self.responsive_lanes();
        lanes.sort_by_key(|it| Some(it.number) != active);
        // A lane that is being linked anew has no peer, and no opinion.
        let mut opinions = lanes
            .iter()
            .filter_map(|it| it.entry.peer())
            .map(|it| it.query_accept_caps(caps))
            .peekable();
        opinions.peek().is_none() || opinions.any(|it| it)
    }

    /// Lanes that will not keep a query waiting.
    fn responsive_lanes(&self) -> Vec<std::sync::Arc<Lane>> {
        let lanes = self.lanes();
        let state = self.board.lock();
        let responds = |slot: &LaneStatus| slot.may_come() && !slot.run.is_some_and(|it| it.abandoned);
        let pairs = lanes.iter().zip(&state.slots);
        pairs
            .filter(|(_, slot)| responds(slot))
            .filter_map(|(lane, _)| lane.clone())
            .collect()
    }

    /// An upstream event at the exit.
    pub fn src_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Qos(qos) => {
                // The switch is what adapts, so upstream must not adapt as well.
                if let (_, _, jitter @ 1.., _) = qos.get() {
                    self.late_downstream(std::time::Duration::from_nanos(jitter as u64));
                }
                true
            }
            gst::EventView::Reconfigure(_) => {
                for lane in self.responsive_lanes() {
                    lane.exit.push_event(event.clone());
                }
                true
            }
            _ => self.sink.push_event(event),
        }
    }

    /// A query from downstream.
    pub fn src_query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Caps(query) = query.view_mut() {
            let filter = query.filter_owned();
            let mut caps = gst::Caps::new_empty();
            for lane in self.responsive_lanes() {
                if let Some(peer) = lane.exit.peer() {
                    caps.merge(peer.query_caps(filter.as_ref()));
                }
            }
            query.set_result(&if caps.is_empty() {
                filter.unwrap_or_else(gst::Caps::new_any)
            } else {
                caps
            });
            return true;
        }
        if !self.sink.peer_query(query) {
            return false;
        }
        if let gst::QueryViewMut::Latency(query) = query.view_mut() {
            let time = self.budget() + *self.sound_delay.lock();
            let time = gst::ClockTime::try_from(time).unwrap_or_default();
            let (live, min, max) = query.result();
            *self.is_live.lock() = Some(live);
            query.set(live, min + time, max.map(|it| it + time));
        }
        true
    }

    /// An upstream event from a lane: QoS is the switch's own business, the rest concerns upstream.
    pub fn lane_entry_event(&self, event: gst::Event) -> bool {
        match event.type_() {
            gst::EventType::Qos => true,
            _ => self.sink.push_event(event),
        }
    }

    /// A downstream event from a lane: only its caps are news.
    pub fn lane_exit_event(&self, lane: usize, event: &gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => self.board.set_caps(lane, caps.caps_owned()),
            gst::EventView::Eos(_) => self.board.change(|state| {
                if let Some(slot) = state.slots.get_mut(lane) {
                    slot.audio.is_drained = true;
                }
            }),
            _ => {}
        }
        true
    }

    /// A query from a lane to downstream.
    pub fn lane_exit_query(&self, query: &mut gst::QueryRef) -> bool {
        match query.type_() {
            gst::QueryType::Allocation => false,
            _ => self.src.peer_query(query),
        }
    }
}

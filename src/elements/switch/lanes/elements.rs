// SPDX-License-Identifier: MPL-2.0

//! The elements of a lane, one candidate behind a stock queue, which gives it its thread; and what comes out of them.

use std::sync::Arc;

use gst::prelude::*;

use super::supervisor::LaneSupervisor;

/// The elements and pads of one candidate.
#[derive(Debug)]
pub struct LaneElements {
    /// Also the candidate's number in the policy and its place in the table.
    pub number: usize,
    pub name: Arc<str>,
    pub queue: gst::Element,
    /// Passes each frame into the candidate and sees how that returns.
    pub watch: gst::Element,
    /// The candidate's elements in stream order; one, unless children are linked to each other.
    pub candidate: Vec<gst::Element>,
    /// How many models are in it.
    pub models: usize,
    /// Pad of the switch's entry that feeds the lane.
    pub entry: gst::Pad,
    /// Pad of the switch's exit that takes the lane's answers.
    pub exit: gst::Pad,
    pub supervisor: LaneSupervisor,
}

/// What a lane made of a frame.
#[derive(Debug, Clone)]
pub struct LaneOutput {
    pub buffer: gst::Buffer,
    /// Caps that the lane announced before this buffer.
    pub caps: Option<gst::Caps>,
}

impl LaneElements {
    /// Whether `object` is one of the lane's elements or stands inside one.
    pub fn owns(&self, object: &gst::Object) -> bool {
        let is_or_holds =
            |it: &gst::Element| object == it.upcast_ref::<gst::Object>() || object.has_as_ancestor(it);
        is_or_holds(&self.queue) || self.candidate.iter().any(is_or_holds)
    }

    /// Gives the elements the clock and base time that a bin would give them, were they not the supervisor's.
    pub fn align_clock(&self, switch: &gst::Element) {
        for element in &self.candidate {
            element.set_base_time(switch.base_time().unwrap_or_default());
            // An element that cannot use the clock goes on without it.
            let _ = element.set_clock(switch.clock().as_ref());
        }
    }

    /// Links entry, queue, candidate and exit. What comes in has to fit; what goes out is negotiated with what is behind the
    /// switch, and may change.
    pub fn link(&self) -> Result<(), String> {
        let (Some(head), Some(tail)) = (self.candidate.first(), self.candidate.last()) else {
            return Err("the candidate has no elements".to_string());
        };
        let says = |what: &str| format!("{what} cannot be linked: its caps never fit");
        let input = self.queue.static_pad("sink").ok_or("the queue has no sink pad")?;
        let output =
            free_pad(tail, gst::PadDirection::Src).ok_or_else(|| says("the candidate's source pad"))?;
        self.queue
            .link(&self.watch)
            .map_err(|_| says("the lane's watch"))?;
        self.watch
            .link(head)
            .map_err(|_| says("the candidate's sink pad"))?;
        self.entry.link(&input).map_err(|_| says("the lane's entry"))?;
        output
            .link_full(&self.exit, gst::PadLinkCheck::empty())
            .map_err(|_| says("the candidate's source pad"))?;
        Ok(())
    }

    /// Unlinks the candidate from the switch; the elements stay where they are.
    pub fn unlink(&self) {
        for pad in [self.entry.peer(), self.watch.static_pad("src")]
            .into_iter()
            .flatten()
        {
            unlink(&pad);
        }
        unlink(&self.exit);
    }

    /// Links the entry anew, so that a lane that is about to start gets its stream-start, caps and segment again, and opens
    /// the exit, which the candidate may have shut by a flush of its own. While it is down: the flush takes the segment
    /// from the exit.
    pub fn renew_ends(&self) {
        self.exit.send_event(gst::event::FlushStop::new(false));
        if let Some(input) = self.queue.static_pad("sink") {
            let _ = self.entry.unlink(&input);
            // Whether caps fit is negotiated, once it is up.
            let _ = self.entry.link_full(&input, gst::PadLinkCheck::NO_RECONFIGURE);
        }
    }
}

/// The only pad of `element` in that direction that is not linked.
pub fn free_pad(element: &gst::Element, direction: gst::PadDirection) -> Option<gst::Pad> {
    element
        .pads()
        .into_iter()
        .find(|pad| pad.direction() == direction && !pad.is_linked())
}

/// Unlinks a pad from its peer, if it has one.
pub fn unlink(pad: &gst::Pad) {
    let Some(peer) = pad.peer() else { return };
    // Fails only when somebody else was faster.
    let _ = match pad.direction() {
        gst::PadDirection::Src => pad.unlink(&peer),
        _ => peer.unlink(pad),
    };
}

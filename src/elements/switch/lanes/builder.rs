// SPDX-License-Identifier: MPL-2.0

//! From children to lanes: who is a candidate, and how its lane is put together and taken apart.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::lane::{Lane, free_pad};
use super::status::LaneState;
use super::supervisor::{LaneSupervisor, StateRequest};
use crate::elements::switch::AvrecSwitch;
use crate::elements::switch::CAT;
use crate::elements::switch::pads::functions;
use crate::elements::switch::pads::holder::PadHolder;
use crate::elements::switch::shared::Shared;
use crate::policy::Prior;
use crate::runtime::catalogue::Candidate;

/// Why a child cannot be a candidate, and what to change.
#[derive(Debug)]
pub struct Misfit {
    pub cause: String,
    pub remedy: &'static str,
}

/// The elements of one candidate, from the child with the free sink pad to the one with the free source pad.
///
/// # Errors
///
/// When the child, or what is linked behind it, does not have exactly one sink and one source pad.
pub fn chain_from(head: &gst::Element) -> Result<Vec<gst::Element>, Misfit> {
    let mut chain = vec![head.clone()];
    let mut tail = head.clone();
    loop {
        check_pads(&tail)?;
        let next = tail
            .src_pads()
            .first()
            .and_then(|it| it.peer())
            .and_then(|it| it.parent_element());
        match next {
            Some(next) if !chain.contains(&next) => {
                chain.push(next.clone());
                tail = next;
            }
            _ => return Ok(chain),
        }
    }
}

fn check_pads(element: &gst::Element) -> Result<(), Misfit> {
    let (sinks, sources) = (element.sink_pads().len(), element.src_pads().len());
    if (sinks, sources) == (1, 1) {
        return Ok(());
    }
    Err(Misfit {
        cause: format!(
            "{} has {sinks} sink pads and {sources} source pads",
            element.name()
        ),
        remedy: "a candidate is an element or a bin with one always sink pad and one always source pad",
    })
}

/// Heads of the candidates among `children`: those that no other child feeds.
pub fn heads(children: &[gst::Element]) -> Vec<gst::Element> {
    let is_fed = |child: &gst::Element| {
        let feeders = child
            .sink_pads()
            .into_iter()
            .filter_map(|it| it.peer()?.parent_element());
        feeders.into_iter().any(|it| children.contains(&it))
    };
    children.iter().filter(|it| !is_fed(it)).cloned().collect()
}

/// Moves links that the launch-line parser made through the bin's wall onto the switch's own pads.
///
/// For `a ! avrec-switch.( x y ) ! b` the parser links a with x and y with b by ghost pads of its own.
pub fn adopt_outer_links(switch: &AvrecSwitch, own: &[&gst::GhostPad]) {
    for pad in switch.pads() {
        let Some(own) = own.iter().find(|it| it.direction() == pad.direction()) else {
            continue;
        };
        if &pad == own.upcast_ref::<gst::Pad>() {
            continue;
        }
        let peer = pad.peer();
        let (Some(ghost), false) = (pad.downcast_ref::<gst::GhostPad>(), own.is_linked()) else {
            continue;
        };
        if let Some(peer) = &peer {
            let (from, to) = if pad.direction() == gst::PadDirection::Src {
                (&pad, peer)
            } else {
                (peer, &pad)
            };
            // The parser has just linked them, so this cannot fail.
            let _ = from.unlink(to);
        }
        // Frees the child's pad for its lane.
        let _ = ghost.set_target(gst::Pad::NONE);
        let _ = switch.remove_pad(&pad);
        let Some(peer) = peer else { continue };
        let own: &gst::Pad = own.upcast_ref();
        let linked = if own.direction() == gst::PadDirection::Src {
            own.link(&peer)
        } else {
            peer.link(own)
        };
        if let Err(error) = linked {
            gst::warning!(
                CAT,
                obj = switch,
                "{} does not link with the switch: {error}",
                peer.name()
            );
        }
    }
}

impl Shared {
    /// Makes a lane of a candidate; a child that cannot be one is reported, and the others go on.
    pub fn add_lane(self: &Arc<Self>, head: &gst::Element, prior: Prior, listed: Option<Candidate>) {
        let name = head.name();
        let lane = chain_from(head).and_then(|chain| {
            self.make_lane(&name, chain, prior, listed)
                .map_err(|cause| Misfit {
                    cause,
                    remedy: "see what caps the element takes and gives",
                })
        });
        match lane {
            Ok(lane) => gst::debug!(CAT, "Lane {} is candidate {name}", lane.number),
            Err(misfit) => self.report_failure(&name, &misfit.cause, misfit.remedy),
        }
    }

    fn make_lane(
        self: &Arc<Self>,
        name: &str,
        candidate: Vec<gst::Element>,
        prior: Prior,
        listed: Option<Candidate>,
    ) -> Result<Arc<Lane>, String> {
        let switch = self.switch.upgrade().ok_or("the switch is gone")?;
        let queue = gst::ElementFactory::make("queue")
            .property("max-size-buffers", 1u32)
            .property("max-size-bytes", 0u32)
            .property("max-size-time", 0u64)
            .property_from_str("leaky", "downstream")
            .property("silent", true)
            .property("flush-on-eos", true)
            .build()
            .map_err(|_| "the element queue is missing: install GStreamer's core elements")?;
        let number = {
            let mut policy_adapter = self.policy_adapter.lock();
            let number = self.board.add(name);
            let candidate = policy_adapter.add(name, prior);
            debug_assert_eq!(number, candidate);
            number
        };
        let watch = PadHolder::new(&format!("watch-{number}"));
        watch.serve(self);
        let (watch_sink, watch_src) = functions::watch(number);
        for pad in [&watch_sink, &watch_src] {
            watch.add_pad(pad).map_err(|error| error.to_string())?;
        }
        let watch: gst::Element = watch.upcast();
        for element in [&queue, &watch] {
            switch.imp().add_private(element)?;
        }
        let mut elements = vec![queue.clone(), watch.clone()];
        elements.extend(candidate.iter().cloned());
        for element in &elements {
            // The keeper changes their state, so that none can hold up the bin.
            element.set_locked_state(true);
        }
        let core = Arc::downgrade(self);
        let check = move || {
            listed
                .as_ref()
                .map_or(Ok(()), Candidate::verify)
                .map_err(|error| error.to_string())
        };
        let keeper = LaneSupervisor::new(name, elements, check, move |report| {
            if let Some(core) = core.upgrade() {
                core.keeper_reported(number, report);
            }
        });
        let (entry, exit) = (functions::lane_entry(number), functions::lane_exit(number));
        switch.imp().add_lane_pads(&entry, &exit);
        let lane = Arc::new(Lane {
            number,
            name: name.to_string(),
            queue,
            watch,
            candidate,
            entry,
            exit,
            keeper,
        });
        let mut lanes = Vec::clone(&self.lanes());
        lanes.resize(number, None);
        lanes.push(Some(lane.clone()));
        *self.lanes.lock() = Arc::new(lanes);
        lane.link().inspect_err(|_| self.remove_lane(&lane))?;
        self.sink.sticky_events_foreach(|event| {
            // The pad is new and active, so it takes them.
            let _ = lane.entry.store_sticky_event(event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        Ok(lane)
    }

    /// Takes a lane apart; a frame that it has in hand is answered by somebody else.
    pub fn remove_lane(&self, lane: &Lane) {
        let mut lanes = Vec::clone(&self.lanes());
        if let Some(slot) = lanes.get_mut(lane.number) {
            *slot = None;
        }
        *self.lanes.lock() = Arc::new(lanes);
        self.policy_adapter.lock().remove(lane.number);
        self.board.fail(lane.number, LaneState::Gone);
        lane.unlink();
        for element in &lane.candidate {
            element.set_locked_state(false);
        }
        lane.order(StateRequest::Go(gst::State::Null));
        self.ends(lane.keeper.end());
        if let Some(switch) = self.switch.upgrade() {
            switch.imp().remove_private(lane);
        }
    }

    /// The lane that `object` belongs to.
    pub fn lane_of(&self, object: &gst::Object) -> Option<Arc<Lane>> {
        self.lanes().iter().flatten().find(|it| it.owns(object)).cloned()
    }
}

/// Whether the child has both its ends free, so that it can be a candidate at once.
pub fn stands_alone(child: &gst::Element) -> bool {
    let is_free = |direction| free_pad(child, direction).is_some();
    is_free(gst::PadDirection::Sink) && is_free(gst::PadDirection::Src)
}

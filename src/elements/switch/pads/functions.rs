// SPDX-License-Identifier: MPL-2.0

//! The switch's pads: its entry, its exit, and a pair of pads for each lane.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::holder::PadHolderImp;
use crate::elements::stamp;
use crate::elements::switch::audio::{answers_for_lane, within_push};
use crate::elements::switch::shared::Shared;

/// Where frames come in.
pub fn sink() -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("sink")
        .chain_function(|_, parent, buffer| {
            serve(parent, Err(gst::FlowError::Error), |core| core.chain(buffer))
        })
        .event_function(|_, parent, event| serve(parent, false, |core| core.sink_event(event)))
        .query_function(|_, parent, query| serve(parent, false, |core| core.sink_query(query)))
        .build()
}

/// Where answers go out.
pub fn src() -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Src)
        .name("src")
        .event_function(|_, parent, event| serve(parent, false, |core| core.src_event(event)))
        .query_function(|_, parent, query| serve(parent, false, |core| core.src_query(query)))
        .build()
}

/// What feeds lane number `lane`.
pub fn lane_entry(lane: usize) -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Src)
        .name(format!("src_{lane}"))
        .event_function(|_, parent, event| serve(parent, false, |core| core.lane_entry_event(event)))
        .query_function(|_, parent, query| {
            answers_for_lane(query) || serve(parent, false, |core| core.sink.peer_query(query))
        })
        .build()
}

/// The two pads of a lane's watch, through which each frame enters the candidate.
///
/// When the push into the candidate returns, the candidate is done with the frame, unless it has threads
/// of its own; and only here the flow return tells that it failed, because a queue keeps it to itself.
pub fn watch(lane: usize) -> (gst::Pad, gst::Pad) {
    let other = |parent: Option<&gst::Object>, name| parent?.downcast_ref::<gst::Element>()?.static_pad(name);
    let sink = gst::Pad::builder(gst::PadDirection::Sink)
        .name("sink")
        .chain_function(move |_, parent, buffer| {
            let Some(src) = other(parent, "src") else {
                return Err(gst::FlowError::Flushing);
            };
            // By now the lane may have the next frame: the stamp tells which one it is that returns.
            let entered = stamp::read(&buffer);
            let flow = within_push(lane, || src.push(buffer));
            serve(parent, (), |core| core.returned(lane, entered, flow));
            flow
        })
        .event_function(move |_, parent, event| other(parent, "src").is_some_and(|it| it.push_event(event)))
        .query_function(move |_, parent, query| other(parent, "src").is_some_and(|it| it.peer_query(query)))
        .build();
    let src = gst::Pad::builder(gst::PadDirection::Src)
        .name("src")
        .event_function(move |_, parent, event| other(parent, "sink").is_some_and(|it| it.push_event(event)))
        .query_function(move |_, parent, query| other(parent, "sink").is_some_and(|it| it.peer_query(query)))
        .build();
    (sink, src)
}

/// What takes the answers of lane number `lane`.
pub fn lane_exit(lane: usize) -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Sink)
        .name(format!("sink_{lane}"))
        .chain_function(move |_, parent, buffer| {
            serve(parent, Err(gst::FlowError::Flushing), |core| {
                core.delivered(lane, buffer);
                Ok(gst::FlowSuccess::Ok)
            })
        })
        .event_function(move |_, parent, event| {
            serve(parent, false, |core| core.lane_exit_event(lane, &event))
        })
        .query_function(|_, parent, query| serve(parent, false, |core| core.lane_exit_query(query)))
        .build()
}

/// Runs `act` for the pad's switch; gives `otherwise` when that is gone, or when it panics.
fn serve<T: Clone>(parent: Option<&gst::Object>, otherwise: T, act: impl FnOnce(&Arc<Shared>) -> T) -> T {
    let fallback = otherwise.clone();
    PadHolderImp::catch_panic_pad_function(
        parent,
        || fallback,
        |port| port.core().map_or(otherwise, |core| act(&core)),
    )
}

// SPDX-License-Identifier: MPL-2.0

//! The switch's pads: its entry, its exit, and a pair of pads for each lane.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::holder::PadHolderImp;
use super::{events, lane_pads, queries};
use crate::elements::stamp;
use crate::elements::switch::CAT;
use crate::elements::switch::audio::{self, answers_for_lane, within_push};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Stream, Streaming};
use crate::elements::switch::video;

/// Where frames come in.
pub fn sink() -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("sink")
        .chain_function(|_, parent, buffer| {
            serve(parent, Err(gst::FlowError::Error), |core| chain(core, buffer))
        })
        .event_function(|_, parent, event| serve(parent, false, |core| events::sink_event(core, event)))
        .query_function(|_, parent, query| serve(parent, false, |core| queries::sink_query(core, query)))
        .build()
}

/// Where answers go out.
pub fn src() -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Src)
        .name("src")
        .event_function(|_, parent, event| serve(parent, false, |core| events::src_event(core, event)))
        .query_function(|_, parent, query| serve(parent, false, |core| queries::src_query(core, query)))
        .build()
}

/// What feeds lane number `lane`.
pub fn lane_entry(lane: usize) -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Src)
        .name(format!("src_{lane}"))
        .event_function(|_, parent, event| serve(parent, false, |core| lane_pads::entry_event(core, event)))
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
            let (flow, is_answered) = within_push(lane, || src.push(buffer));
            serve(parent, (), |core| match (flow, is_answered) {
                (Ok(_), true) => lane_pads::returned_after_answer(core, lane, entered),
                _ => lane_pads::returned(core, lane, entered, flow),
            });
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
                lane_pads::delivered(core, lane, buffer);
                Ok(gst::FlowSuccess::Ok)
            })
        })
        .event_function(move |_, parent, event| {
            serve(parent, false, |core| lane_pads::exit_event(core, lane, &event))
        })
        .query_function(|_, parent, query| serve(parent, false, |core| lane_pads::exit_query(core, query)))
        .build()
}

/// Takes one frame in and pushes one frame out, or as much audio as came in.
fn chain(core: &Arc<Shared>, frame: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
    let Ok(mut streaming) = core.streaming.try_borrow_mut() else {
        gst::error!(CAT, "A buffer comes from within the stream's own thread");
        return Err(gst::FlowError::Error);
    };
    let Streaming { control, stream } = &mut *streaming;
    match stream {
        Stream::Video(video) => video::chain::chain(core, control, video, frame),
        Stream::Audio(audio) => audio::chain::chain(core, control, audio, frame),
    }
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

// SPDX-License-Identifier: MPL-2.0

//! The switch's pads: its entry, its exit, and a pair of pads for each lane.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::holder::{PadHolder, PadHolderBase};
use super::{events, lane_pads, queries};
use crate::elements::stamp;
use crate::elements::switch::CAT;
use crate::elements::switch::audio::{self, answers_for_lane};
use crate::elements::switch::lanes::pushing::{is_deferring, now_or_later, take_later, within_push};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Stream, Streaming};
use crate::elements::switch::urgency::Role;
use crate::elements::switch::video;

/// Where frames come in.
pub fn sink(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .chain_function(|_, parent, buffer| {
            serve(parent, Err(gst::FlowError::Error), |core| chain(core, buffer))
        })
        .event_function(|_, parent, event| serve(parent, false, |core| events::sink_event(core, event)))
        .query_function(|_, parent, query| serve(parent, false, |core| queries::sink_query(core, query)))
        .build()
}

/// Where answers go out.
pub fn src(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .event_function(|_, parent, event| serve(parent, false, |core| events::src_event(core, event)))
        .query_function(|_, parent, query| serve(parent, false, |core| queries::src_query(core, query)))
        .build()
}

/// A pad of `holder` by one of its templates, or where it has lost that, by the direction alone.
fn lane_pad(holder: &PadHolder, template: &str, direction: gst::PadDirection) -> gst::PadBuilder<gst::Pad> {
    let template = holder.pad_template(template);
    template.map_or_else(
        || gst::Pad::builder(direction),
        |it| gst::Pad::builder_from_template(&it),
    )
}

/// What feeds lane number `lane`, on the switch's entry.
pub fn lane_entry(entry: &PadHolder, lane: usize) -> gst::Pad {
    lane_pad(entry, "src_%u", gst::PadDirection::Src)
        .name(format!("src_{lane}"))
        .event_function(|_, parent, event| serve(parent, false, |core| lane_pads::entry_event(core, event)))
        .query_function(|_, parent, query| {
            answers_for_lane(query) || serve(parent, false, |core| core.sink.peer_query(query))
        })
        .build()
}

/// One of the two pads of a lane's watch, through which each frame enters the candidate.
///
/// When the push into the candidate returns, the candidate is done with the frame, unless it has threads
/// of its own; and only here the flow return tells that it failed, because a queue keeps it to itself.
pub fn watch(template: &gst::PadTemplate) -> gst::Pad {
    let is_sink = template.direction() == gst::PadDirection::Sink;
    let other = if is_sink { "src" } else { "sink" };
    let other = move |parent: Option<&gst::Object>| parent?.downcast_ref::<gst::Element>()?.static_pad(other);
    let mut pad = gst::Pad::builder_from_template(template);
    if is_sink {
        pad = pad.chain_function(move |_, parent, buffer| match other(parent) {
            Some(src) => through_watch(parent, &src, buffer),
            None => Err(gst::FlowError::Flushing),
        });
    }
    pad.event_function(move |_, parent, event| other(parent).is_some_and(|it| it.push_event(event)))
        .query_function(move |_, parent, query| other(parent).is_some_and(|it| it.peer_query(query)))
        .build()
}

fn through_watch(
    parent: Option<&gst::Object>,
    src: &gst::Pad,
    buffer: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let holder = parent.and_then(|it| it.downcast_ref::<PadHolder>());
    let Some(lane) = holder.and_then(|it| it.imp().lane()) else {
        return Err(gst::FlowError::Flushing);
    };
    // By now the lane may have the next frame: the stamp tells which one it is that returns.
    let entered = stamp::read(&buffer);
    // Nobody waits for a lesson.
    let waits = serve(parent, None, |core| {
        (!is_deferring() && core.waits_for(lane)).then(|| core.clone())
    });
    let raised = waits.as_deref().map(|core| core.raise_thread(Role::Lane));
    let (flow, is_answered) = within_push(lane, || src.push(buffer));
    drop(raised);
    let later = take_later();
    serve(parent, (), |core| match later {
        Some(given) => {
            let core = core.clone();
            now_or_later(move || {
                let give = || given.into_iter().for_each(|it| it());
                let ((), is_answered) = within_push(lane, give);
                returned(&core, lane, entered, (flow, is_answered));
            });
        }
        None => returned(core, lane, entered, (flow, is_answered)),
    });
    flow
}

/// Takes in how a push into a candidate returned, and whether the frame was answered meanwhile.
fn returned(
    core: &Shared,
    lane: usize,
    entered: Option<gst::ClockTime>,
    (flow, is_answered): (Result<gst::FlowSuccess, gst::FlowError>, bool),
) {
    match (flow, is_answered) {
        (Ok(_), true) => lane_pads::returned_after_answer(core, lane, entered),
        _ => lane_pads::returned(core, lane, entered, flow),
    }
}

/// What takes the answers of lane number `lane`, on the switch's exit.
pub fn lane_exit(exit: &PadHolder, lane: usize) -> gst::Pad {
    lane_pad(exit, "sink_%u", gst::PadDirection::Sink)
        .name(format!("sink_{lane}"))
        .chain_function(move |_, parent, buffer| {
            serve(parent, Err(gst::FlowError::Flushing), |core| {
                let core = core.clone();
                now_or_later(move || lane_pads::delivered(&core, lane, buffer));
                Ok(gst::FlowSuccess::Ok)
            })
        })
        .event_function(move |_, parent, event| {
            serve(parent, false, |core| {
                let core = core.clone();
                now_or_later(move || lane_pads::exit_event(&core, lane, &event));
                true
            })
        })
        .query_function(move |_, parent, query| {
            serve(parent, false, |core| lane_pads::exit_query(core, lane, query))
        })
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
    PadHolderBase::catch_panic_pad_function(
        parent,
        || fallback,
        |port| port.core().map_or(otherwise, |core| act(&core)),
    )
}

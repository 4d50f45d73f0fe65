// SPDX-License-Identifier: MPL-2.0

//! Events through the switch.
//!
//! Downstream, the lanes see every serialized event, and the exit passes all of them on but the caps,
//! which are those of the lane that answers.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;

use super::queries::responsive_lanes;
use crate::elements::switch::CAT;
use crate::elements::switch::audio::events as audio_events;
use crate::elements::switch::caps_difference::difference;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::lanes::answer_caps::Shape;
use crate::elements::switch::lanes::output::{follow_rate, take_input};
use crate::elements::switch::lanes::watchdog::restart_unfit;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::start;
use crate::elements::switch::stream::{Stream, Streaming, VideoStream};
use crate::elements::switch::video::cuts::Cuts;

/// A downstream event at the entry.
pub fn sink_event(core: &Arc<Shared>, event: gst::Event) -> bool {
    if let gst::EventView::FlushStart(_) = event.view() {
        // It may come while a frame is on its way, and ends the wait for its answer.
        core.lanes.set_flushing(true);
        return core.src.push_event(event);
    }
    if !event.is_serialized() {
        return core.src.push_event(event);
    }
    let Ok(mut streaming) = core.streaming.try_borrow_mut() else {
        gst::error!(CAT, "{} comes from within the stream's own thread", event.type_());
        return false;
    };
    let streaming = &mut *streaming;
    match event.view() {
        gst::EventView::FlushStop(_) => {
            core.lanes.set_flushing(false);
            streaming.control.adapter.flushed(gst::get_timestamp().into());
            if let Stream::Audio(stage) = &mut streaming.stream {
                stage.forget_time();
            }
            streaming.control.output.flush();
            core.src.push_event(event)
        }
        gst::EventView::Caps(caps) if refuse_sound(core, caps.caps()).is_err() => false,
        gst::EventView::Caps(caps) => {
            audio_events::before_event(core, streaming, &event);
            set_caps(core, streaming, caps.caps_owned());
            let input = Shape::of(caps.caps());
            core.lanes.change(|lanes| {
                // What is held has the size of the frames before.
                lanes.held = None;
                take_input(lanes, input);
            });
            core.telling.tell(&core.lanes, &core.sink, &event);
            restart_unfit(core);
            start::warm_ahead(core, caps.caps());
            true
        }
        _ => {
            audio_events::before_event(core, streaming, &event);
            // A gap makes a transform produce nothing, so the lanes need not know.
            if event.type_() != gst::EventType::Gap {
                core.telling.tell(&core.lanes, &core.sink, &event);
            }
            let events = streaming.control.output.event(event);
            core.push_events(events)
        }
    }
}

/// Refuses sound that is not what the switch holds to.
fn refuse_sound(core: &Shared, caps: &gst::CapsRef) -> Result<(), gst::FlowError> {
    let is_sound = caps.structure(0).is_some_and(|it| it.has_name("audio/x-raw"));
    let output = core.lanes.lock().output.clone();
    let Some(output) = output.filter(|it| is_sound && !caps.can_intersect(it)) else {
        return Ok(());
    };
    let text = format!(
        "sound leaves in the format in which it comes, which is not what `output-caps` asks for: {}",
        difference(caps, &output)
    );
    let remedy = "put audioconvert ! audioresample before the switch";
    Err(core.bus.fail(gst::StreamError::Format, &text, remedy))
}

/// Gets ready for a stream with these caps, of audio or not, and takes the frame duration from them.
fn set_caps(core: &Shared, streaming: &mut Streaming, caps: gst::Caps) {
    if audio_events::enter(core, &mut streaming.stream, &caps) {
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
    core.set_frame_duration(&mut streaming.control, Duration::from_nanos(duration), false);
    if let (Some(rate), Some(asked)) = (rate, &core.settings.load().output_caps)
        && core.lanes.change(|lanes| follow_rate(lanes, rate, asked))
    {
        // The next answer tells downstream.
        streaming.control.held_for = None;
    }
    streaming.control.adapter.set_input(&caps, None);
    if let Stream::Video(VideoStream {
        caps: known,
        passes,
        cuts,
        ..
    }) = &mut streaming.stream
    {
        *cuts = Cuts::of(&caps).map(Box::new);
        let output = streaming.control.output.caps();
        *passes |= output.is_some() && output == known.as_ref();
        *known = Some(caps);
    }
}

/// An upstream event at the exit.
pub fn src_event(core: &Shared, event: gst::Event) -> bool {
    match event.view() {
        gst::EventView::Qos(qos) => {
            // The switch is what adapts, so upstream must not adapt as well.
            if let (_, _, jitter @ 1.., _) = qos.get() {
                let jitter = Duration::from_nanos(jitter as u64);
                core.facts.put(Fact::LateDownstream { jitter });
            }
            true
        }
        gst::EventView::Reconfigure(_) => {
            restart_unfit(core);
            for lane in responsive_lanes(core) {
                lane.exit.push_event(event.clone());
            }
            true
        }
        _ => core.sink.push_event(event),
    }
}

// SPDX-License-Identifier: MPL-2.0

//! The end of a stretch of sound: the last samples come out of the lanes before anything else goes out.

use gst::prelude::*;

use super::play::{play_to, push_sound};
use super::stream::AudioStream;
use crate::audio::{AlignedTrack, Source, Spec};
use crate::elements::switch::CAT;
use crate::elements::switch::deadline;
use crate::elements::switch::lanes::feed::flush;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, Stream, Streaming, VideoStream};

/// Sends out all that came in. Time begins anew with the next buffer, and no lane knows what was before.
pub fn end_sound(
    core: &Shared,
    control: &mut Control,
    stage: &mut AudioStream,
) -> Result<(), gst::FlowError> {
    if stage.is_new {
        return Ok(());
    }
    let end = stage.timeline.end();
    if stage.seam.position() < end {
        drain(core, control, stage)?;
        let floor = control.adapter.named().floor;
        if let Some(buffer) = play_to(core, stage, end, floor, None)? {
            push_sound(core, control, stage, buffer)?;
            control.totals.counts.frames_out += 1;
            control.publish(&core.published);
        }
    }
    core.lanes.change(|state| {
        for slot in state.iter_mut() {
            slot.hearing.end();
        }
    });
    stage.is_new = true;
    Ok(())
}

/// Gets the last samples out of the lane that sounds.
fn drain(core: &Shared, control: &Control, stage: &AudioStream) -> Result<(), gst::FlowError> {
    let Some(Source::Candidate(lane)) = stage.seam.target() else {
        return Ok(());
    };
    let policy = core.timing.late_policy(&core.settings.load(), &core.sink);
    let deadline = deadline::of_drain(policy, control.adapter.budget());
    core.lanes.wait_lane(lane, deadline, Lane::is_settled);
    let may_give = core.lanes.lock().is(lane, |it| it.hears() && it.is_settled());
    let Some(pads) = core.lanes.elements(lane).filter(|_| may_give) else {
        return Ok(());
    };
    pads.entry.push_event(gst::event::Eos::new());
    let is_drained = |it: &Lane| it.hearing.is_drained || !it.hears();
    if !core.lanes.wait_lane(lane, deadline, is_drained) {
        return Err(gst::FlowError::Flushing);
    }
    if core.lanes.lock().get(lane).is_none_or(is_drained) {
        // So that it can hear again, or be told of what comes.
        flush(core, &pads.entry);
    } else {
        gst::warning!(
            CAT,
            "Candidate {} does not give its last samples; the input's go out",
            pads.name
        );
        core.lanes.change(|state| {
            if let Some(slot) = state.get_mut(lane) {
                slot.needs_flush = true;
            }
        });
    }
    Ok(())
}

/// Ends the stretch before an event that it must not run into.
pub fn before_event(core: &Shared, streaming: &mut Streaming, event: &gst::Event) {
    let Streaming { control, stream } = streaming;
    let Stream::Audio(stage) = stream else { return };
    let ends = match event.view() {
        gst::EventView::Caps(caps) => core.sink.current_caps().is_none_or(|it| *it != *caps.caps()),
        gst::EventView::Segment(segment) => {
            let last = core.sink.sticky_event::<gst::event::Segment>(0);
            last.is_none_or(|it| it.segment() != segment.segment())
        }
        gst::EventView::StreamStart(_)
        | gst::EventView::Gap(_)
        | gst::EventView::SegmentDone(_)
        | gst::EventView::Eos(_) => true,
        _ => false,
    };
    if !ends {
        return;
    }
    if let Err(error) = end_sound(core, control, stage) {
        gst::debug!(CAT, "The last samples do not go out: {error}");
    }
}

/// Gets ready for a stream with these caps; `true` where it is audio.
pub fn enter(core: &Shared, stream: &mut Stream, caps: &gst::Caps) -> bool {
    let before = match stream {
        Stream::Audio(stage) if stage.caps == *caps => return true,
        Stream::Audio(stage) => Some(stage.spec.duration_of(stage.delay)),
        Stream::Video(_) => None,
    };
    let spec = Spec::from_caps(caps);
    match spec {
        Some(spec) => {
            let mut stage = AudioStream::new(spec, caps.clone());
            // What the pipeline was told stays true, so that it need not be told again.
            stage.delay = spec.samples_in(before.unwrap_or_default());
            *stream = Stream::Audio(Box::new(stage));
        }
        None if before.is_some() => *stream = Stream::Video(VideoStream::default()),
        None => {}
    }
    // Delays were counted in samples of the old rate.
    let mut lanes = core.lanes.lock();
    lanes.sound = None;
    for lane in lanes.iter_mut() {
        lane.hearing.end();
        lane.hearing.ear = AlignedTrack::default();
    }
    spec.is_some()
}

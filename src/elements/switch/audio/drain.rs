// SPDX-License-Identifier: MPL-2.0

//! The end of a stretch of audio: the last samples come out of the lanes before anything else goes out.

use gst::prelude::*;

use super::chain::{play, push};
use super::lane::is_settled;
use super::stream::AudioStream;
use crate::audio::{AlignedTrack, Source, Spec};
use crate::elements::switch::CAT;
use crate::elements::switch::deadline;
use crate::elements::switch::lanes::feed::flush;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, Stream, Streaming, VideoStream};

/// Sends out all that came in. Time begins anew with the next buffer, and no lane knows what was before.
pub fn end_stretch(
    core: &Shared,
    control: &mut Control,
    stream: &mut AudioStream,
) -> Result<(), gst::FlowError> {
    if stream.is_new {
        return Ok(());
    }
    let end = stream.timeline.end();
    if stream.crossfader.position() < end {
        drain(core, control, stream)?;
        let floor = control.adapter.named().floor;
        if let Some(buffer) = play(core, stream, end, floor, None)? {
            push(core, control, stream, buffer)?;
            control.totals.counts.frames_out += 1;
            control.publish(&core.published);
        }
    }
    core.lanes
        .change(|lanes| lanes.iter_mut().for_each(|it| it.audio.end()));
    stream.is_new = true;
    Ok(())
}

/// Gets the last samples out of the lane that sounds.
fn drain(core: &Shared, control: &Control, stream: &AudioStream) -> Result<(), gst::FlowError> {
    let Some(Source::Candidate(lane)) = stream.crossfader.target() else {
        return Ok(());
    };
    let policy = core.timing.late_policy(&core.settings.load(), &core.sink);
    let deadline = deadline::of_drain(policy, control.adapter.budget());
    core.lanes.wait_lane(lane, deadline, is_settled);
    let may_return = |it: &Lane| it.audio.hears() && is_settled(it);
    let may_return = core.lanes.lock().is(lane, may_return);
    let Some(pads) = core.lanes.elements(lane).filter(|_| may_return) else {
        return Ok(());
    };
    pads.entry.push_event(gst::event::Eos::new());
    let is_drained = |it: &Lane| it.audio.is_drained || !it.audio.hears();
    if !core.lanes.wait_lane(lane, deadline, is_drained) {
        return Err(gst::FlowError::Flushing);
    }
    if core.lanes.lock().get(lane).is_none_or(is_drained) {
        // So that it can hear again, or be told of what comes.
        flush(core, &pads.entry);
        return Ok(());
    }
    let name = &pads.name;
    gst::warning!(
        CAT,
        "Candidate {name} does not give its last samples; the input's go out"
    );
    if let Some(it) = core.lanes.lock().get_mut(lane) {
        it.needs_flush = true;
    }
    Ok(())
}

/// Ends the stretch before an event that it must not run into.
pub fn before_event(core: &Shared, streaming: &mut Streaming, event: &gst::Event) {
    let Streaming { control, stream } = streaming;
    let Stream::Audio(stream) = stream else { return };
    let (ends, has_other_time) = match event.view() {
        gst::EventView::Caps(caps) => {
            let is_other = core.sink.current_caps().is_none_or(|it| *it != *caps.caps());
            (is_other, false)
        }
        gst::EventView::Segment(segment) => {
            let last = core.sink.sticky_event::<gst::event::Segment>(0);
            let is_other = last.is_none_or(|it| it.segment() != segment.segment());
            (is_other, is_other)
        }
        gst::EventView::StreamStart(_) => (true, true),
        gst::EventView::Gap(_) | gst::EventView::SegmentDone(_) | gst::EventView::Eos(_) => (true, false),
        _ => (false, false),
    };
    if ends && let Err(error) = end_stretch(core, control, stream) {
        gst::debug!(CAT, "The last samples do not go out: {error}");
    }
    if has_other_time {
        stream.forget_time();
    }
}

/// Gets ready for a stream with these caps; `true` where it is audio.
pub fn enter(core: &Shared, stream: &mut Stream, caps: &gst::Caps) -> bool {
    let before = match stream {
        Stream::Audio(audio) if audio.caps == *caps => return true,
        Stream::Audio(audio) => Some(audio.spec.duration_of(audio.delay)),
        Stream::Video(_) => None,
    };
    let spec = Spec::from_caps(caps);
    match spec {
        Some(spec) => {
            let mut audio = AudioStream::new(spec, caps.clone());
            // What the pipeline was told stays true, so that it need not be told again.
            audio.delay = spec.samples_in(before.unwrap_or_default());
            *stream = Stream::Audio(Box::new(audio));
        }
        None if before.is_some() => *stream = Stream::Video(VideoStream::default()),
        None => {}
    }
    // Delays were counted in samples of the old rate.
    let mut lanes = core.lanes.lock();
    lanes.position = None;
    for lane in lanes.iter_mut() {
        lane.audio.end();
        lane.audio.track = AlignedTrack::default();
    }
    spec.is_some()
}

// SPDX-License-Identifier: MPL-2.0

//! What events mean for a stream of audio: some end a stretch before they go on, caps begin another stream.

use gst::prelude::*;

use super::chain::end_stretch;
use super::stream::AudioStream;
use crate::audio::{AlignedTrack, Spec};
use crate::elements::switch::CAT;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Stream, Streaming, VideoStream};

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

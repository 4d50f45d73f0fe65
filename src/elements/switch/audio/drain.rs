// SPDX-License-Identifier: MPL-2.0

//! The end of a stretch of sound: the last samples come out of the lanes before anything else goes out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::stream::AudioStream;
use crate::audio::{AlignedTrack, Source, Spec};
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::run::State;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::video::chain::PATIENCE;

impl Shared {
    /// Sends out all that came in. Time begins anew with the next buffer, and no lane knows what was before.
    pub(in crate::elements::switch) fn end_sound(
        self: &Arc<Self>,
        stream: &mut AudioStream,
    ) -> Result<(), gst::FlowError> {
        if stream.is_new {
            return Ok(());
        }
        let end = stream.timeline.end();
        if stream.crossfader.position() < end {
            self.drain(stream)?;
            let floor = self.policy_adapter.lock().floor_lane();
            if let Some(buffer) = self.play_to(stream, end, floor, None)? {
                self.push_sound(stream, buffer)?;
                self.totals.lock().frames_out += 1;
            }
        }
        self.board.change(|state| {
            for slot in &mut state.slots {
                slot.audio.end();
            }
        });
        stream.is_new = true;
        Ok(())
    }

    /// Gets the last samples out of the lane that sounds.
    fn drain(self: &Arc<Self>, stream: &AudioStream) -> Result<(), gst::FlowError> {
        let Some(Source::Candidate(lane)) = stream.crossfader.target() else {
            return Ok(());
        };
        let settings = self.settings();
        let patience = match self.late_policy(&settings) {
            LatePolicy::Wait => PATIENCE,
            _ => self.budget(),
        };
        let deadline = Instant::now() + patience;
        let is_settled = |state: &State| state.slots.get(lane).is_none_or(LaneStatus::is_settled);
        self.board.wait_until(deadline, is_settled);
        let may_give = {
            let state = self.board.lock();
            let slot = state.slots.get(lane);
            slot.is_some_and(|it| it.hears() && it.is_settled())
        };
        let Some(pads) = self.lane(lane).filter(|_| may_give) else {
            return Ok(());
        };
        pads.entry.push_event(gst::event::Eos::new());
        let is_drained = |state: &State| {
            let slot = state.slots.get(lane);
            slot.is_none_or(|it| it.audio.is_drained || !it.hears())
        };
        if !self.board.wait_until(deadline, is_drained) {
            return Err(gst::FlowError::Flushing);
        }
        if is_drained(&self.board.lock()) {
            // So that it can hear again, or be told of what comes.
            self.flush_lane(&pads.entry);
        } else {
            gst::warning!(
                CAT,
                "Candidate {} does not give its last samples; the input's go out",
                pads.name
            );
            self.board.change(|state| {
                if let Some(slot) = state.slots.get_mut(lane) {
                    slot.needs_flush = true;
                }
            });
        }
        Ok(())
    }

    /// Ends the stretch before an event that it must not run into.
    pub fn before_event(self: &Arc<Self>, event: &gst::Event) {
        let ends = match event.view() {
            gst::EventView::Caps(caps) => self.sink.current_caps().is_none_or(|it| *it != *caps.caps()),
            gst::EventView::Segment(segment) => {
                let last = self.sink.sticky_event::<gst::event::Segment>(0);
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
        let Some(mut stream) = self.stage.lock().take() else {
            return;
        };
        if let Err(error) = self.end_sound(&mut stream) {
            gst::debug!(CAT, "The last samples do not go out: {error}");
        }
        *self.stage.lock() = Some(stream);
    }

    /// Gets ready for a stream with these caps, of sound or not.
    pub fn enter(&self, caps: &gst::Caps) {
        let spec = Spec::from_caps(caps);
        let mut stream = self.stage.lock();
        if stream.as_ref().is_some_and(|it| it.caps == *caps) {
            return;
        }
        let delay = stream.as_ref().map(|it| it.spec.duration_of(it.delay));
        *stream = spec.map(|spec| {
            let mut stream = AudioStream::new(spec, caps.clone());
            // What the pipeline was told stays true, so that it need not be told again.
            stream.delay = spec.samples_in(delay.unwrap_or_default());
            Box::new(stream)
        });
        drop(stream);
        // Delays were counted in samples of the old rate.
        let mut state = self.board.lock();
        state.sound = None;
        for slot in &mut state.slots {
            slot.audio.end();
            slot.audio.track = AlignedTrack::default();
        }
    }

    /// What comes next is another stream.
    pub fn leave_sound(&self) {
        *self.stage.lock() = None;
        *self.sound_delay.lock() = Duration::ZERO;
        self.board.lock().sound = None;
    }

    /// A flush has taken what was on its way.
    pub fn sound_flushed(&self) {
        if let Some(stream) = self.stage.lock().as_mut() {
            stream.is_new = true;
        }
    }
}
